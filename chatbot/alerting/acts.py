"""What people do with alerts: own them, make them quiet, say who is on call. Each act is one transaction, audited."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from chatbot.alerting import cards
from chatbot.alerting.book import LOCK
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.telling import ORDINARY, URGENT, Telling
from chatbot.steps import Owing, owe
from chatbot.views import alert as view
from chatbot.views import alert_news as news
from chatbot.views import alert_words as words
from chatbot.views.blocks import Message
from commands.alerting.model import Severity, Source
from commands.alerting.policy import CRITICAL_SILENCE
from commands.spec import UserError
from storage import alert_events, alerts, audit, marks, on_call, silences
from storage.silences import SilenceRow

SPANS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "resolved": timedelta(hours=24),  # a silence always has an end: this one ends with the alert, or then
}
OVER = "That alert is over already, so there is nothing to silence. Nothing was changed."
NO_SUCH = "There is no such alert, so nothing was done: /alerts lists them."


class Acts:
    """Every act of a person on alerts; each returns what the person is told."""

    def __init__(self, *, desk: AlertDesk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake

    async def acknowledge(self, number: int, *, by: str) -> Message:
        """Take an alert: nobody else is called about it until this lapses."""
        return await self._write(partial(_acknowledge, desk=self._desk, number=number, by=by))

    async def silence_alert(self, number: int, span: str, reason: str, *, by: str) -> Message:
        """Make one alert quiet; UserError for a critical one beyond an hour."""
        if span not in SPANS:
            raise UserError("Choose how long from the list. Nothing was silenced.")
        verb = partial(
            _silence,
            desk=self._desk,
            pattern=f"#{number}",
            alert_id=number,
            span=SPANS[span],
            until_resolved=span == "resolved",
            reason=reason,
            by=by,
        )
        return await self._write(verb)

    async def silence(self, pattern: str, span: timedelta, reason: str, *, by: str) -> Message:
        """Make every alert that matches quiet for a while."""
        verb = partial(
            _silence,
            desk=self._desk,
            pattern=pattern,
            alert_id=None,
            span=span,
            until_resolved=False,
            reason=reason,
            by=by,
        )
        return await self._write(verb)

    async def end_silence(self, number: int, *, by: str) -> Message:
        """End a silence before its time."""
        return await self._write(partial(_end_silence, desk=self._desk, number=number, by=by))

    async def appoint(self, person: str | None, until: datetime | None, *, by: str) -> Message:
        """Say who is on call from now on."""
        return await self._write(partial(_appoint, desk=self._desk, person=person, until=until, by=by))

    async def _write(self, verb: Callable[[Connection], Message]) -> Message:
        message = await self._desk.desk.change(verb)
        self._wake()
        return message


def _acknowledge(conn: Connection, *, desk: AlertDesk, number: int, by: str) -> Message:
    now = desk.desk.now()
    marks.lock(conn, LOCK, at=now)
    row = alerts.get(conn, number)
    if row is None:
        raise UserError(NO_SUCH)
    if not row.firing:
        return view.answer_over(cards.state_of(conn, desk, row, now))
    if row.owner is not None and row.asked_at is None and row.owner != by:
        return view.answer_owned(cards.state_of(conn, desk, row, now))
    again = row.owner == by
    owned = replace(row, owner=by, owned_at=now, asked_at=None, drawn_at=now, changed=False, due_at=now)
    alerts.save(conn, row, owned)
    if row.source == Source.SUMMARY:
        alerts.own_members(conn, row.id, owner=by, at=now)
    event = "alert still owned" if again else "alert acknowledged"
    audit.append(
        conn,
        at=now,
        actor=by,
        event=event,
        subject=f"alert {number}",
        detail={"kind": row.kind, "bot": row.bot, "severity": row.severity},
    )
    _noted(conn, number, now, "acknowledged", by)
    state = cards.state_of(conn, desk, owned, now)
    owing = [cards.owing(owned, state, desk, priority=URGENT)]
    if not again or row.asked_at is not None:
        name = f"owned-{now.timestamp():.3f}"
        owing.append(cards.reply(owned, name, view.acknowledged(state), desk, priority=ORDINARY))
    if row.called_at is not None and row.owner is None:
        # The call for somebody to take it must not go on calling.
        answered = view.acknowledged(state).payload()
        owing.append(
            Owing(key=cards.call_key(row), channel=desk.channel, payload=answered, priority=ORDINARY)
        )
    if row.card:
        owe(conn, tuple(owing), now)
    return view.answer_acknowledged(state)


def _silence(
    conn: Connection,
    *,
    desk: AlertDesk,
    pattern: str,
    alert_id: int | None,
    span: timedelta,
    until_resolved: bool,
    reason: str,
    by: str,
) -> Message:
    now = desk.desk.now()
    marks.lock(conn, LOCK, at=now)
    title = ""
    if alert_id is not None:
        row = alerts.get(conn, alert_id)
        if row is None:
            raise UserError(NO_SUCH)
        if not row.firing:
            raise UserError(OVER)
        if row.severity == Severity.CRITICAL and span > CRITICAL_SILENCE:
            raise UserError("A critical alert is never quiet for more than an hour. Nothing was silenced.")
        title = words.title(cards.state_of(conn, desk, row, now))
    made = silences.begin(
        conn,
        pattern=pattern,
        alert_id=alert_id,
        until_resolved=until_resolved,
        owner=by,
        reason=reason,
        at=now,
        ends_at=now + span,
    )
    audit.append(
        conn,
        at=now,
        actor=by,
        event="silence began",
        subject=f"silence {made.id}",
        detail={"pattern": pattern, "until": made.ends_at.isoformat(), "reason": reason},
    )
    # Everything that fires is decided on anew: those that match become quiet at once.
    alerts.decide_anew(conn, now)
    message = news.silence_began(replace(cards.silence_shown(made), title=title))
    owe(conn, (_announcement(made, message, desk),), now)
    return message


def _end_silence(conn: Connection, *, desk: AlertDesk, number: int, by: str) -> Message:
    now = desk.desk.now()
    marks.lock(conn, LOCK, at=now)
    row = silences.get(conn, number)
    if row is None:
        raise UserError("There is no such silence, so nothing was changed: /silences lists them.")
    if not Telling(conn, desk, now).end_silence(row, by=by):
        raise UserError("That silence is over already. Nothing was changed.")
    audit.append(conn, at=now, actor=by, event="silence ended", subject=f"silence {number}", detail={})
    ended = replace(row, ended_at=now, ended_by=by)
    still = sum(each.silence == number for each in alerts.firing(conn))
    return news.silence_ended(cards.silence_shown(ended, matching=still), still=still)


def _appoint(
    conn: Connection, *, desk: AlertDesk, person: str | None, until: datetime | None, by: str
) -> Message:
    now = desk.desk.now()
    on_call.appoint(conn, person=person, until=until, by=by, at=now)
    audit.append(
        conn,
        at=now,
        actor=by,
        event="on call changed",
        subject=person or "nobody",
        detail={"until": until.isoformat() if until else None},
    )
    message = news.on_call_changed(person, by, until)
    key = f"on-call/{now.timestamp():.3f}"
    owe(conn, (Owing(key=key, channel=desk.channel, payload=message.payload(), priority=ORDINARY),), now)
    return message


def _announcement(row: SilenceRow, message: Message, desk: AlertDesk) -> Owing:
    return Owing(key=f"silence/{row.id}", channel=desk.channel, payload=message.payload(), priority=ORDINARY)


def _noted(conn: Connection, number: int, now: datetime, what: str, by: str) -> None:
    event = alert_events.Event(alert_id=number, at=now, news="act", verdict=what, reason=f"by {by}", actor=by)
    alert_events.note(conn, (event,))
