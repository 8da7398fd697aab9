"""Whether the fleet is watched: what is said of a time without, what the ping and /healthz tell, how often we ask."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr

from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.heartbeat import Heartbeat
from chatbot.alerting.lead import Lead
from chatbot.alerting.ping import PING_SECONDS, Ping
from chatbot.desk import Desk, NoMessenger
from chatbot.metrics import Metrics
from chatbot.recorder import Recorder
from chatbot.sandbox.fleet.front import Call
from chatbot.sandbox.slack.model import Message
from commands.coordinator.client import Coordinator
from config.settings import Alerts
from storage import alerts, outbox
from storage import gaps as stored_gaps
from storage.alerts import AlertRow
from storage.database import Database
from storage.journal import Journal
from tests.conversation import OPS, Conversation
from tests.crash.moments import locked
from tests.e2e.alerting import ALERTS, NO_MONITOR, STILL, at, card, change, looks, posted, until, watching

pytestmark = pytest.mark.long  # each waits for clocks, leases or processes that die

LONGEST = 21.0  # seconds without a good poll that are no gap, with a poll a second
UNWATCHED = "The fleet was unwatched from"


def gaps(talk: Conversation) -> list[tuple[datetime, datetime, str]]:
    """The times without a watch, as they are stored."""
    found = talk.rows("select begins, ends, why from gaps order by ends")
    return [
        (datetime.fromisoformat(begins), datetime.fromisoformat(ends), why) for begins, ends, why in found
    ]


async def health(talk: Conversation) -> dict[str, Any]:
    """What /healthz says."""
    found: dict[str, Any] = (await talk.bot.get("/healthz")).json()
    return found


async def flawed(talk: Conversation, *flaws: str) -> dict[str, Any]:
    """What /healthz says, once it names just these flaws."""
    async with asyncio.timeout(60):
        while True:
            found = await health(talk)
            if found["flaws"] == list(flaws):
                assert found["watchful"] == (not flaws)
                return found
            await asyncio.sleep(0.1)


async def the_gap(talk: Conversation, *words: str) -> Message:
    """The one message about the one gap."""
    shown = await card(talk, UNWATCHED, *words)
    assert len(posted(talk, UNWATCHED)) == 1
    assert len(gaps(talk)) == 1
    return shown


# -- times without a watch ---------------------------------------------------------------------------------------


@pytest.mark.long
async def test_a_coordinator_that_cannot_be_read_is_told_and_what_was_missed_as_well(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        before = datetime.now(UTC)
        talk.fleet.faults.set("unreachable")
        shown = await card(talk, "🟠 HIGH: The coordinator cannot be reached")
        bad = await flawed(talk, "the coordinator was not read lately")
        assert bad["fleet_seen_seconds"] > LONGEST
        assert posted(talk, UNWATCHED) == []  # only who is back can say how long it was
        talk.fleet.faults.clear()
        await the_gap(talk, "the coordinator could not be read")
        after = datetime.now(UTC)
        [(begins, ends, _)] = gaps(talk)
        assert abs((begins - before).total_seconds()) < 3
        assert 0 < (after - ends).total_seconds() < 10
        await until(talk, lambda: "RESOLVED" in talk.slack.messages(ALERTS)[0].text)
        assert shown.ts == talk.slack.messages(ALERTS)[0].ts
        assert (await flawed(talk))["fleet_seen_seconds"] < LONGEST
        assert ("chatbot", "fleet was unwatched", "fleet") in talk.events()


@pytest.mark.long
async def test_a_process_that_slept_says_so_first_thing_after_waking(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        assert talk.bot.process is not None
        talk.bot.process.send_signal(signal.SIGSTOP)
        slept = datetime.now(UTC)
        await asyncio.sleep(LONGEST + 3)
        talk.bot.process.send_signal(signal.SIGCONT)
        woke = datetime.now(UTC)
        await the_gap(talk, "this process slept")
        [(begins, ends, _)] = gaps(talk)
        assert abs((begins - slept).total_seconds()) < 3
        assert abs((ends - woke).total_seconds()) < 5
        first = next(each for each in talk.slack.workspace.all_messages if float(each.ts) > woke.timestamp())
        assert UNWATCHED in first.words
        await flawed(talk)


async def test_a_bot_that_was_down_says_so_and_a_short_restart_says_nothing(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        await talk.bot.dies()
        await talk.bot.start()
        assert await talk.bot.stops() == 0
        await talk.bot.start()
        await looks(talk, "/status", server="coordinator")
        assert gaps(talk) == []
        assert posted(talk, UNWATCHED) == []

        await talk.bot.dies()
        change(talk, "update marks set at = ? where name = 'watched'", at(minutes=-42))
        await talk.bot.start()
        shown = await the_gap(talk, "42 min", "this bot was not running", "look at /status now")
        [(begins, ends, _)] = gaps(talk)
        assert abs((ends - begins) - timedelta(minutes=42)) < timedelta(seconds=30)
        await talk.bot.dies()
        await talk.bot.start()
        await looks(talk, "/status", server="coordinator")
        assert posted(talk, UNWATCHED) == [shown]


async def test_a_clock_that_was_set_back_while_nobody_ran_hides_no_later_gap(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        await talk.bot.dies()
        change(talk, "update marks set at = ? where name = 'watched'", at(minutes=50))
        await talk.bot.start()
        await looks(talk, "/status", server="coordinator")
        assert gaps(talk) == []
        assert 0 <= (await flawed(talk))["fleet_seen_seconds"] < LONGEST


@pytest.mark.long
async def test_a_kill_that_is_watched_for_long_is_no_time_without_a_watch(tmp_path: Path) -> None:
    async with watching(tmp_path, **NO_MONITOR, CHATBOT_KILL__WATCH_SECONDS=str(LONGEST + 5)) as talk:
        await looks(talk, "/status", server="coordinator")
        await talk.admin.types("/kill and watch")
        async with asyncio.timeout(90):
            while talk.rows("select state from actions") != [("verified",)]:
                found = await health(talk)
                assert found["watchful"], found["flaws"]
                await asyncio.sleep(0.5)
        await looks(talk, "/status", server="coordinator")
        assert gaps(talk) == []
        assert posted(talk, UNWATCHED) == []


# -- the ping ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def asked_for() -> AsyncIterator[tuple[str, list[float]]]:
    """An address on loopback, and when it was asked for."""
    times: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/ping/the-secret", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/ping/the-secret", times
    finally:
        await runner.cleanup()


@pytest.mark.long
async def test_the_address_is_asked_for_while_the_fleet_is_watched_and_not_while_it_is_not(
    tmp_path: Path,
) -> None:
    async with (
        asked_for() as (url, times),
        watching(tmp_path, fleet=STILL, CHATBOT_ALERTS__PING_URL=url) as talk,
    ):
        await talk.slack.wait_for(lambda: times, PING_SECONDS + 30)
        talk.fleet.faults.set("unreachable")
        await flawed(talk, "the coordinator was not read lately")
        await talk.slack.wait_for(lambda: "not pinging" in talk.bot.words(), PING_SECONDS + 30)
        assert len(times) == 1
        assert "the-secret" not in talk.bot.words()


NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
URL = "https://watcher.test/ping/the-secret"


@dataclass
class Watcher:
    """A ping on a real database, with the time that a test sets, and what reached the address."""

    database: Database
    ping: Ping
    heartbeat: Heartbeat
    asked: list[httpx.Request]
    file: Path
    at: datetime = NOW
    kernel: float = 0.0
    answers: int = 200

    async def asks(self) -> bool:
        """One tick: True when the address was asked for."""
        before = len(self.asked)
        await self.ping.look()
        return len(self.asked) > before


@pytest.fixture
async def watcher(tmp_path: Path) -> AsyncIterator[Watcher]:
    database = Database(f"sqlite:///{tmp_path / 'chatbot.db'}")
    await database.prepare()
    made: Watcher
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(made.answers)

    def present() -> datetime:
        return made.at

    coordinator = Coordinator(url="http://127.0.0.1:1")
    desk = AlertDesk.of(
        Desk(
            coordinator=coordinator,
            recorder=Recorder(database=database, journal=Journal(tmp_path / "journal"), limit=1, now=present),
            database=database,
            sender=NoMessenger(),
            metrics=Metrics(),
            now=present,
            clock=time.monotonic,
            bots=("ndax",),
            ops=OPS,
            coordinator_url="http://127.0.0.1:1",
            contacts=(),
            warn_seconds=(3.0,),
            watch_seconds=0,
        ),
        Alerts(ping_url=SecretStr(URL)),
        ALERTS,
    )
    heartbeat = Heartbeat(desk=desk, poll_seconds=10, kernel=lambda: made.kernel)
    lead = Lead(database=database, owner="serve:here:1", now=present)
    ping = Ping(
        desk=desk, heartbeat=heartbeat, monitor=None, lead=lead, transport=httpx.MockTransport(answer)
    )
    file = tmp_path / "chatbot.db"
    made = Watcher(database=database, ping=ping, heartbeat=heartbeat, asked=asked, file=file)
    await heartbeat.good_poll(NOW)
    yield made
    await coordinator.close()
    await database.close()


async def test_the_ping_is_sent_while_all_is_well_whatever_it_is_answered(watcher: Watcher) -> None:
    assert await watcher.asks()
    assert str(watcher.asked[0].url) == URL
    for watcher.answers in (500, 302):  # told in the log, and no reason to fall silent
        assert await watcher.asks()
    assert len(watcher.asked) == 3  # and no redirect was followed


async def late_poll(watcher: Watcher) -> None:
    watcher.at += timedelta(seconds=31)  # three polls of ten seconds


async def late_outbox(watcher: Watcher) -> None:
    early = NOW - timedelta(seconds=121)
    await watcher.database.write(
        lambda conn: outbox.owe(conn, key="alert/1/1", channel=ALERTS, payload={"text": "?"}, now=early)
    )


async def late_decision(watcher: Watcher) -> None:
    row = replace(ROW, due_at=NOW - timedelta(seconds=121))
    await watcher.database.write(lambda conn: alerts.insert(conn, row))


async def no_next_step(watcher: Watcher) -> None:
    row = replace(ROW, severity="critical", told="card")
    await watcher.database.write(lambda conn: alerts.insert(conn, row))


async def no_database(watcher: Watcher) -> None:
    await watcher.database.close()


ROW = AlertRow(
    fingerprint="0123456789abcdef",
    source="alertmanager",
    kind="margin",
    group_key="alertmanager/margin",
    bot=None,
    message="margin",
    severity="warning",
    firing=True,
    began_at=NOW,
    last_at=NOW,
)


@pytest.mark.parametrize(
    ("breaks", "flaw"),
    [
        (late_poll, "the coordinator was not read lately"),
        (late_outbox, "messages to Slack are late"),
        (late_decision, "decisions on alerts are late"),
        (no_next_step, "decisions on alerts are late"),
        (no_database, "the database does not answer"),
    ],
)
async def test_the_ping_falls_silent_when_alerts_would_not_reach_people(
    watcher: Watcher, breaks: Callable[[Watcher], Awaitable[None]], flaw: str
) -> None:
    assert await watcher.asks()
    await breaks(watcher)
    assert not await watcher.asks()
    assert (await watcher.ping.watchfulness()).flaws == (flaw,)


# -- the clock and the heartbeat ---------------------------------------------------------------------------------


async def gaps_of(watcher: Watcher) -> list[tuple[datetime, datetime]]:
    """The times without a watch."""
    found = await watcher.database.read(lambda conn: stored_gaps.since(conn, NOW - timedelta(days=9)))
    return [(each.begins, each.ends) for each in found]


async def polled(watcher: Watcher, *, kernel: float, wall: float | None = None) -> None:
    """A good poll after so many seconds of the kernel's clock, and of the wall's where that was set meanwhile."""
    watcher.kernel += kernel
    watcher.at += timedelta(seconds=kernel if wall is None else wall)
    await watcher.heartbeat.good_poll(watcher.at)


@pytest.mark.parametrize("set_by", [3600.0, -3600.0, 86_400.0, -86_400.0])
async def test_a_clock_that_is_set_makes_no_gap_and_hides_none(watcher: Watcher, set_by: float) -> None:
    await polled(watcher, kernel=10, wall=10 + set_by)
    assert await gaps_of(watcher) == []
    for _ in range(3):
        await polled(watcher, kernel=10)
    assert await gaps_of(watcher) == []
    await polled(watcher, kernel=600, wall=600 - set_by)
    [(begins, ends)] = await gaps_of(watcher)
    assert (ends - begins, ends) == (timedelta(seconds=600), watcher.at)


async def test_a_machine_that_slept_makes_a_gap_as_long_as_it_slept(watcher: Watcher) -> None:
    await polled(watcher, kernel=30)
    assert await gaps_of(watcher) == []
    await polled(watcher, kernel=31)
    assert await gaps_of(watcher) == [(NOW + timedelta(seconds=30), NOW + timedelta(seconds=61))]


async def test_a_read_that_was_awaited_when_the_process_fell_asleep_is_not_what_made_the_gap(
    watcher: Watcher,
) -> None:
    await polled(watcher, kernel=10)
    await watcher.heartbeat.look()
    watcher.kernel, watcher.at = watcher.kernel + 60, watcher.at + timedelta(seconds=60)
    watcher.heartbeat.failed("no answer within 5 s")  # it was sent before, and its time ran out meanwhile
    await polled(watcher, kernel=1)
    [gap] = await watcher.database.read(lambda conn: stored_gaps.since(conn, NOW))
    assert gap.why == "this process slept"


async def test_a_coordinator_that_cannot_be_read_is_what_made_the_gap_while_ticks_come(
    watcher: Watcher,
) -> None:
    await polled(watcher, kernel=10)
    for _ in range(12):
        watcher.kernel, watcher.at = watcher.kernel + 5, watcher.at + timedelta(seconds=5)
        watcher.heartbeat.failed("no answer within 5 s")
        await watcher.heartbeat.look()
    await polled(watcher, kernel=1)
    [gap] = await watcher.database.read(lambda conn: stored_gaps.since(conn, NOW))
    assert gap.why == "the coordinator could not be read (no answer within 5 s)"


async def test_what_the_database_did_not_take_is_noted_by_the_next_poll(watcher: Watcher) -> None:
    with locked(watcher.file), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):  # the clock was set, and that cannot be written down
            await polled(watcher, kernel=10, wall=3610)
    await polled(watcher, kernel=10)
    assert await gaps_of(watcher) == []
    with locked(watcher.file), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await polled(watcher, kernel=600)
    await polled(watcher, kernel=10)
    [(begins, ends)] = await gaps_of(watcher)
    assert timedelta(seconds=600) <= ends - begins <= timedelta(seconds=610)


# -- how often we ask --------------------------------------------------------------------------------------------


def beyond(calls: Sequence[Call]) -> list[float]:
    """When a call came although sixty had come within the minute before it, in monotonic seconds."""
    times = [call.monotonic for call in calls]
    minute = 60 - 0.5  # it is counted where it is sent, and seen here when it arrives
    return [each for number, each in enumerate(times) if number >= 60 and times[number - 60] > each - minute]


@pytest.mark.long
async def test_with_a_poll_a_second_no_endpoint_sees_more_than_its_limit(tmp_path: Path) -> None:
    async with watching(tmp_path) as talk:
        began, asked = len(talk.fleet.calls), [time.monotonic()]
        while time.monotonic() - asked[0] < 80:
            asked.append(time.monotonic())
            await talk.admin.types("/status")  # reads the same endpoints, so that less is left to the polls
            await asyncio.sleep(2.5)
        calls = talk.fleet.calls[began:]
        counted = Counter((call.server, call.path) for call in calls)
        for server, path in counted:
            # A person's question is answered whatever was counted; no poll may come on top.
            late = beyond([call for call in calls if (call.server, call.path) == (server, path)])
            assert [each for each in late if not any(0 <= each - typed < 1 for typed in asked)] == [], (
                server,
                path,
            )
        assert counted["monitor", "/alerts"] > 70, counted  # so that the limit was reached
        for polled_path in (("coordinator", "/status"), ("monitor", "/metrics")):
            assert counted[polled_path] > 40, counted  # and they are polled all the same


async def test_nobody_polls_while_a_kill_is_not_confirmed(tmp_path: Path) -> None:
    async with watching(tmp_path, CHATBOT_KILL__WARN_SECONDS="[1, 20, 30]") as talk:
        await looks(talk)
        talk.fleet.faults.set("ignores_stop", bot="quantum")
        said = await talk.admin.types("/kill that is not obeyed")
        assert said.error is None
        await talk.admin.sees("NOT CONFIRMED", "quantum")
        began = len(talk.fleet.calls)
        await asyncio.sleep(6)  # six polls of each, by the settings
        while_unconfirmed = talk.fleet.calls[began:]
        assert {call.path for call in while_unconfirmed if call.server == "monitor"} <= {"/logs"}
        counted = Counter(call.path for call in while_unconfirmed)
        # The kill's own: one a second, and one more after each time that it was sent again.
        assert counted["/status"] <= 8 + counted["/kill-switch"], counted
        talk.fleet.faults.clear()
        await talk.admin.sees("verified", "that is not obeyed")
        await looks(talk)
        await looks(talk, "/status", server="coordinator")
