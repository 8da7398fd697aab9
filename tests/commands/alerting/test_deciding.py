"""Who is told what of an alert, and when: one row a rule, and one on each side of every boundary."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from commands.alerting.deciding import (
    STORM,
    Alert,
    Decision,
    History,
    News,
    Told,
    Verdict,
    decide,
    next_call,
    quieting,
)
from commands.alerting.model import Severity, Source
from commands.alerting.policy import AlertPolicy, Window, window_of
from commands.alerting.silences import Silence

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
INFO, WARNING, HIGH, CRITICAL = Severity
NOTHING, CARD, SUMMARY = Told
BEGAN, AGAIN, ENDED, TIME = News
NIGHT = (window_of("22:00-07:00", "UTC"),)
MORNING = 13_680  # seconds from now: 07:00
POLICY = AlertPolicy()
HOUR, DAY = 3600, 86_400


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ago(seconds: float) -> datetime:
    return at(-seconds)


def alert(severity: Severity = HIGH, **known: object) -> Alert:
    """One that fires and that nobody was told of, unless told otherwise."""
    base = Alert(
        number=12,
        source=Source.MONITOR,
        kind="slippage",
        bot="ndax",
        message="Slippage is high",
        severity=severity,
        firing=True,
        news=TIME,
    )
    return replace(base, **known)  # type: ignore[arg-type]  # a test names the fields it means


def told(severity: Severity = HIGH, by: Told = CARD, **known: object) -> Alert:
    """One that fires and is told."""
    return alert(severity, **{"told": by, "told_severity": severity, "drawn_at": ago(5), **known})


def called(begun: float, calls: int = 0, last: float | None = None, **known: object) -> Alert:
    """A critical one that is told and nobody's since then, for which people were called."""
    at_last = None if last is None else ago(last)
    return told(CRITICAL, **{"calls_from": ago(begun), "calls": calls, "called_at": at_last, **known})


def owned(since: float, asked: float | None = None, **known: object) -> Alert:
    """A critical one that is told and somebody's since then."""
    asked_at = None if asked is None else ago(asked)
    return called(since + 10, **{"owner": "U1", "owned_at": ago(since), "asked_at": asked_at, **known})


def over(severity: Severity = HIGH, by: Told = CARD, **known: object) -> Alert:
    return told(severity, by, **{"firing": False, "news": ENDED, **known})


def flapping(severity: Severity = HIGH, **known: object) -> Alert:
    return told(severity, **{"flapping": True, **known})


def silence(number: int = 3, begun: float = 60, lasts: float = HOUR, **known: object) -> Silence:
    base = Silence(
        number=number,
        pattern="slippage",
        owner="U1",
        reason="known",
        begun_at=ago(begun),
        ends_at=ago(begun - lasts),
    )
    return replace(base, **known)  # type: ignore[arg-type]  # as above


def decision(
    verdict: Verdict, reason: str, where: Told, again: float | None = None, **more: object
) -> Decision:
    again_at = None if again is None else at(again)
    return Decision(verdict=verdict, reason=reason, told=where, again_at=again_at, **more)  # type: ignore[arg-type]  # as above


def post(reason: str, again: float | None = None, **more: object) -> Decision:
    return decision(Verdict.POST, reason, CARD, again, **more)


def hold(reason: str, where: Told, again: float | None = None, **more: object) -> Decision:
    return decision(Verdict.HOLD, reason, where, again, **more)


def update(reason: str, again: float | None = None, **more: object) -> Decision:
    return decision(Verdict.UPDATE, reason, CARD, again, **more)


def join(reason: str, **more: object) -> Decision:
    return decision(Verdict.UPDATE, reason, SUMMARY, **more)


def escalate(reason: str, again: float, **more: object) -> Decision:
    return decision(Verdict.ESCALATE, reason, CARD, again, **more)


def resolve(reason: str, **more: object) -> Decision:
    return decision(Verdict.RESOLVE, reason, NOTHING, **more)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is known beside the alert."""

    history: History = field(default_factory=History)
    silences: tuple[Silence, ...] = ()
    windows: tuple[Window, ...] = ()
    policy: AlertPolicy = POLICY


def calls(many: int, **more: object) -> Given:
    """So many calls of Slack in the last minute."""
    return Given(history=History(calls=many, **more))  # type: ignore[arg-type]  # as above


def changes(many: int, last: float = 0, calls: int = 0) -> Given:
    """The alert began and ended so often, and last so many seconds ago."""
    return Given(history=History(changes=many, changed_at=ago(last), calls=calls))


def similar(many: int, calls: int = 0) -> Given:
    return Given(history=History(similar=many, calls=calls))


def hours(text: str) -> Given:
    return Given(windows=(window_of(text, "UTC"),))


def quiet(*silences: Silence, calls: int = 0, **more: object) -> Given:
    return Given(silences=silences or (silence(),), history=History(calls=calls, **more))  # type: ignore[arg-type]  # as above


NEW = {
    "info": (alert(INFO), Given(), post("new")),
    "warning": (alert(WARNING), Given(), post("new")),
    "high": (alert(HIGH), Given(), post("new")),
    "critical": (alert(CRITICAL), Given(), post("new", 120)),
    "just begun": (alert(news=BEGAN), changes(1), post("new")),
    "said again": (alert(news=AGAIN), Given(), post("new")),
    "who owns it changes nothing": (alert(CRITICAL, owner="U1", owned_at=NOW), Given(), post("new", 120)),
    # quiet hours
    "info at night": (alert(INFO), Given(windows=NIGHT), hold("quiet hours", NOTHING, MORNING)),
    "warning at night": (alert(WARNING), Given(windows=NIGHT), hold("quiet hours", NOTHING, MORNING)),
    "high at night": (alert(HIGH), Given(windows=NIGHT), post("new")),
    "critical at night": (alert(CRITICAL), Given(windows=NIGHT), post("new", 120)),
    "night begins now": (alert(INFO), hours("03:12-04:00"), hold("quiet hours", NOTHING, 48 * 60)),
    "night begins soon": (alert(INFO), hours("03:13-04:00"), post("new")),
    "night ends soon": (alert(INFO), hours("02:00-03:13"), hold("quiet hours", NOTHING, 60)),
    "night ends now": (alert(INFO), hours("02:00-03:12"), post("new")),
    "two nights": (
        alert(INFO),
        Given(windows=(*NIGHT, window_of("03:00-04:00", "UTC"))),
        hold("quiet hours", NOTHING, MORNING),
    ),
    "many at night": (
        alert(INFO),
        Given(windows=NIGHT, history=History(similar=9)),
        hold("quiet hours", NOTHING, MORNING),
    ),
    # similar ones
    "second of its group": (alert(), similar(1), post("new")),
    "third of its group": (alert(), similar(2), join("one of 3 similar")),
    "tenth of its group": (alert(INFO), similar(9), join("one of 10 similar")),
    "third critical one": (alert(CRITICAL), similar(2), join("one of 3 similar")),
    "groups may begin earlier": (
        alert(),
        Given(history=History(similar=1), policy=AlertPolicy(group_from=2)),
        join("one of 2 similar"),
    ),
    "last group": (alert(), similar(2, calls=6), join("one of 3 similar")),
    "one group too many": (alert(), similar(2, calls=7), join("too many", storm=True)),
    "last critical group": (alert(CRITICAL), similar(2, calls=9), join("one of 3 similar")),
    "one critical group too many": (alert(CRITICAL), similar(2, calls=10), join("too many", storm=True)),
    # room
    "last message of its own": (alert(INFO), calls(0, lately=4), post("new")),
    "one message too many": (alert(INFO), calls(0, lately=5), join("too many", storm=True)),
    "last warning": (alert(WARNING), calls(0, lately=4), post("new")),
    "one warning too many": (alert(WARNING), calls(0, lately=5), join("too many", storm=True)),
    "last high message": (alert(HIGH), calls(0, lately=6), post("new")),
    "one high message too many": (alert(HIGH), calls(0, lately=7), join("too many", storm=True)),
    "last call": (alert(HIGH), calls(7), post("new")),
    "one call too many": (alert(HIGH), calls(8), join("too many", storm=True)),
    "no messages limit a critical one": (alert(CRITICAL), calls(9, lately=9), post("new", 120)),
    "last critical message": (alert(CRITICAL), calls(9), post("new", 120)),
    "one critical message too many": (alert(CRITICAL), calls(10), join("too many", storm=True)),
    "last of the hour": (alert(HIGH), calls(0, cards=99), post("new")),
    "one too many for the hour": (alert(HIGH), calls(0, cards=100), join("too many", storm=True)),
    "no hour limits a critical one": (alert(CRITICAL), calls(0, cards=5000), post("new", 120)),
}


def several(severity: Severity = HIGH, **known: object) -> Alert:
    """A message that tells several, not posted yet."""
    return alert(severity, **{"source": Source.SUMMARY, "news": BEGAN, **known})


SEVERAL = {
    "posted": (several(), Given(), post("several alerts")),
    "critical": (several(CRITICAL), Given(), post("several alerts", 120)),
    "is of no group": (several(), similar(9), post("several alerts")),
    "no hour limits it": (several(), calls(0, cards=5000), post("several alerts")),
    "last": (several(), calls(6), post("several alerts")),
    "one too many": (several(), calls(7), hold("no room", NOTHING, 5)),
    "last for all others": (several(kind=STORM), calls(7), post("several alerts")),
    "one for all others too many": (several(kind=STORM), calls(8), hold("no room", NOTHING, 5)),
    "last critical": (several(CRITICAL), calls(9), post("several alerts", 120)),
    "one critical too many": (several(CRITICAL), calls(10), hold("no room", NOTHING, 5)),
    "last critical for all others": (
        several(CRITICAL, kind=STORM),
        calls(10),
        post("several alerts", 120),
    ),
    "one critical for all others too many": (
        several(CRITICAL, kind=STORM),
        calls(11),
        hold("no room", NOTHING, 5),
    ),
    "at night": (several(INFO), Given(windows=NIGHT), hold("quiet hours", NOTHING, MORNING)),
    "begun often": (several(), changes(9), post("several alerts")),
    "ended often": (over(source=Source.SUMMARY), changes(9), resolve("over")),
    "stands": (told(source=Source.SUMMARY, news=AGAIN), Given(), hold("told already", CARD)),
    "silenced": (
        several(number=3),
        quiet(silence(alert=3)),
        hold("silenced by #3", NOTHING, HOUR - 60, silence=3),
    ),
}

QUIET = {
    "info": (alert(INFO), quiet(), hold("silenced by #3", NOTHING, HOUR - 60, silence=3)),
    "critical": (alert(CRITICAL), quiet(), hold("silenced by #3", NOTHING, HOUR - 60, silence=3)),
    "told": (told(), quiet(), hold("silenced by #3", CARD, HOUR - 60, silence=3)),
    "in a message of several": (
        told(by=SUMMARY),
        quiet(),
        hold("silenced by #3", SUMMARY, HOUR - 60, silence=3),
    ),
    "begins now": (alert(), quiet(silence(begun=0)), hold("silenced by #3", NOTHING, HOUR, silence=3)),
    "begins later": (alert(), quiet(silence(begun=-1)), post("new")),
    "ends soon": (alert(), quiet(silence(begun=59, lasts=60)), hold("silenced", NOTHING, 1, silence=3)),
    "ended now": (alert(), quiet(silence(begun=60, lasts=60)), post("new")),
    "about others": (alert(), quiet(silence(pattern="latency")), post("new")),
    # a critical one
    "a day for a high one": (
        alert(HIGH),
        quiet(silence(begun=HOUR, lasts=DAY)),
        hold("silenced by #3", NOTHING, DAY - HOUR, silence=3),
    ),
    "the last of a critical one's hour": (
        alert(CRITICAL),
        quiet(silence(begun=HOUR - 1, lasts=DAY)),
        hold("silenced by #3", NOTHING, 1, silence=3),
    ),
    "a critical one's hour is over": (
        alert(CRITICAL, silence=3),
        quiet(silence(begun=HOUR, lasts=DAY)),
        post("silence #3 is over", 120, was_silenced=3),
    ),
    "everything but critical ones": (
        alert(WARNING),
        quiet(silence(pattern="*")),
        hold("silenced", NOTHING, HOUR - 60, silence=3),
    ),
    "a critical one in everything": (alert(CRITICAL), quiet(silence(pattern="*")), post("new", 120)),
    "it became critical": (
        told(CRITICAL, silence=3, told_severity=WARNING),
        quiet(silence(pattern="*")),
        post("silence #3 is over", 120, was_silenced=3),
    ),
    # it comes before everything
    "who is called": (
        called(120),
        quiet(),
        hold("silenced by #3", CARD, HOUR - 60, silence=3),
    ),
    "who is asked": (owned(1800), quiet(), hold("silenced", CARD, HOUR - 60, silence=3)),
    "the night": (
        alert(INFO),
        Given(windows=NIGHT, silences=(silence(),)),
        hold("silenced", NOTHING, HOUR - 60, silence=3),
    ),
    "a group": (alert(), quiet(similar=9), hold("silenced", NOTHING, HOUR - 60, silence=3)),
    "its flapping": (
        alert(news=BEGAN),
        quiet(changes=9),
        hold("silenced", NOTHING, HOUR - 60, silence=3),
    ),
    "that it flaps": (
        flapping(),
        quiet(changes=9, changed_at=ago(600)),
        hold("silenced", CARD, HOUR - 60, silence=3, flapping=True),
    ),
    "that it changed": (
        told(changed=True, drawn_at=ago(500)),
        quiet(),
        hold("silenced", CARD, HOUR - 60, silence=3),
    ),
    # its message shows the silence, where there is room for that call
    "last one shown": (told(), quiet(calls=7), hold("silenced by #3", CARD, HOUR - 60, silence=3)),
    "one too many shown": (told(), quiet(calls=8), hold("silenced by #3", CARD, 5)),
    "too many, and it ends sooner": (
        told(),
        quiet(silence(begun=58, lasts=60), calls=8),
        hold("silenced by #3", CARD, 2),
    ),
    "shown already": (
        told(silence=3),
        quiet(calls=8),
        hold("silenced by #3", CARD, HOUR - 60, silence=3),
    ),
    "another one, not shown yet": (
        told(silence=2),
        quiet(calls=8),
        hold("silenced by #3", CARD, 5, silence=2),
    ),
    "no message, nothing to show": (
        alert(),
        quiet(calls=8),
        hold("silenced by #3", NOTHING, HOUR - 60, silence=3),
    ),
}

SILENCE_OVER = {
    "info": (alert(INFO, silence=3), Given(), post("silence #3 is over and it still fires", was_silenced=3)),
    "critical": (alert(CRITICAL, silence=3), Given(), post("silence #3 is over", 120, was_silenced=3)),
    "told before": (told(silence=3), Given(), post("silence #3 is over", was_silenced=3)),
    "told among several": (told(by=SUMMARY, silence=3), Given(), post("is over", was_silenced=3)),
    "owned": (owned(60, silence=3), Given(), post("is over", 120, was_silenced=3)),
    "flapping": (flapping(silence=3), changes(5), post("is over", was_silenced=3)),
    "one of many": (alert(silence=3), similar(2), join("one of 3 similar", was_silenced=3)),
    "no room": (alert(silence=3), calls(8), join("too many", storm=True, was_silenced=3)),
    "another one goes on": (
        alert(silence=3),
        quiet(silence(4)),
        hold("silenced by #4", NOTHING, HOUR - 60, silence=4),
    ),
    # what has a message and cannot have another one yet stays there, or it would never be told that it is over
    "no room, told before": (told(silence=3), calls(8), hold("silence #3 is over", CARD, 5, silence=3)),
    "one of many, told before": (
        told(silence=3),
        similar(2),
        hold("one of 3 similar", CARD, 5, silence=3),
    ),
    "at night, told before": (
        told(WARNING, silence=3),
        Given(windows=NIGHT),
        hold("(quiet hours)", CARD, MORNING, silence=3),
    ),
    "at night": (
        alert(WARNING, silence=3),
        Given(windows=NIGHT),
        hold("(quiet hours)", NOTHING, MORNING, silence=3),
    ),
    "at night, told among several": (
        told(WARNING, by=SUMMARY, silence=3),
        Given(windows=NIGHT),
        hold("(quiet hours)", SUMMARY, MORNING, silence=3),
    ),
    "at night, flapping": (
        flapping(WARNING, silence=3),
        Given(windows=NIGHT),
        hold("(quiet hours)", CARD, MORNING, silence=3, flapping=True),
    ),
    "several, no room": (
        told(CRITICAL, source=Source.SUMMARY, silence=3),
        calls(10),
        hold("no room", CARD, 5, silence=3),
    ),
    "all others, no room": (
        told(CRITICAL, source=Source.SUMMARY, kind=STORM, silence=3),
        calls(10),
        hold("no room", CARD, 5, silence=3),
    ),
    "all others, last call": (
        told(CRITICAL, source=Source.SUMMARY, kind=STORM, silence=3),
        calls(9),
        post("several alerts", 120, was_silenced=3),
    ),
    "a critical one waits for none": (
        told(CRITICAL, silence=3),
        calls(10),
        join("too many", storm=True, was_silenced=3),
    ),
    "a critical one among others stays": (
        told(CRITICAL, by=SUMMARY, silence=3),
        calls(10),
        join("too many", storm=True, was_silenced=3),
    ),
    "it became critical among milder ones": (
        told(CRITICAL, by=SUMMARY, told_severity=WARNING, silence=3),
        calls(10),
        hold("silence #3 is over", NOTHING, 0, silence=3),
    ),
    "it became critical, and there is room": (
        told(CRITICAL, by=SUMMARY, told_severity=WARNING, silence=3),
        Given(),
        post("silence #3 is over", 120, was_silenced=3),
    ),
    "a milder one among others stays": (
        told(HIGH, by=SUMMARY, told_severity=INFO, silence=3),
        calls(8),
        join("too many", storm=True, was_silenced=3),
    ),
    "it is over by then": (over(silence=3), Given(), resolve("over")),
    "it is over by then, and nobody knew": (
        over(by=NOTHING, silence=3),
        Given(),
        hold("nobody was told that it began", NOTHING),
    ),
}

TOLD = {
    "nothing new": (told(), Given(), hold("told already", CARD)),
    "said again": (told(news=AGAIN), Given(), hold("told already", CARD)),
    "one of many by now": (told(news=AGAIN), similar(9), hold("told already", CARD)),
    "at night": (told(INFO), Given(windows=NIGHT), hold("told already", CARD)),
    "milder now": (told(INFO, told_severity=CRITICAL), Given(), hold("told already", CARD)),
    "severity not noted": (told(told_severity=None), Given(), hold("told already", CARD)),
    "among several": (told(by=SUMMARY), Given(), hold("told in a message of several", SUMMARY)),
    "critical among several": (
        told(CRITICAL, by=SUMMARY, calls_from=ago(HOUR)),
        Given(),
        hold("told in a message of several", SUMMARY),
    ),
    "changed among several": (
        told(by=SUMMARY, changed=True, drawn_at=ago(HOUR)),
        Given(),
        hold("told in a message of several", SUMMARY),
    ),
    # it rose
    "to warning": (told(WARNING, told_severity=INFO), Given(), update("rose to warning", rose=True)),
    "to high": (told(HIGH, told_severity=WARNING), Given(), update("rose to high", rose=True)),
    "last rise": (told(HIGH, told_severity=INFO), calls(7), update("rose to high", rose=True)),
    "one rise too many": (told(HIGH, told_severity=INFO), calls(8), hold("rose to high", CARD, 5)),
    "among several, to high": (
        told(HIGH, by=SUMMARY, told_severity=INFO),
        Given(),
        hold("told in a message of several", SUMMARY),
    ),
    "to critical": (told(CRITICAL, told_severity=HIGH), Given(), post("rose to critical", 120, rose=True)),
    "to critical, owned": (
        owned(60, told_severity=HIGH),
        Given(),
        post("rose to critical", 120, rose=True),
    ),
    "among several, to critical": (
        told(CRITICAL, by=SUMMARY, told_severity=HIGH),
        Given(),
        post("rose to critical", 120, rose=True),
    ),
    "last rise to critical": (
        told(CRITICAL, told_severity=HIGH),
        calls(9),
        post("rose to critical", 120, rose=True),
    ),
    "one rise to critical too many": (
        told(CRITICAL, told_severity=HIGH),
        calls(10),
        join("rose to critical among many", storm=True),
    ),
    "one too many among several": (
        told(CRITICAL, by=SUMMARY, told_severity=HIGH),
        calls(10),
        hold("rose to critical among many", NOTHING, 0),
    ),
    "several, to critical, one too many": (
        told(CRITICAL, told_severity=HIGH, source=Source.SUMMARY),
        calls(10),
        hold("rose to critical among many", CARD, 5),
    ),
}

REDRAWN = {
    "too early": (told(changed=True, drawn_at=ago(59.999)), Given(), hold("a little later", CARD, 5)),
    "much too early": (told(changed=True, drawn_at=ago(10)), Given(), hold("a little later", CARD, 50)),
    "in time": (told(changed=True, drawn_at=ago(60)), Given(), update("it changed")),
    "late": (told(changed=True, drawn_at=ago(60.001)), Given(), update("it changed")),
    "never drawn": (told(changed=True, drawn_at=None), Given(), hold("a little later", CARD, 60)),
    "last call": (told(changed=True, drawn_at=ago(60)), calls(7), update("it changed")),
    "one call too many": (
        told(changed=True, drawn_at=ago(60)),
        calls(8),
        hold("a little later", CARD, 5),
    ),
    "several, too early": (
        told(source=Source.SUMMARY, changed=True, drawn_at=ago(10)),
        Given(),
        hold("a little later", CARD, 10),
    ),
    "several, in time": (
        told(source=Source.SUMMARY, changed=True, drawn_at=ago(20)),
        Given(),
        update("it changed"),
    ),
    "critical": (called(100, changed=True, drawn_at=ago(60)), Given(), update("it changed", 20)),
    "critical, a call comes first": (
        called(100, changed=True, drawn_at=ago(10)),
        Given(),
        hold("a little later", CARD, 20),
    ),
    "critical, a call comes later": (
        called(60, changed=True, drawn_at=ago(10)),
        Given(),
        hold("a little later", CARD, 50),
    ),
    "critical, a call comes now": (
        called(120, changed=True, drawn_at=ago(60)),
        Given(),
        escalate("nobody took it", 180, step=0),
    ),
}

CALLED = {
    "just told": (called(0), Given(), hold("people have time", CARD, 120)),
    "before the first": (called(119.999), Given(), hold("people have time", CARD, 0.001)),
    "the first": (called(120), Given(), escalate("nobody took it", 180, step=0)),
    "the first, a little late": (called(121), Given(), escalate("nobody took it", 179, step=0)),
    "the first, just before the second": (called(299), Given(), escalate("nobody took it", 1, step=0)),
    "before the second": (called(299.999, 1, 179.999), Given(), hold("people have time", CARD, 0.001)),
    "the second": (called(300, 1, 180), Given(), escalate("nobody took it", 600, step=1)),
    "before the third": (called(900, 2, 599.999), Given(), hold("people have time", CARD, 0.001)),
    "the third": (called(900, 2, 600), Given(), escalate("nobody took it", 600, step=2)),
    "the ninth": (called(DAY, 8, 601), Given(), escalate("nobody took it", 600, step=8)),
    "said again by its source": (called(120, news=AGAIN), Given(), escalate("nobody took it", 180, step=0)),
    # a long absence makes one step, the latest
    "away for the first": (called(300), Given(), escalate("nobody took it", 600, step=1)),
    "away for a day": (called(DAY), Given(), escalate("nobody took it", 600, step=1)),
    "away since the first": (called(DAY, 1, DAY - 120), Given(), escalate("nobody took it", 600, step=1)),
    "away since the third": (called(DAY, 3, DAY - 900), Given(), escalate("nobody took it", 600, step=3)),
    # no room is asked for, and the night changes nothing
    "many calls": (called(120), calls(500), escalate("nobody took it", 180, step=0)),
    "at night": (called(120), Given(windows=NIGHT), escalate("nobody took it", 180, step=0)),
    "several": (called(120, source=Source.SUMMARY), Given(), escalate("nobody took it", 180, step=0)),
    "only critical ones": (told(HIGH, calls_from=ago(DAY)), Given(), hold("told already", CARD)),
    # where it is not noted from when
    "from nowhere": (called(0, calls_from=None, drawn_at=None), Given(), hold("people have time", CARD, 120)),
    "from its message": (
        called(0, calls_from=None, drawn_at=ago(120)),
        changes(3, last=20),
        escalate("nobody took it", 180, step=0),
    ),
    "from its beginning": (
        called(0, calls_from=None, drawn_at=ago(20)),
        changes(3, last=120),
        escalate("nobody took it", 180, step=0),
    ),
    "three steps": (
        called(240),
        Given(policy=AlertPolicy(escalate_after=tuple(timedelta(minutes=each) for each in (1, 3, 7)))),
        escalate("nobody took it", 180, step=1),
    ),
    "other steps": (
        called(60),
        Given(
            policy=AlertPolicy(escalate_after=(timedelta(minutes=1),), escalate_every=timedelta(minutes=3))
        ),
        escalate("nobody took it", 180, step=0),
    ),
}

OWNED = {
    "just taken": (owned(0), Given(), hold("owned by U1", CARD, 1800)),
    "before it lapses": (owned(1799.999), Given(), hold("owned by U1", CARD, 0.001)),
    "asked again": (owned(1800), Given(), escalate("owned for long", 600, ask=True)),
    "asked late": (owned(1801), Given(), escalate("owned for long", 600, ask=True)),
    "asked after a day away": (owned(DAY), Given(), escalate("owned for long", 600, ask=True)),
    "just asked": (owned(1800, asked=0), Given(), hold("was asked again", CARD, 600)),
    "time to answer": (owned(2399.999, asked=599.999), Given(), hold("was asked again", CARD, 0.001)),
    "no answer": (owned(2400, asked=600), Given(), escalate("did not answer", 180, lapse=True, step=0)),
    "no answer for a day": (
        owned(2 * DAY, asked=DAY),
        Given(),
        escalate("did not answer", 180, lapse=True, step=0),
    ),
    "after that, before the next": (called(179, 1, 179), Given(), hold("people have time", CARD, 1)),
    "after that, the next": (called(180, 1, 180), Given(), escalate("nobody took it", 600, step=1)),
    "many calls": (owned(1800), calls(500), escalate("owned for long", 600, ask=True)),
    "only critical ones": (
        told(HIGH, owner="U1", owned_at=ago(DAY)),
        Given(),
        hold("told already", CARD),
    ),
    "by whom is not known": (
        called(120, owned_at=ago(10)),
        Given(),
        escalate("nobody took it", 180, step=0),
    ),
    "since when is not known": (called(120, owner="U1"), Given(), escalate("nobody took it", 180, step=0)),
}

FLAPS = {
    "third change": (alert(news=BEGAN), changes(3), post("new")),
    "fourth change": (alert(news=BEGAN), changes(4), post("it flaps: 4 changes", 600, flapping=True)),
    "ninth change": (alert(news=BEGAN), changes(9), post("it flaps: 9 changes", 600, flapping=True)),
    "critical": (alert(CRITICAL, news=BEGAN), changes(4), post("it flaps", 120, flapping=True)),
    "only what begins": (alert(news=AGAIN), changes(9), post("new")),
    "nobody may know": (alert(news=TIME), changes(9), post("new")),
    "last call": (alert(news=BEGAN), changes(4, calls=7), post("it flaps", 600, flapping=True)),
    "one call too many": (alert(news=BEGAN), changes(4, calls=8), join("too many", storm=True)),
    "before the night": (
        alert(INFO, news=BEGAN),
        Given(windows=NIGHT, history=History(changes=4, changed_at=NOW)),
        post("it flaps", 600, flapping=True),
    ),
    "before its group": (
        alert(news=BEGAN),
        Given(history=History(similar=9, changes=4, changed_at=NOW)),
        post("it flaps", 600, flapping=True),
    ),
    "third change, an end": (over(), changes(3), resolve("over")),
    "fourth change, an end": (over(), changes(4), post("it flaps: 4 changes", 600, flapping=True)),
    "fourth change, critical": (over(CRITICAL), changes(4), post("it flaps", 600, flapping=True)),
    "fourth change among several": (over(by=SUMMARY), changes(4), post("it flaps", 600, flapping=True)),
    "fourth change, untold": (over(by=NOTHING), changes(4), hold("nobody was told", NOTHING)),
    "fourth change, no room": (over(), changes(4, calls=8), resolve("over")),
    "fourth change, silenced": (
        over(silence=3),
        quiet(changes=4, changed_at=NOW),
        resolve("over"),
    ),
    "an end that was told late": (over(news=TIME), changes(9), resolve("over")),
}

FLAPPING = {
    "fires": (flapping(), changes(5, last=10), hold("it flaps", CARD, 590, flapping=True)),
    "fires again": (flapping(news=BEGAN), changes(5), hold("it flaps", CARD, 600, flapping=True)),
    "changed": (
        flapping(changed=True, drawn_at=ago(HOUR)),
        changes(5, last=10),
        hold("it flaps", CARD, 590, flapping=True),
    ),
    "rose a little": (
        flapping(HIGH, told_severity=INFO),
        changes(5, last=10),
        hold("it flaps", CARD, 590, flapping=True),
    ),
    "not yet": (flapping(), changes(1, last=599.999), hold("it flaps", CARD, 0.001, flapping=True)),
    "stays": (flapping(), changes(1, last=600), update("stays as it is: it fires", 0, settled=True)),
    "stays long": (flapping(), changes(0, last=DAY), update("it fires", 0, settled=True)),
    "never changed": (flapping(), Given(), hold("it flaps", CARD, 600, flapping=True)),
    "stays, last call": (flapping(), changes(1, 600, calls=9), update("it fires", 0, settled=True)),
    "stays, no room": (flapping(), changes(1, 600, calls=10), hold("it flaps", CARD, 5, flapping=True)),
    "over": (
        over(flapping=True),
        changes(5, last=10),
        hold("told when it stays quiet", CARD, 590, flapping=True),
    ),
    "over just now": (
        over(CRITICAL, flapping=True),
        changes(9),
        hold("told when it stays quiet", CARD, 600, flapping=True),
    ),
    "over, never changed": (
        over(flapping=True),
        Given(),
        hold("told when it stays quiet", CARD, 600, flapping=True),
    ),
    "over, silenced": (
        over(flapping=True, silence=3),
        quiet(changed_at=ago(10)),
        hold("told when it stays quiet", CARD, 590, flapping=True, silence=3),
    ),
    "over, not yet": (
        over(news=TIME, flapping=True),
        changes(1, last=599.999),
        hold("told when it stays quiet", CARD, 0.001, flapping=True),
    ),
    "stays over": (
        over(news=TIME, flapping=True),
        changes(1, last=600),
        resolve("it stays as it is: over", settled=True),
    ),
    "stays over, last call": (
        over(news=TIME, flapping=True),
        changes(1, 600, calls=9),
        resolve("it stays as it is: over", settled=True),
    ),
    "stays over, no room": (
        over(news=TIME, flapping=True),
        changes(1, 600, calls=10),
        hold("no room", CARD, 5, flapping=True),
    ),
    # a critical one goes on calling people
    "critical, before a call": (
        called(60, flapping=True),
        changes(5, last=10),
        hold("it flaps", CARD, 60, flapping=True),
    ),
    "critical, stays before a call": (
        called(60, flapping=True),
        changes(5, last=570),
        hold("it flaps", CARD, 30, flapping=True),
    ),
    "critical, a call": (
        called(120, flapping=True),
        changes(5, last=10),
        escalate("nobody took it", 180, step=0, flapping=True),
    ),
    "critical, a call, stays before the next": (
        called(120, flapping=True),
        changes(5, last=500),
        escalate("nobody took it", 100, step=0, flapping=True),
    ),
    "critical, stays, no room": (
        called(120, flapping=True),
        changes(1, 600, calls=10),
        escalate("nobody took it", 5, step=0, flapping=True),
    ),
    "critical, begun anew": (
        called(0, calls_from=None, flapping=True, drawn_at=ago(120)),
        changes(6, last=5),
        escalate("nobody took it", 180, step=0, flapping=True),
    ),
    "critical, owned": (
        owned(60, flapping=True),
        changes(5, last=10),
        hold("it flaps", CARD, 590, flapping=True),
    ),
    "critical, owner asked": (
        owned(1800, flapping=True),
        changes(5, last=10),
        escalate("owned for long", 590, ask=True, flapping=True),
    ),
    "became critical": (
        flapping(CRITICAL, told_severity=HIGH),
        changes(5, last=10),
        post("rose to critical", 120, rose=True, flapping=True),
    ),
    "became critical, stays soon": (
        flapping(CRITICAL, told_severity=HIGH),
        changes(5, last=590),
        post("rose to critical", 10, rose=True, flapping=True),
    ),
    "became critical among many": (
        flapping(CRITICAL, told_severity=HIGH),
        changes(5, last=10, calls=10),
        join("rose to critical among many", storm=True),
    ),
}

OVER = {
    "untold": (over(by=NOTHING), Given(), hold("nobody was told that it began", NOTHING)),
    "untold, critical": (over(CRITICAL, by=NOTHING), Given(), hold("nobody was told", NOTHING)),
    "untold, looked at": (over(by=NOTHING, news=TIME), Given(), hold("nobody was told", NOTHING)),
    "told": (over(), Given(), resolve("over")),
    "told, critical": (over(CRITICAL), Given(), resolve("over")),
    "told, owned": (over(CRITICAL, owner="U1", owned_at=ago(DAY)), Given(), resolve("over")),
    "told, at night": (over(INFO), Given(windows=NIGHT), resolve("over")),
    "told, silenced since": (over(silence=3), quiet(), resolve("over")),
    "told late": (over(news=TIME), Given(), resolve("over")),
    "last call": (over(), calls(9), resolve("over")),
    "one call too many": (over(), calls(10), hold("no room", CARD, 5)),
    "last call, critical": (over(CRITICAL), calls(9), resolve("over")),
    "one call too many, critical": (over(CRITICAL), calls(10), hold("no room", CARD, 5)),
    "one call too many, silenced": (over(silence=3), quiet(calls=10), hold("no room", CARD, 5, silence=3)),
    "among several": (over(by=SUMMARY), Given(), join("over, in a message of several")),
    "among several, many calls": (over(by=SUMMARY), calls(500), join("over, in a message of several")),
    "among several, already": (over(by=SUMMARY, news=TIME), Given(), hold("told so", SUMMARY)),
    "several": (over(source=Source.SUMMARY), Given(), resolve("over")),
    "several, no room": (over(source=Source.SUMMARY), calls(10), hold("no room", CARD, 5)),
}

BACK = "the clock was set back"
CLOCK = {
    "a little ahead": (told(drawn_at=at(5)), Given(), hold("told already", CARD)),
    "drawn": (told(drawn_at=at(5.001)), Given(), hold(BACK, CARD, 0, rebase=True)),
    "owned": (owned(-6), Given(), hold(BACK, CARD, 0, rebase=True)),
    "asked": (owned(1800, asked=-6), Given(), hold(BACK, CARD, 0, rebase=True)),
    "told": (called(-6), Given(), hold(BACK, CARD, 0, rebase=True)),
    "called": (called(300, 2, -6), Given(), hold(BACK, CARD, 0, rebase=True)),
    "over": (over(drawn_at=at(6)), Given(), hold(BACK, CARD, 0, rebase=True)),
    "silenced": (told(silence=3, drawn_at=at(6)), quiet(), hold(BACK, CARD, 0, rebase=True, silence=3)),
    "flapping": (flapping(drawn_at=at(6)), Given(), hold(BACK, CARD, 0, rebase=True, flapping=True)),
}

TABLES = {
    "new": NEW,
    "several": SEVERAL,
    "silenced": QUIET,
    "silence over": SILENCE_OVER,
    "told": TOLD,
    "redrawn": REDRAWN,
    "called": CALLED,
    "owned": OWNED,
    "flaps": FLAPS,
    "flapping": FLAPPING,
    "over": OVER,
    "clock": CLOCK,
}
ROWS = {f"{table}: {name}": row for table, rows in TABLES.items() for name, row in rows.items()}


@pytest.mark.parametrize(("about", "given", "wanted"), ROWS.values(), ids=ROWS.keys())
def test_what_is_done_about_an_alert(about: Alert, given: Given, wanted: Decision) -> None:
    found = decide(about, given.history, given.silences, given.windows, given.policy, NOW)
    exact = found.verdict is Verdict.RESOLVE
    assert found.reason == wanted.reason if exact else wanted.reason in found.reason
    assert replace(found, reason="") == replace(wanted, reason="")


def test_every_row_has_its_own_name_and_every_verdict_and_place_is_in_the_tables() -> None:
    assert len(ROWS) == sum(map(len, TABLES.values()))
    wanted = [row[2] for row in ROWS.values()]
    assert {each.verdict for each in wanted} == set(Verdict)
    assert {each.told for each in wanted} == set(Told)
    given = [row[0] for row in ROWS.values()]
    assert {(each.severity, each.told) for each in given} >= set(
        chain.from_iterable([(severity, where) for where in Told] for severity in (WARNING, HIGH, CRITICAL))
    )


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("news", News)
@pytest.mark.parametrize("where", Told)
@pytest.mark.parametrize("firing", [True, False])
def test_nobody_is_told_of_the_end_of_what_they_were_never_told_began(
    severity: Severity, news: News, where: Told, firing: bool
) -> None:
    about = alert(severity, news=news, told=where, told_severity=severity, firing=firing)
    for given in (Given(), calls(9), calls(500), changes(9, 600), similar(9), quiet(), Given(windows=NIGHT)):
        found = decide(about, given.history, given.silences, given.windows, given.policy, NOW)
        assert found.reason
        assert (found.verdict is Verdict.RESOLVE) <= (where is CARD and not firing)
        assert found.again_at is None or found.again_at >= NOW
        if firing and given.silences:
            assert found.verdict is Verdict.HOLD


@pytest.mark.parametrize(
    ("silences", "severity", "wanted"),
    [
        ((), HIGH, None),
        ((silence(1, lasts=90), silence(2, lasts=HOUR), silence(3, lasts=120)), HIGH, 2),
        ((silence(1, begun=60, lasts=DAY), silence(2, begun=30, lasts=HOUR)), HIGH, 1),
        ((silence(1, begun=60, lasts=DAY), silence(2, begun=30, lasts=HOUR)), CRITICAL, 2),
        ((silence(1, begun=HOUR, lasts=DAY), silence(2, begun=70, lasts=60)), CRITICAL, None),
        ((silence(1, pattern="*", lasts=DAY), silence(2)), CRITICAL, 2),
        ((silence(1, pattern="other"), silence(2, pattern="#12")), HIGH, 2),
        ((silence(1, alert=11), silence(2, alert=12)), HIGH, 2),
        ((silence(1, alert=11), silence(2, alert=40)), HIGH, 2),
    ],
)
def test_the_silence_that_lasts_longest_is_the_one_that_counts(
    silences: tuple[Silence, ...], severity: Severity, wanted: int | None
) -> None:
    found = quieting(alert(severity, summary=40), silences, NOW)
    assert (found.number if found else None) == wanted


@pytest.mark.parametrize(
    ("calls", "called_at", "wanted"),
    [
        (0, None, 120),
        (0, 60, 120),
        (1, None, 300),
        (1, 120, 300),
        (1, 119, 299),  # the call before came early, and so does this
        (1, 200, 300),  # it came late, and this does not
        (1, 0, 180),  # for an owner who did not answer
        (2, 300, 900),
        (2, None, 600),
        (7, 3000, 3600),
    ],
)
def test_when_people_are_called_next(calls: int, called_at: float | None, wanted: float) -> None:
    last = None if called_at is None else at(called_at)
    assert next_call(calls_from=NOW, calls=calls, called_at=last, policy=POLICY) == at(wanted)


def test_the_next_call_is_told_as_it_is_made() -> None:
    """What messages say of the next call is what `decide` does."""
    begun, last, many = NOW, None, 0
    made = []
    for _ in range(4):
        due = next_call(calls_from=begun, calls=many, called_at=last, policy=POLICY)
        about = called(0, calls_from=begun, calls=many, called_at=last, drawn_at=begun)
        early = decide(about, History(), (), (), POLICY, due - timedelta(milliseconds=1))
        found = decide(about, History(), (), (), POLICY, due)
        assert (early.verdict, early.again_at) == (Verdict.HOLD, due)
        assert (found.verdict, found.step) == (Verdict.ESCALATE, many)
        made.append((due - begun).total_seconds() / 60)
        last, many = due, many + 1
        assert found.again_at == next_call(calls_from=begun, calls=many, called_at=last, policy=POLICY)
    assert made == [2, 5, 15, 25]
