"""Actions: durable intents to change the fleet, accepted once, run by one owner at a time under a lease.

queued -> running -> verified | not verified | failed | abandoned     by the owner
queued, running -> closed (by a person) | joined (a second kill follows the first)
waiting -> running (approved: born claimed) | void     for what raises risk, see ``approvals``
running -> void     by the owner, when what it was approved in has changed before anything was sent
A running action whose lease ran out is claimed again: recovery re-queues through the same claim.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    RowMapping,
    Select,
    String,
    Table,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from storage.prepared import InsertIfNew, Prepared
from storage.schema import PlainText, UtcDateTime, clean, metadata

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # read aloud at night: no 0 O, 1 I L


class State(StrEnum):
    """Where an action stands."""

    WAITING = "waiting"  # asked for, nobody may work on it before it is approved
    QUEUED = "queued"  # committed, nobody works on it yet
    RUNNING = "running"  # claimed by one owner under a lease
    VERIFIED = "verified"  # the wanted state was read back
    NOT_VERIFIED = "not_verified"  # sent, but the wanted state was not seen before the deadline
    FAILED = "failed"  # the back end said no
    CLOSED = "closed"  # ended by a person, by hand
    JOINED = "joined"  # a second kill that follows the one that was open
    ABANDONED = "abandoned"  # begun, and given up before it was done: a kill came, or its time was over
    VOID = "void"  # never sent: denied, withdrawn, expired, or asked in another state of things


OPEN = frozenset({State.QUEUED, State.RUNNING})
"""States in which an action still has to be worked on."""

FINAL = frozenset({State.VERIFIED, State.NOT_VERIFIED, State.FAILED, State.ABANDONED, State.VOID})
"""States that an owner may finish an action in."""

STOPS = frozenset({"kill", "stop", "pause"})
STARTS = frozenset({"start", "start-sequential", "resume"})
RELEASES = frozenset({"override", "force-override"})

actions = Table(
    "actions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key", PlainText, nullable=False, unique=True),
    Column("command", String(64), nullable=False),
    Column("bot", PlainText),
    Column("option", String(16), nullable=False),
    Column("target", PlainText, nullable=False, server_default=""),
    Column("reason", PlainText, nullable=False),
    Column("requested_by", PlainText, nullable=False),
    Column("source", String(16), nullable=False),
    Column("channel", PlainText),
    Column("response_url", PlainText),
    Column("state", String(16), nullable=False),
    Column("joined_to", String(64)),
    Column("claimed_by", PlainText),
    Column("lease_until", UtcDateTime),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("begun_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("verified_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("outcome", JSON, nullable=False),
    Column("closed_by", PlainText),
    Column("close_reason", PlainText),
    Index("ix_actions_state_accepted_at", "state", "accepted_at"),
    Index("ix_actions_accepted_at", "accepted_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One intent; ``key`` makes it idempotent, ``bot`` is ``None`` for the whole fleet."""

    id: str
    key: str
    command: str
    bot: str | None = None
    option: str = ""  # "safe" or "full" for starts, "off" for the end of a lockdown
    target: str = ""  # what it is about besides a bot: a named host action, or a file and what is put into it
    reason: str
    requested_by: str  # a Slack user id, or "terminal:<login>"
    source: str  # "slack" or "terminal"
    channel: str | None = None
    response_url: str | None = None
    state: State = State.QUEUED
    joined_to: str | None = None
    claimed_by: str | None = None
    lease_until: datetime | None = None
    accepted_at: datetime
    begun_at: datetime | None = None  # from here on something that raises risk may have been sent
    sent_at: datetime | None = None
    verified_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    closed_by: str | None = None
    close_reason: str | None = None


_FIELDS = tuple(each.name for each in fields(Action))
_INSERT = InsertIfNew(actions)
_THIS = actions.c.id == bindparam("which")
_IS_OPEN = or_(*(actions.c.state == each for each in sorted(OPEN)))
_BY_ID = Prepared(select(actions).where(_THIS))
_BY_KEY = Prepared(select(actions).where(actions.c.key == bindparam("key")))
_OPEN_KILL = Prepared(
    select(actions)
    .where(actions.c.command == "kill", _IS_OPEN, actions.c.id != bindparam("besides"))
    .order_by(actions.c.accepted_at, actions.c.id)
    .limit(1)
)
_SENT = Prepared(update(actions).where(_THIS, actions.c.sent_at.is_(None)), sets=("sent_at",))
_KILLS = Prepared(select(func.count().label("kills")).select_from(actions).where(actions.c.command == "kill"))
_VERIFIED = Prepared(
    update(actions)
    .where(_THIS)
    .values(verified_at=func.coalesce(actions.c.verified_at, bindparam("at", type_=UtcDateTime))),
    sets=("outcome",),
)
_REASON = Prepared(update(actions).where(_THIS, actions.c.reason == ""), sets=("reason",))
_FINISH = Prepared(
    update(actions).where(_THIS, _IS_OPEN).values(claimed_by=None, lease_until=None),
    sets=("state", "finished_at", "outcome"),
)


def new_id(command: str) -> str:
    """A short id that can be read aloud, such as ``kill-7F3K2QXA``."""
    number, letters = secrets.randbelow(len(LETTERS) ** 8), ""
    for _ in range(8):  # one draw for all letters: each draw asks the operating system
        number, which = divmod(number, len(LETTERS))
        letters += LETTERS[which]
    return f"{command}-{letters}"


def accept(
    conn: Connection,
    action: Action,
    *,
    owner: str | None,
    lease_until: datetime | None,
    waiting: bool = False,
) -> tuple[Action, bool]:
    """The stored action and True, or the one stored before under the same key and False.

    With an owner it is born claimed, so that no other replica can run it between commit and claim; a waiting one
    can be claimed by nobody before ``free``.
    """
    unclaimed = State.WAITING if waiting else State.QUEUED
    born = replace(
        action,
        reason=clean(action.reason),
        state=unclaimed if owner is None else State.RUNNING,
        claimed_by=owner,
        lease_until=None if owner is None else lease_until,
    )
    if _INSERT(conn, {name: getattr(born, name) for name in _FIELDS}):
        return born, True
    stored = by_key(conn, action.key)
    if stored is None:
        raise ValueError(f"the id {action.id} already belongs to another action")
    return stored, False


def claim(conn: Connection, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[Action]:
    """What waits or whose lease ran out, now ours until ``lease_until``: kills first, then the oldest."""
    return _claim(
        conn, select(actions.c.id).where(_free(now)).limit(limit), owner=owner, lease_until=lease_until
    )


def claimable(conn: Connection, *, now: datetime) -> bool:
    """True when ``claim`` would find something: a look that takes no write lock."""
    return conn.execute(select(actions.c.id).where(_free(now)).limit(1)).first() is not None


def _free(now: datetime) -> ColumnElement[bool]:
    lapsed = (actions.c.state == State.RUNNING) & (actions.c.lease_until <= now)
    return or_(actions.c.state == State.QUEUED, lapsed)


def take_over(
    conn: Connection, *, owner: str, owners_prefix: str, now: datetime, lease_until: datetime
) -> list[Action]:
    """Running actions of owners with this prefix, now ours whatever their lease says.

    For a process that knows that its predecessor is dead; ``now`` must not be later than ``lease_until``.
    """
    if lease_until <= now:
        raise ValueError("the new lease must end after now")
    # not LIKE: SQLite's ignores case, and a prefix may hold % or _
    theirs = func.substr(actions.c.claimed_by, 1, len(owners_prefix)) == owners_prefix
    picked = select(actions.c.id).where(actions.c.state == State.RUNNING, theirs)
    return _claim(conn, picked, owner=owner, lease_until=lease_until)


def _claim(conn: Connection, picked: Select[str], *, owner: str, lease_until: datetime) -> list[Action]:
    kills_first = (case((actions.c.command == "kill", 0), else_=1), actions.c.accepted_at, actions.c.id)
    # SKIP LOCKED: what another replica is claiming this moment is neither waited for nor claimed twice
    ids = conn.scalars(picked.order_by(*kills_first).with_for_update(skip_locked=True)).all()
    if not ids:
        return []
    rows = conn.execute(
        update(actions)
        .where(actions.c.id.in_(ids))
        .values(state=State.RUNNING, claimed_by=owner, lease_until=lease_until)
        .returning(*actions.c)
    )
    claimed = {row.id: _action(row._mapping) for row in rows}
    return [claimed[each] for each in ids]


def renew(conn: Connection, *, owner: str, ids: Collection[str], lease_until: datetime) -> set[str]:
    """Which of these actions are still ours, now until ``lease_until``; stop working on the others."""
    ours = (actions.c.id.in_(ids), actions.c.claimed_by == owner, actions.c.state == State.RUNNING)
    return set(
        conn.scalars(update(actions).where(*ours).values(lease_until=lease_until).returning(actions.c.id))
    )


def record_sent(conn: Connection, action_id: str, at: datetime) -> bool:
    """True when this is the first time the action was sent; later times are not kept."""
    return _SENT.changed(conn, which=action_id, sent_at=at) == 1


def record_verified(conn: Connection, action_id: str, at: datetime, outcome: Mapping[str, Any]) -> bool:
    """True when the action exists: the first time of verification is kept, the outcome is the newest."""
    return _VERIFIED.changed(conn, which=action_id, at=at, outcome=dict(outcome)) == 1


def record_reason(conn: Connection, action_id: str, reason: str) -> bool:
    """True when the reason was still empty and is now this one: the first reason stays."""
    return _REASON.changed(conn, which=action_id, reason=reason) == 1


def finish(
    conn: Connection, action_id: str, *, state: State, at: datetime, outcome: Mapping[str, Any]
) -> bool:
    """True when the action was open and is now in this final state; False when somebody ended it before."""
    if state not in FINAL:
        raise ValueError(f"an owner cannot finish an action as {state}")
    return _FINISH.changed(conn, which=action_id, state=state, finished_at=at, outcome=dict(outcome)) == 1


def close(conn: Connection, action_id: str, *, by: str, reason: str, at: datetime) -> bool:
    """True when the action was open and a person has now ended it by hand."""
    return _end(conn, action_id, state=State.CLOSED, finished_at=at, closed_by=by, close_reason=reason)


def join(conn: Connection, action_id: str, to: str, at: datetime) -> bool:
    """True when the action was open and now follows the action ``to``, which must be another one."""
    if action_id == to:
        raise ValueError(f"{action_id} cannot join itself")
    return _end(conn, action_id, state=State.JOINED, finished_at=at, joined_to=to)


def get(conn: Connection, action_id: str) -> Action | None:
    """The action with this id."""
    return _one(_BY_ID.one(conn, which=action_id))


def by_key(conn: Connection, key: str) -> Action | None:
    """The action that was accepted under this idempotency key."""
    return _one(_BY_KEY.one(conn, key=key))


def open_kill(conn: Connection, *, besides: str | None = None) -> Action | None:
    """The oldest kill that is still being worked on, ``besides`` the one with this id.

    A new kill that looks for one to join engages the latch first, in the same transaction: there the second
    of two waits until the first has committed. It passes its own id, for by the clock it may be the older.
    """
    return _one(_OPEN_KILL.one(conn, besides=besides or ""))


def last_kill(conn: Connection) -> Action | None:
    """The newest kill that was worked on, however it ended; those that joined another do not count."""
    kills = select(actions).where(actions.c.command == "kill", actions.c.state != State.JOINED)
    newest = kills.order_by(actions.c.accepted_at.desc(), actions.c.id).limit(1)
    row = conn.execute(newest).mappings().one_or_none()
    return None if row is None else _action(row)


def newest_kills(conn: Connection, count: int) -> list[Action]:
    """So many kills that were accepted last, of whatever kind, oldest first."""
    newest = (
        select(actions)
        .where(actions.c.command == "kill")
        .order_by(actions.c.accepted_at.desc(), actions.c.id)
    )
    return [_action(row._mapping) for row in conn.execute(newest.limit(count))][::-1]


def kills(conn: Connection) -> int:
    """How many kills were ever accepted, of whatever kind: a number that any new kill raises, on any clock."""
    found = _KILLS.one(conn)
    return int(found["kills"]) if found is not None else 0


def stops(conn: Connection) -> dict[str, int]:
    """How many stops and pauses of each bot were ever accepted: like ``kills``, a number that any new one raises."""
    counted = select(actions.c.bot, func.count()).where(actions.c.command.in_(("stop", "pause")))
    rows = conn.execute(counted.group_by(actions.c.bot))
    return {bot: int(count) for bot, count in rows if bot is not None}


def unverified(conn: Connection, since: datetime) -> list[Action]:
    """Stops of any kind that were accepted since then and not seen complete, oldest first."""
    doubtful = actions.c.state.in_((*sorted(OPEN), State.NOT_VERIFIED, State.FAILED))
    unseen = actions.c.verified_at.is_(None)
    found = select(actions).where(
        actions.c.command.in_(STOPS), doubtful, unseen, actions.c.accepted_at >= since
    )
    rows = conn.execute(found.order_by(actions.c.accepted_at, actions.c.id))
    return [_action(row._mapping) for row in rows]


def touching_since(conn: Connection, since: datetime) -> list[Action]:
    """What was done, or is being done, to the fleet since then: a bot that changes is then no surprise."""
    done = actions.c.state.not_in((State.WAITING, State.VOID))
    lately = or_(actions.c.accepted_at >= since, actions.c.finished_at >= since, _IS_OPEN)
    return [_action(row._mapping) for row in conn.execute(select(actions).where(done, lately))]


def verified_later(conn: Connection, action: Action) -> bool:
    """True when something newer was seen to work on the same bot, or a newer kill on the whole fleet."""
    same = or_(actions.c.bot == action.bot, actions.c.command == "kill")
    newer = (actions.c.accepted_at > action.accepted_at, actions.c.verified_at.is_not(None))
    return conn.execute(select(actions.c.id).where(same, *newer).limit(1)).first() is not None


def kills_since(conn: Connection, since: datetime) -> list[Action]:
    """The kills that were accepted since then, oldest first."""
    query = select(actions).where(actions.c.command == "kill", actions.c.accepted_at >= since)
    rows = conn.execute(query.order_by(actions.c.accepted_at, actions.c.id))
    return [_action(row._mapping) for row in rows]


def recent(conn: Connection, limit: int) -> list[Action]:
    """The newest actions, newest first."""
    rows = conn.execute(select(actions).order_by(actions.c.accepted_at.desc(), actions.c.id).limit(limit))
    return [_action(row._mapping) for row in rows]


def _end(conn: Connection, action_id: str, **values: Any) -> bool:
    ended = update(actions).where(actions.c.id == action_id, _IS_OPEN)
    return conn.execute(ended.values(claimed_by=None, lease_until=None, **values)).rowcount == 1


def _one(row: Mapping[str, Any] | None) -> Action | None:
    return None if row is None else _action(row)


def _action(row: Mapping[str, Any] | RowMapping) -> Action:
    return Action(**{**row, "state": State(row["state"])})
