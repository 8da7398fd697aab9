"""Approvals: a second admin's word on one action that raises risk, and the votes of which it is made.

pending -> approved     the vote that completes the quorum, or (solo) the end of the wait
pending -> denied | withdrawn | expired | void     one word is enough; each frees nobody
Every transition and every vote raises ``version``: who votes names the version they saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    case,
    delete,
    exists,
    insert,
    literal,
    null,
    select,
    update,
)

from storage.actions import actions
from storage.schema import PlainText, UtcDateTime, metadata


class Verdict(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"  # waits for votes, or for the end of a solo wait
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"  # by the one who asked, or cancelled in a solo wait
    EXPIRED = "expired"
    VOID = "void"  # what it was asked in has changed


class Choice(StrEnum):
    """What somebody voted."""

    APPROVE = "approve"
    DENY = "deny"


approvals = Table(
    "approvals",
    metadata,
    Column("action_id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("asked", JSON, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("given", Integer, nullable=False),
    Column("frees_at", UtcDateTime),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("remind_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("good_until", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("decided_by", PlainText),
    Column("why", PlainText, nullable=False),
    Index("ix_approvals_state_asked_at", "state", "asked_at"),
)
votes = Table(
    "votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action_id", String(64), nullable=False),
    Column("person", PlainText, nullable=False),
    Column("choice", String(16), nullable=False),
    Column("proof", String(16), nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("action_id", "person"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request for approval; ``asked`` is the state it was asked in, ``digest`` binds it to its action."""

    action_id: str
    digest: str
    asked: Mapping[str, Any]
    needed: int  # votes of others; 0 in a solo wait
    given: int = 0
    frees_at: datetime | None = None  # solo: when it goes by itself unless somebody cancels
    version: int = 1
    state: Verdict = Verdict.PENDING
    asked_at: datetime
    remind_at: datetime | None = None
    expires_at: datetime
    good_until: datetime | None = None  # once approved: until when it may be sent
    decided_at: datetime | None = None
    decided_by: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's vote; ``proof`` is how they proved themselves ("slack", "code" or "terminal")."""

    action_id: str
    person: str
    choice: Choice
    proof: str
    reason: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An approval with its votes, oldest first."""

    approval: Approval
    votes: tuple[Vote, ...] = field(default_factory=tuple)


_PENDING = approvals.c.state == Verdict.PENDING


def ask(conn: Connection, approval: Approval) -> None:
    """Store a request that begins to wait."""
    row = {name: getattr(approval, name) for name in approvals.c.keys()}  # noqa: SIM118 - a table's columns
    conn.execute(insert(approvals).values({**row, "asked": dict(approval.asked)}))


def approve(
    conn: Connection,
    action_id: str,
    *,
    person: str,
    version: int,
    proof: str,
    at: datetime,
    good_until: datetime,
) -> Approval | None:
    """The request as it is after this vote, or ``None`` when the vote does not count.

    One conditional statement decides: pending, not over, the version that was seen, not the one who asked, no
    vote of this person yet. Of two at once the second finds another version.
    """
    voted = exists().where(votes.c.action_id == action_id, votes.c.person == person)
    asked = exists().where(actions.c.id == action_id, actions.c.requested_by == person)
    allowed = (
        approvals.c.action_id == action_id,
        _PENDING,
        approvals.c.version == version,
        approvals.c.expires_at > at,
        approvals.c.frees_at.is_(None),
        ~voted,
        ~asked,
    )
    complete = approvals.c.given + 1 >= approvals.c.needed
    counted = (
        update(approvals)
        .where(*allowed)
        .values(
            given=approvals.c.given + 1,
            version=approvals.c.version + 1,
            state=case((complete, Verdict.APPROVED), else_=approvals.c.state),
            decided_at=case((complete, _moment(at)), else_=null()),
            decided_by=case((complete, literal(person, PlainText)), else_=null()),
            good_until=case((complete, _moment(good_until)), else_=null()),
        )
    )
    if conn.execute(counted).rowcount != 1:
        return None
    _vote(conn, action_id, person=person, choice=Choice.APPROVE, proof=proof, reason="", at=at)
    return get(conn, action_id)


def deny(
    conn: Connection, action_id: str, *, person: str, reason: str, proof: str, at: datetime
) -> Approval | None:
    """The request, denied, or ``None`` when it was decided before: one denial beats any number of approvals.

    It counts whichever version was seen, and takes the place of an earlier approval by the same person.
    """
    denied = _decide(conn, action_id, Verdict.DENIED, by=person, why=reason, at=at)
    if denied is None:
        return None
    conn.execute(delete(votes).where(votes.c.action_id == action_id, votes.c.person == person))
    _vote(conn, action_id, person=person, choice=Choice.DENY, proof=proof, reason=reason, at=at)
    return denied


def end(
    conn: Connection, action_id: str, verdict: Verdict, *, by: str, why: str, at: datetime
) -> Approval | None:
    """The request as it ended (withdrawn, expired, void), or ``None`` when it was decided before."""
    if verdict not in {Verdict.WITHDRAWN, Verdict.EXPIRED, Verdict.VOID}:
        raise ValueError(f"a request cannot be ended as {verdict}")
    return _decide(conn, action_id, verdict, by=by, why=why, at=at)


def free_alone(conn: Connection, action_id: str, *, at: datetime, good_until: datetime) -> Approval | None:
    """The request of the only admin there is, approved by the end of its wait; ``None`` when it is not due."""
    due = (approvals.c.action_id == action_id, _PENDING, approvals.c.frees_at <= at)
    freed = update(approvals).where(*due)
    values = {"state": Verdict.APPROVED, "decided_at": at, "decided_by": "nobody", "good_until": good_until}
    if conn.execute(freed.values(version=approvals.c.version + 1, **values)).rowcount != 1:
        return None
    return get(conn, action_id)


def reminded(conn: Connection, action_id: str) -> bool:
    """True for exactly one caller: the reminder of this request is due and not sent yet."""
    waiting = (approvals.c.action_id == action_id, _PENDING, approvals.c.remind_at.is_not(None))
    return conn.execute(update(approvals).where(*waiting).values(remind_at=None)).rowcount == 1


def get(conn: Connection, action_id: str) -> Approval | None:
    """The request for this action."""
    row = conn.execute(select(approvals).where(approvals.c.action_id == action_id)).one_or_none()
    return None if row is None else _approval(row._mapping)


def request(conn: Connection, action_id: str) -> Request | None:
    """The request for this action with its votes."""
    found = get(conn, action_id)
    return None if found is None else Request(approval=found, votes=votes_of(conn, action_id))


def votes_of(conn: Connection, action_id: str) -> tuple[Vote, ...]:
    """The votes on one request, oldest first."""
    rows = conn.execute(select(votes).where(votes.c.action_id == action_id).order_by(votes.c.id))
    return tuple(
        Vote(
            action_id=row.action_id,
            person=row.person,
            choice=Choice(row.choice),
            proof=row.proof,
            reason=row.reason,
            at=row.at,
        )
        for row in rows
    )


def pending(conn: Connection) -> list[Approval]:
    """All requests that wait, oldest first."""
    rows = conn.execute(
        select(approvals).where(_PENDING).order_by(approvals.c.asked_at, approvals.c.action_id)
    )
    return [_approval(row._mapping) for row in rows]


def recent(conn: Connection, limit: int) -> list[Approval]:
    """The newest requests that are decided, newest first."""
    newest = select(approvals).where(~_PENDING).order_by(approvals.c.asked_at.desc(), approvals.c.action_id)
    return [_approval(row._mapping) for row in conn.execute(newest.limit(limit))]


def _decide(
    conn: Connection, action_id: str, verdict: Verdict, *, by: str, why: str, at: datetime
) -> Approval | None:
    ended = update(approvals).where(approvals.c.action_id == action_id, _PENDING)
    values = {"state": verdict, "decided_at": at, "decided_by": by, "why": why}
    if conn.execute(ended.values(version=approvals.c.version + 1, **values)).rowcount != 1:
        return None
    return get(conn, action_id)


def _vote(
    conn: Connection, action_id: str, *, person: str, choice: Choice, proof: str, reason: str, at: datetime
) -> None:
    row = {"action_id": action_id, "person": person, "choice": choice, "proof": proof, "reason": reason}
    conn.execute(insert(votes).values(**row, at=at))


def _moment(at: datetime) -> ColumnElement[datetime]:
    return literal(at, UtcDateTime)


def _approval(row: Mapping[Any, Any]) -> Approval:
    stored = {str(name): value for name, value in row.items()}
    return Approval(**{**stored, "state": Verdict(stored["state"])})
