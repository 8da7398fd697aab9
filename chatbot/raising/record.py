"""The transactions of an approved action: held against its approval before each write, finished with what was seen."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from chatbot.approvals import copies
from chatbot.approvals.binding import differences, gone
from chatbot.desk import Desk
from chatbot.kill_record import KillRecord
from chatbot.monitoring import opening
from chatbot.steps import Owing, owe
from chatbot.views import approval as view
from chatbot.views.approval_state import RequestCard
from commands.coordinator.model import FleetStatus
from commands.standing import Facts
from storage import actions, approvals, audit, latch, raises
from storage.actions import State
from storage.approvals import Verdict
from storage.audit import Entry


class NewerKillError(Exception):
    """Undoes a release: the fleet was killed again while it was under way."""


class LostError(Exception):
    """Ends a run without a word: another process has taken the action over, and says what becomes of it."""


def begin(
    conn: Connection,
    *,
    desk: Desk,
    owner: str,
    action_id: str,
    fleet: FleetStatus | None,
    only: tuple[str, ...] | None,
    later: timedelta,
    what: str,
    now: datetime,
) -> tuple[str, ...] | None:
    """``None`` when the action may send ``what`` now, which is written down; else why not, in words.

    It stands as approved, nothing has changed, no newer kill or stop exists, its time is not over, nothing else is
    under way, and it is still ours (else LostError): all of that from one transaction. A kill that is accepted later
    finds it written down. ``only`` and ``fleet`` are as for ``differences``; ``later`` is added to its time.
    """
    if not raises.hold(conn, action_id, owner=owner):
        raise LostError
    audit.queue_up(conn, now)  # so that no kill stands before our row in the record that we have not seen
    action, approval = actions.get(conn, action_id), approvals.get(conn, action_id)
    if action is None or approval is None:
        raise LostError
    if approval.state is not Verdict.APPROVED:
        return ("it is not approved",)
    if approval.good_until is None or approval.good_until + later <= now:
        return ("its time was over before it was sent",)
    for other, begun in raises.under_way(conn, bot=action.bot, besides=action_id):
        # Of two that were freed at once the one gives way that comes second, by the first sending or else by name.
        if begun or (action.begun_at is None and other < action_id):
            return (f"{other} is under way",)
    voters = [each.person for each in approvals.votes_of(conn, action_id)]
    changed = (
        *gone(desk, action, voters),
        *differences(conn, desk, action, approval, fleet=fleet, now=now, only=only),
    )
    if changed:
        return changed
    raises.begin(conn, action_id, owner=owner, at=now)
    audit.append(conn, at=now, actor="chatbot", event="sending", subject=action_id, detail={"sends": what})
    return None


def finish(
    conn: Connection,
    *,
    desk: Desk,
    owner: str,
    action_id: str,
    state: State,
    outcome: Mapping[str, Any],
    now: datetime,
    release: int | None = None,
) -> RequestCard:
    """End an action with what was seen; ``release`` also lets go of this latch, unless a newer kill exists.

    LostError when it is no longer ours, NewerKillError when the release came too late: then nothing is changed.
    """
    if release is not None:
        # The latch before the count: its row lock makes a kill at this moment wait for us, or us for it. So one that
        # is not counted below can only come after this release, and engages a latch of its own.
        let_go = latch.release(conn, release, by=action_id, at=now)
        approval = approvals.get(conn, action_id)
        asked_in = Facts.from_json(approval.asked["facts"]) if approval is not None else None
        if asked_in is None or actions.kills(conn) != asked_in.kills or not let_go:
            raise NewerKillError
    # Locks are taken in one order everywhere: the latch, the action, the audit, the rest.
    if not raises.hold(conn, action_id, owner=owner):
        raise LostError
    actions.finish(conn, action_id, state=state, at=now, outcome=outcome)
    entry = audit.append(
        conn,
        at=now,
        actor="chatbot",
        event=f"finished {state.value}",
        subject=action_id,
        detail=dict(outcome),
    )
    if state is State.VERIFIED:
        _begin_watching(conn, desk, action_id, now)
    card = copies.redraw(conn, desk, action_id, entry)
    owe(conn, _news(conn, card, desk, entry), now)
    return card


def _begin_watching(conn: Connection, desk: Desk, action_id: str, now: datetime) -> None:
    """A bot that was started is watched for a while."""
    action, approval = actions.get(conn, action_id), approvals.get(conn, action_id)
    if action is None or approval is None:
        return
    listed = approval.asked.get("started")
    sequence = tuple(map(str, listed)) if isinstance(listed, list) else ()
    opening.after_start(conn, desk, action, (action.bot,) if action.bot else sequence, now)


def _news(conn: Connection, card: RequestCard, desk: Desk, entry: Entry) -> tuple[Owing, ...]:
    """What those learn who look elsewhere: the thread, the ops channel, the card of the kill that was released."""
    news = [copies.in_thread(card, "news", view.news(card), desk)]
    if copies.place(card, desk) != desk.ops:
        told = view.news(card, to_all=True).payload()
        news.append(Owing(key=f"{card.id}/ops", channel=desk.ops, payload=told, priority=3))
    last = latch.last(conn)
    killed = actions.get(conn, last.action_id) if last is not None and last.released_by == card.id else None
    if killed is not None:
        row = (entry.seq, entry.hash)
        news.append(KillRecord.ended(killed, desk, audit=row, released=(entry.at, card.id)).card_now())
    return tuple(news)
