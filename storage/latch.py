"""The latch: our own record that the fleet is killed, since when, by whom and why, kept as a history."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    or_,
    select,
    text,
    update,
)

from storage.prepared import InsertIfNew, Prepared
from storage.schema import PlainText, UtcDateTime, metadata

latches = Table(
    "latches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("engaged_at", UtcDateTime, nullable=False),
    Column("by", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("action_id", String(64), nullable=False),
    Column("again_at", UtcDateTime),
    Column("drill", Boolean, nullable=False, default=False),
    Column("verified_at", UtcDateTime),
    Column("released_at", UtcDateTime),
    Column("released_by", PlainText),
)
# at most one latch stands: the rule that two kills in the same millisecond meet, on any number of replicas
Index(
    "uq_latches_standing",
    text("(released_at IS NULL)"),
    unique=True,
    _table=latches,
    sqlite_where=latches.c.released_at.is_(None),
    postgresql_where=latches.c.released_at.is_(None),
)
_INSERT = InsertIfNew(latches)
_QUERY = select(latches).where(latches.c.released_at.is_(None))
_STANDING = Prepared(_QUERY)
_STANDING_LOCKED = Prepared(_QUERY.with_for_update())
_LAST = Prepared(select(latches).order_by(latches.c.id.desc()).limit(1))
_THIS = latches.c.id == bindparam("which")
_VERIFY = Prepared(update(latches).where(_THIS, latches.c.verified_at.is_(None)), sets=("verified_at",))
_REASON = Prepared(update(latches).where(_THIS, latches.c.reason == ""), sets=("reason",))
_AGAIN = Prepared(update(latches).where(_THIS), sets=("again_at", "drill"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """One time the fleet was killed; it stands while ``released_at`` is ``None``."""

    id: int
    engaged_at: datetime
    by: str
    reason: str
    action_id: str
    again_at: datetime | None = None  # the newest further kill by a person while it stood
    drill: bool = False  # True while every kill in it was a drill
    verified_at: datetime | None = None
    released_at: datetime | None = None
    released_by: str | None = None


def engage(
    conn: Connection, *, by: str, reason: str, action_id: str, at: datetime, drill: bool = False
) -> tuple[Latch, bool]:
    """The standing latch, and True when this call engaged it; the first reason, person and time are kept.

    Other kills wait here until this transaction ends, so that the second sees what the first wrote.
    """
    row = {"engaged_at": at, "by": by, "reason": reason, "action_id": action_id, "drill": drill}
    while True:
        first = _INSERT(conn, row)
        standing = _one(conn, _STANDING_LOCKED)
        if standing is not None:  # None: another one stood and was released between the two statements
            return standing, first


def again(conn: Connection, held: Latch, *, at: datetime, drill: bool) -> None:
    """A further kill of a person while the latch stands: the cooldown counts anew, and a drill may end."""
    newest = max(at, held.again_at or at)
    _AGAIN.changed(conn, which=held.id, again_at=newest, drill=held.drill and drill)


def release(conn: Connection, latch_id: int, *, by: str, at: datetime) -> bool:
    """True when the latch stood and is now released.

    A kill at the same moment waits for this transaction, or this for it: so count the kills *after* this call,
    and undo it by raising when there is a newer one than was approved.
    """
    standing = (latches.c.id == latch_id, latches.c.released_at.is_(None))
    released = update(latches).where(*standing).values(released_at=at, released_by=by)
    return conn.execute(released).rowcount == 1


def current(conn: Connection) -> Latch | None:
    """The latch that stands, ``None`` when the fleet is not killed by our record."""
    return _one(conn, _STANDING)


def last(conn: Connection) -> Latch | None:
    """The newest latch, standing or released."""
    return _one(conn, _LAST)


def record_verified(conn: Connection, latch_id: int, at: datetime) -> bool:
    """True when this is the first time the stop behind the latch was read back."""
    return _VERIFY.changed(conn, which=latch_id, verified_at=at) == 1


def record_reason(conn: Connection, latch_id: int, reason: str) -> bool:
    """True when the reason was still empty and is now this one."""
    return _REASON.changed(conn, which=latch_id, reason=reason) == 1


def since(conn: Connection, moment: datetime) -> list[Latch]:
    """The latches that were engaged or engaged anew since then, and the one that stands, oldest first."""
    recent = or_(
        latches.c.engaged_at >= moment, latches.c.again_at >= moment, latches.c.released_at.is_(None)
    )
    rows = conn.execute(select(latches).where(recent).order_by(latches.c.engaged_at, latches.c.id))
    return [Latch(**row._asdict()) for row in rows]


def _one(conn: Connection, query: Prepared) -> Latch | None:
    row = query.one(conn)
    return None if row is None else Latch(**row)
