"""What conversations about starting share: a fleet without rules of its own, and the ways of two admins."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.slack.model import Delivery, Message
from tests.conversation import Conversation, conversation

APPROVALS = "C0APPROVE"
OBEDIENT = Policy(
    cooldown=timedelta(0),
    breaker_kills=1_000_000,
    start_delay=timedelta(seconds=0.05),
    sequence_gap=timedelta(seconds=0.05),
)
"""A coordinator that holds no rules, as those in the field: ours are all there is."""

QUICK = {
    "CHATBOT_KILL__WATCH_SECONDS": "0",
    "CHATBOT_COORDINATOR__POLL_SECONDS": "1",
    "CHATBOT_POLICY__COOLDOWN_MINUTES": "0",
    "CHATBOT_POLICY__BREAKER_KILLS": "100",
    "CHATBOT_POLICY__START_GAP_SECONDS": "0.05",
    "CHATBOT_POLICY__START_TIMEOUT_SECONDS": "3",
}
_ID = re.compile(r"\b((?:override|force-override|start|start-sequential|resume|lockdown)-[0-9A-Z]{8})\b")


@asynccontextmanager
async def two_people(data: Path, *, fleet: Policy = OBEDIENT, **settings: Any) -> AsyncIterator[Conversation]:
    """A conversation in which nothing waits for minutes; ``settings`` go before the quick ones."""
    async with conversation(data, fleet={"policy": fleet}, **{**QUICK, **settings}) as talk:
        yield talk


def stopped(fleet: Policy = OBEDIENT) -> Policy:
    """The same fleet with no bot running."""
    return replace(fleet, running=())


def text_of(said: Delivery) -> str:
    """What the acknowledgement says to the one who typed."""
    assert said.error is None, said.error
    assert said.ack is not None
    return str(said.ack["text"])


async def kill(talk: Conversation, reason: str = "bad fills") -> None:
    """Kill, and wait until that is over: verified, and not watched any more."""
    before = finished(talk, "kill")
    await talk.admin.types(f"/kill {reason}".rstrip())
    await talk.slack.wait_for(lambda: finished(talk, "kill") > before, 20)


def finished(talk: Conversation, command: str) -> int:
    """How many actions of a command are over."""
    query = "select count(*) from actions where command = ? and finished_at is not null"
    return int(talk.rows(query, command)[0][0])


async def ask(talk: Conversation, line: str, *, who: str = "admin") -> tuple[str, Message]:
    """Ask for something, and wait for its card: the id and the card."""
    text = text_of(await talk.person(who).types(line))
    found = _ID.search(text)
    assert found is not None, text
    return found[1], await card(talk, found[1])


async def card(talk: Conversation, action_id: str, *words: str, where: str = APPROVALS) -> Message:
    """The card of a request once it says all these words."""
    return await talk.admin.sees(action_id, *words, where=where)


async def direct(talk: Conversation, person: str, action_id: str, *words: str) -> Message:
    """The copy of a request in a person's own messages, once it says all these words."""
    dm = talk.slack.workspace.dm(talk.slack.person(person).id)
    return await talk.person(person).sees(action_id, *words, where=dm.id)


async def approve(
    talk: Conversation, shown: Message, *, who: str = "second-admin", **overrides: Any
) -> Delivery:
    """Press Approve on a card."""
    said = await talk.person(who).clicks("Approve", shown, **overrides)
    assert said.error is None
    return said


def state(talk: Conversation, action_id: str) -> tuple[str, str]:
    """Where the request and its action stand."""
    query = "select p.state, a.state from approvals p join actions a on a.id = p.action_id where a.id = ?"
    ((request, action),) = talk.rows(query, action_id)
    return request, action


def writes(talk: Conversation, *paths: str) -> list[dict[str, Any]]:
    """The bodies of the POSTs that reached the coordinator at these paths, oldest first."""
    return [dict(c.body or {}) for c in talk.fleet.calls if c.method == "POST" and c.path in paths]


def releases(talk: Conversation) -> list[dict[str, Any]]:
    """The releases of the kill switch that reached the coordinator."""
    return [body for body in writes(talk, "/kill-switch") if body["action"] != "activate"]


def refused(talk: Conversation) -> list[tuple[str, str]]:
    """(who, why) of every refusal in the audit, oldest first."""
    import json

    rows = talk.rows("select actor, detail from audit where event = 'refused' order by seq")
    return [(actor, json.loads(detail)["why"]) for actor, detail in rows]
