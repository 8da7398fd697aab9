"""The messages of a recovery as they are owed: its card, and replies in its thread."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from chatbot.steps import Owing, owe
from chatbot.views import walk as view
from chatbot.views.blocks import Message
from chatbot.views.walk_state import WalkCard
from chatbot.walking.desk import WalkDesk
from commands.walking.proposing import Proposal
from storage import audit, walks
from storage.walks import Walk

CARD, REPLY = 3, 4
"""Priorities in the outbox."""


def card_key(number: int) -> str:
    """The outbox key of a recovery's card."""
    return f"walk/{number}"


def state_of(conn: Connection, desk: WalkDesk, walk: Walk, now: datetime) -> WalkCard:
    """The recovery with all that belongs to it."""
    return WalkCard(
        walk=walk,
        steps=walks.steps(conn, walk.id),
        people=walks.people(conn, walk.id),
        proposals=tuple(Proposal.from_json(each) for each in walk.proposed),
        now=now,
        fresh_for=desk.fresh_for,
        fleet=desk.desk.coordinator.seen,
    )


def draw(conn: Connection, desk: WalkDesk, number: int, now: datetime) -> WalkCard:
    """Owe the card as it is now; returns what it shows. LookupError when there is no such recovery."""
    walk = walks.get(conn, number)
    if walk is None:
        raise LookupError(f"no recovery {number}")
    state = replace(state_of(conn, desk, walk, now), audit=audit.head(conn))
    payload = view.card(state).payload()
    owe(conn, (Owing(key=card_key(number), channel=desk.desk.ops, payload=payload, priority=CARD),), now)
    walks.drawn(conn, number, now)
    return state


def reply(
    conn: Connection, desk: WalkDesk, number: int, *, name: str, message: Message, now: datetime
) -> None:
    """Owe a reply in the thread; the same name twice is one reply."""
    owing = Owing(
        key=f"{card_key(number)}/{name}",
        channel=desk.desk.ops,
        payload=message.payload(),
        thread_key=card_key(number),
        priority=REPLY,
    )
    owe(conn, (owing,), now)
