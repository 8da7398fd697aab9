"""What was heard and decided of each alert, one row each: nothing that arrived is lost, and every decision is known."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

alert_events = sa.Table(
    "alert_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alert_id", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("news", sa.String(16), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("reason", PlainText, nullable=False),
    sa.Column("text", PlainText, nullable=False),
    sa.Column("actor", PlainText, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Index("ix_alert_events_alert_id_at", "alert_id", "at"),
    sa.Index("ix_alert_events_at", "at"),
)

CHANGES = ("began", "ended")
OWN_MESSAGE = "post"
ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was heard or decided of an alert; ``calls`` are the calls of Slack that it cost."""

    alert_id: int
    at: datetime
    news: str
    verdict: str
    reason: str
    text: str = ""
    actor: str = ""
    calls: int = 0


_FIELDS = tuple(each.name for each in fields(Event))


def note(conn: sa.Connection, events: Iterable[Event]) -> None:
    """Keep what was heard and decided."""
    rows = [{name: getattr(event, name) for name in _FIELDS} for event in events]
    if rows:
        conn.execute(sa.insert(alert_events), rows)


def changes(conn: sa.Connection, alert_id: int, since: datetime) -> tuple[int, datetime | None]:
    """How often the alert began or ended since then, and when last (whenever that was)."""
    recent = sa.case((alert_events.c.at >= since, 1))
    query = sa.select(sa.func.count(recent), sa.func.max(alert_events.c.at, type_=UtcDateTime)).where(
        alert_events.c.alert_id == alert_id, alert_events.c.news.in_(CHANGES)
    )
    many, last = conn.execute(query).one()
    return int(many), last


def calls_since(conn: sa.Connection, since: datetime) -> int:
    """Calls of Slack that alerts cost since then; those that call people for help are not counted: they are few."""
    counted = (alert_events.c.at >= since, alert_events.c.calls > 0, alert_events.c.verdict != ESCALATE)
    query = sa.select(sa.func.coalesce(sa.func.sum(alert_events.c.calls), 0)).where(*counted)
    return int(conn.scalar(query) or 0)


def messages_since(conn: sa.Connection, since: datetime) -> int:
    """Messages of their own that alerts got since then."""
    query = sa.select(sa.func.count()).select_from(alert_events)
    return int(
        conn.scalar(query.where(alert_events.c.at >= since, alert_events.c.verdict == OWN_MESSAGE)) or 0
    )


def events_of(conn: sa.Connection, alert_id: int, limit: int) -> list[Event]:
    """What was heard and decided of one alert, newest first."""
    query = sa.select(*(alert_events.c[name] for name in _FIELDS)).where(alert_events.c.alert_id == alert_id)
    return [
        Event(**row._asdict())
        for row in conn.execute(
            query.order_by(alert_events.c.at.desc(), alert_events.c.id.desc()).limit(limit)
        )
    ]


def lies_ahead(conn: sa.Connection, moment: datetime) -> bool:
    """True when something was noted to be later than that: by a clock that was set back since."""
    return conn.scalar(sa.select(alert_events.c.id).where(alert_events.c.at > moment).limit(1)) is not None
