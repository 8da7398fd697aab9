"""Decisions one after another, carried out as the bot does: what people see whatever comes, and what it costs.

`Rig` does in memory what chatbot/alerting/book.py and telling.py do with rows, and holds every decision against what
has to be true of all of them.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.alerting.deciding import SOON, Alert, Decision, History, News, Told, Verdict, decide, quieting
from commands.alerting.model import Severity, Source
from commands.alerting.policy import AlertPolicy, Window, window_of
from commands.alerting.silences import Silence

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
POLICY = AlertPolicy()
MOST = POLICY.calls_per_minute + 2
AT_ONCE = 25  # alerts that one transaction takes
INFO, WARNING, HIGH, CRITICAL = Severity
NIGHT = (window_of("22:00-07:00", "UTC"),)

Heard = tuple[str, str, Severity]
"""Name, kind and severity of something that fires."""


@dataclass(kw_only=True)
class Row:
    """One alert as it is kept."""

    alert: Alert
    group: str
    began_at: datetime
    due: datetime | None = None
    posted: bool = False  # a message of its own shows that it fires
    posts: int = 0  # messages of its own since it began, without those for a reason of their own


class Span:
    """A sum over what happened within a length of time."""

    def __init__(self, length: timedelta) -> None:
        self._length, self._kept, self._sum = length, deque[tuple[datetime, int]](), 0

    def add(self, at: datetime, many: int) -> None:
        if many:
            self._kept.append((at, many))
            self._sum += many

    def at(self, now: datetime) -> int:
        while self._kept and self._kept[0][0] < now - self._length:
            self._sum -= self._kept.popleft()[1]
        return self._sum


class Rig:
    """Alerts, a clock, and everything that was decided."""

    def __init__(self, *, windows: tuple[Window, ...] = ()) -> None:
        self.now, self.windows = NOW, windows
        self.rows: list[Row] = []
        self.names: dict[str, Row] = {}
        self.silences: list[Silence] = []
        self.calls, self.lately, self.cards = Span(MINUTE), Span(MINUTE), Span(HOUR)
        self.ordinary = Span(MINUTE)  # calls that are no escalation
        self.made: list[tuple[Row, Decision]] = []
        self.spent = 0
        self._groups: defaultdict[str, dict[int, datetime]] = defaultdict(dict)
        self._changed: defaultdict[int, list[datetime]] = defaultdict(list)
        self._members: defaultdict[int, set[int]] = defaultdict(set)
        self._touched: dict[
            int, Severity
        ] = {}  # messages of several -> how severe they are where they are kept
        self._fresh: dict[int, Row] = {}  # decided on since the last look at all
        self._silenced = 0

    @property
    def heard(self) -> dict[str, Row]:
        """The alerts by name, without the messages of several."""
        return {name: row for name, row in self.names.items() if row.alert.source is not Source.SUMMARY}

    # -- what happens ------------------------------------------------------------------------------------------

    def deliver(self, heard: Iterable[Heard], *, firing: bool = True) -> None:
        """What one webhook or one read brings, the most severe first."""
        ordered = sorted(heard, key=lambda each: -each[2].rank)
        for start in range(0, len(ordered), AT_ONCE):
            for name, kind, severity in ordered[start : start + AT_ONCE]:
                self._hear(name, kind, severity) if firing else self._end(self.names.get(name))
            self._close()

    def pass_time(self, length: timedelta) -> None:
        """Look whenever something is due, and at the end."""
        until = self.now + length
        while True:
            self._tend()
            ends = [each.ends_at for each in self.silences]
            coming = [
                at for at in (*ends, *(row.due for row in self.rows)) if at is not None and at > self.now
            ]
            self.now = min((*coming, until))
            if self.now == until:
                self._tend()
                return

    def own(self, row: Row, person: str = "U1") -> None:
        """A person takes it; who takes a message of several takes all that fires in it."""
        if not row.alert.firing:
            return
        row.alert = replace(
            row.alert, owner=person, owned_at=self.now, asked_at=None, drawn_at=self.now, changed=False
        )
        row.due = self.now
        for number in self._members[row.alert.number]:
            member = self.rows[number]
            if member.alert.firing:
                member.alert = replace(member.alert, owner=person, owned_at=self.now)
        self._tend()

    def silence(self, pattern: str, length: timedelta, alert: int | None = None) -> None:
        self._silenced += 1
        begun = Silence(
            number=self._silenced,
            pattern=pattern,
            owner="U1",
            reason="known",
            begun_at=self.now,
            ends_at=self.now + length,
            alert=alert,
        )
        self.silences.append(begun)
        for row in self.rows:
            if row.alert.firing or row.due is not None:
                row.due = self.now
        self._tend()

    def end_silence(self, silence: Silence) -> None:
        self.silences.remove(silence)
        for row in self.rows:
            if row.alert.firing and row.alert.silence == silence.number:
                row.due = self.now
        self._tend()

    # -- transactions ------------------------------------------------------------------------------------------

    def _hear(self, name: str, kind: str, severity: Severity) -> None:
        row = self.names.get(name)
        if row is not None and row.alert.firing:
            changed = row.alert.changed or row.alert.severity is not severity
            self._decide(row, replace(row.alert, severity=severity, changed=changed), News.AGAIN)
            return
        group = f"{kind}/critical" if severity is CRITICAL else kind
        if row is None:
            row = self.names[name] = self._row(Source.MONITOR, kind, severity, group, bot=name)
            alert = row.alert
        else:
            alert = replace(row.alert, firing=True, severity=severity, changed=False, owner=None)
            alert = replace(alert, owned_at=None, asked_at=None, calls=0, calls_from=None, called_at=None)
            if not alert.flapping:
                self._leave(row)
                alert = replace(alert, told=Told.NOTHING, told_severity=None, summary=None)
        row.group, row.posts = group, 0
        self._decide(row, alert, News.BEGAN)
        row.began_at = self.now
        self._groups[group].pop(row.alert.number, None)
        self._groups[group][row.alert.number] = self.now

    def _end(self, row: Row | None) -> None:
        if row is not None and row.alert.firing:
            self._decide(row, replace(row.alert, firing=False), News.ENDED)

    def _tend(self) -> None:
        for silence in [each for each in self.silences if each.ends_at <= self.now]:
            self.silences.remove(silence)
            for row in self.rows:
                if row.alert.firing and row.alert.silence == silence.number:
                    row.due = self.now
        looks: Counter[int] = Counter()
        while due := [row for row in self.rows if row.due is not None and row.due <= self.now]:
            due.sort(key=lambda row: (row.alert.severity is not CRITICAL, row.due))
            for start in range(0, len(due), AT_ONCE):
                for row in due[start : start + AT_ONCE]:
                    looks[row.alert.number] += 1
                    assert looks[row.alert.number] <= 3, "it is looked at without an end"
                    self._look(row)
                self._close()
        fresh, self._fresh = self._fresh, {}
        for row in fresh.values():
            self._all_is_well(row)

    def _look(self, row: Row) -> None:
        if row.alert.source is Source.SUMMARY and row.alert.firing and self._all_over(row):
            self._end(row)
        else:
            self._decide(row, row.alert, News.TIME)

    def _all_over(self, row: Row) -> bool:
        members = [self.rows[number] for number in self._members[row.alert.number]]
        if any(member.alert.firing for member in members):
            return False
        newest = max((member.began_at for member in members), default=row.began_at)
        return newest + POLICY.group_span <= self.now

    def _close(self) -> None:
        """Decide on the messages of several that gained or lost."""
        touched, self._touched = self._touched, {}
        for number, severity in touched.items():
            row = self.rows[number]
            alert = replace(row.alert, changed=True)
            if alert.told is Told.NOTHING or alert.severity is not severity:
                self._decide(row, alert, News.BEGAN if alert.told is Told.NOTHING else News.AGAIN)
            else:
                turn = (alert.drawn_at or self.now) + POLICY.redraw_every
                row.alert, row.due = alert, min(row.due or turn, max(turn, self.now))

    # -- deciding, and what follows ----------------------------------------------------------------------------

    def _decide(self, row: Row, alert: Alert, news: News) -> None:
        if news in (News.BEGAN, News.ENDED):
            self._changed[alert.number].append(self.now)
        alert = replace(alert, news=news)
        made = decide(alert, self._history(row), self.silences, self.windows, POLICY, self.now)
        self.made.append((row, made))
        self._fresh[alert.number] = row
        self._is_sound(row, alert, made)
        row.due = made.again_at
        calls = self._carry_out(row, alert, made)
        if row.alert.source is Source.SUMMARY and row.alert.firing:
            look = self.now + POLICY.group_span
            row.due = min(look, row.due or look)
        self.spent += calls
        self.calls.add(self.now, calls)
        self.lately.add(self.now, made.verdict is Verdict.POST)
        self.cards.add(self.now, made.verdict is Verdict.POST)
        if made.verdict is not Verdict.ESCALATE:
            self.ordinary.add(self.now, calls)
            assert self.ordinary.at(self.now) <= MOST, made
        again = decide(
            replace(row.alert, news=News.TIME),
            self._history(row),
            self.silences,
            self.windows,
            POLICY,
            self.now,
        )
        at_once = made.again_at is not None and made.again_at <= self.now
        overdue = (
            made.verdict is Verdict.POST and alert.owner is not None
        )  # who owned it is asked a little later
        assert again.verdict is Verdict.HOLD or at_once or overdue, (alert, made, again)

    def _history(self, row: Row) -> History:
        number = row.alert.number
        group = self._groups[row.group]
        while group and next(iter(group.values())) < self.now - POLICY.group_span:
            del group[next(iter(group))]
        changed = self._changed[number]
        return History(
            similar=0 if row.alert.source is Source.SUMMARY else len(group) - (number in group),
            changes=sum(at >= self.now - POLICY.flap_span for at in changed),
            changed_at=changed[-1] if changed else None,
            calls=self.calls.at(self.now),
            lately=self.lately.at(self.now),
            cards=self.cards.at(self.now),
        )

    def _carry_out(self, row: Row, alert: Alert, made: Decision) -> int:
        """What chatbot/alerting/telling.py does; the calls of Slack that it costs."""
        now, where, called = self.now, alert.told, alert.called_at is not None
        after = replace(alert, told=made.told, silence=made.silence, flapping=made.flapping)
        drawn = replace(after, drawn_at=now, changed=False)
        calls = 0
        match made.verdict:
            case Verdict.POST:
                calls = 1 + (1 + called if where is Told.CARD else 0)
                since = now if alert.severity is CRITICAL else None
                after = replace(drawn, calls_from=since, calls=0, called_at=None)
                after = replace(after, told_severity=alert.severity, summary=None)
                if made.rose and alert.calls_from is None:
                    after = replace(after, owner=None, owned_at=None, asked_at=None)
                self._leave(row)
            case Verdict.UPDATE if made.told is Told.SUMMARY:
                after = self._join(row, replace(after, told_severity=alert.severity), where, made)
            case Verdict.UPDATE:
                calls = 1 + (made.rose or made.settled)
                after = replace(drawn, told_severity=alert.severity)
            case Verdict.ESCALATE if made.ask:
                calls = 2
                after = replace(after, drawn_at=now, asked_at=now)
            case Verdict.ESCALATE:
                calls = 2 + called
                after = replace(drawn, calls=(made.step or 0) + 1, called_at=now)
                if made.lapse:
                    after = replace(after, owner=None, owned_at=None, asked_at=None, calls_from=now)
            case Verdict.RESOLVE:
                calls = 2 + (called and alert.owner is None)
                after, row.due = drawn, None
                self._dissolve(row)
            case Verdict.HOLD if where is Told.CARD and alert.silence != made.silence:
                calls = 1
                after = drawn
        row.alert = after
        return calls

    def _join(self, row: Row, alert: Alert, where: Told, made: Decision) -> Alert:
        if alert.summary is not None and where is Told.SUMMARY:
            summary = self.rows[alert.summary]
            if summary.alert.firing:
                self._touched.setdefault(alert.summary, summary.alert.severity)
            return alert
        summary = self._summary(row, alert, storm=made.storm)
        self._leave(row)
        self._members[summary.alert.number].add(alert.number)
        return replace(alert, summary=summary.alert.number, changed=False)

    def _summary(self, row: Row, alert: Alert, *, storm: bool) -> Row:
        critical = "/critical" if alert.severity is CRITICAL else ""
        key = f"=storm{critical}" if storm else f"={row.group}"
        kind = "storm" if storm else alert.kind
        found = self.names.get(key)
        if found is None:
            found = self.names[key] = self._row(Source.SUMMARY, kind, alert.severity, key)
        elif not found.alert.firing:
            bare = self._bare(found.alert.number, Source.SUMMARY, kind, alert.severity)
            found.alert, found.began_at, found.posts = bare, self.now, 0
        self._touched.setdefault(found.alert.number, found.alert.severity)
        if alert.severity.rank > found.alert.severity.rank:
            found.alert = replace(found.alert, severity=alert.severity)
        return found

    def _row(self, source: Source, kind: str, severity: Severity, group: str, bot: str | None = None) -> Row:
        alert = self._bare(len(self.rows), source, kind, severity, bot)
        row = Row(alert=alert, group=group, began_at=self.now)
        self.rows.append(row)
        return row

    def _bare(
        self, number: int, source: Source, kind: str, severity: Severity, bot: str | None = None
    ) -> Alert:
        return Alert(
            number=number,
            source=source,
            kind=kind,
            bot=bot,
            message=f"{kind} is bad",
            severity=severity,
            firing=True,
            news=News.BEGAN,
        )

    def _leave(self, row: Row) -> None:
        if row.alert.summary is not None:
            self._members[row.alert.summary].discard(row.alert.number)

    def _dissolve(self, row: Row) -> None:
        for number in self._members.pop(row.alert.number, ()):
            member = self.rows[number]
            member.alert = replace(member.alert, summary=None, told=Told.NOTHING, told_severity=None)

    # -- what has to be true -----------------------------------------------------------------------------------

    def _is_sound(self, row: Row, alert: Alert, made: Decision) -> None:
        assert made.reason
        assert made.again_at is None or made.again_at >= self.now
        assert not made.flapping or made.told is Told.CARD, made
        if made.verdict is Verdict.RESOLVE:
            assert row.posted, "nobody was told that it began"
            assert not alert.firing
            row.posted = False
        if made.verdict is Verdict.POST:
            row.posted = True
            row.posts += not (made.flapping or made.was_silenced or made.rose)
            assert row.posts <= 1, "it was said already"
        if made.verdict is Verdict.ESCALATE:
            assert alert.severity is CRITICAL
            assert alert.firing
            assert row.posted
        if alert.firing and (silence := quieting(alert, self.silences, self.now)):
            assert made.verdict is Verdict.HOLD
            assert alert.severity is not CRITICAL or self.now < silence.begun_at + HOUR

    def _all_is_well(self, row: Row) -> None:
        """Nothing is due, and nobody waits in vain for a critical alert."""
        alert = row.alert
        assert row.due is None or row.due > self.now
        if not alert.firing or alert.severity is not CRITICAL:
            return
        silence = quieting(alert, self.silences, self.now)
        if alert.told is Told.SUMMARY:  # that message calls people, or is silenced for an hour at most
            assert alert.summary is not None
            several = self.rows[alert.summary].alert
            assert silence is not None or (several.severity, several.firing) == (CRITICAL, True)
            return
        assert row.due is not None
        if silence is not None:
            assert row.due <= silence.begun_at + HOUR
        elif alert.told is Told.CARD:
            assert row.due <= self.now + (POLICY.escalate_every if alert.owner is None else POLICY.ack_lasts)
        else:  # a message of several that waits for room; an alert waits for nothing
            assert alert.source is Source.SUMMARY
            assert row.due <= self.now + SOON


# -- whatever comes --------------------------------------------------------------------------------------------

NAMES = tuple((f"bot{number}", kind) for kind in ("latency", "slippage") for number in range(4))
PATTERNS = ("*", "latency", "bot1", "#2", "is bad")
SPANS = (0, 1, 5, 20, 59, 60, 61, 119, 120, 180, 299, 300, 301, 599, 600, 1800, 3599, 3600, 40_000)

spans = st.sampled_from(SPANS).map(lambda seconds: timedelta(seconds=seconds))
numbers = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("begins"), st.sampled_from(NAMES), st.sampled_from(Severity)),
    st.tuples(st.just("begins"), st.sampled_from(NAMES), st.just(CRITICAL)),
    st.tuples(st.just("ends"), st.sampled_from(NAMES)),
    st.tuples(st.just("flaps"), st.sampled_from(NAMES), st.sampled_from(Severity), st.integers(1, 5)),
    st.tuples(st.just("many"), st.integers(1, 60), st.integers(1, 20), st.sampled_from(Severity)),
    st.tuples(st.just("all end")),
    st.tuples(st.just("all become"), st.sampled_from(Severity)),
    st.tuples(st.just("begins"), st.sampled_from(NAMES[:1]), st.sampled_from(Severity)),
    st.tuples(st.just("owned"), numbers),
    st.tuples(st.just("silenced"), st.sampled_from(PATTERNS), spans.filter(bool)),
    st.tuples(st.just("one silenced"), numbers, spans.filter(bool)),
    st.tuples(st.just("heard again"), numbers),
    st.tuples(st.just("time"), spans),
)


def happen(rig: Rig, step: tuple[object, ...]) -> None:
    match step:
        case ("begins", (bot, kind), severity):
            rig.deliver([(f"{kind} of {bot}", kind, severity)])
        case ("ends", (bot, kind)):
            rig.deliver([(f"{kind} of {bot}", kind, HIGH)], firing=False)
        case ("flaps", (bot, kind), severity, often):
            for _ in range(often):
                rig.deliver([(f"{kind} of {bot}", kind, severity)])
                rig.pass_time(timedelta(seconds=1))
                rig.deliver([(f"{kind} of {bot}", kind, severity)], firing=False)
        case ("many", many, kinds, severity):
            rig.deliver([(f"one of {each}", f"kind{each % kinds}", severity) for each in range(many)])
        case ("all end",):
            rig.deliver([(name, "", HIGH) for name in rig.heard], firing=False)
        case ("all become", severity):
            rig.deliver(
                [(name, row.alert.kind, severity) for name, row in rig.heard.items() if row.alert.firing]
            )
        case ("owned", number) if rig.rows:
            rig.own(rig.rows[number % len(rig.rows)])
        case ("silenced", pattern, length):
            rig.silence(pattern, length)
        case ("one silenced", number, length) if rig.rows:
            one = number % len(rig.rows)
            rig.silence(f"#{one}", length, alert=one)
        case ("heard again", number) if rig.silences:
            rig.end_silence(rig.silences[number % len(rig.silences)])
        case ("time", length):
            rig.pass_time(length)
    rig.pass_time(timedelta())


@settings(max_examples=100)
@given(st.lists(steps, min_size=8, max_size=40), st.booleans())
def test_whatever_comes_every_decision_is_sound(happened: list[tuple[object, ...]], by_night: bool) -> None:
    """See `Rig._is_sound` and `Rig._all_is_well`; calls are counted in `Rig._decide`."""
    rig = Rig(windows=NIGHT if by_night else ())
    for step in happened:
        happen(rig, step)
    rig.pass_time(HOUR)


# -- one after another -----------------------------------------------------------------------------------------


def told_of(rig: Rig, name: str) -> list[str]:
    """What was done about one alert, without what was held back."""
    mine = [made for row, made in rig.made if row is rig.names[name] and made.verdict is not Verdict.HOLD]
    return [f"{made.verdict}: {made.reason}" for made in mine]


def minutes(many: float) -> timedelta:
    return timedelta(minutes=many)


def test_a_critical_one_calls_people_until_it_is_taken_and_again_when_its_owner_is_silent() -> None:
    rig = Rig()
    rig.deliver([("one", "kind", CRITICAL)])
    rig.pass_time(minutes(16))
    rig.own(rig.names["one"])
    rig.pass_time(minutes(44))
    rig.deliver([("one", "kind", CRITICAL)], firing=False)
    rig.pass_time(minutes(60))
    assert told_of(rig, "one") == [
        "post: new",
        "escalate: nobody took it",  # after 2 min
        "escalate: nobody took it",  # after 5 min
        "escalate: nobody took it",  # after 15 min
        "escalate: it is owned for long and not over",  # after 30 min
        "escalate: its owner did not answer",  # after 10 min more
        "escalate: nobody took it",  # after 3 min more
        "resolve: over",
    ]


@pytest.mark.parametrize("pause", [20, 100, 130])
def test_a_critical_one_that_flaps_goes_on_calling_people(pause: float) -> None:
    rig = Rig()
    while rig.now < NOW + HOUR:
        rig.deliver([("one", "kind", CRITICAL)])
        rig.pass_time(timedelta(seconds=pause))
        rig.deliver([("one", "kind", CRITICAL)], firing=False)
        rig.pass_time(timedelta(seconds=5))
    done = told_of(rig, "one")
    called = "escalate: nobody took it"
    assert [each for each in done if each != called] == [
        "post: new",
        "resolve: over",
        "post: new",
        "post: it flaps: 4 changes",
    ]
    assert done.count(called) >= 6


@pytest.mark.parametrize("severity", [WARNING, CRITICAL])
@pytest.mark.parametrize("fired_for", [1, 11])
def test_what_flapped_is_told_to_stay_as_it_is_also_when_nobody_says_more(
    severity: Severity, fired_for: int
) -> None:
    """The fourth change is an end, or a beginning where the first one was long ago."""
    rig = Rig()
    rig.deliver([("one", "kind", severity)])
    rig.pass_time(minutes(fired_for))
    for _ in range(2):
        rig.deliver([("one", "kind", severity)], firing=False)
        rig.deliver([("one", "kind", severity)])
    rig.pass_time(minutes(11))
    assert "post: it flaps: 4 changes" in told_of(rig, "one")
    assert "update: it stays as it is: it fires" in told_of(rig, "one")
    rig.deliver([("one", "kind", severity)], firing=False)
    rig.pass_time(minutes(11))
    assert told_of(rig, "one")[-1] == "resolve: over"


def test_a_silence_that_ends_at_night_is_told_in_the_morning_and_an_end_before_that_at_once() -> None:
    for over_by_night in (False, True):
        rig = Rig(windows=(window_of("04:00-07:00", "UTC"),))
        rig.deliver([("one", "kind", WARNING)])
        rig.silence("kind", minutes(60))
        rig.pass_time(minutes(120))
        assert told_of(rig, "one") == ["post: new"]
        if over_by_night:
            rig.deliver([("one", "kind", WARNING)], firing=False)
        rig.pass_time(minutes(180))
        later = "resolve: over" if over_by_night else "post: silence #1 is over and it still fires (new)"
        assert told_of(rig, "one") == ["post: new", later]


def test_a_message_of_several_that_waits_for_room_does_not_flap() -> None:
    rig = Rig()
    rig.deliver([(f"{kind}, {each}", f"kind{kind}", HIGH) for kind in range(3) for each in range(8)])
    assert [row.alert.kind for row in hidden(rig)] == ["kind1"] * 6 + ["kind2"] * 6
    for second, each in zip((1, 1, 1, 1, 58), range(2, 7), strict=True):
        rig.pass_time(timedelta(seconds=second))
        rig.deliver([(f"1, {each}", "kind1", HIGH)], firing=False)
    assert told_of(rig, "=kind1") == ["post: several alerts in one message"]


def test_many_that_are_over_at_once_are_told_little_by_little() -> None:
    rig = Rig()
    for each in range(60):
        rig.deliver([(f"{each}", f"kind{each}", CRITICAL if each % 2 else HIGH)])
        rig.pass_time(timedelta(seconds=12))
        if each % 2:
            rig.own(rig.names[f"{each}"])
    shown = sum(row.posted for row in rig.rows)
    assert shown > 40
    rig.silence("kind*", minutes(30))
    rig.deliver([(f"{each}", "", HIGH) for each in range(60)], firing=False)
    rig.pass_time(minutes(shown / 3))
    assert not any(row.posted for row in rig.rows)


# -- a storm: 10,000 alerts in a minute ------------------------------------------------------------------------

MANY = 10_000


def storm(heard: Sequence[Heard], seconds: int) -> Rig:
    """The rig after all this came, as one delivery a second."""
    rig = Rig()
    some = -(-len(heard) // max(1, seconds))
    for start in range(0, len(heard), some):
        rig.deliver(heard[start : start + some])
        rig.pass_time(timedelta(seconds=1 if seconds else 0))
    return rig


def hidden(rig: Rig) -> list[Row]:
    """The alerts that no message in the channel tells."""
    return [row for row in rig.heard.values() if not _shown(rig, row)]


def _shown(rig: Rig, row: Row) -> bool:
    if row.alert.told is Told.SUMMARY and row.alert.summary is not None:
        return _shown(rig, rig.rows[row.alert.summary])
    return row.alert.told is Told.CARD


@pytest.mark.parametrize(
    ("kinds", "in_a_row", "severity", "seconds", "messages"),
    [
        (1, 1, WARNING, 60, 3),
        (1, 1, CRITICAL, 0, 3),
        (7, 1, HIGH, 60, 8),
        (3_000, 3, INFO, 60, 8),
        (3_000, 3, CRITICAL, 0, 11),
        (MANY, 1, INFO, 60, 6),
        (MANY, 1, CRITICAL, 60, 11),
    ],
)
def test_a_storm_is_a_few_calls_and_nobody_waits_for_what_it_tells(
    kinds: int, in_a_row: int, severity: Severity, seconds: int, messages: int
) -> None:
    heard = [(f"alert {each}", f"kind{each // in_a_row % kinds}", severity) for each in range(MANY)]
    rig = storm(heard, seconds)
    assert rig.spent <= MOST
    assert sum(made.verdict is Verdict.POST for _, made in rig.made) == messages
    # A message of one kind may wait for room for a minute: as many alerts as come in one transaction.
    assert len(hidden(rig)) < AT_ONCE
    rig.pass_time(MINUTE + SOON)
    assert not hidden(rig)


@pytest.mark.parametrize(("severity", "place"), [(WARNING, 0), (HIGH, 10), (WARNING, 4_000), (HIGH, MANY)])
def test_a_critical_one_in_a_storm_of_others_is_said_at_once(severity: Severity, place: int) -> None:
    heard = [(f"alert {each}", f"kind{each % 3_000}", severity) for each in range(MANY)]
    heard.insert(place, ("the one", "kind1", CRITICAL))
    rig = storm(heard, 30)
    (made,) = [made for row, made in rig.made if row is rig.names["the one"]]
    assert (made.verdict, made.reason) == (Verdict.POST, "new")
    assert rig.spent <= MOST


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(1, 1_500), st.integers(1, 600), st.sampled_from(Severity), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([0, 1, 20, 60]),
)
def test_whatever_storm_comes_and_goes_it_is_a_few_calls_a_minute(
    parts: list[tuple[int, int, Severity, bool]], seconds: int
) -> None:
    """The calls of every minute are counted in `Rig._decide`."""
    heard = [
        (f"{part}, {each}", f"{part}, {each // 3 % kinds if in_a_row else each % kinds}", severity)
        for part, (many, kinds, severity, in_a_row) in enumerate(parts)
        for each in range(many)
    ]
    rig = storm(heard, seconds)
    assert rig.spent <= MOST
    rig.pass_time(MINUTE + SOON)
    assert not [row for row in hidden(rig) if row.alert.severity is CRITICAL]
    rig.deliver(heard, firing=False)
    rig.pass_time(10 * MINUTE)
    assert not any(row.posted for row in rig.rows if row.alert.source is not Source.SUMMARY)
