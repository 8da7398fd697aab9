"""HTTP mode: what Slack did not sign, or nobody can read, is turned away at the door and leaves no trace behind it."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from chatbot.sandbox.run import SIGNING_SECRET
from chatbot.sandbox.slack.http_mode import signed_headers
from tests.conversation import Conversation, conversation

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
LARGE = 30 * 1024 * 1024


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with conversation(tmp_path, http_mode=True) as talk:
        yield talk


def kill(trigger_id: str = "9.9.kill") -> bytes:
    """The body of a `/kill` that would be taken if it were signed."""
    return urlencode(
        {
            "command": "/kill",
            "text": "from outside",
            "user_id": "U0ADMIN1",
            "team_id": "T0FLEET",
            "channel_id": "C0OPS",
            "api_app_id": "A0FLEETBOT",
            "trigger_id": trigger_id,
        }
    ).encode()


class Outside:
    """Somebody on the network who can reach the port."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._base = f"http://127.0.0.1:{talk.bot.port}"

    async def knocks(
        self,
        body: bytes | AsyncIterator[bytes],
        headers: dict[str, str],
        *,
        path: str = "/slack/events",
        method: str = "POST",
    ) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            return await client.request(method, self._base + path, content=body, headers=headers)

    async def still_safe(self, *, quiet: bool = True) -> None:
        """Nothing happened and the bot answers; quiet: without a trace in its log."""
        assert self._talk.fleet.engine.trading
        assert self._talk.posts() == []
        assert self._talk.rows("select count(*) from actions") == [(0,)]
        assert (await self._talk.bot.get("/healthz")).status_code == 200
        assert not quiet or "Traceback" not in self._talk.bot.words()


async def test_what_is_not_signed_by_slack_is_refused_before_it_is_read(talk: Conversation) -> None:
    outside, now = Outside(talk), int(time.time())
    body = kill()
    good = signed_headers(body, SIGNING_SECRET)
    forged = {
        "unsigned": {},
        "no signature": {"X-Slack-Request-Timestamp": str(now)},
        "no time": {"X-Slack-Signature": good["X-Slack-Signature"]},
        "other secret": signed_headers(body, "somebody else's"),
        "other body": signed_headers(body + b"&x=1", SIGNING_SECRET),
        "stale": signed_headers(body, SIGNING_SECRET, at=now - 301),
        "from the future": signed_headers(body, SIGNING_SECRET, at=now + 400),
        "moved in time": good | {"X-Slack-Request-Timestamp": str(now - 1)},
        "an old version": good | {"X-Slack-Signature": good["X-Slack-Signature"].replace("v0=", "v1=")},
        "no number": good | {"X-Slack-Request-Timestamp": "٣٤٥"},
        "endless number": good | {"X-Slack-Request-Timestamp": "9" * 5_000},
        "negative": good | {"X-Slack-Request-Timestamp": "-1"},
        "empty": {"X-Slack-Request-Timestamp": "", "X-Slack-Signature": ""},
    }
    for what, headers in forged.items():
        sent = {name: value.encode("utf-8") for name, value in (headers | FORM).items()}
        answer = await outside.knocks(body, sent)
        assert answer.status_code == 401, what
        assert "command" not in answer.text
    # Bodies nobody could parse get the same answer: they are not looked at before they are verified.
    for odd in (b"", b"\xff\xfe\x00", b"{", b"payload=%7B", b"[" * 100_000, b"payload=" + b"%" * 5_000):
        assert (await outside.knocks(odd, FORM)).status_code == 401
        assert (await outside.knocks(odd, JSON)).status_code == 401
    await outside.still_safe()


async def test_a_signed_body_that_is_no_payload_is_400(talk: Conversation) -> None:
    outside = Outside(talk)
    unreadable = (
        (b"{", JSON),
        (b"", JSON),
        (b"[1,2]", JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 100_000, JSON),
        (b"null", JSON),
        (b"", FORM),
        (b"payload=%7B", FORM),
        (b"payload=[]", FORM),
        (b"payload=" + b"[" * 100_000, FORM),
        (b"&".join(b"a%d=1" % count for count in range(5_000)), FORM),
        (b"no pairs at all", FORM),
        (kill(), {"Content-Type": "text/plain"}),
        (kill(), {"Content-Type": "multipart/form-data; boundary=x"}),
        (kill(), {}),
        (kill(), JSON),
    )
    for ago, (body, kind) in enumerate(unreadable):
        # the same bytes signed twice in one second would be a replay
        signed = signed_headers(body, SIGNING_SECRET, at=int(time.time()) - 2 * ago)
        answer = await outside.knocks(body, signed | kind)
        assert answer.status_code == 400, (body[:40], kind, answer.text)
    await outside.still_safe()


async def test_a_signed_payload_of_a_shape_slack_never_sends_is_answered_and_does_nothing(
    talk: Conversation,
) -> None:
    outside = Outside(talk)
    strange: tuple[dict[str, object], ...] = (
        {},
        {"command": ["/kill"], "user_id": {"id": "U0ADMIN1"}},
        {"command": None},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": [None], "user": "U0ADMIN1"},
        {"type": "block_actions", "actions": [{"action_id": ["kill.fleet"]}], "user": {"id": "U0ADMIN1"}},
        {"type": "view_submission", "view": "none", "user": None},
        {"type": "view_submission", "view": {"callback_id": "kill.close", "state": {"values": []}}},
        {"type": "event_callback", "event": None},
        {"type": "event_callback", "event": [1]},
        {"type": "event_callback", "event": {}, "authorizations": 3},
        {"type": "block_actions", "actions": [{}], "user": 7, "team": "T", "channel": [1]},
        {"type": "event_callback", "event": {"type": "user_change", "user": "U0ADMIN1"}},
        {"type": "event_callback", "event": {"type": "app_mention", "text": 7, "user": ["U0ADMIN1"]}},
        {"type": ["event_callback"]},
        {"type": "something new"},
    )
    for payload in strange:
        body = json.dumps(payload).encode()
        answer = await outside.knocks(body, signed_headers(body, SIGNING_SECRET) | JSON)
        assert answer.status_code in {200, 400}, (payload, answer.text)
        assert "Traceback" not in answer.text
    await outside.still_safe(quiet=False)


async def test_thirty_mebibytes_are_refused_without_being_kept(talk: Conversation) -> None:
    outside = Outside(talk)

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(LARGE // 65_536):
            yield b"x" * 65_536

    before = _memory(talk)
    declared = b"x" * LARGE
    answer = await outside.knocks(declared, signed_headers(declared, SIGNING_SECRET) | FORM)
    assert answer.status_code == 413
    plausible = signed_headers(b"", SIGNING_SECRET)  # chunked: no length was declared
    assert (await outside.knocks(drip(), plausible | FORM)).status_code == 413
    assert (await outside.knocks(drip(), FORM)).status_code == 401  # not even read
    assert _memory(talk) - before < 10 * 1024 * 1024
    await outside.still_safe()


async def test_other_paths_and_methods_lead_nowhere(talk: Conversation) -> None:
    outside, body = Outside(talk), kill()
    signed = signed_headers(body, SIGNING_SECRET) | FORM
    for path in ("/", "/slack", "/slack/events/", "/slack/install", "/%2e%2e/slack/events", "//slack/events"):
        assert (await outside.knocks(body, signed, path=path)).status_code == 404, path
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = await outside.knocks(body, signed, method=method)
        assert answer.status_code == 405, method
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await outside.knocks(body, signed, path=path)).status_code == 405, path
    await outside.still_safe()


async def test_a_replay_is_refused_and_a_redelivery_runs_once(talk: Conversation) -> None:
    outside, body = Outside(talk), kill()
    signed = signed_headers(body, SIGNING_SECRET) | FORM
    assert (await outside.knocks(body, signed)).status_code == 200
    assert (await outside.knocks(body, signed)).status_code == 401  # the very same bytes
    later = signed_headers(body, SIGNING_SECRET, at=int(time.time()) - 5) | FORM
    assert (await outside.knocks(body, later)).status_code == 200  # signed anew: the same request again
    await talk.admin.sees("verified", "from outside")
    assert talk.rows("select count(*) from actions") == [(1,)]
    assert talk.rows("select count(*) from latches") == [(1,)]


def _memory(talk: Conversation) -> int:
    import psutil

    assert talk.bot.process is not None
    return int(psutil.Process(talk.bot.process.pid).memory_info().rss)
