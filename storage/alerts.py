"""Alerts, one row a fingerprint: what fires, who has it, where it is told; what was heard is in ``alert_events``.

An alert fires or is over. While it fires for the first time since it was over, that is one *episode*: its beginning,
count and owner begin anew. Its *card* counts the messages it had, so that each has a key of its own in the outbox.
Several alerts told in one message belong to a row of source ``summary`` by their ``summary_id``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.alert_events import alert_events
from storage.schema import PlainText, UtcDateTime, metadata

SUMMARY = "summary"
GROUP_KEY = 500
"""Characters of a group's key that count: PostgreSQL refuses a row whose indexed text is longer than 2.7 kB."""


class _GroupKey(PlainText):
    """A group's key, cut so that it can be indexed."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return super().process_bind_param(None if value is None else value[:GROUP_KEY], dialect)


alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.String(32), nullable=False, unique=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("kind", PlainText, nullable=False),
    sa.Column("group_key", _GroupKey, nullable=False),
    sa.Column("bot", PlainText),
    sa.Column("message", PlainText, nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("firing", sa.Boolean, nullable=False),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("source_began_at", UtcDateTime),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("limit", sa.Float),
    sa.Column("unit", PlainText, nullable=False),
    sa.Column("link", PlainText, nullable=False),
    sa.Column("logs", sa.JSON, nullable=False),
    sa.Column("told", sa.String(16), nullable=False),
    sa.Column("told_severity", sa.String(16)),
    sa.Column("card", sa.Integer, nullable=False),
    sa.Column("drawn_at", UtcDateTime),
    sa.Column("changed", sa.Boolean, nullable=False),
    sa.Column("summary_id", sa.Integer),
    sa.Column("owner", PlainText),
    sa.Column("owned_at", UtcDateTime),
    sa.Column("asked_at", UtcDateTime),
    sa.Column("calls_from", UtcDateTime),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("called_at", UtcDateTime),
    sa.Column("silence", sa.Integer),
    sa.Column("was_silenced", sa.Integer),
    sa.Column("flapping", sa.Boolean, nullable=False),
    sa.Column("unheard", sa.Boolean, nullable=False),
    sa.Column("due_at", UtcDateTime),
    sa.Index("ix_alerts_due_at", "due_at"),
    sa.Index("ix_alerts_firing_source", "firing", "source"),
    sa.Index("ix_alerts_group_key_began_at", "group_key", "began_at"),
    sa.Index("ix_alerts_summary_id", "summary_id"),
)


COUNTED_NO_MORE = timedelta(minutes=2)
MANY = 500
"""Values that one statement is given at most: every database takes so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert as it is stored; ``id`` is 0 before it is."""

    id: int = 0
    fingerprint: str
    source: str
    kind: str
    group_key: str
    bot: str | None
    message: str
    severity: str
    firing: bool
    began_at: datetime
    source_began_at: datetime | None = None
    last_at: datetime
    ended_at: datetime | None = None
    count: int = 1
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    link: str = ""
    logs: Sequence[str] = ()
    told: str = "nothing"
    told_severity: str | None = None
    card: int = 0
    drawn_at: datetime | None = None
    changed: bool = False
    summary_id: int | None = None
    owner: str | None = None
    owned_at: datetime | None = None
    asked_at: datetime | None = None
    calls_from: datetime | None = None
    calls: int = 0
    called_at: datetime | None = None
    silence: int | None = None
    was_silenced: int | None = None
    flapping: bool = False
    unheard: bool = False  # it is over only because nobody said it again
    due_at: datetime | None = None


_FIELDS = tuple(each.name for each in fields(AlertRow))


def insert(conn: sa.Connection, row: AlertRow) -> int:
    """The id under which the row is stored now; IntegrityError when its fingerprint is there already."""
    values = {name: getattr(row, name) for name in _FIELDS if name != "id"}
    done = conn.execute(sa.insert(alerts).values(**{**values, "logs": list(row.logs)}))
    (number,) = done.inserted_primary_key or (0,)
    return int(number)


def insert_many(conn: sa.Connection, rows: Sequence[AlertRow]) -> dict[str, int]:
    """The ids under which these rows are stored now, by fingerprint; IntegrityError when one is there already."""
    if not rows:
        return {}
    values = [
        {name: getattr(row, name) for name in _FIELDS if name != "id"} | {"logs": list(row.logs)}
        for row in rows
    ]
    stored = conn.execute(sa.insert(alerts).returning(alerts.c.fingerprint, alerts.c.id), values)
    return {str(name): int(number) for name, number in stored}


def save(conn: sa.Connection, before: AlertRow, after: AlertRow) -> None:
    """Write what differs between the two."""
    changes = {
        name: getattr(after, name) for name in _FIELDS if getattr(before, name) != getattr(after, name)
    }
    if "logs" in changes:
        changes["logs"] = list(after.logs)
    if changes:
        conn.execute(sa.update(alerts).where(alerts.c.id == before.id).values(**changes))


def get(conn: sa.Connection, number: int) -> AlertRow | None:
    """The alert of that number."""
    return _one(conn, sa.select(alerts).where(alerts.c.id == number))


def unheard_since(conn: sa.Connection, source: str, moment: datetime, limit: int) -> list[AlertRow]:
    """Alerts of a source that tells no ends, not said again since then; a critical one counts only once it is owned."""
    taken = sa.or_(alerts.c.severity != "critical", alerts.c.owner.is_not(None))
    quiet = (alerts.c.firing.is_(True), alerts.c.source == source, alerts.c.last_at <= moment)
    return _rows(conn, sa.select(alerts).where(*quiet, taken).limit(limit))


def by_fingerprint(conn: sa.Connection, wanted: Collection[str]) -> dict[str, AlertRow]:
    """The alerts with these fingerprints, by them."""
    found: dict[str, AlertRow] = {}
    names = list(wanted)
    for start in range(0, len(names), MANY):
        some = sa.select(alerts).where(alerts.c.fingerprint.in_(names[start : start + MANY]))
        found |= {row.fingerprint: row for row in _rows(conn, some)}
    return found


def firing(conn: sa.Connection, source: str | None = None) -> list[AlertRow]:
    """The alerts that fire (of one source), oldest first."""
    query = sa.select(alerts).where(alerts.c.firing.is_(True)).order_by(alerts.c.began_at, alerts.c.id)
    return _rows(conn, query if source is None else query.where(alerts.c.source == source))


def counted(conn: sa.Connection) -> dict[str, int]:
    """How many alerts fire, by severity; messages of several are not counted beside their alerts."""
    fires = (alerts.c.firing.is_(True), alerts.c.source != SUMMARY)
    query = sa.select(alerts.c.severity, sa.func.count()).where(*fires).group_by(alerts.c.severity)
    return {str(severity): int(many) for severity, many in conn.execute(query)}


def due(conn: sa.Connection, now: datetime, limit: int) -> list[AlertRow]:
    """The alerts that have to be decided on again now, the most severe first."""
    critical_first = sa.case((alerts.c.severity == "critical", 0), else_=1)
    query = sa.select(alerts).where(alerts.c.due_at <= now).order_by(critical_first, alerts.c.due_at)
    return _rows(conn, query.limit(limit))


def stuck(conn: sa.Connection, before: datetime) -> int:
    """Alerts on which nobody decided although that was due before then, or that are critical and told in a message
    of their own with no next step: nobody would ever be called for them, nor their owner asked again."""
    late = alerts.c.due_at < before
    critical = (alerts.c.firing.is_(True)) & (alerts.c.severity == "critical") & (alerts.c.told == "card")
    forgotten = critical & alerts.c.due_at.is_(None)
    query = sa.select(sa.func.count()).select_from(alerts).where(sa.or_(late, forgotten))
    return int(conn.scalar(query) or 0)


def seen_again(conn: sa.Connection, numbers: Collection[int], at: datetime) -> None:
    """These fire still; nothing else of them changed."""
    ids = list(numbers)
    for start in range(0, len(ids), MANY):
        some = alerts.c.id.in_(ids[start : start + MANY])
        conn.execute(sa.update(alerts).where(some).values(last_at=at))


def decide_anew(conn: sa.Connection, now: datetime) -> int:
    """Let every alert that is told or fires be decided on again: the clock, a silence or the policy changed.

    What was noted to be later than now would count as of the last minute until the clock comes there: it is dated
    back, events by so much that their calls of Slack no longer count.
    """
    for column, moment in (
        (alert_events.c.at, now - COUNTED_NO_MORE),
        (alerts.c.began_at, now),
        (alerts.c.last_at, now),
    ):
        conn.execute(sa.update(column.table).where(column > now).values({column: moment}))
    alive = sa.or_(alerts.c.firing.is_(True), alerts.c.due_at.is_not(None))
    return conn.execute(sa.update(alerts).where(alive).values(due_at=now)).rowcount


def begun_by_group(conn: sa.Connection, groups: Collection[str], since: datetime) -> dict[str, int]:
    """How many alerts of each of these groups began since then; a group without any is left out."""
    if not groups:
        return {}
    recent = (alerts.c.group_key.in_(list(groups)), alerts.c.began_at >= since)
    query = sa.select(alerts.c.group_key, sa.func.count()).where(*recent).group_by(alerts.c.group_key)
    return {str(group): int(many) for group, many in conn.execute(query)}


def members(conn: sa.Connection, summary_id: int, limit: int) -> list[AlertRow]:
    """The alerts that are told in this summary: those that fire first, then the newest."""
    query = sa.select(alerts).where(alerts.c.summary_id == summary_id)
    # the number too: alerts that come together begin in the same moment
    order = (alerts.c.firing.desc(), alerts.c.began_at.desc(), alerts.c.id.desc())
    return _rows(conn, query.order_by(*order).limit(limit))


def members_by_bot(conn: sa.Connection, summary_id: int) -> list[tuple[str, int, int]]:
    """(bot or "", alerts, of which fire) of this summary, most first, then by name."""
    fires = sa.func.sum(sa.case((alerts.c.firing.is_(True), 1), else_=0))
    name, many = sa.func.coalesce(alerts.c.bot, ""), sa.func.count()
    query = sa.select(name, many, fires).where(alerts.c.summary_id == summary_id).group_by(name)
    rows = conn.execute(query.order_by(many.desc(), name))
    return [(str(bot), int(all_), int(now)) for bot, all_, now in rows]


def newest_member(conn: sa.Connection, summary_id: int) -> datetime | None:
    """When the last alert of this summary began."""
    newest = sa.select(sa.func.max(alerts.c.began_at, type_=UtcDateTime))
    found: datetime | None = conn.scalar(newest.where(alerts.c.summary_id == summary_id))
    return found


def leave_summary(conn: sa.Connection, summary_id: int) -> None:
    """The summary is over: its alerts are told nowhere any more."""
    mine = alerts.c.summary_id == summary_id
    conn.execute(sa.update(alerts).where(mine).values(summary_id=None, told="nothing", told_severity=None))


def own_members(conn: sa.Connection, summary_id: int, *, owner: str, at: datetime) -> int:
    """Everything that fires in this summary belongs to this person now."""
    mine = (alerts.c.summary_id == summary_id, alerts.c.firing.is_(True))
    return conn.execute(sa.update(alerts).where(*mine).values(owner=owner, owned_at=at)).rowcount


_RANK = sa.case({"critical": 0, "high": 1, "warning": 2}, value=alerts.c.severity, else_=3)


def listed(
    conn: sa.Connection, *, only_firing: bool, bot: str | None, limit: int
) -> tuple[list[AlertRow], int]:
    """The alerts to show (firing and severe first, then newest) and how many there are in all."""
    wanted = [alerts.c.source != SUMMARY]
    if only_firing:
        wanted.append(alerts.c.firing.is_(True))
    if bot is not None:
        wanted.append(alerts.c.bot == bot)
    many = conn.scalar(sa.select(sa.func.count()).select_from(alerts).where(*wanted)) or 0
    order = (alerts.c.firing.desc(), _RANK, alerts.c.last_at.desc(), alerts.c.id.desc())
    return _rows(conn, sa.select(alerts).where(*wanted).order_by(*order).limit(limit)), int(many)


def ended_since(conn: sa.Connection, since: datetime, kinds: Sequence[str]) -> list[AlertRow]:
    """The alerts of these kinds that were seen to end since then, oldest first."""
    seen_over = (alerts.c.firing.is_(False), alerts.c.unheard.is_(False), alerts.c.ended_at >= since)
    query = sa.select(alerts).where(*seen_over, alerts.c.kind.in_([str(kind) for kind in kinds]))
    return _rows(conn, query.order_by(alerts.c.ended_at))


def begun_since(conn: sa.Connection, moment: datetime, limit: int) -> list[AlertRow]:
    """The alerts that began since then, the newest ``limit`` of them, oldest first."""
    recent = (alerts.c.began_at >= moment, alerts.c.source != SUMMARY)
    query = sa.select(alerts).where(*recent).order_by(alerts.c.began_at.desc(), alerts.c.id.desc())
    return _rows(conn, query.limit(limit))[::-1]


def tally(conn: sa.Connection, since: datetime) -> Mapping[str, int]:
    """How many beginnings, ends and holds of alerts there were since then: {"began": .., "ended": .., "hold": ..}.

    A message that tells several is none: what it tells is counted.
    """
    found = {"began": 0, "ended": 0, "hold": 0}
    several = sa.select(alerts.c.id).where(alerts.c.source == SUMMARY)
    recent = (alert_events.c.at >= since) & alert_events.c.alert_id.not_in(several)
    for column, names in ((alert_events.c.news, ("began", "ended")), (alert_events.c.verdict, ("hold",))):
        query = sa.select(column, sa.func.count()).where(recent, column.in_(names)).group_by(column)
        found |= {str(name): int(many) for name, many in conn.execute(query)}
    return found


def prune(conn: sa.Connection, before: datetime) -> int:
    """Forget what was heard before then, and alerts that were over before then; returns how many rows went.

    The newest alert stays: SQLite would give its number to the next one, whose card would be an edit of an old one.
    """
    events = conn.execute(sa.delete(alert_events).where(alert_events.c.at < before)).rowcount
    every = alerts.alias()
    over = sa.delete(alerts).where(
        alerts.c.firing.is_(False),
        alerts.c.due_at.is_(None),
        alerts.c.last_at < before,
        # not said again for long is not over for long: one that people had to take may have gone on firing
        sa.func.coalesce(alerts.c.ended_at, alerts.c.last_at) < before,
        alerts.c.id < sa.select(sa.func.max(every.c.id)).scalar_subquery(),
    )
    return events + conn.execute(over).rowcount


def _one(conn: sa.Connection, query: sa.Select[Any]) -> AlertRow | None:
    found = _rows(conn, query)
    return found[0] if found else None


def _rows(conn: sa.Connection, query: sa.Select[Any]) -> list[AlertRow]:
    return [AlertRow(**row._asdict()) for row in conn.execute(query)]
