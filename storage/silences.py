"""Silences: who wants not to hear of which alerts, why, and until when; kept as a history."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("pattern", PlainText, nullable=False),
    sa.Column("alert_id", sa.Integer),
    sa.Column("until_resolved", sa.Boolean, nullable=False),
    sa.Column("owner", PlainText, nullable=False),
    sa.Column("reason", PlainText, nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("warned_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", PlainText),
    sa.Index("ix_silences_ended_at_ends_at", "ended_at", "ends_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRow:
    """One silence; it stands while ``ended_at`` is ``None``."""

    id: int
    pattern: str
    alert_id: int | None
    until_resolved: bool
    owner: str
    reason: str
    begun_at: datetime
    ends_at: datetime
    warned_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None


def begin(
    conn: sa.Connection,
    *,
    pattern: str,
    owner: str,
    reason: str,
    at: datetime,
    ends_at: datetime,
    alert_id: int | None = None,
    until_resolved: bool = False,
) -> SilenceRow:
    """The silence, stored."""
    values = {
        "pattern": pattern,
        "alert_id": alert_id,
        "until_resolved": until_resolved,
        "owner": owner,
        "reason": reason,
        "begun_at": at,
        "ends_at": ends_at,
    }
    done = conn.execute(sa.insert(silences).values(**values))
    (number,) = done.inserted_primary_key or (0,)
    found = get(conn, int(number))
    if found is None:
        raise LookupError(f"no silence {number}")
    return found


def get(conn: sa.Connection, number: int) -> SilenceRow | None:
    """The silence of that number."""
    row = conn.execute(sa.select(silences).where(silences.c.id == number)).one_or_none()
    return None if row is None else SilenceRow(**row._asdict())


def standing(conn: sa.Connection) -> list[SilenceRow]:
    """The silences that nobody ended, oldest first; their time may be over all the same."""
    query = sa.select(silences).where(silences.c.ended_at.is_(None)).order_by(silences.c.id)
    return [SilenceRow(**row._asdict()) for row in conn.execute(query)]


def ended(conn: sa.Connection, limit: int) -> list[SilenceRow]:
    """The silences that ended last, newest first."""
    query = sa.select(silences).where(silences.c.ended_at.is_not(None))
    rows = conn.execute(query.order_by(silences.c.ended_at.desc(), silences.c.id.desc()).limit(limit))
    return [SilenceRow(**row._asdict()) for row in rows]


def end(conn: sa.Connection, number: int, *, at: datetime, by: str | None) -> bool:
    """True for exactly one caller: it stood and is ended now; ``by`` is a person, ``None`` when its time was over."""
    this = (silences.c.id == number, silences.c.ended_at.is_(None))
    return conn.execute(sa.update(silences).where(*this).values(ended_at=at, ended_by=by)).rowcount == 1


def warned(conn: sa.Connection, number: int, at: datetime) -> bool:
    """True for exactly one caller: that it ends soon is to be said now."""
    this = (silences.c.id == number, silences.c.warned_at.is_(None), silences.c.ended_at.is_(None))
    return conn.execute(sa.update(silences).where(*this).values(warned_at=at)).rowcount == 1
