"""Times in which the fleet was not watched."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("begins", UtcDateTime, nullable=False),
    sa.Column("ends", UtcDateTime, nullable=False, index=True),
    sa.Column("why", PlainText, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """One such time."""

    id: int
    begins: datetime
    ends: datetime
    why: str


def record(conn: sa.Connection, *, begins: datetime, ends: datetime, why: str) -> None:
    """Keep one."""
    conn.execute(sa.insert(gaps).values(begins=begins, ends=ends, why=why))


def since(conn: sa.Connection, moment: datetime) -> list[GapRow]:
    """Those that ended since then, oldest first."""
    query = sa.select(gaps).where(gaps.c.ends >= moment).order_by(gaps.c.ends)
    return [GapRow(**row._asdict()) for row in conn.execute(query)]
