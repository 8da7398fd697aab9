"""Carries out a decision on an alert: the row as it is afterwards, and the messages that are owed for it."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from chatbot.alerting import cards
from chatbot.alerting.desk import AlertDesk
from chatbot.steps import Owing, owe
from chatbot.views import alert as view
from chatbot.views import alert_news as news_view
from chatbot.views.alert_state import AlertCard, CallOut
from commands.alerting.deciding import Decision, Told, Verdict
from commands.alerting.fingerprint import fingerprint
from commands.alerting.model import Severity, Signal, Source
from storage import alerts, on_call, silences
from storage.alerts import AlertRow
from storage.silences import SilenceRow

URGENT, ASKING, ORDINARY, REDRAWN = 1, 2, 5, 7
"""Priorities in the outbox."""


class Telling:
    """What follows from decisions, within one transaction."""

    def __init__(self, conn: Connection, desk: AlertDesk, now: datetime) -> None:
        self._conn, self._desk, self._now = conn, desk, now
        self._summaries: dict[str, AlertRow] = {}  # by fingerprint: the messages of several that changed here
        self._before: dict[str, AlertRow] = {}  # as they are stored
        self._gained: Counter[str] = Counter()

    def take_summaries(self) -> tuple[tuple[AlertRow, AlertRow], ...]:
        """The messages of several that changed here: as they are stored, and as they are now."""
        changed = tuple(
            (
                self._before[name],
                replace(row, count=row.count + self._gained[name], changed=True, last_at=self._now),
            )
            for name, row in self._summaries.items()
        )
        self._summaries, self._before, self._gained = {}, {}, Counter()
        return changed

    @property
    def to_be_posted(self) -> int:
        """Messages of several that began here and are not posted yet: each will cost a call."""
        return sum(row.told == Told.NOTHING for row in self._summaries.values())

    def do(self, row: AlertRow, decision: Decision) -> tuple[AlertRow, int]:
        """The row afterwards, and how many calls of Slack it will cost."""
        after = replace(
            row,
            told=decision.told.value,
            due_at=decision.again_at,
            silence=decision.silence,
            flapping=decision.flapping,
        )
        match decision.verdict:
            case Verdict.POST:
                return self._post(row, after, decision)
            case Verdict.UPDATE if decision.told is Told.SUMMARY:
                return self._join(row, after, storm=decision.storm)
            case Verdict.UPDATE:
                return self._update(row, after, decision)
            case Verdict.ESCALATE:
                return self._escalate(row, after, decision)
            case Verdict.RESOLVE:
                return self._resolve(after, settled=decision.settled)
            case Verdict.HOLD:
                return self._hold(row, after, rebase=decision.rebase)

    # -- messages of their own ---------------------------------------------------------------------------------

    def _post(self, row: AlertRow, after: AlertRow, decision: Decision) -> tuple[AlertRow, int]:
        critical = row.severity == Severity.CRITICAL
        calls = 1
        if row.told == Told.CARD:
            calls += self._continue(row)
        after = replace(
            after,
            card=row.card + 1,
            told_severity=row.severity,
            drawn_at=self._now,
            changed=False,
            was_silenced=decision.was_silenced,
            summary_id=None,
            calls_from=self._now if critical else None,
            calls=0,
            called_at=None,
        )
        if decision.rose and row.calls_from is None:
            # It was never critical before: whoever took it took something milder, and may be asleep by now.
            after = replace(after, owner=None, owned_at=None, asked_at=None)
        self._owe(self._card(after, URGENT if critical else ORDINARY))
        return after, calls

    def _update(self, row: AlertRow, after: AlertRow, decision: Decision) -> tuple[AlertRow, int]:
        after = replace(after, told_severity=row.severity, drawn_at=self._now, changed=False)
        owing, calls = [self._card(after, REDRAWN)], 1
        if decision.rose:
            before = Severity(row.told_severity or row.severity)
            name = f"rose-{row.severity}-{self._stamp()}"
            owing.append(self._reply(after, name, ORDINARY, rose_from=before))
            calls = 2
        if decision.settled:
            owing.append(self._settled(after))
            calls = 2
        self._owe(*owing)
        return after, calls

    def _escalate(self, row: AlertRow, after: AlertRow, decision: Decision) -> tuple[AlertRow, int]:
        now = self._now
        if decision.ask:
            after = replace(after, asked_at=now, drawn_at=now)
            minutes = self._desk.policy.ack_grace.total_seconds() / 60
            asked = view.asked(self._state(after), minutes=minutes)
            reply = cards.reply(after, f"asked-{self._stamp()}", asked, self._desk, priority=ASKING)
            self._owe(reply, self._card(after, REDRAWN))
            return after, 2
        step = decision.step or 0
        waited = (now - (row.owned_at or row.calls_from or now)).total_seconds()
        after = replace(after, calls=step + 1, called_at=now, drawn_at=now, changed=False)
        if decision.lapse:
            after = replace(after, owner=None, owned_at=None, asked_at=None, calls_from=now)
        due = decision.again_at or now
        call = self._call(step, waited, lapsed=row.owner if decision.lapse else None, due=due)
        told = view.escalated(self._state(after), call).payload()
        # Not under the card: in a thread Slack notifies nobody of @here, and only few of anything else.
        key = cards.call_key(after)
        self._owe(
            Owing(key=key, channel=self._desk.channel, payload=told, priority=URGENT),
            self._card(after, REDRAWN),
        )
        return after, 2 + self._end_call(row)

    def _continue(self, row: AlertRow) -> int:
        """The older message of an alert must not go on looking as if it were the last word; the calls that costs."""
        old = view.continued(self._state(row)).payload()
        key = cards.card_key(row)
        self._owe(Owing(key=key, channel=self._desk.channel, payload=old, priority=REDRAWN))
        return 1 + self._end_call(row)

    def _end_call(self, row: AlertRow) -> int:
        """An older call must not go on saying that nobody has it; how many calls of Slack that costs."""
        if row.called_at is None:
            return 0
        old = view.continued(self._state(row)).payload()
        self._owe(Owing(key=cards.call_key(row), channel=self._desk.channel, payload=old, priority=REDRAWN))
        return 1

    def _resolve(self, after: AlertRow, *, settled: bool) -> tuple[AlertRow, int]:
        after = replace(after, drawn_at=self._now, changed=False, due_at=None)
        reply = self._settled(after) if settled else self._reply(after, "resolved", ORDINARY)
        self._owe(self._card(after, REDRAWN), reply)
        calls = 2
        if after.called_at is not None and after.owner is None:  # nobody has to take it any more
            over = view.resolved(self._state(after)).payload()
            key = cards.call_key(after)
            self._owe(Owing(key=key, channel=self._desk.channel, payload=over, priority=REDRAWN))
            calls += 1
        if after.source == Source.SUMMARY:
            alerts.leave_summary(self._conn, after.id)
        return after, calls

    def _hold(self, row: AlertRow, after: AlertRow, *, rebase: bool) -> tuple[AlertRow, int]:
        if rebase:
            ahead = row.called_at is not None and row.called_at > self._now
            ended = self._end_call(row) if ahead else 0
            return self._rebased(after), ended
        if row.told == Told.CARD and row.silence != after.silence:  # the card shows who made it quiet
            after = replace(after, drawn_at=self._now, changed=False)
            self._owe(self._card(after, REDRAWN))
            if after.silence is None or after.called_at is None:
                return after, 1
            # Nobody is called any more: the last call shows what the card does.
            quiet = view.card(self._state(after)).payload()
            key = cards.call_key(after)
            self._owe(Owing(key=key, channel=self._desk.channel, payload=quiet, priority=REDRAWN))
            return after, 2
        return after, 0

    def _rebased(self, row: AlertRow) -> AlertRow:
        """The row with no time that lies ahead: the clock was set back."""
        names = ("drawn_at", "owned_at", "asked_at", "calls_from")
        found = {name: getattr(row, name) for name in names}
        past = {name: min(at, self._now) for name, at in found.items() if at is not None}
        if row.called_at is not None and row.called_at > self._now:
            past["called_at"] = None  # not another time: the call's own message is known by it
        return replace(row, **past)

    # -- messages that tell several ----------------------------------------------------------------------------

    def _join(self, row: AlertRow, after: AlertRow, *, storm: bool) -> tuple[AlertRow, int]:
        """The alert is told in the message of its kind, or in the one for what comes too fast."""
        if row.summary_id is not None and row.told == Told.SUMMARY:
            found = alerts.get(self._conn, row.summary_id)
            if found is not None and found.firing:
                self._remember(found)
            return replace(after, told_severity=row.severity), 0
        calls = self._continue(row) if row.told == Told.CARD else 0
        summary = self._summary(row, storm=storm)
        self._gained[summary.fingerprint] += 1
        return replace(after, summary_id=summary.id, told_severity=row.severity, changed=False), calls

    def _remember(self, row: AlertRow) -> AlertRow:
        """The message of several as it is here, which may be newer than what is stored."""
        self._before.setdefault(row.fingerprint, row)
        return self._summaries.setdefault(row.fingerprint, row)

    def _summary(self, row: AlertRow, *, storm: bool) -> AlertRow:
        severity = Severity(row.severity)
        key = row.group_key
        if storm:
            key = f"{cards.STORM}/critical" if severity is Severity.CRITICAL else cards.STORM
        kind = cards.STORM if storm else row.kind
        about = Signal(source=Source.SUMMARY, kind=kind, severity=severity, message=key, identity=key)
        name = fingerprint(about)
        known = self._summaries.get(name) or alerts.by_fingerprint(self._conn, (name,)).get(name)
        if known is not None and known.firing:
            here = self._remember(known)
            if severity.rank > Severity(here.severity).rank:
                here = self._summaries[name] = replace(here, severity=severity.value)
            return here
        fresh = AlertRow(
            fingerprint=name,
            source=Source.SUMMARY.value,
            kind=kind,
            group_key=f"summary/{key}",
            bot=None,
            message="" if storm else row.message,
            severity=severity.value,
            firing=True,
            began_at=self._now,
            last_at=self._now,
            count=0,
        )
        if known is None:
            begun = replace(fresh, id=alerts.insert(self._conn, fresh))
        else:
            begun = replace(fresh, id=known.id, card=known.card)
            alerts.save(self._conn, known, begun)
        return self._remember(begun)

    # -- silences ----------------------------------------------------------------------------------------------

    def end_silence(self, row: SilenceRow, *, by: str | None) -> bool:
        """End a silence, say so, and have what it kept quiet decided on anew; False when it was over already."""
        if not silences.end(self._conn, row.id, at=self._now, by=by):
            return False
        ended = replace(row, ended_at=self._now, ended_by=by)
        still = [each for each in alerts.firing(self._conn) if each.silence == row.id]
        for each in still:
            alerts.save(self._conn, each, replace(each, due_at=self._now))
        shown = cards.silence_shown(ended, matching=len(still))
        self._owe(
            Owing(
                key=f"silence/{row.id}/ended",
                channel=self._desk.channel,
                payload=news_view.silence_ended(shown, still=len(still)).payload(),
                thread_key=f"silence/{row.id}",
                priority=ORDINARY,
            )
        )
        return True

    # -- building ----------------------------------------------------------------------------------------------

    def _call(self, step: int, waited: float, *, lapsed: str | None, due: datetime) -> CallOut:
        desk = self._desk.desk
        duty = on_call.current(self._conn, self._now)
        reachable = [each for each in desk.contacts if each.slack]
        first = duty.person if duty is not None else (reachable[0].slack if reachable else None)
        others = tuple(each for each in desk.contacts if each.slack != first)
        return CallOut(
            step=step,
            waited_seconds=waited,
            on_call=first,
            contacts=others[:1] if step == 1 else others if step > 1 else (),
            here=step >= 1 or first is None,
            lapsed_owner=lapsed,
            next_in_minutes=(due - self._now).total_seconds() / 60,
        )

    def _settled(self, row: AlertRow) -> Owing:
        message = view.settled(self._state(row))
        return cards.reply(row, f"settled-{self._stamp()}", message, self._desk, priority=ORDINARY)

    def _reply(self, row: AlertRow, name: str, priority: int, *, rose_from: Severity | None = None) -> Owing:
        state = self._state(row)
        message = view.resolved(state) if rose_from is None else view.rose(state, rose_from)
        return cards.reply(row, name, message, self._desk, priority=priority)

    def _card(self, row: AlertRow, priority: int) -> Owing:
        return cards.owing(row, self._state(row), self._desk, priority=priority)

    def _state(self, row: AlertRow) -> AlertCard:
        return cards.state_of(self._conn, self._desk, row, self._now)

    def _owe(self, *messages: Owing) -> None:
        owe(self._conn, messages, self._now)

    def _stamp(self) -> str:
        return f"{self._now.timestamp():.3f}"
