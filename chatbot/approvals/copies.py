"""Every copy of a request for approval: the card, a message to each admin, each admin's home tab.

All of them are owed in the transaction that changes the request, so that none goes on showing what is no more.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.kill_record import card_key
from chatbot.steps import Owing, owe
from chatbot.views import approval as view
from chatbot.views import home as home_view
from chatbot.views.approval_state import RequestCard
from chatbot.views.blocks import Message
from storage import actions, approvals, audit, latch, lockdown, recoveries, walks
from storage.actions import Action
from storage.approvals import Approval
from storage.audit import Entry

HOME = "home:"
"""Before a person's id, in place of a channel: the message is that person's home tab."""

ENDED_SHOWN = 8


def read(conn: Connection, action_id: str, entry: Entry | None = None) -> RequestCard | None:
    """The request as it stands, ``None`` when there is none of that id; ``entry`` is its newest audit row."""
    action, approval = actions.get(conn, action_id), approvals.get(conn, action_id)
    if action is None or approval is None:
        return None
    return _card(conn, action, approval, entry)


def waiting(conn: Connection) -> tuple[RequestCard, ...]:
    """All requests that wait, oldest first."""
    return _cards(conn, approvals.pending(conn))


def ended(conn: Connection, limit: int = ENDED_SHOWN) -> tuple[RequestCard, ...]:
    """The newest requests that are decided, newest first."""
    return _cards(conn, approvals.recent(conn, limit))


def messages_of(card: RequestCard, desk: Desk) -> tuple[Owing, ...]:
    """The card and each admin's own copy, as they are to be shown now."""
    owing = [
        Owing(key=card_key(card.id), channel=place(card, desk), payload=view.card(card).payload(), priority=2)
    ]
    if not card.solo:
        for person in desk.admins:
            shown = view.copy_for_asker(card) if person == card.by else view.card(card)
            owing.append(_direct(card, person, shown))
    return tuple(owing)


def redraw(conn: Connection, desk: Desk, action_id: str, entry: Entry, *, tabs: bool = True) -> RequestCard:
    """Owe every copy of a request as it is after this audit row; LookupError when there is none of that id.

    Without ``tabs`` the home tabs are left to the caller.
    """
    card = read(conn, action_id, entry)
    if card is None:
        raise LookupError(f"no request {action_id}")
    owe(conn, messages_of(card, desk), entry.at)
    if tabs:
        owe(conn, homes(conn, desk), entry.at)
    return card


def homes(conn: Connection, desk: Desk, people: Sequence[str] | None = None) -> tuple[Owing, ...]:
    """The home tabs of these people (default: of every admin)."""
    open_now, lately, now = waiting(conn), ended(conn), desk.now()
    held, locked = latch.current(conn), lockdown.current(conn)
    under_way = walks.standing(conn)
    return tuple(
        Owing(
            key=f"home/{person}",
            channel=f"{HOME}{person}",
            payload={
                "view": home_view.view(
                    reader=person,
                    may_decide=person in desk.admins,
                    waiting=open_now,
                    ended=lately,
                    held=held,
                    locked=locked,
                    todo=recoveries.open_items(conn, person),
                    recoveries=under_way,
                    now=now,
                    root=desk.root,
                )
            },
            priority=6,
        )
        for person in (desk.admins if people is None else people)
    )


def draw_homes(conn: Connection, desk: Desk, people: set[str], now: datetime) -> None:
    """Owe the home tabs of these people, in the transaction that changes what they show."""
    known = sorted(each for each in people if each)
    if known:
        owe(conn, homes(conn, desk, known), now)


async def show_homes(desk: Desk, people: Sequence[str] | None = None) -> None:
    """Draw home tabs by themselves; StorageError without a database.

    In line with all that change a request, so that what was read before such a change never overwrites it.
    """
    now = desk.now()

    def verb(conn: Connection) -> None:
        audit.queue_up(conn, now)
        owe(conn, homes(conn, desk, people), now)

    await desk.database.write(verb)
    desk.sender.wake()


def in_thread(card: RequestCard, name: str, message: Message, desk: Desk) -> Owing:
    """A reply under the card: what needs eyes, for an edit notifies nobody."""
    return Owing(
        key=f"{card.id}/{name}",
        channel=place(card, desk),
        payload=message.payload(),
        thread_key=card_key(card.id),
        priority=4,  # after the cards: what can be decided goes before what was
    )


def place(card: RequestCard, desk: Desk) -> str:
    """Where the card stands: a solo wait is everybody's business."""
    return desk.ops if card.solo else desk.approvals


def direct_key(action_id: str, person: str) -> str:
    """The outbox key of one admin's own copy."""
    return f"{action_id}/dm/{person}"


def _direct(card: RequestCard, person: str, message: Message) -> Owing:
    key = direct_key(card.id, person)
    return Owing(key=key, channel=person, payload=message.payload(), priority=3)


def _cards(conn: Connection, found: Sequence[Approval]) -> tuple[RequestCard, ...]:
    known = ((actions.get(conn, each.action_id), each) for each in found)
    return tuple(_card(conn, action, each, None) for action, each in known if action is not None)


def _card(conn: Connection, action: Action, approval: Approval, entry: Entry | None) -> RequestCard:
    asked = approval.asked
    card = RequestCard(
        id=action.id,
        command=action.command,
        bot=action.bot,
        option=action.option,
        target=action.target,
        reason=action.reason,
        by=action.requested_by,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        frees_at=approval.frees_at,
        needed=approval.needed,
        given=approval.given,
        version=approval.version,
        verdict=approval.state,
        decided_at=approval.decided_at,
        decided_by=approval.decided_by,
        why=approval.why,
        votes=approvals.votes_of(conn, action.id),
        action=action.state,
        finished_at=action.finished_at,
        outcome=action.outcome,
        sends=_lines(asked.get("sends")),
        effects=_lines(asked.get("effects")),
        state=_lines(asked.get("state")),
    )
    return replace(card, audit=(entry.seq, entry.hash)) if entry is not None else card


def _lines(stored: Any) -> tuple[str, ...]:
    return tuple(each for each in stored if isinstance(each, str)) if isinstance(stored, list) else ()
