"""Notes of this program to itself that outlive it: one row a name, with a time and some data.

Locking a row puts the transactions that lock it in line, also those of other processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.prepared import InsertIfNew
from storage.schema import PlainText, UtcDateTime, metadata

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("owner", PlainText),
    sa.Column("until", UtcDateTime),
    sa.Column("data", sa.JSON, nullable=False),
)
_INSERT = InsertIfNew(marks)
AHEAD = timedelta(minutes=1)
"""How far the clocks of two processes may differ without one taking the other's lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One note; ``owner`` and ``until`` where it is a lease."""

    name: str
    at: datetime
    owner: str | None = None
    until: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def get(conn: sa.Connection, name: str) -> Mark | None:
    """The note of that name."""
    row = conn.execute(sa.select(marks).where(marks.c.name == name)).one_or_none()
    return None if row is None else Mark(**row._asdict())


def put(conn: sa.Connection, name: str, *, at: datetime, data: Mapping[str, Any] | None = None) -> None:
    """Write the note in place of the one before."""
    if not _INSERT(conn, {"name": name, "at": at, "data": dict(data or {})}):
        conn.execute(sa.update(marks).where(marks.c.name == name).values(at=at, data=dict(data or {})))


def lock(conn: sa.Connection, name: str, *, at: datetime) -> Mark:
    """The note, made if need be; others that lock it wait until this transaction ends."""
    _INSERT(conn, {"name": name, "at": at, "data": {}})
    row = conn.execute(sa.select(marks).where(marks.c.name == name).with_for_update()).one()
    return Mark(**row._asdict())


def hold(conn: sa.Connection, name: str, *, owner: str, now: datetime, until: datetime) -> bool:
    """True when this owner holds the lease until then: nobody held it, it ran out, or it was ours.

    A lease that ends more than ``AHEAD`` after ``until`` was taken by a clock that went ahead, and counts as run out.
    """
    if _INSERT(conn, {"name": name, "at": now, "owner": owner, "until": until, "data": {}}):
        return True
    over = sa.or_(marks.c.until <= now, marks.c.until > until + AHEAD)
    free = sa.or_(marks.c.owner == owner, marks.c.owner.is_(None), over)
    mine = sa.update(marks).where(marks.c.name == name, free).values(owner=owner, until=until, at=now)
    return conn.execute(mine).rowcount == 1


def let_go(conn: sa.Connection, name: str, *, owner: str) -> None:
    """Give the lease up, so that another process need not wait for its end."""
    conn.execute(
        sa.update(marks).where(marks.c.name == name, marks.c.owner == owner).values(owner=None, until=None)
    )
