"""The messages of an alert as they are owed: its card, and the replies under it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from chatbot.alerting.desk import AlertDesk
from chatbot.steps import Owing
from chatbot.views import alert as view
from chatbot.views.alert_state import AlertCard, Member, SilenceShown
from chatbot.views.blocks import Message
from commands.alerting.deciding import next_call
from commands.alerting.model import Kind, Severity, Source
from storage import alert_events, alerts, latch, silences
from storage.alerts import AlertRow
from storage.silences import SilenceRow

MEMBERS_SHOWN = 6
STORM = "storm"


def card_key(row: AlertRow) -> str:
    """The outbox key of the newest card of an alert."""
    return f"alert/{row.id}/{row.card}"


def call_key(row: AlertRow) -> str:
    """The outbox key of the newest call for somebody to take this alert; ValueError when there was none."""
    if row.called_at is None:
        raise ValueError(f"nobody was called about alert {row.id}")
    return f"{card_key(row)}/call-{row.called_at.timestamp():.3f}"


def owing(row: AlertRow, card: AlertCard, desk: AlertDesk, *, priority: int) -> Owing:
    """The card as it is to be shown now."""
    return Owing(
        key=card_key(row), channel=desk.channel, payload=view.card(card).payload(), priority=priority
    )


def reply(row: AlertRow, name: str, message: Message, desk: AlertDesk, *, priority: int) -> Owing:
    """A reply under the card: an edit notifies nobody, so what needs eyes is a message of its own."""
    return Owing(
        key=f"{card_key(row)}/{name}",
        channel=desk.channel,
        payload=message.payload(),
        thread_key=card_key(row),
        priority=priority,
    )


def state_of(conn: Connection, desk: AlertDesk, row: AlertRow, now: datetime) -> AlertCard:
    """Everything that the card of this alert shows."""
    policy = desk.policy
    severity = Severity(row.severity)
    several = row.source == Source.SUMMARY
    by_bot = alerts.members_by_bot(conn, row.id) if several else []
    changes, _ = alert_events.changes(conn, row.id, now - policy.flap_span) if row.flapping else (0, None)
    calling = severity is Severity.CRITICAL and row.firing and row.owner is None and row.silence is None
    held = latch.current(conn) if row.kind == Kind.KILL else None
    return AlertCard(
        number=row.id,
        source=Source(row.source),
        kind=row.kind,
        bot=row.bot,
        severity=severity,
        message=row.message,
        firing=row.firing,
        began_at=row.began_at,
        last_at=row.last_at,
        now=now,
        count=sum(many for _, many, _ in by_bot) if several else row.count,
        ended_at=row.ended_at,
        value=row.value,
        limit=row.limit,
        unit=row.unit,
        link=row.link,
        logs=tuple(row.logs),
        owner=row.owner,
        owned_at=row.owned_at,
        silence=_silence(conn, row.silence),
        was_silenced=_silence(conn, row.was_silenced),
        flapping=row.flapping,
        changes=max(changes, policy.flap_changes) if row.flapping else 0,
        flap_minutes=policy.flap_span.total_seconds() / 60,
        calls=row.calls,
        next_call_at=next_call(
            calls_from=row.calls_from or now, calls=row.calls, called_at=row.called_at, policy=policy
        )
        if calling
        else None,
        storm=several and row.kind == STORM,
        members=tuple(map(member, alerts.members(conn, row.id, MEMBERS_SHOWN))) if several else (),
        firing_members=sum(fires for _, _, fires in by_bot),
        by_bot=tuple((bot or "-", many) for bot, many, _ in by_bot),
        handbook_url=desk.settings.handbook_url or "",
        by=held.by if held is not None else None,
        drill=held is not None and held.drill,
        unheard=row.unheard,
    )


def member(row: AlertRow) -> Member:
    """One alert as a line of a message that tells several."""
    return Member(
        number=row.id,
        severity=Severity(row.severity),
        bot=row.bot,
        message=row.message,
        began_at=row.began_at,
        count=row.count,
        firing=row.firing,
    )


def silence_shown(row: SilenceRow, matching: int = 0) -> SilenceShown:
    """One silence as messages show it."""
    return SilenceShown(
        number=row.id,
        pattern=row.pattern,
        owner=row.owner,
        reason=row.reason,
        begun_at=row.begun_at,
        ends_at=row.ends_at,
        until_resolved=row.until_resolved,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        matching=matching,
    )


def rows_as_cards(
    conn: Connection, desk: AlertDesk, rows: Iterable[AlertRow], now: datetime
) -> tuple[AlertCard, ...]:
    """The states of several alerts."""
    return tuple(state_of(conn, desk, row, now) for row in rows)


def _silence(conn: Connection, number: int | None) -> SilenceShown | None:
    row = silences.get(conn, number) if number is not None else None
    return None if row is None else silence_shown(row)
