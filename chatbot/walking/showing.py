"""The messages of a recovery as they are owed: its card, and replies in its thread."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from chatbot.steps import Owing, owe
from chatbot.views import walk as view
from chatbot.views.blocks import Message
from chatbot.views.walk_state import WalkCard
from chatbot.walking.desk import WalkDesk
from commands.probes.fleet import kept_down
from commands.walking import watching
from commands.walking.proposing import Proposal
from commands.walking.stepping import current, least_window
from storage import actions, audit, raises, sightings, walk_steps, walks, windows
from storage.walk_steps import WalkStep
from storage.walks import Walk
from storage.windows import WindowRow

CARD, REPLY = 3, 4
"""Priorities in the outbox."""


def card_key(number: int) -> str:
    """The outbox key of a recovery's card."""
    return f"walk/{number}"


def state_of(conn: Connection, desk: WalkDesk, walk: Walk, now: datetime) -> WalkCard:
    """The recovery with all that belongs to it."""
    steps, bots = walk_steps.steps(conn, walk.id), kept_down(walk.bot, desk.desk.bots)
    return WalkCard(
        walk=walk,
        steps=steps,
        people=walk_steps.people(conn, walk.id),
        proposals=tuple(Proposal.from_json(each) for each in walk.proposed),
        now=now,
        fresh_for=desk.fresh_for,
        fleet=desk.desk.coordinator.seen,
        kept_down=() if _started(conn, steps, bots) else bots,
        window=_window(conn, walk, steps),
    )


def _started(conn: Connection, steps: Sequence[WalkStep], bots: Sequence[str]) -> bool:
    """True where two people started one of these bots since they were stopped: then it may trade."""
    at = [each.seen_at or each.settled_at for each in steps if "fleet.stopped" in each.expects]
    known = [each for each in at if each is not None]
    return bool(known) and raises.started_since(conn, max(known), bots)


def _window(conn: Connection, walk: Walk, steps: Sequence[WalkStep]) -> WindowRow | None:
    """The window that is open for the next step, where that step takes one; too short a one where there is no other."""
    here = current(steps)
    if here is None or "window.stable" not in here.expects:
        return None
    bot, killed = here.bot or walk.bot, actions.last_kill(conn)
    since = watching.candidates(
        windows.since(conn, walk.opened_at),
        bot=bot,
        opened=walk.opened_at,
        killed=killed.accepted_at if killed is not None else None,
        down_at=sightings.last_down(conn, bot) if bot is not None else None,
    )
    open_ = [each for each in since if watching.may_prove(each, bot)]
    return watching.counting(open_, bot=bot, least=least_window(here)) or (open_[-1] if open_ else None)


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
