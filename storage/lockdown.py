"""Lockdowns: while one stands nothing that raises risk is asked or approved; kept as a history."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Integer, Table, select, text, update

from storage.prepared import InsertIfNew
from storage.schema import PlainText, UtcDateTime, metadata

lockdowns = Table(
    "lockdowns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("by", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("times", Integer, nullable=False, default=1),
    Column("ended_at", UtcDateTime),
    Column("ended_by", PlainText),
)
# at most one stands, on any number of replicas
Index(
    "uq_lockdowns_standing",
    text("(ended_at IS NULL)"),
    unique=True,
    _table=lockdowns,
    sqlite_where=lockdowns.c.ended_at.is_(None),
    postgresql_where=lockdowns.c.ended_at.is_(None),
)
_INSERT = InsertIfNew(lockdowns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockdown:
    """One time in which nothing was let through that raises risk; it stands while ``ended_at`` is ``None``."""

    id: int
    begun_at: datetime
    by: str
    reason: str
    times: int = 1  # how often it was asked for while it stood
    ended_at: datetime | None = None
    ended_by: str | None = None  # the action that ended it


def begin(conn: Connection, *, by: str, reason: str, at: datetime) -> tuple[Lockdown, bool]:
    """The standing lockdown, and True when this call began it; the first reason, person and time are kept.

    One that stands counts how often it was asked for: whoever is about to end it learns of that.
    """
    while True:
        first = _INSERT(conn, {"begun_at": at, "by": by, "reason": reason})
        if not first:
            again = update(lockdowns).where(lockdowns.c.ended_at.is_(None))
            conn.execute(again.values(times=lockdowns.c.times + 1))
        standing = current(conn)
        if standing is not None:  # None: another one stood and was ended between the two statements
            return standing, first


def end(conn: Connection, lockdown_id: int, *, by: str, at: datetime) -> bool:
    """True when the lockdown stood and has now ended."""
    standing = (lockdowns.c.id == lockdown_id, lockdowns.c.ended_at.is_(None))
    return conn.execute(update(lockdowns).where(*standing).values(ended_at=at, ended_by=by)).rowcount == 1


def current(conn: Connection) -> Lockdown | None:
    """The lockdown that stands."""
    row = conn.execute(select(lockdowns).where(lockdowns.c.ended_at.is_(None))).one_or_none()
    return None if row is None else Lockdown(**row._asdict())
