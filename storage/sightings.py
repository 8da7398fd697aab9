"""What was seen of each bot over the last days: one row for each change, so that a later look knows the past.

Rows of no bot tell the coordinator's own uptime.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

sightings = sa.Table(
    "sightings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("bot", PlainText),
    sa.Column("status", PlainText),
    sa.Column("health", sa.Float),
    sa.Column("errors", sa.Integer),
    sa.Column("uptime", sa.Float),
    sa.Index("ix_sightings_at", "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """How a bot was seen from that moment on; ``bot`` is ``None`` for the coordinator, ``uptime`` in seconds."""

    at: datetime
    bot: str | None = None
    status: str | None = None
    health: float | None = None
    errors: int | None = None
    uptime: float | None = None


_COLUMNS = tuple(each for each in sightings.c if each.name != "id")


def keep(conn: sa.Connection, seen: Sighting) -> None:
    """Keep one."""
    values = {
        "at": seen.at,
        "bot": seen.bot,
        "status": seen.status,
        "health": seen.health,
        "errors": seen.errors,
        "uptime": seen.uptime,
    }
    conn.execute(sa.insert(sightings).values(**values))


def since(conn: sa.Connection, moment: datetime, *, most: int = 5000) -> list[Sighting]:
    """Those of that time on (of more than ``most`` the newest), behind the last one of each bot from before it."""
    last = sa.select(sa.func.max(sightings.c.id)).where(sightings.c.at < moment).group_by(sightings.c.bot)
    before = sa.select(*_COLUMNS).where(sightings.c.id.in_(last)).order_by(sightings.c.at, sightings.c.id)
    query = sa.select(*_COLUMNS).where(sightings.c.at >= moment)
    rows = conn.execute(query.order_by(sightings.c.at.desc(), sightings.c.id.desc()).limit(most)).all()
    return [Sighting(**row._asdict()) for row in (*conn.execute(before), *reversed(rows))]


def newest(conn: sa.Connection) -> list[Sighting]:
    """The last one of each bot, and of the coordinator."""
    last = sa.select(sa.func.max(sightings.c.id)).group_by(sightings.c.bot)
    query = sa.select(*_COLUMNS).where(sightings.c.id.in_(last))
    return [Sighting(**row._asdict()) for row in conn.execute(query)]


def last_down(conn: sa.Connection, bot: str) -> datetime | None:
    """When this bot last became anything but running; ``None`` where that was never seen."""
    query = sa.select(sightings.c.at).where(sightings.c.bot == bot, sightings.c.status != "running")
    return conn.scalar(query.order_by(sightings.c.id.desc()).limit(1))


def prune(conn: sa.Connection, before: datetime) -> int:
    """How many older ones were forgotten."""
    return conn.execute(sa.delete(sightings).where(sightings.c.at < before)).rowcount
