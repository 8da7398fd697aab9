"""One transaction over alerts: takes the news in, has each decided on, and owes the messages that follow.

All of them stand in one line (the note "alerts" is locked), so that two processes never decide on the same alert or
spend the same call of Slack twice. Lock order: latch, action, alerts, audit, the rest.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.telling import Telling
from commands.alerting.deciding import Alert, History, News, Told, Verdict, decide
from commands.alerting.fingerprint import fingerprint
from commands.alerting.model import POLLED, Severity, Signal, Source
from commands.alerting.silences import Silence
from storage import alert_events, alerts, marks, silences
from storage.alert_events import Event
from storage.alerts import AlertRow

LOCK = "alerts"
TEXT_KEPT = 500
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
REPEATED = POLLED | {Source.ALERTMANAGER}
"""Sources that say the same thing again and again: only how many they list at once counts."""


class Book:
    """The alerts as one transaction sees and changes them; `close` writes down what was heard and decided."""

    def __init__(self, conn: Connection, desk: AlertDesk, now: datetime) -> None:
        marks.lock(conn, LOCK, at=now)
        self._conn, self._desk, self._now = conn, desk, now
        self._telling = Telling(conn, desk, now)
        self._rows: dict[str, AlertRow] = {}
        self._unstored: dict[int, AlertRow] = {}  # by a number below 0, until it has one of its own
        self._similar: dict[str, int] = {}
        self._changes: dict[int, int] = {}
        self._events: list[Event] = []
        self._owed = False
        self._spent = 0
        self._posted = 0
        self.begun = 0  # alerts that began
        self.verdicts: Counter[str] = Counter()

    @property
    def owed(self) -> bool:
        """True when there is something to send."""
        return self._owed

    # -- news --------------------------------------------------------------------------------------------------

    def expect(self, signals: tuple[Signal, ...]) -> None:
        """Read at once what is known of these."""
        wanted = {fingerprint(each) for each in signals} - self._rows.keys()
        self._rows |= alerts.by_fingerprint(self._conn, wanted)
        groups = {self._group(each) for each in signals if each.firing} - self._similar.keys()
        since = self._now - self._desk.policy.group_span
        self._similar |= dict.fromkeys(groups, 0) | alerts.begun_by_group(self._conn, groups, since)

    def hear(self, signal: Signal, *, logs: tuple[str, ...] = ()) -> None:
        """Take one signal in; one that is known to be over already changes nothing."""
        row = self._rows.get(fingerprint(signal))
        if signal.firing:
            self._fires(signal, row, logs)
        elif row is not None and row.firing and not _older(signal, row):
            self.ends(row)

    def ends(self, row: AlertRow, *, unheard: bool = False) -> None:
        """The alert is over."""
        over = replace(row, firing=False, ended_at=self._now, unheard=unheard)
        self._decide(row, over, News.ENDED, "")
        for each in silences.standing(self._conn):
            if each.until_resolved and each.alert_id == row.id:
                self._telling.end_silence(each, by=None)

    def look_again(self, row: AlertRow) -> None:
        """Time has passed for this alert, or a person did something."""
        if row.source == Source.SUMMARY and row.firing and self._all_over(row):
            self.ends(row)
        else:
            self._decide(row, row, News.TIME, "")

    def close(self) -> None:
        """Decide on the messages that tell several, and write down what was heard and decided."""
        numbers = self._store()
        for before, after in self._telling.take_summaries():
            if after.told == Told.NOTHING or after.severity != before.severity:
                self._decide(before, after, News.BEGAN if after.told == Told.NOTHING else News.AGAIN, "")
            else:  # it is redrawn when its turn comes, whatever comes until then
                turn = (after.drawn_at or self._now) + self._desk.policy.redraw_every
                due = min(after.due_at or turn, max(turn, self._now))
                alerts.save(self._conn, before, replace(after, due_at=due))
        events = (replace(each, alert_id=numbers.get(each.alert_id, each.alert_id)) for each in self._events)
        alert_events.note(self._conn, events)

    def _store(self) -> dict[int, int]:
        """Store the new alerts; the numbers they were known by here -> their own."""
        ids = alerts.insert_many(self._conn, tuple(self._unstored.values()))
        numbers = {number: ids[row.fingerprint] for number, row in self._unstored.items()}
        self._unstored = {}
        return numbers

    def _fires(self, signal: Signal, row: AlertRow | None, logs: tuple[str, ...]) -> None:
        severity = self._desk.policy.severity(signal.kind, signal.severity, signal.source)
        said: dict[str, Any] = {
            "message": signal.message,
            "severity": severity.value,
            "value": signal.value,
            "limit": signal.limit,
            "unit": signal.unit,
            "link": signal.link,
            "last_at": self._now,
        }
        if row is not None and row.firing:
            if not _older(signal, row):
                self._fires_still(signal, row, said)
            return
        if row is not None and _told_before(signal, row):
            return  # said again by a late or repeated delivery: that one is over
        fresh: dict[str, Any] = {
            **said,
            "group_key": self._group(signal),
            "firing": True,
            "began_at": self._now,
            "source_began_at": signal.began_at,
            "ended_at": None,
            "unheard": False,
            "count": signal.seen,
            "logs": list(logs),
            "changed": False,
            "owner": None,
            "owned_at": None,
            "asked_at": None,
            "calls": 0,
            "calls_from": None,
            "called_at": None,
        }
        self.begun += 1
        if row is None:
            name = fingerprint(signal)
            born = AlertRow(
                fingerprint=name, source=signal.source.value, kind=signal.kind, bot=signal.bot, **fresh
            )
            row = after = replace(born, id=-self.begun)  # never the same again: others may have left by now
            self._unstored[row.id] = row
        else:
            if (
                row.flapping or row.told == Told.CARD
            ):  # its message says what follows, and is somebody's if it was
                kept = ("owner", "owned_at", "asked_at", "calls", "calls_from", "called_at")
                fresh |= {name: getattr(row, name) for name in kept}
            else:
                fresh |= {"told": Told.NOTHING.value, "told_severity": None, "summary_id": None}
            after = replace(row, **fresh)
        self._decide(row, after, News.BEGAN, signal.message)

    def _fires_still(self, signal: Signal, row: AlertRow, said: dict[str, Any]) -> None:
        count = max(row.count, signal.seen) if signal.source in REPEATED else row.count + 1
        differs = any(getattr(row, name) != said[name] for name in ("severity", "value", "limit"))
        began = max(filter(None, (row.source_began_at, signal.began_at)), default=None)
        changed = row.changed or differs or count != row.count
        group = self._group(signal)
        after = replace(row, **said, group_key=group, source_began_at=began, count=count, changed=changed)
        # What is said again by a webhook is an occurrence and is kept; a poll that shows the same is none.
        self._decide(row, after, News.AGAIN, "" if signal.source in POLLED else signal.message)

    def _all_over(self, row: AlertRow) -> bool:
        """True when nothing fires in this summary and nothing new has come for a while."""
        if any(fires for _, _, fires in alerts.members_by_bot(self._conn, row.id)):
            return False
        newest = alerts.newest_member(self._conn, row.id) or row.began_at
        return newest + self._desk.policy.group_span <= self._now or newest > self._now

    # -- deciding ----------------------------------------------------------------------------------------------

    def _decide(self, before: AlertRow, row: AlertRow, news: News, said: str) -> None:
        """Decide on the alert as it is now, and do what follows."""
        if news in (News.BEGAN, News.ENDED):
            self._changes[row.id] = self._changes.get(row.id, 0) + 1
        decision = decide(
            as_rules_see(row, news),
            self._history(before, row),
            self.silences,
            self._desk.windows,
            self._desk.policy,
            self._now,
        )
        if row.id < 0 and decision.verdict is Verdict.POST:  # its message needs the number
            del self._unstored[row.id]
            born = replace(row, id=0)
            row = before = replace(row, id=alerts.insert(self._conn, born))
            self._changes[row.id] = 1
        after, calls = self._telling.do(row, decision)
        if after.source == Source.SUMMARY and after.firing:
            # Nobody says that a message of several is over: it has to be looked at.
            look = self._now + self._desk.policy.group_span
            after = replace(after, due_at=min(look, after.due_at or look))
        if after.id < 0:
            self._unstored[after.id] = after
        else:
            alerts.save(self._conn, before, after)
        self._rows[after.fingerprint] = after
        if news is News.BEGAN and row.source != Source.SUMMARY:
            self._similar[row.group_key] = self._begun(row.group_key) + 1
        self._owed |= calls > 0
        if decision.verdict is not Verdict.ESCALATE:
            self._spent += calls
        self._posted += decision.verdict is Verdict.POST
        self.verdicts[decision.verdict.value] += 1
        if decision.verdict is not Verdict.HOLD or news in (News.BEGAN, News.ENDED) or said:
            self._events.append(
                Event(
                    alert_id=row.id,
                    at=self._now,
                    news=news.value,
                    verdict=decision.verdict.value,
                    reason=decision.reason,
                    text=said[:TEXT_KEPT],
                    calls=calls,
                )
            )

    def _history(self, before: AlertRow, row: AlertRow) -> History:
        changes, changed_at, similar = 0, None, 0
        if row.source != Source.SUMMARY:
            span = self._desk.policy.group_span
            # Whether it began lately before this moment: then it is counted, and is not similar to itself.
            counted = (
                before.group_key == row.group_key and before.began_at >= self._now - span and before.id > 0
            )
            similar = self._begun(row.group_key) - counted
            if row.id > 0:
                since = self._now - self._desk.policy.flap_span
                changes, changed_at = alert_events.changes(self._conn, row.id, since)
        here = self._changes.get(row.id, 0)
        return History(
            similar=max(0, similar),
            changes=changes + here,
            changed_at=self._now if here else changed_at,
            calls=self._calls_before + self._spent + self._telling.to_be_posted,
            lately=self._lately_before + self._posted,
            cards=self._cards_before + self._posted,
        )

    def _begun(self, group: str) -> int:
        """Alerts of the group that began lately, those heard here included."""
        if group not in self._similar:
            since = self._now - self._desk.policy.group_span
            self._similar[group] = alerts.begun_by_group(self._conn, (group,), since).get(group, 0)
        return self._similar[group]

    def _group(self, signal: Signal) -> str:
        severity = self._desk.policy.severity(signal.kind, signal.severity, signal.source)
        return group_key(signal.source, signal.kind, severity)

    @cached_property
    def silences(self) -> tuple[Silence, ...]:
        """The silences that stand, as the rules see them."""
        return tuple(
            Silence(
                number=each.id,
                pattern=each.pattern,
                owner=each.owner,
                reason=each.reason,
                begun_at=each.begun_at,
                ends_at=each.ends_at,
                alert=each.alert_id,
            )
            for each in silences.standing(self._conn)
        )

    @cached_property
    def _calls_before(self) -> int:
        return alert_events.calls_since(self._conn, self._now - MINUTE)

    @cached_property
    def _lately_before(self) -> int:
        return alert_events.messages_since(self._conn, self._now - MINUTE)

    @cached_property
    def _cards_before(self) -> int:
        return alert_events.messages_since(self._conn, self._now - HOUR)


def as_rules_see(row: AlertRow, news: News) -> Alert:
    """A stored alert in the words of the rules."""
    return Alert(
        number=row.id,
        source=Source(row.source),
        kind=row.kind,
        bot=row.bot,
        message=row.message,
        severity=Severity(row.severity),
        firing=row.firing,
        news=news,
        told=Told(row.told),
        told_severity=Severity(row.told_severity) if row.told_severity else None,
        drawn_at=row.drawn_at,
        owner=row.owner,
        owned_at=row.owned_at,
        asked_at=row.asked_at,
        calls_from=row.calls_from,
        calls=row.calls,
        called_at=row.called_at,
        silence=row.silence,
        summary=row.summary_id,
        flapping=row.flapping,
        changed=row.changed,
    )


def group_key(source: Source, kind: str, severity: Severity) -> str:
    """What makes alerts similar: who says it, what kind; critical ones are never told among milder ones."""
    return f"{source.value}/{kind}" + ("/critical" if severity is Severity.CRITICAL else "")


def _older(signal: Signal, row: AlertRow) -> bool:
    """True when what was pushed speaks of an earlier episode than the one that is known."""
    known = row.source_began_at
    if signal.source in POLLED or signal.began_at is None or known is None:
        return False
    return signal.began_at < known


def _told_before(signal: Signal, row: AlertRow) -> bool:
    """True when the signal speaks of an episode that is known to be over."""
    if signal.source is not Source.ALERTMANAGER or signal.began_at is None or row.source_began_at is None:
        return False
    return signal.began_at <= row.source_began_at
