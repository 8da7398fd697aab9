"""What conversations about alerts share: a bot that looks every second, and ways to see what became of an alert."""

import contextlib
import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.slack.model import Delivery, Message, readable
from tests.conversation import Conversation, conversation
from tests.e2e.two_people import text_of

ALERTS = "C0ALERTS"
WAITS = 60.0
"""Seconds a test waits for what must come: several looks, and messages of which a channel takes one a second."""

SECRET = "the-secret-of-the-coordinator"
TOKEN = "the-token-of-alertmanager"
HOOKS = {"CHATBOT_HOOKS__COORDINATOR_SECRET": SECRET, "CHATBOT_HOOKS__ALERTMANAGER_TOKEN": TOKEN}

STILL = Policy(running=())
"""A fleet in which nothing trades, so that its figures are only those that a test sets."""

LOOKING = {
    "CHATBOT_ALERTS__POLL_SECONDS": "1",
    "CHATBOT_ALERTS__SUCCESS_THRESHOLD": "1",
    "CHATBOT_COORDINATOR__POLL_SECONDS": "1",
    "CHATBOT_KILL__WATCH_SECONDS": "0",
}
ONE_BY_ONE = {
    "CHATBOT_ALERTS__PER_MINUTE": "40",
    "CHATBOT_ALERTS__GROUP_FROM": "50",
    "CHATBOT_ALERTS__FLAP_CHANGES": "50",
}
"""Each alert has a message of its own, however many come and go within a test."""

NO_MONITOR = {"CHATBOT_MONITOR__URL": "none"}
ONLY_MONITOR = {"CHATBOT_COORDINATOR__POLL_SECONDS": "3600"}

T = TypeVar("T")


@asynccontextmanager
async def watching(
    data: Path, *, fleet: Policy | None = None, http_mode: bool = False, **settings: str
) -> AsyncIterator[Conversation]:
    """A conversation in which the bot looks every second; ``settings`` go before those of this module."""
    chosen = {**LOOKING, **ONE_BY_ONE, **settings}
    policy = {"policy": fleet or Policy()}
    async with conversation(data, fleet=policy, http_mode=http_mode, **chosen) as talk:
        yield talk


def quick(policy: Policy | None = None, **seconds: float) -> Policy:
    """The policy with these spans in seconds."""
    return replace(policy or Policy(), **{name: timedelta(seconds=each) for name, each in seconds.items()})


# -- waiting -----------------------------------------------------------------------------------------------------


async def until(talk: Conversation, so: Callable[[], T]) -> T:
    """The first truthy answer."""
    return await talk.slack.wait_for(so, WAITS)


async def card(talk: Conversation, *words: str, where: str = ALERTS) -> Message:
    """The newest message of the channel that holds all these words, once there is one."""
    return await _holding(talk, lambda: talk.slack.messages(where), words)


async def reply(talk: Conversation, parent: Message, *words: str) -> Message:
    """The newest reply under a message that holds all these words, once there is one."""
    return await _holding(talk, lambda: talk.slack.replies(parent.channel, parent.ts), words)


async def told(talk: Conversation, person: str, *words: str) -> Message:
    """What only this person sees in the alerts channel, once it holds all these words."""
    return await _holding(talk, lambda: talk.slack.ephemerals(person, ALERTS), words)


async def _holding(
    talk: Conversation, shown: Callable[[], tuple[Message, ...]], words: tuple[str, ...]
) -> Message:
    def found() -> Message | None:
        fitting = _with(shown(), words)
        return fitting[-1] if fitting else None

    try:
        return await until(talk, found)
    except TimeoutError:
        there = "\n---\n".join(map(said, shown())) or "nothing"
        raise AssertionError(f"never seen: {words}; there was:\n{there}") from None


def _with(messages: tuple[Message, ...], words: tuple[str, ...]) -> list[Message]:
    return [each for each in messages if all(word.lower() in said(each).lower() for word in words)]


async def looks(
    talk: Conversation, path: str = "/alerts", *, server: str = "monitor", count: int = 1
) -> None:
    """Wait until the bot has looked so many times more and has stored what it saw."""

    def asked() -> int:
        return len(talk.fleet.calls_to(path, server=server))

    # One may be under way now, and the last is stored when the next begins.
    wanted = asked() + count + 2
    await until(talk, lambda: asked() >= wanted)


# -- looking -----------------------------------------------------------------------------------------------------


def now(talk: Conversation, message: Message) -> Message:
    """The message as it is shown by now."""
    found = talk.slack.workspace.message(message.channel, message.ts, message.only_for)
    assert found is not None
    return found


def posted(talk: Conversation, *words: str, where: str = ALERTS) -> list[Message]:
    """The messages of the channel that hold all these words, oldest first."""
    return _with(talk.slack.messages(where), words)


def said(message: Message) -> str:
    """What it says but for the log lines, which tell of every alert."""
    return "\n".join(readable([block for block in message.blocks if block["type"] != "rich_text"]))


def everything(talk: Conversation) -> list[Message]:
    """Everything that the bot wrote, wherever and for whomever."""
    return [each for each in talk.slack.workspace.all_messages if each.bot]


def headline(message: Message) -> str:
    """Its headline."""
    return next((str(block["text"]["text"]) for block in message.blocks if block["type"] == "header"), "")


def buttons(message: Message) -> list[str]:
    """The labels of its buttons."""
    return [
        str(element["text"]["text"])
        for block in message.blocks
        for element in block.get("elements", ())
        if element.get("type") == "button"
    ]


def button(message: Message, label: str) -> dict[str, Any]:
    """The button with this label as Slack was given it."""
    return next(
        dict(element)
        for block in message.blocks
        for element in block.get("elements", ())
        if element.get("type") == "button" and element["text"]["text"] == label
    )


def known(talk: Conversation, *fields: str) -> list[tuple[Any, ...]]:
    """These fields of every alert that is stored, oldest first."""
    return talk.rows(f"select {', '.join(fields)} from alerts where source != 'summary' order by id")


def stored(talk: Conversation) -> str:
    """The whole database as text."""
    with contextlib.closing(sqlite3.connect(talk.data / "chatbot.db")) as connection:
        return "\n".join(connection.iterdump())


def change(talk: Conversation, statement: str, *values: object) -> None:
    """Change rows behind the bot's back."""
    with contextlib.closing(sqlite3.connect(talk.data / "chatbot.db", timeout=20)) as connection, connection:
        connection.execute(statement, values)


def at(minutes: float) -> str:
    """A time so many minutes from now, as it is stored."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="microseconds")


# -- other programs ----------------------------------------------------------------------------------------------


async def to_coordinator(talk: Conversation, path: str, **body: object) -> None:
    """Another program commands the coordinator."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        answer = await client.post(talk.fleet.coordinator_url + path, json=body)
        answer.raise_for_status()


async def to_hook(
    talk: Conversation, hook: str, body: object, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Another program posts to one of our hooks, with the right key unless ``headers`` say another."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = (
        {"X-Signature": signature(raw)} if hook == "coordinator" else {"Authorization": f"Bearer {TOKEN}"}
    ) | {"Content-Type": "application/json"}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(
            f"http://127.0.0.1:{talk.bot.port}/hooks/{hook}",
            content=raw,
            headers={**given, **(headers or {})},
        )


def signature(body: bytes, secret: str = SECRET) -> str:
    """The header X-Signature of a body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def event(name: str, *, bot: str | None = None, reason: str = "", ago: float = 0.0) -> dict[str, object]:
    """An event of the coordinator's, so many seconds old."""
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    return {"event": name, "bot": bot, "reason": reason, "timestamp": moment.isoformat()}


def from_prometheus(
    *, resolved: bool = False, began: datetime, name: str = "HostOutOfMemory", **more: Any
) -> dict[str, Any]:
    """A message of Alertmanager's with one alert; ``more`` are its annotations, ``labels`` and ``fingerprint``."""
    labels = {"alertname": name, "severity": "page", **more.pop("labels", {})}
    alert = {
        "status": "resolved" if resolved else "firing",
        "labels": labels,
        "fingerprint": more.pop("fingerprint", "5ef77f1f8a3ecf8d"),
        "generatorURL": more.pop("generatorURL", "http://prometheus.test/graph?g0.expr=up"),
        "annotations": more,
        "startsAt": began.isoformat(),
        "endsAt": datetime.now(UTC).isoformat() if resolved else "0001-01-01T00:00:00Z",
    }
    return {"version": "4", "status": alert["status"], "alerts": [alert]}


# -- people ------------------------------------------------------------------------------------------------------


async def on_call(talk: Conversation, person: str, until: str = "", *, who: str = "admin") -> str:
    """Type /oncall with a mention; the answer."""
    return text_of(await talk.person(who).types(f"/oncall @{person} {until}"))


async def silenced(
    talk: Conversation, shown: Message, span: str, reason: str, *, who: str = "admin"
) -> Delivery:
    """Press Silence on a card, choose a length, say why and send the form."""
    await talk.person(who).clicks("Silence", shown)
    form = await talk.person(who).gets_form()
    return await talk.slack.submit(who, form.id, {"span": span, "reason": reason})
