"""Since when somebody is an admin by the configuration: who was added lately may not approve yet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Column, Connection, Table, func, select, update

from storage.prepared import InsertIfNew
from storage.schema import PlainText, UtcDateTime, metadata

BRIEFLY = timedelta(minutes=10)

admins = Table(
    "admins",
    metadata,
    Column("person", PlainText, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("founding", Boolean, nullable=False),
    Column("gone_at", UtcDateTime),
)
_INSERT = InsertIfNew(admins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """One admin; ``founding``: named in the first configuration this database has seen, so nothing to wait for."""

    person: str
    since: datetime
    founding: bool
    gone_at: datetime | None = None


def note(conn: Connection, configured: Collection[str], at: datetime) -> tuple[str, ...]:
    """Take in whom the configuration names now; returns those who were added, none at the first installation.

    Who was gone and comes back begins anew, unless it was for minutes only: while replicas are brought to a new
    configuration one after another, they name different people.
    """
    first = not conn.scalar(select(func.count()).select_from(admins))
    added = []
    for person in sorted(configured):
        row = {"person": person, "since": at, "founding": first, "gone_at": None}
        if _INSERT(conn, row):
            added.append(person)
            continue
        soon = (admins.c.person == person, admins.c.gone_at > at - BRIEFLY)
        conn.execute(update(admins).where(*soon).values(gone_at=None))
        back = update(admins).where(admins.c.person == person, admins.c.gone_at.is_not(None))
        if conn.execute(back.values(since=at, founding=False, gone_at=None)).rowcount:
            added.append(person)
    gone = update(admins).where(admins.c.person.not_in(sorted(configured)), admins.c.gone_at.is_(None))
    conn.execute(gone.values(gone_at=at))
    return () if first else tuple(added)


def known(conn: Connection) -> dict[str, Admin]:
    """Every admin of now, by person."""
    rows = conn.execute(select(admins).where(admins.c.gone_at.is_(None)))
    return {row.person: Admin(**row._asdict()) for row in rows}
