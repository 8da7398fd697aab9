"""Bots that were started in safe mode, and when somebody has to say how it goes on."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

safe_modes = sa.Table(
    "safe_modes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot", PlainText, nullable=False),
    sa.Column("action_id", sa.String(64), nullable=False),
    sa.Column("by", PlainText, nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("told_at", UtcDateTime),
    sa.Index("ix_safe_modes_told_at_due_at", "told_at", "due_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeMode:
    """One of them; nothing was said yet while ``told_at`` is ``None``."""

    id: int
    bot: str
    action_id: str
    by: str
    begun_at: datetime
    due_at: datetime
    told_at: datetime | None


def begin(conn: sa.Connection, *, bot: str, action_id: str, by: str, at: datetime, due_at: datetime) -> None:
    """This bot runs in safe mode since ``at``; an earlier one of it counts no more."""
    over(conn, bot, at)
    conn.execute(
        sa.insert(safe_modes).values(bot=bot, action_id=action_id, by=by, begun_at=at, due_at=due_at)
    )


def over(conn: sa.Connection, bot: str, at: datetime) -> None:
    """The safe mode of this bot counts no more, and nothing is said of it."""
    mine = (safe_modes.c.bot == bot, safe_modes.c.told_at.is_(None))
    conn.execute(sa.update(safe_modes).where(*mine).values(told_at=at))


def due(conn: sa.Connection, now: datetime) -> list[SafeMode]:
    """Those whose time is over and of which nothing was said, oldest first."""
    mine = (safe_modes.c.told_at.is_(None), safe_modes.c.due_at <= now)
    rows = conn.execute(sa.select(safe_modes).where(*mine).order_by(safe_modes.c.due_at))
    return [SafeMode(**row._asdict()) for row in rows]


def told(conn: sa.Connection, number: int, at: datetime) -> bool:
    """True for exactly one caller: it is to be said now."""
    mine = (safe_modes.c.id == number, safe_modes.c.told_at.is_(None))
    return conn.execute(sa.update(safe_modes).where(*mine).values(told_at=at)).rowcount == 1
