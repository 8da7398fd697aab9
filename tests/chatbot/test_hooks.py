"""The doors for other programs: nothing unsigned is parsed, nothing is accepted that is not stored."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.types import Message

from chatbot import bodies
from chatbot.hooks import MAX_BODY, MOST_AT_ONCE, Hooks
from chatbot.metrics import Metrics
from chatbot.web import application
from commands.alerting.model import Severity, Signal, Source
from storage.errors import LOCKED, StorageError

SECRET = "the secret of the coordinator's door"
TOKEN = "the-token-of-alertmanager's-door"
NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
JSON = "application/json"
COORDINATOR = "/hooks/coordinator"
ALERTMANAGER = "/hooks/alertmanager"

CRASH = json.dumps({"event": "bot_crashed", "bot": "ndax", "timestamp": "2026-11-24T03:11:58Z"}).encode()
STARTED = json.dumps({"event": "bot_started", "bot": "ndax", "timestamp": "2026-11-24T03:11:59Z"}).encode()
ALERT = {
    "status": "firing",
    "labels": {"alertname": "HighLatency", "severity": "page"},
    "annotations": {"summary": "p99 is 1.2 s"},
    "startsAt": "2026-11-24T03:05:00Z",
    "fingerprint": "1a30ba71cca2921f",
}


class Door:
    """The web application with both doors, and what came through them."""

    def __init__(self, *, secret: str | None = SECRET, token: str | None = TOKEN) -> None:
        self.taken: list[tuple[tuple[Signal, ...], str | None]] = []
        self.refused: list[str] = []
        self.fails: Exception | None = None
        self.held: asyncio.Event | None = None
        self.inside: asyncio.Queue[None] = asyncio.Queue()
        self._keys: set[str] = set()
        hooks = Hooks(
            coordinator_secret=secret,
            alertmanager_token=token,
            take=self._take,
            refused=self.refused.append,
            now=lambda: NOW,
        )
        app = application(health=_health, metrics=Metrics(), guard=None, hooks=hooks)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot")

    async def _take(self, signals: tuple[Signal, ...], once: str | None) -> bool:
        self.inside.put_nowait(None)
        if self.held is not None:
            await self.held.wait()
        if self.fails is not None:
            raise self.fails
        if once in self._keys:
            return False
        self.taken.append((signals, once))
        if once is not None:
            self._keys.add(once)
        return True

    async def knock(self, path: str, body: Any, **headers: str | None) -> httpx.Response:
        """POST with the right authentication, but for the headers given; None leaves one out."""
        right = {"content-type": JSON}
        if path == ALERTMANAGER:
            right["authorization"] = f"Bearer {TOKEN}"
        elif isinstance(body, bytes):
            right["x-signature"] = signature(body)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value.encode("latin-1") for name, value in (right | given).items() if value is not None}
        return await self.client.post(path, content=body, headers=sent)


async def _health() -> Mapping[str, Any]:
    return {"alive": True, "ready": True}


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def message(*alerts: Any, **fields: Any) -> bytes:
    return json.dumps({"version": "4", "alerts": alerts, **fields}).encode()


MESSAGE = message(ALERT, ALERT | {"status": "resolved", "fingerprint": "0"})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    found = Door()
    async with found.client:
        yield found


def refusal(answer: httpx.Response, status: int) -> str:
    """The sentence of a refusal, which is JSON and tells no secret."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == JSON
    assert set(answer.json()) == {"error"}
    assert SECRET not in answer.text
    assert TOKEN not in answer.text
    assert len(answer.text) < 250
    reason = answer.json()["error"]
    assert isinstance(reason, str)
    return reason


# -- what is taken -----------------------------------------------------------------------------------------------


async def test_a_signed_event_is_taken_once_under_the_hash_of_its_bytes(door: Door) -> None:
    answer = await door.knock(COORDINATOR, CRASH)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    (((signal,), once),) = door.taken
    assert (signal.source, signal.kind, signal.bot) == (Source.COORDINATOR, "event_bot_crashed", "ndax")
    assert once == f"hook/coordinator/{hashlib.sha256(CRASH).hexdigest()}"
    assert door.refused == []


async def test_an_event_that_ends_alerts_is_one_event(door: Door) -> None:
    answer = await door.knock(COORDINATOR, STARTED)
    assert answer.json() == {"accepted": 1}
    kinds = {signal.kind for signal in door.taken[0][0] if not signal.firing}
    assert {"event_bot_crashed", "event_bot_stopped"} < kinds


async def test_a_signature_in_capitals_and_a_type_with_a_charset_are_taken(door: Door) -> None:
    capitals = "sha256=" + signature(CRASH).removeprefix("sha256=").upper()
    answer = await door.knock(
        COORDINATOR, CRASH, x_signature=capitals, content_type="Application/JSON; charset=utf-8"
    )
    assert answer.status_code == 202


async def test_a_replay_is_a_duplicate_and_other_bytes_are_not(door: Door) -> None:
    answers = [await door.knock(COORDINATOR, body) for body in (CRASH, CRASH, CRASH + b" ")]
    assert [(each.status_code, each.json()) for each in answers] == [
        (202, {"accepted": 1}),
        (202, {"accepted": 0, "duplicate": True}),
        (202, {"accepted": 1}),
    ]
    assert len(door.taken) == 2


async def test_alertmanager_says_the_same_again_and_is_taken_again(door: Door) -> None:
    for _ in range(2):
        answer = await door.knock(ALERTMANAGER, MESSAGE)
        assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    assert [once for _, once in door.taken] == [None, None]
    first, second = door.taken[0][0]
    assert (first.kind, first.severity, first.firing) == ("HighLatency", Severity.CRITICAL, True)
    assert not second.firing


async def test_a_message_without_alerts_asks_nothing_of_the_database(door: Door) -> None:
    door.fails = StorageError(LOCKED)
    answer = await door.knock(ALERTMANAGER, message())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0})


async def test_a_full_message_is_taken_whole(door: Door) -> None:
    answer = await door.knock(ALERTMANAGER, message(*[ALERT] * 4_000))
    assert answer.json() == {"accepted": 4_000}


@pytest.mark.parametrize(("path", "body"), [(COORDINATOR, CRASH), (ALERTMANAGER, MESSAGE)])
async def test_202_is_answered_only_after_the_commit(door: Door, path: str, body: bytes) -> None:
    door.held = asyncio.Event()
    asking = asyncio.create_task(door.knock(path, body))
    await door.inside.get()
    await asyncio.sleep(0.02)
    assert not asking.done()
    door.held.set()
    assert (await asking).status_code == 202


# -- whose it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "sha256=",
        "sha256=00",
        "sha256=" + "0" * 64,
        "sha256=" + "\xe9" * 64,
        signature(CRASH).removeprefix("sha256="),
        signature(CRASH).replace("sha256", "sha1"),
        signature(CRASH) + "0",
        signature(CRASH, secret="another secret, as long"),
        signature(CRASH, secret=""),
        signature(STARTED),
    ],
)
async def test_an_event_that_is_not_signed_by_us_is_401(door: Door, given: str | None) -> None:
    answer = await door.knock(COORDINATOR, CRASH, x_signature=given)
    assert "X-Signature" in refusal(answer, 401)
    assert (door.taken, door.refused) == ([], ["hook: not authenticated"])


async def test_a_tampered_body_is_401_and_never_parsed(door: Door) -> None:
    for tampered in (CRASH.replace(b"ndax", b"quan"), CRASH + b"\n", CRASH[:-1], b"", b"{", b"\xff"):
        answer = await door.knock(
            COORDINATOR, tampered, x_signature=signature(CRASH), content_type="text/odd"
        )
        refusal(answer, 401)
    assert door.taken == []


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        "Bearer \xe9",
    ],
)
async def test_a_message_without_the_token_is_401_before_its_body_is_waited_for(
    door: Door, given: str | None
) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{"

    answer = await door.client.post(
        ALERTMANAGER,
        content=body(),
        headers={} if given is None else {"authorization": given.encode("latin-1")},
    )
    assert "Authorization" in refusal(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (read, door.taken, door.refused) == (False, [], ["hook: not authenticated"])


async def test_an_event_without_the_shape_of_a_signature_is_401_before_its_body_is_waited_for(
    door: Door,
) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{"

    refusal(await door.knock(COORDINATOR, body()), 401)
    assert not read


async def test_the_word_bearer_may_be_in_any_case_and_the_token_of_any_script() -> None:
    door = Door(token="schlüssel-für-die-tür")
    async with door.client:
        raw = "bEARER schlüssel-für-die-tür".encode()
        answer = await door.client.post(
            ALERTMANAGER, content=message(), headers={"authorization": raw, "content-type": JSON}
        )
    assert answer.status_code == 202


@pytest.mark.parametrize("empty", [None, ""])
async def test_a_door_without_a_secret_is_shut_and_says_how_to_open_it(empty: str | None) -> None:
    door = Door(secret=empty, token=empty)
    async with door.client:
        event = await door.knock(COORDINATOR, CRASH, x_signature=signature(CRASH, secret=""))
        said = await door.knock(ALERTMANAGER, MESSAGE, authorization="Bearer ")
    assert "CHATBOT_HOOKS__COORDINATOR_SECRET" in refusal(event, 404)
    assert "CHATBOT_HOOKS__ALERTMANAGER_TOKEN" in refusal(said, 404)
    assert door.taken == []
    assert door.refused == ["hook: shut", "hook: shut"]


async def test_one_door_may_be_open_while_the_other_is_shut() -> None:
    door = Door(secret=None)
    async with door.client:
        assert (await door.knock(COORDINATOR, CRASH)).status_code == 404
        assert (await door.knock(ALERTMANAGER, MESSAGE)).status_code == 202


async def test_without_doors_there_is_no_such_path_and_with_them_only_post() -> None:
    bare = application(health=_health, metrics=Metrics(), guard=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=bare), base_url="http://bot") as client:
        assert (await client.post(COORDINATOR)).status_code == 404
        assert (await client.get("/healthz")).status_code == 200
    door = Door()
    async with door.client:
        assert (await door.client.get(COORDINATOR)).status_code == 405
        assert (await door.client.get(ALERTMANAGER)).status_code == 405
        assert (await door.client.get("/healthz")).status_code == 200


# -- what cannot be read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [COORDINATOR, ALERTMANAGER])
@pytest.mark.parametrize("declared", [str(MAX_BODY + 1), "9" * 30, "9" * 5_000, "-1", "1e3", "\xb2"])
async def test_a_body_declared_too_large_is_413_and_not_read(door: Door, path: str, declared: str) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{"

    headers = {
        "content-length": declared.encode("latin-1"),
        "authorization": b"Bearer " + TOKEN.encode(),
        "x-signature": signature(b"{").encode(),
    }
    refusal(await door.client.post(path, content=body(), headers=headers), 413)
    assert (read, door.refused) == (False, ["hook: body too large"])


@pytest.mark.parametrize("path", [COORDINATOR, ALERTMANAGER])
async def test_a_body_that_grows_too_large_is_413_before_it_is_read_whole(door: Door, path: str) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 65_536
            yield b" " * 65_536

    refusal(await door.knock(path, body(), x_signature=signature(b"")), 413)
    assert sent <= MAX_BODY + 2 * 65_536
    assert door.taken == []


async def test_a_body_of_exactly_the_cap_is_taken(door: Door) -> None:
    answer = await door.knock(COORDINATOR, CRASH.ljust(MAX_BODY))
    assert answer.status_code == 202
    refusal(await door.knock(COORDINATOR, CRASH.ljust(MAX_BODY + 1)), 413)


async def test_a_body_that_takes_too_long_is_given_up(door: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(
        door.knock(ALERTMANAGER, endless()),
        door.knock(COORDINATOR, endless(), x_signature=signature(b"{")),
    )
    assert asyncio.get_running_loop().time() - began < 5
    for answer in answers:
        refusal(answer, 408)
        assert answer.headers["connection"] == "close"
    assert door.refused == ["hook: body too slow"] * 2


async def test_a_body_that_is_broken_off_is_no_mistake_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(bodies.UnreadError) as caught:
        await bodies.read(request, cap=10, seconds=1)
    assert caught.value.status == 400
    assert caught.value.headers is None
    door = Door()
    hooks = Hooks(
        coordinator_secret=SECRET,
        alertmanager_token=TOKEN,
        take=door._take,
        refused=door.refused.append,
        now=lambda: NOW,
    )
    authorization = (b"authorization", f"Bearer {TOKEN}".encode())
    broken = Request({"type": "http", "method": "POST", "headers": [authorization]}, receive)
    assert (await hooks.alertmanager(broken)).status_code == 400
    assert door.refused == ["hook: body broken off"]


@pytest.mark.parametrize(("path", "body"), [(COORDINATOR, CRASH), (ALERTMANAGER, MESSAGE)])
@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
async def test_what_does_not_say_that_it_is_json_is_415(
    door: Door, path: str, body: bytes, kind: str | None
) -> None:
    assert "application/json" in refusal(await door.knock(path, body, content_type=kind), 415)
    assert (door.taken, door.refused) == ([], ["hook: not JSON"])


@pytest.mark.parametrize("path", [COORDINATOR, ALERTMANAGER])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_what_is_no_json_object_is_400(door: Door, path: str, body: bytes) -> None:
    assert "JSON object" in refusal(await door.knock(path, body), 400)
    assert (door.taken, door.refused) == ([], ["hook: not JSON"])


@pytest.mark.parametrize(
    ("path", "said", "field"),
    [
        (COORDINATOR, {}, "event"),
        (COORDINATOR, {"event": "crash", "timestamp": "2026-11-22T03:12:00Z"}, "timestamp"),
        (COORDINATOR, {"event": "<!channel>" * 1_000, "timestamp": "x"}, "event"),
        (COORDINATOR, {"event": "crash", "timestamp": SECRET}, "timestamp"),
        (ALERTMANAGER, {}, "version"),
        (ALERTMANAGER, {"version": "4", "alerts": [ALERT, {}]}, "alerts[1].status"),
        (ALERTMANAGER, {"version": "4", "alerts": [ALERT] * 4_000 + [{}]}, "alerts[4000].status"),
        (
            ALERTMANAGER,
            {"version": "4", "alerts": [ALERT | {"startsAt": "<!channel>" * 100}]},
            "alerts[0].startsAt",
        ),
    ],
)
async def test_what_is_not_as_documented_is_422_by_its_field_and_nothing_of_it_is_taken(
    door: Door, path: str, said: Mapping[str, Any], field: str
) -> None:
    reason = refusal(await door.knock(path, json.dumps(said).encode()), 422)
    assert reason.startswith(f"{field} ")
    assert "channel" not in reason
    assert (door.taken, door.refused) == ([], ["hook: not as documented"])


# -- when it cannot be stored, or not now ------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "body"), [(COORDINATOR, CRASH), (ALERTMANAGER, MESSAGE)])
@pytest.mark.parametrize("error", [StorageError("postgresql://u:p@host is gone"), TimeoutError()])
async def test_what_was_not_stored_is_503_and_may_be_sent_again(
    door: Door, path: str, body: bytes, error: Exception
) -> None:
    door.fails = error
    answer = await door.knock(path, body)
    assert "postgresql" not in refusal(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert door.refused == ["hook: not stored"]
    door.fails = None
    again = await door.knock(path, body)
    assert (again.status_code, again.json()["accepted"] > 0) == (202, True)


async def test_a_mistake_of_ours_is_not_taken_for_an_outage(door: Door) -> None:
    door.fails = KeyError("a bug")
    with pytest.raises(KeyError):
        await door.knock(COORDINATOR, CRASH)
    await fill(door)  # its place was given back


async def full(door: Door) -> None:
    """Returns when there are as many bodies inside as both doors have places; after five seconds it fails."""
    async with asyncio.timeout(5):
        for _ in range(2 * MOST_AT_ONCE):
            await door.inside.get()


def knocking(door: Door) -> list[asyncio.Task[httpx.Response]]:
    """As many bodies as both doors have places; no two events are the same."""
    events = [door.knock(COORDINATOR, CRASH + b" " * (place + 1)) for place in range(MOST_AT_ONCE)]
    messages = [door.knock(ALERTMANAGER, MESSAGE) for _ in range(MOST_AT_ONCE)]
    return [asyncio.create_task(knock) for knock in (*events, *messages)]


async def fill(door: Door) -> None:
    """Fails unless as many bodies as there are places are let in at once."""
    door.fails, door.held, door.inside = None, asyncio.Event(), asyncio.Queue()
    asking = knocking(door)
    await full(door)
    door.held.set()
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {202}


async def test_who_floods_one_door_does_not_shut_the_other(door: Door) -> None:
    door.held = asyncio.Event()
    events = [
        asyncio.create_task(door.knock(COORDINATOR, CRASH + b" " * place)) for place in range(MOST_AT_ONCE)
    ]
    async with asyncio.timeout(5):
        for _ in range(MOST_AT_ONCE):
            await door.inside.get()
    refusal(await door.knock(COORDINATOR, CRASH + b"  " * MOST_AT_ONCE), 503)
    message = asyncio.create_task(door.knock(ALERTMANAGER, MESSAGE))
    async with asyncio.timeout(5):
        await door.inside.get()
    door.held.set()
    assert {answer.status_code for answer in await asyncio.gather(*events, message)} == {202}


async def test_a_ninth_body_is_refused_until_another_has_left(door: Door) -> None:
    door.held = asyncio.Event()
    asking = knocking(door)
    await full(door)
    for path, body in ((COORDINATOR, CRASH), (ALERTMANAGER, MESSAGE)):
        ninth = await asyncio.wait_for(door.knock(path, body), 5)
        assert "at once" in refusal(ninth, 503)
        assert ninth.headers["retry-after"] == "1"
    refusal(await door.knock(ALERTMANAGER, MESSAGE, authorization="Bearer x"), 401)
    door.held.set()
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {202}
    assert door.refused == ["hook: busy", "hook: busy", "hook: not authenticated"]
    assert (await door.knock(ALERTMANAGER, MESSAGE)).status_code == 202


Knock = Callable[[Door], Awaitable[httpx.Response]]


@pytest.mark.parametrize(
    "knock",
    [
        lambda door: door.knock(COORDINATOR, CRASH, x_signature="sha256=" + "0" * 64),
        lambda door: door.knock(ALERTMANAGER, MESSAGE, content_type="text/plain"),
        lambda door: door.knock(ALERTMANAGER, b"["),
        lambda door: door.knock(ALERTMANAGER, b"{}"),
        lambda door: door.knock(ALERTMANAGER, b" " * (MAX_BODY + 1)),
        lambda door: door.knock(COORDINATOR, CRASH),
    ],
    ids=["unsigned", "no JSON", "no object", "undocumented", "too large", "taken"],
)
async def test_every_ending_gives_its_place_back(door: Door, knock: Knock) -> None:
    for _ in range(MOST_AT_ONCE + 1):
        await knock(door)
    await fill(door)


async def test_the_words_for_the_metrics_are_few() -> None:
    metrics = Metrics()
    hooks = Hooks(
        coordinator_secret=None,
        alertmanager_token=None,
        take=Door()._take,
        refused=metrics.refused,
        now=lambda: NOW,
    )
    app = application(health=_health, metrics=metrics, guard=None, hooks=hooks)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot") as client:
        await client.post(COORDINATOR)
        text = (await client.get("/metrics")).text
    told = {
        sample.labels["why"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chatbot_refused_total"
    }
    assert told == {"hook: shut": 1}
