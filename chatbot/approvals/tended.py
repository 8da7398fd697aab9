"""What time and change do to requests that wait: each transition happens once, whoever looks first."""

from datetime import datetime

from sqlalchemy import Connection

from chatbot.approvals import copies
from chatbot.approvals.binding import differences, gone, reads_fleet, request_of
from chatbot.approvals.ends import Ballot, over
from chatbot.approvals.votes import LEAST_TO_SEND
from chatbot.desk import Desk
from chatbot.steps import LEASE, owe
from chatbot.views import approval as view
from commands.coordinator.model import FleetStatus
from storage import actions, approvals, audit, raises
from storage.actions import Action
from storage.approvals import Approval, Verdict


def to_tend(conn: Connection, *, desk: Desk, fleet: FleetStatus | None, now: datetime) -> list[str]:
    """The requests that ``tend`` would change: a look that takes no write lock."""
    found = []
    for approval in approvals.pending(conn):
        action = actions.get(conn, approval.action_id)
        times = (approval.expires_at, approval.remind_at, approval.frees_at)
        due = any(at is not None and at <= now for at in times)
        if action is not None and (due or _changed(conn, desk, action, approval, fleet=fleet, now=now)):
            found.append(approval.action_id)
    return found


def tend(
    conn: Connection, *, desk: Desk, owner: str, action_id: str, fleet: FleetStatus | None, now: datetime
) -> Ballot | None:
    """What time and change did to a request that waits: expired, void, reminded of, or (solo) free to go.

    The home tabs are left to the caller: many requests may end at once, and each tab shows them all.
    """
    audit.queue_up(conn, now)
    action, approval = actions.get(conn, action_id), approvals.get(conn, action_id)
    card = copies.read(conn, action_id)
    if action is None or approval is None or card is None or approval.state is not Verdict.PENDING:
        return None
    changed = _changed(conn, desk, action, approval, fleet=fleet, now=now)
    if changed:
        return over(conn, desk, card, Verdict.VOID, why=" and ".join(changed), now=now, tabs=False)
    if approval.expires_at <= now:
        return over(conn, desk, card, Verdict.EXPIRED, why="", now=now, tabs=False)
    known = fleet is not None or not reads_fleet(request_of(action))
    if approval.frees_at is not None and approval.frees_at <= now and known:
        return _free_alone(conn, desk, owner, action_id, now)
    if approval.remind_at is not None and approval.remind_at <= now and approvals.reminded(conn, action_id):
        others = tuple(each for each in desk.admins if each != card.by)
        owe(conn, (copies.in_thread(card, "reminder", view.reminder(card, now, others), desk),), now)
        return Ballot(card=card)
    return None


def _changed(
    conn: Connection,
    desk: Desk,
    action: Action,
    approval: Approval,
    *,
    fleet: FleetStatus | None,
    now: datetime,
) -> tuple[str, ...]:
    voters = [each.person for each in approvals.votes_of(conn, action.id)]
    alone = approval.frees_at is not None and not (desk.policy.solo and desk.admins == (action.requested_by,))
    return (
        *gone(desk, action, voters),
        *(("it may no longer go alone",) if alone else ()),
        *differences(conn, desk, action, approval, fleet=fleet, now=now),
    )


def _free_alone(conn: Connection, desk: Desk, owner: str, action_id: str, now: datetime) -> Ballot | None:
    if approvals.free_alone(conn, action_id, at=now, good_until=now + LEAST_TO_SEND) is None:
        return None
    entry = audit.append(
        conn, at=now, actor="chatbot", event="went alone", subject=action_id, detail={"solo": True}
    )
    freed = raises.free(conn, action_id, owner=owner, lease_until=now + LEASE)
    card = copies.redraw(conn, desk, action_id, entry)
    return Ballot(card=card, freed=actions.get(conn, action_id) if freed else None)
