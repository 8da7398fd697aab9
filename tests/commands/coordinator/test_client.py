"""Every call of the coordinator, and who waits for whom."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from commands.coordinator.client import Coordinator
from commands.coordinator.errors import CoordinatorError, RateLimited, Refused, Uncertain, Unreachable
from commands.coordinator.profile import COORDINATOR

STATUS = {"kill_switch_active": False, "bots": {"ndax": "running"}}
START = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


class Back:
    """A transport: notes each request and answers it; a gate makes it wait first."""

    def __init__(self):
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []  # the next ones; then STATUS with success
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = (
            self.answers.pop(0) if self.answers else httpx.Response(200, json={"success": True, **STATUS})
        )
        await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def last(self) -> tuple[str, str, object]:
        request = self.requests[-1]
        return request.method, request.url.path, json.loads(request.content or b"null")


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def general() -> Back:
    return Back()


@pytest.fixture
def stops() -> Back:
    return Back()


@pytest.fixture
def calls() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def coordinator(general, stops, clock, calls):
    made = Coordinator(
        url="http://coordinator:8000",
        token="s3cret",
        transport=httpx.MockTransport(general),
        kill_transport=httpx.MockTransport(stops),
        clock=clock.monotonic,
        now=clock.now,
        on_call=lambda call, outcome, seconds: calls.append((call, outcome)),
    )
    yield made
    await made.close()


async def turns() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


KILL = "/kill-switch"
STOPS = [
    (lambda c: c.activate_kill("r"), "activate_kill", KILL, {"action": "activate", "reason": "r"}),
    (
        lambda c: c.activate_kill("r", approved_by="U2"),
        "activate_kill",
        KILL,
        {"action": "activate", "reason": "r", "approved_by": "U2"},
    ),
    (lambda c: c.stop("ndax"), "stop", "/stop", {"bot": "ndax"}),
    (lambda c: c.stop("all", reason="r"), "stop", "/stop", {"bot": "all", "reason": "r"}),
    (lambda c: c.pause("ndax"), "pause", "/pause", {"bot": "ndax"}),
    (lambda c: c.stop_all(), "stop_all", "/stop-all", {}),
    (lambda c: c.stop_all(reason="r"), "stop_all", "/stop-all", {"reason": "r"}),
]
OTHERS = [
    (
        lambda c: c.kill_switch("deactivate", "r"),
        "deactivate",
        KILL,
        {"action": "deactivate", "reason": "r"},
    ),
    (
        lambda c: c.kill_switch("force_override", "r", approved_by="U2"),
        "force_override",
        KILL,
        {"action": "force_override", "reason": "r", "approved_by": "U2"},
    ),
    (lambda c: c.start("ndax"), "start", "/start", {"bot": "ndax"}),
    (lambda c: c.start("ndax", safe_mode=False), "start", "/start", {"bot": "ndax", "safe_mode": False}),
    (lambda c: c.resume("ndax"), "resume", "/resume", {"bot": "ndax"}),
    (lambda c: c.recover("ndax"), "recover", "/recovery", {"bot": "ndax"}),
    (lambda c: c.recover("ndax", force=True), "recover", "/recovery", {"bot": "ndax", "force": True}),
    (lambda c: c.start_sequential(), "start_sequential", "/start-sequential", {}),
]


@pytest.mark.parametrize("example", STOPS, ids=lambda example: example[1])
async def test_stops_go_over_their_own_connections(coordinator, general, stops, calls, example):
    do, name, path, body = example
    assert (await do(coordinator)).success is True
    assert stops.last == ("POST", path, body)
    assert stops.requests[0].headers["authorization"] == "Bearer s3cret"
    assert not general.requests
    assert calls == [(name, "ok")]


@pytest.mark.parametrize("example", OTHERS, ids=lambda example: example[1])
async def test_everything_else_shares_the_general_ones(coordinator, general, stops, calls, example):
    do, name, path, body = example
    assert (await do(coordinator)).success is True
    assert general.last == ("POST", path, body)
    assert not stops.requests
    assert calls == [(name, "ok")]


async def test_what_the_profile_cannot_is_refused_with_nothing_sent(general):
    profile = replace(COORDINATOR, name="direct", kill_actions=frozenset({"activate"}))
    client = Coordinator(url="http://x", transport=httpx.MockTransport(general), profile=profile)
    with pytest.raises(Refused, match="knows no force_override, so nothing was sent"):
        await client.kill_switch("force_override", "r")
    assert not general.requests
    await client.close()


async def test_a_hundred_people_ask_and_the_coordinator_is_asked_once(coordinator, general):
    results = await asyncio.gather(*(coordinator.status() for _ in range(100)))
    assert len(general.requests) == 1
    assert all(each is results[0] for each in results)
    await coordinator.status()
    assert len(general.requests) == 2


async def test_health_is_shared_as_well(coordinator, general):
    general.answers.append(httpx.Response(200, json={"status": "healthy", "uptime": 3, "version": "1"}))
    results = await asyncio.gather(*(coordinator.health() for _ in range(10)))
    assert len(general.requests) == 1
    assert (results[0].status, results[0].uptime, results[0].version) == ("healthy", 3, "1")


async def test_a_young_status_is_used_again_and_dated_from_when_the_read_began(coordinator, general, clock):
    general.gate.clear()
    reading = asyncio.create_task(coordinator.status())
    await turns()
    clock.seconds = 2.0
    general.gate.set()
    first = await reading
    assert first.observed_at == START
    clock.seconds = 5.0
    assert await coordinator.status(max_age=5.0) is first
    clock.seconds = 5.1
    assert await coordinator.status(max_age=5.0) is not first


async def test_a_read_back_begins_after_the_call_and_is_shared_with_nobody(coordinator, general, stops):
    general.gate.clear()
    older = asyncio.create_task(coordinator.status())
    await turns()
    assert await coordinator.read_back() is not await coordinator.read_back()
    assert [request.url.path for request in stops.requests] == ["/status", "/status"]
    general.gate.set()
    await older


@pytest.mark.parametrize("failing", [False, True])
async def test_after_a_write_nobody_gets_what_was_read_before_it(coordinator, general, stops, failing):
    before = await coordinator.status()
    if failing:
        stops.answers.append(httpx.ReadTimeout("late"))
    with_error = asyncio.gather(coordinator.stop("ndax"), return_exceptions=True)
    assert isinstance((await with_error)[0], Uncertain) is failing
    assert await coordinator.status(max_age=60) is not before


async def test_background_reads_wait_while_a_kill_has_priority(coordinator, general):
    with coordinator.priority():
        with coordinator.priority():
            poll = asyncio.create_task(coordinator.status(background=True))
            await turns()
        await turns()
        assert not general.requests  # one of the two kills is still going on
        await coordinator.status()
        assert len(general.requests) == 1  # a person who asks is not held up
        await coordinator.activate_kill("drill")
    await poll
    assert len(general.requests) == 2


async def test_a_background_read_that_costs_no_request_does_not_wait(coordinator, general):
    status = await coordinator.status()
    with coordinator.priority():
        assert await coordinator.status(max_age=5, background=True) is status
    assert len(general.requests) == 1


async def test_priority_ends_when_the_kill_fails(coordinator):
    with pytest.raises(Unreachable), coordinator.priority():
        raise Unreachable("down")
    await coordinator.status(background=True)


async def test_background_reads_keep_to_sixty_a_minute_and_people_do_not(coordinator, general, stops, clock):
    for _ in range(60):
        await coordinator.status(background=True)
    poll = asyncio.create_task(coordinator.status(background=True))
    await turns()
    assert len(general.requests) == 60
    await coordinator.status()
    await coordinator.health()
    assert len(general.requests) == 62
    assert not poll.done()
    poll.cancel()
    clock.seconds = 60.0
    await coordinator.status(background=True)
    assert len(general.requests) == 63


async def test_stops_and_their_read_backs_take_nothing_from_the_pollers(coordinator, general, stops):
    for _ in range(700):
        await coordinator.read_back()
    await coordinator.status(background=True)
    assert (len(stops.requests), len(general.requests)) == (700, 1)


async def test_a_429_keeps_the_pollers_away_for_as_long_as_it_says(coordinator, general, stops, clock):
    general.answers.append(httpx.Response(429, headers={"retry-after": "30"}))
    with pytest.raises(RateLimited) as caught:
        await coordinator.status(background=True)
    assert caught.value.retry_after == 30
    poll = asyncio.create_task(coordinator.status(background=True))
    await turns()
    assert len(general.requests) == 1
    await coordinator.status()  # a person may try
    stops.answers.append(httpx.Response(429, json={"retryAfter": 60}))
    with pytest.raises(RateLimited):
        await coordinator.activate_kill("drill")
    assert (await coordinator.activate_kill("drill")).success is True
    poll.cancel()
    clock.seconds = 30.0
    await coordinator.status(background=True)


async def test_a_poll_that_was_held_goes_when_the_time_is_over(general):
    client = Coordinator(url="http://x", transport=httpx.MockTransport(general))
    general.answers.append(httpx.Response(429, json={"retry_after": 0.05}))
    with pytest.raises(RateLimited):
        await client.status(background=True)
    await client.status(background=True)
    assert len(general.requests) == 2
    await client.close()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json=STATUS), "ok"),
        (httpx.ConnectError("refused"), "unreachable"),
        (httpx.ConnectTimeout("late"), "unreachable"),
        (httpx.PoolTimeout("full"), "unreachable"),
        (httpx.ReadTimeout("late"), "uncertain"),
        (httpx.WriteError("reset"), "uncertain"),
        (OSError("odd"), "uncertain"),
        (httpx.Response(503), "uncertain"),
        (httpx.Response(429), "rate_limited"),
        (httpx.Response(400, json={"error": "no"}), "refused"),
        (httpx.Response(200, text="ok"), "unintelligible"),
    ],
)
async def test_every_call_is_told_with_its_outcome(coordinator, stops, calls, answer, outcome):
    stops.answers.append(answer)
    [result] = await asyncio.gather(coordinator.activate_kill("drill"), return_exceptions=True)
    assert calls == [("activate_kill", outcome)]
    assert isinstance(result, CoordinatorError) is (outcome != "ok")
    assert len(stops.requests) == 1  # one attempt: whoever calls decides about the next


async def test_a_call_that_is_cancelled_is_told_as_such(coordinator, stops, calls):
    stops.gate.clear()
    kill = asyncio.create_task(coordinator.activate_kill("drill"))
    await turns()
    kill.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kill
    assert calls == [("activate_kill", "cancelled")]


async def test_closing_ends_a_shared_read_with_an_error_for_those_who_wait(coordinator, general):
    general.gate.clear()
    reading = asyncio.create_task(coordinator.status())
    await turns()
    await coordinator.close()
    with pytest.raises(Unreachable):
        await reading
