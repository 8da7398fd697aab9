"""Secrets of authenticators, sealed, and what keeps their codes from being guessed or used twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, Table, delete, or_, select, update

from storage.prepared import InsertIfNew
from storage.schema import PlainText, UtcDateTime, metadata

MOST_FAILURES = 5
WINDOW = timedelta(minutes=15)
"""So many wrong codes within this time lock the person's codes for as long."""

totp = Table(
    "totp",
    metadata,
    Column("person", PlainText, primary_key=True),
    Column("sealed", PlainText, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("enrolled_by", PlainText, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("locked_until", UtcDateTime),
)
_INSERT = InsertIfNew(totp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One person's authenticator; ``last_step`` is the newest time step (30 s) whose code was used."""

    person: str
    sealed: str
    enrolled_at: datetime
    enrolled_by: str
    last_step: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    locked_until: datetime | None = None


def enroll(conn: Connection, *, person: str, sealed: str, by: str, at: datetime, replace: bool) -> bool:
    """True when this secret is now the person's; False when there is one already and it is not to be replaced."""
    row = {"sealed": sealed, "enrolled_at": at, "enrolled_by": by, "last_step": 0, "failures": 0}
    if _INSERT(conn, {"person": person, **row}):
        return True
    if not replace:
        return False
    anew = update(totp).where(totp.c.person == person)
    return conn.execute(anew.values(**row, failing_since=None, locked_until=None)).rowcount == 1


def get(conn: Connection, person: str) -> Enrolled | None:
    """The authenticator of this person."""
    row = conn.execute(select(totp).where(totp.c.person == person)).one_or_none()
    return None if row is None else Enrolled(**row._asdict())


def everybody(conn: Connection) -> list[Enrolled]:
    """Everybody who has one, in the order of their ids."""
    return [Enrolled(**row._asdict()) for row in conn.execute(select(totp).order_by(totp.c.person))]


def remove(conn: Connection, person: str) -> bool:
    """True when the person had one and has none now."""
    return conn.execute(delete(totp).where(totp.c.person == person)).rowcount == 1


def use(conn: Connection, person: str, step: int, now: datetime) -> bool:
    """True for exactly one caller of each time step, and for none older; it ends a row of wrong codes."""
    free = or_(totp.c.locked_until.is_(None), totp.c.locked_until <= now)
    once = update(totp).where(totp.c.person == person, totp.c.last_step < step, free)
    return conn.execute(once.values(last_step=step, failures=0, failing_since=None)).rowcount == 1


def failed(conn: Connection, person: str, now: datetime) -> Enrolled | None:
    """The authenticator after one more wrong code, locked when there were too many in a short time."""
    row = conn.execute(select(totp).where(totp.c.person == person).with_for_update()).one_or_none()
    if row is None:
        return None
    known = Enrolled(**row._asdict())
    # A clock that was set back begins no new window: that would be a way to guess on.
    fresh = known.failing_since is None or now - known.failing_since >= WINDOW
    failures = 1 if fresh else known.failures + 1
    locked = now + WINDOW if failures >= MOST_FAILURES else known.locked_until
    since = now if fresh else known.failing_since
    wrong = update(totp).where(totp.c.person == person)
    conn.execute(wrong.values(failures=failures, failing_since=since, locked_until=locked))
    return get(conn, person)
