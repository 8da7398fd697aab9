"""What each look at the fleet showed while a window was open: one row for all windows that share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.schema import UtcDateTime, metadata

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_looks_at", "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One look; ``data`` as the rules of windows write it."""

    at: datetime
    data: Mapping[str, Any]


def keep(conn: sa.Connection, *, at: datetime, data: Mapping[str, Any]) -> None:
    """Keep one look."""
    conn.execute(sa.insert(looks).values(at=at, data=dict(data)))


def between(
    conn: sa.Connection, begins: datetime, ends: datetime, *, most: int | None = None
) -> list[LookRow]:
    """The looks of that time, oldest first; of more than ``most`` about so many, evenly spread."""
    within = (looks.c.at >= begins, looks.c.at <= ends)
    query = sa.select(looks.c.at, looks.c.data).where(*within)
    if most is not None:
        many = int(conn.scalar(sa.select(sa.func.count()).select_from(looks).where(*within)) or 0)
        if many > most:
            newest = sa.select(sa.func.max(looks.c.id)).where(*within).scalar_subquery()
            stride = -(-many // most)
            query = query.where(sa.or_(looks.c.id % stride == 0, looks.c.id == newest))
    return [LookRow(at=row.at, data=row.data) for row in conn.execute(query.order_by(looks.c.at, looks.c.id))]


def move(conn: sa.Connection, since: datetime, shift: timedelta) -> None:
    """The clock was set: so much later, or earlier, were the looks since then."""
    rows = conn.execute(sa.select(looks.c.id, looks.c.at).where(looks.c.at >= since)).all()
    if rows:
        change = sa.update(looks).where(looks.c.id == sa.bindparam("which"))
        conn.execute(
            change.values(at=sa.bindparam("to", type_=UtcDateTime)),
            [{"which": row.id, "to": row.at + shift} for row in rows],
        )


def prune(conn: sa.Connection, before: datetime) -> int:
    """Forget the looks before then; returns how many."""
    return conn.execute(sa.delete(looks).where(looks.c.at < before)).rowcount
