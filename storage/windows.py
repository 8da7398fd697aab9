"""Monitoring windows: who watches what until when, what was read of it, and how it ended.

open -> stable | not_proved | unstable     by what was read
open -> closed                             by a person
Each end is one conditional statement, so that a window ends once, whoever sees it first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata


class WindowState(StrEnum):
    """Where a window stands."""

    OPEN = "open"
    STABLE = "stable"  # nothing was seen that ends it, and enough was read to say so
    NOT_PROVED = "not_proved"  # nothing was seen, but too little was read
    UNSTABLE = "unstable"  # a rule ended it
    CLOSED = "closed"  # a person ended it before its time


windows = sa.Table(
    "windows",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot", PlainText),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("action_id", sa.String(80), unique=True),
    sa.Column("next_bot", PlainText),
    sa.Column("opened_by", PlainText, nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("every", sa.Float, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("rule", sa.String(16), nullable=False),
    sa.Column("culprit", PlainText),
    sa.Column("why", PlainText, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", PlainText),
    sa.Column("reads", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("last_read_at", UtcDateTime),
    sa.Column("blind", sa.JSON, nullable=False),
    sa.Column("seen", sa.JSON, nullable=False),
    sa.Column("changes", sa.Integer, nullable=False),
    sa.Column("drawn_at", UtcDateTime),
    sa.Column("settled_by", PlainText),
    sa.Index("ix_windows_state_ends_at", "state", "ends_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """One window; ``bot`` is ``None`` for the whole fleet, ``every`` is in seconds, ``blind`` as in `coverage`."""

    id: int = 0
    bot: str | None
    origin: str  # "monitor" or "start"
    action_id: str | None = None  # the start that opened it, and for which of its bots
    next_bot: str | None = None  # who is started next when this one was stable
    opened_by: str
    begun_at: datetime
    ends_at: datetime
    every: float
    state: str = WindowState.OPEN
    rule: str = ""
    culprit: str | None = None
    why: str = ""
    ended_at: datetime | None = None
    ended_by: str | None = None
    reads: int = 0
    missed: int = 0
    last_read_at: datetime | None = None
    blind: Sequence[Sequence[Any]] = ()
    seen: Mapping[str, Any] = field(default_factory=dict)
    changes: int = 0
    drawn_at: datetime | None = None
    settled_by: str | None = None


_FIELDS = tuple(each.name for each in fields(WindowRow))


def begin(conn: sa.Connection, row: WindowRow) -> WindowRow | None:
    """The window, stored; ``None`` when its start has opened one before."""
    values = _values(row)
    if row.action_id is not None:
        before = sa.select(windows.c.id).where(windows.c.action_id == row.action_id)
        if conn.scalar(before) is not None:
            return None
    done = conn.execute(sa.insert(windows).values(**values))
    (number,) = done.inserted_primary_key or (0,)
    return get(conn, int(number))


def get(conn: sa.Connection, number: int) -> WindowRow | None:
    """The window of that number."""
    rows = _rows(conn, sa.select(windows).where(windows.c.id == number))
    return rows[0] if rows else None


def standing(conn: sa.Connection) -> list[WindowRow]:
    """The windows that are open, oldest first."""
    return _rows(conn, sa.select(windows).where(windows.c.state == WindowState.OPEN).order_by(windows.c.id))


def counted(conn: sa.Connection) -> int:
    """How many are open."""
    query = sa.select(sa.func.count()).select_from(windows)
    return int(conn.scalar(query.where(windows.c.state == WindowState.OPEN)) or 0)


def ended(conn: sa.Connection, limit: int) -> list[WindowRow]:
    """The windows that ended last, newest first."""
    query = sa.select(windows).where(windows.c.state != WindowState.OPEN)
    return _rows(conn, query.order_by(windows.c.ended_at.desc(), windows.c.id.desc()).limit(limit))


def since(conn: sa.Connection, moment: datetime) -> list[WindowRow]:
    """The windows that were open at some time since then, oldest first."""
    alive = sa.or_(windows.c.state == WindowState.OPEN, windows.c.ended_at >= moment)
    return _rows(conn, sa.select(windows).where(alive).order_by(windows.c.begun_at, windows.c.id))


def save(conn: sa.Connection, before: WindowRow, after: WindowRow) -> bool:
    """Write what differs of an open window; False when it is not open any more and nothing was written."""
    old, new = _values(before), _values(after)
    changed = {name: value for name, value in new.items() if old[name] != value}
    if not changed:
        return True
    this = (windows.c.id == before.id, windows.c.state == WindowState.OPEN)
    return conn.execute(sa.update(windows).where(*this).values(**changed)).rowcount == 1


def settle(conn: sa.Connection, number: int, by: str) -> bool:
    """True for exactly one caller: somebody has answered the alarm of this unstable window."""
    this = (
        windows.c.id == number,
        windows.c.state == WindowState.UNSTABLE,
        windows.c.settled_by.is_(None),
    )
    return conn.execute(sa.update(windows).where(*this).values(settled_by=by)).rowcount == 1


def unsettled(conn: sa.Connection, after: datetime) -> list[WindowRow]:
    """Windows that a rule ended since then and that nobody has answered."""
    mine = (windows.c.state == WindowState.UNSTABLE, windows.c.settled_by.is_(None))
    return _rows(conn, sa.select(windows).where(*mine, windows.c.ended_at >= after).order_by(windows.c.id))


def moved(row: WindowRow, shift: timedelta) -> dict[str, datetime]:
    """The times of a window after the clock was set by ``shift``."""
    times = {"begun_at": row.begun_at, "ends_at": row.ends_at}
    for name in ("last_read_at", "drawn_at"):
        if (at := getattr(row, name)) is not None:
            times[name] = at
    return {name: at + shift for name, at in times.items()}


def move(conn: sa.Connection, row: WindowRow, times: Mapping[str, datetime]) -> WindowRow:
    """The window at these times, stored."""
    conn.execute(sa.update(windows).where(windows.c.id == row.id).values(**times))
    return replace(row, **times)  # type: ignore[arg-type]  # names of its times


def _values(row: WindowRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _FIELDS if name != "id"}
    return {**values, "blind": [list(each) for each in row.blind], "seen": dict(row.seen)}


def _rows(conn: sa.Connection, query: sa.Select[Any]) -> list[WindowRow]:
    return [WindowRow(**row._asdict()) for row in conn.execute(query)]
