"""How a request ends without being approved, what a vote became, and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from chatbot.approvals import copies
from chatbot.desk import Desk
from chatbot.identity import Refusal
from chatbot.steps import owe
from chatbot.views import approval as view
from chatbot.views.approval_state import RequestCard
from storage import approvals, audit, raises
from storage.actions import Action
from storage.approvals import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What became of a vote: a ``refusal`` when it did not count, ``freed`` when it was the last that was needed."""

    card: RequestCard | None = None
    refusal: Refusal | None = None
    freed: Action | None = None


def over(
    conn: Connection,
    desk: Desk,
    card: RequestCard,
    verdict: Verdict,
    *,
    why: str,
    now: datetime,
    tabs: bool = True,
) -> Ballot:
    """End a request that nobody may decide any more, and say so to whoever tried."""
    if approvals.end(conn, card.id, verdict, by="chatbot", why=why, at=now) is None:
        return Ballot(card=card, refusal=stale(copies.read(conn, card.id) or card))
    said = ended(
        conn, desk, card, actor="chatbot", event=verdict.value, detail={"why": why}, now=now, tabs=tabs
    )
    return replace(said, refusal=stale(said.card or card))


def ended(
    conn: Connection,
    desk: Desk,
    card: RequestCard,
    *,
    actor: str,
    event: str,
    detail: Mapping[str, Any],
    now: datetime,
    tabs: bool = True,
) -> Ballot:
    """Draw a request that was just ended everywhere, and say so in its thread."""
    raises.drop(conn, card.id, now, {"said": []})
    entry = audit.append(conn, at=now, actor=actor, event=event, subject=card.id, detail=dict(detail))
    card = copies.redraw(conn, desk, card.id, entry, tabs=tabs)
    owe(conn, (copies.in_thread(card, "ended", view.ended(card), desk),), now)
    return Ballot(card=card)


def unknown(action_id: str) -> Refusal:
    """The refusal for an id that is none."""
    return Refusal(
        why="forged button", sentence="There is no such request, so nothing was done: see /approvals."
    )


def stale(card: RequestCard) -> Refusal:
    """The refusal for a button of an older version, which says where the request stands now."""
    why = "decided already" if not card.pending else "old version"
    what = "This button is out of date, so it did nothing"
    next_step = ": look at the card as it is now and press again." if card.pending else "."
    return Refusal(why=why, sentence=view.answer(card, what + next_step))


def own(card: RequestCard) -> Refusal:
    """The refusal for the one who asked."""
    sentence = view.answer(card, "You asked for this yourself, so somebody else has to decide.")
    return Refusal(why="own request", sentence=sentence)
