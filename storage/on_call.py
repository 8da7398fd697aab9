"""Who is on call, kept as a history: the newest row counts while its time is not over."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

on_call = sa.Table(
    "on_call",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person", PlainText),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("by", PlainText, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One turn; without a person nobody is on call, without ``until`` it lasts until it is changed."""

    id: int
    person: str | None
    since: datetime
    until: datetime | None
    by: str


def appoint(
    conn: sa.Connection, *, person: str | None, until: datetime | None, by: str, at: datetime
) -> None:
    """This person is on call from now on; ``None``: nobody is."""
    conn.execute(sa.insert(on_call).values(person=person, until=until, by=by, since=at))


def current(conn: sa.Connection, now: datetime) -> Duty | None:
    """The turn that counts now, ``None`` when there is none or its time is over."""
    row = conn.execute(sa.select(on_call).order_by(on_call.c.id.desc()).limit(1)).one_or_none()
    if row is None or row.person is None or (row.until is not None and row.until <= now):
        return None
    return Duty(**row._asdict())
