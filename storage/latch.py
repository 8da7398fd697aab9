"""The latch: our own record that the fleet is killed, since when, by whom and why, kept as a history."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    func,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """One time the fleet was killed; it stands while ``released_at`` is ``None``."""

    id: int
    engaged_at: datetime
    by: str
    reason: str
    action_id: str
    verified_at: datetime | None = None
    released_at: datetime | None = None
    released_by: str | None = None


def engage(conn: Connection, *, by: str, reason: str, action_id: str, at: datetime) -> tuple[Latch, bool]:
    """The standing latch, and True when this call engaged it; the first reason, person and time are kept.

    Other kills wait here until this transaction ends, so that the second sees what the first wrote.
    """
    row = {"engaged_at": at, "by": by, "reason": reason, "action_id": action_id}
    while True:
        first = _INSERT(conn, row)
        standing = _one(conn, _STANDING_LOCKED)
        if standing is not None:  # None: another one stood and was released between the two statements
            return standing, first


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


def engaged_since(conn: Connection, since: datetime) -> int:
    """How many times the fleet was killed since then, for the circuit breaker."""
    return conn.scalar(select(func.count()).select_from(latches).where(latches.c.engaged_at >= since)) or 0


def _one(conn: Connection, query: Prepared) -> Latch | None:
    row = query.one(conn)
    return None if row is None else Latch(**row)
