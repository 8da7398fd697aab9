"""The door of HTTP mode: what is not Slack's gets 401 before anything is parsed."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from chatbot.guard import MAX_BODY, Guard, parse

SECRET = "the signing secret of a test"
NOW = 1_700_000_000.0
FORM = "application/x-www-form-urlencoded"


class Door:
    """A guard and what it let through."""

    def __init__(self) -> None:
        self.delivered: list[Mapping[str, Any]] = []
        self.refused: list[str] = []
        guard = Guard(
            signing_secret=SECRET, deliver=self._deliver, refused=self.refused.append, clock=lambda: NOW
        )
        app = Starlette(routes=[Route("/slack/events", guard.endpoint, methods=["POST"])])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot")

    async def _deliver(self, payload: Mapping[str, Any]) -> tuple[int, str | None]:
        self.delivered.append(payload)
        return 200, json.dumps({"text": "accepted"})

    async def knock(self, body: bytes, *, content_type: str = FORM, **headers: str) -> httpx.Response:
        async with self.client:
            return await self.client.post(
                "/slack/events",
                content=body,
                headers={"content-type": content_type, **signed(body), **headers},
            )


def signed(body: bytes, *, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


KILL = form(command="/kill", text="ndax payload mismatch", user_id="U1", trigger_id="1.2")


async def test_a_signed_command_passes_and_its_acknowledgement_comes_back() -> None:
    door = Door()
    answer = await door.knock(KILL)
    assert (answer.status_code, answer.json()) == (200, {"text": "accepted"})
    assert door.delivered[0]["text"] == "ndax payload mismatch"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-slack-signature": "v0=00"},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v1=abc"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "9" * 40},
        signed(KILL, secret="another secret"),
        signed(KILL, at=NOW - 301),
        signed(KILL, at=NOW + 301),
        signed(KILL + b" "),
    ],
)
async def test_what_is_not_signed_now_by_slack_is_401_and_never_parsed(headers: dict[str, str]) -> None:
    door = Door()
    answer = await door.knock(KILL, **headers)
    assert answer.status_code == 401
    assert door.delivered == []
    assert len(door.refused) == 1


async def test_malformed_bytes_without_a_signature_are_401_not_500() -> None:
    door = Door()
    answer = await door.knock(b"\xff\xfe payload=%%%", **{"x-slack-signature": "v0=bad"})
    assert answer.status_code == 401


async def test_a_replay_of_the_same_bytes_is_refused() -> None:
    door = Door()
    headers = {"content-type": FORM, **signed(KILL)}
    async with door.client as client:
        first = await client.post("/slack/events", content=KILL, headers=headers)
        second = await client.post("/slack/events", content=KILL, headers=headers)
    assert (first.status_code, second.status_code) == (200, 401)
    assert len(door.delivered) == 1


@pytest.mark.parametrize("declared", [True, False])
async def test_an_oversized_body_is_413_before_it_is_read_whole(declared: bool) -> None:
    door = Door()
    sent = 0

    async def chunks():  # type: ignore[no-untyped-def]
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 65536

    headers = {"content-type": FORM, **signed(b"")}
    if declared:
        headers["content-length"] = str(MAX_BODY + 1)
    async with door.client as client:
        answer = await client.post("/slack/events", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert door.delivered == []


async def test_a_signed_body_that_is_no_payload_is_400() -> None:
    for body, kind in (
        (b"payload={", FORM),
        (b"payload=[1]", FORM),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"a=b", "text/plain"),
        (b"\xff=\xff", FORM),
        (urlencode([(f"k{i}", "v") for i in range(100)]).encode(), FORM),
    ):
        door = Door()
        answer = await door.knock(body, content_type=kind)
        assert answer.status_code == 400, body[:20]
        assert door.delivered == []


async def test_url_verification_is_answered_with_its_challenge() -> None:
    door = Door()
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    answer = await door.knock(body, content_type="application/json")
    assert answer.json() == {"challenge": "abc"}
    assert door.delivered == []


async def test_ssl_check_is_answered_empty() -> None:
    door = Door()
    answer = await door.knock(form(ssl_check="1", token="t"))
    assert (answer.status_code, answer.text, door.delivered) == (200, "", [])


def test_an_interaction_is_the_json_of_its_only_field() -> None:
    assert parse(form(payload=json.dumps({"type": "block_actions"})), FORM) == {"type": "block_actions"}


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=200), min_size=2, max_size=20))
def test_every_form_comes_out_as_it_went_in(fields: dict[str, str]) -> None:
    try:
        body = urlencode(fields).encode()
    except UnicodeEncodeError:  # lone surrogates cannot be sent at all
        return
    assert parse(body, FORM + "; charset=utf-8") == fields


@given(st.binary(max_size=500), st.sampled_from([FORM, "application/json", "", "text/plain"]))
def test_no_bytes_make_the_parser_raise(body: bytes, kind: str) -> None:
    found = parse(body, kind)
    assert found is None or isinstance(found, dict)


async def test_a_body_that_never_ends_is_given_up_and_one_without_a_signature_not_waited_for() -> None:
    door = Door()
    waited = asyncio.Event()

    async def endless():  # type: ignore[no-untyped-def]
        yield b"command=%2Fkill"
        waited.set()
        await asyncio.sleep(60)

    async with door.client as client:
        unsigned = await client.post("/slack/events", content=endless(), headers={"content-type": FORM})
        assert (unsigned.status_code, waited.is_set()) == (401, False)
        answer = await client.post(
            "/slack/events", content=endless(), headers={"content-type": FORM, **signed(b"")}
        )
    assert answer.status_code == 408
    assert door.delivered == []
