"""The transactions of a vote, a denial and a withdrawal: one conditional statement decides each."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.approvals import copies
from chatbot.approvals.binding import differences, gone
from chatbot.approvals.ends import Ballot, ended, over, own, stale, unknown
from chatbot.desk import Desk
from chatbot.identity import Refusal
from chatbot.steps import LEASE
from chatbot.views import approval as view
from chatbot.views.approval_state import RequestCard
from commands.coordinator.model import FleetStatus
from storage import actions, admins, approvals, audit, raises, totp
from storage.actions import Action
from storage.approvals import Approval, Verdict

LEAST_TO_SEND = timedelta(minutes=1)
"""However late the last approval comes, so long it may still be sent."""


def vote(
    conn: Connection,
    *,
    desk: Desk,
    owner: str,
    action_id: str,
    version: int,
    person: str,
    proof: str,
    step: int | None,
    fleet: FleetStatus | None,
    flawed: Collection[str],
    now: datetime,
) -> Ballot:
    """Count an approval, and free the action with the last one that is needed; ``step`` is a code's, used up here.

    ``flawed`` are people who may decide nothing any more, by the configuration as it is now or by Slack's word.
    """
    audit.queue_up(conn, now)
    found = _open_for(conn, action_id, person=person, version=version)
    if isinstance(found, Ballot):
        return found
    card, action, approval = found
    if approval.expires_at <= now:
        return over(conn, desk, card, Verdict.EXPIRED, why="", now=now)
    before = tuple(each.person for each in approvals.votes_of(conn, action_id))
    changed = (
        *gone(desk, action, before),
        *(f"{each} is no admin any more" for each in (action.requested_by, *before) if each in flawed),
        *differences(conn, desk, action, approval, fleet=fleet, now=now),
    )
    if changed:
        return over(conn, desk, card, Verdict.VOID, why=" and ".join(changed), now=now)
    refusal = _not_yet(conn, desk, person, now)
    if refusal is None and step is not None and not totp.use(conn, person, step, now):
        refusal = Refusal(
            why="code used",
            sentence="This code was used already, so nothing was approved: wait for the next one.",
        )
    if refusal is not None:
        return Ballot(card=card, refusal=refusal)
    counted = approvals.approve(
        conn,
        action_id,
        person=person,
        version=version,
        proof=proof,
        at=now,
        good_until=max(approval.expires_at, now + LEAST_TO_SEND),
    )
    if counted is None:  # somebody was faster by a moment
        return Ballot(card=card, refusal=stale(copies.read(conn, action_id) or card))
    entry = audit.append(
        conn,
        at=now,
        actor=person,
        event="approved",
        subject=action_id,
        detail={"given": counted.given, "needed": counted.needed, "proof": proof, "digest": counted.digest},
    )
    freed = counted.state is Verdict.APPROVED and raises.free(
        conn, action_id, owner=owner, lease_until=now + LEASE
    )
    card = copies.redraw(conn, desk, action_id, entry)
    return Ballot(card=card, freed=actions.get(conn, action_id) if freed else None)


def deny(
    conn: Connection, *, desk: Desk, action_id: str, person: str, reason: str, proof: str, now: datetime
) -> Ballot:
    """End a request by one denial, whichever version of it was seen."""
    audit.queue_up(conn, now)
    card = copies.read(conn, action_id)
    if card is None:
        return Ballot(refusal=unknown(action_id))
    if person == card.by:
        return Ballot(card=card, refusal=own(card))
    if approvals.deny(conn, action_id, person=person, reason=reason, proof=proof, at=now) is None:
        return Ballot(card=card, refusal=stale(card))
    return ended(
        conn, desk, card, actor=person, event="denied", detail={"reason": reason, "proof": proof}, now=now
    )


def withdraw(
    conn: Connection, *, desk: Desk, action_id: str, person: str, anybody: bool, proof: str, now: datetime
) -> Ballot:
    """End a request by the word of the one who asked; a solo wait (``anybody``) by anybody's."""
    audit.queue_up(conn, now)
    card = copies.read(conn, action_id)
    if card is None:
        return Ballot(refusal=unknown(action_id))
    if person != card.by and not (anybody and card.solo):
        sentence = "Only the one who asked can withdraw this, so nothing was changed: press Deny instead."
        return Ballot(card=card, refusal=Refusal(why="not the requester", sentence=sentence))
    if approvals.end(conn, action_id, Verdict.WITHDRAWN, by=person, why="", at=now) is None:
        return Ballot(card=card, refusal=stale(card))
    event = "withdrawn" if person == card.by else "cancelled"
    return ended(conn, desk, card, actor=person, event=event, detail={"proof": proof}, now=now)


def _open_for(
    conn: Connection, action_id: str, *, person: str, version: int
) -> Ballot | tuple[RequestCard, Action, Approval]:
    """The request when this person may vote on this version of it, else why not."""
    action, approval = actions.get(conn, action_id), approvals.get(conn, action_id)
    card = copies.read(conn, action_id)
    if action is None or approval is None or card is None:
        return Ballot(refusal=unknown(action_id))
    if approval.state is not Verdict.PENDING:
        return Ballot(card=card, refusal=stale(card))
    if person == action.requested_by:
        return Ballot(card=card, refusal=own(card))
    if card.solo:
        sentence = "This one waits for nobody's approval: cancel it, or let it go. Nothing was changed."
        return Ballot(card=card, refusal=Refusal(why="solo", sentence=sentence))
    if person in {each.person for each in approvals.votes_of(conn, action_id)}:
        sentence = view.answer(card, "You voted on this already, so this click did nothing.")
        return Ballot(card=card, refusal=Refusal(why="voted already", sentence=sentence))
    if version != approval.version:
        return Ballot(card=card, refusal=stale(card))
    return card, action, approval


def _not_yet(conn: Connection, desk: Desk, person: str, now: datetime) -> Refusal | None:
    """Why an admin may not approve yet: they were added lately."""
    known = admins.known(conn).get(person)
    hours = timedelta(hours=desk.policy.new_admin_hours)
    if known is not None and (known.founding or known.since + hours <= now):
        return None
    since = known.since if known is not None else now
    return Refusal(
        why="new admin",
        sentence=f"You were added as an admin lately and may approve from {since + hours:%Y-%m-%d %H:%M} UTC on, so "
        "nothing was approved: ask another admin.",
    )
