"""Who is told what of an alert, and when: one pure decision, each with its reason.

It is asked when a source says something and whenever time may have changed the answer (``again_at``). The order of
the questions is the order of the rules: a silence comes before everything, flapping before quiet hours, a critical
alert before none but these, and nobody is told of the end of what they were never told began.

Slack is called at most ``calls_per_minute`` times a minute for alerts, and twice more where one is critical. Half of
it may be messages of their own for what can wait, two thirds with what is high; the rest is kept for messages that
tell several alerts at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from commands.alerting.model import Severity, Source
from commands.alerting.policy import AlertPolicy, Window
from commands.alerting.silences import Silence

SOON = timedelta(seconds=5)
"""What waits for room among the calls of Slack looks again after this."""

STORM = "storm"
"""The kind of the message that tells what comes too fast for messages of its own."""


class News(StrEnum):
    """What has happened to the alert since it was last decided on."""

    BEGAN = "began"
    AGAIN = "again"  # it still fires, or was said once more
    ENDED = "ended"
    TIME = "time"  # nothing was said; time passed, or a person acted


class Verdict(StrEnum):
    """What is done."""

    POST = "post"  # a message of its own, which notifies
    UPDATE = "update"  # the message that stands is redrawn, or it joins a message that tells several
    HOLD = "hold"  # nobody is told now
    ESCALATE = "escalate"  # people are called
    RESOLVE = "resolve"  # the message says that it is over


class Told(StrEnum):
    """Where people can see the alert."""

    NOTHING = "nothing"
    CARD = "card"  # in a message of its own
    SUMMARY = "summary"  # in a message that tells several


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert with the news taken in; ``told_severity`` is what people were last told."""

    number: int
    source: Source
    kind: str
    bot: str | None
    message: str
    severity: Severity
    firing: bool
    news: News
    told: Told = Told.NOTHING
    told_severity: Severity | None = None
    drawn_at: datetime | None = None
    owner: str | None = None
    owned_at: datetime | None = None
    asked_at: datetime | None = None  # when the owner was asked again
    calls_from: datetime | None = None  # escalation counts from here
    calls: int = 0
    called_at: datetime | None = None
    silence: int | None = None  # the silence that kept it quiet when it was last decided on
    summary: int | None = None  # the message of several that tells it
    flapping: bool = False
    changed: bool = False  # its message no longer shows what is so


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was before: counts over the spans of the policy."""

    similar: int = 0  # other alerts of its group that began in the span of grouping
    changes: int = 0  # beginnings and ends of this alert in the span of flapping, the news included
    changed_at: datetime | None = None  # the last of them
    calls: int = 0  # calls of Slack for alerts in the last minute
    lately: int = 0  # of these, messages of their own
    cards: int = 0  # messages of their own in the last hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do and why; fields beside ``verdict`` say how the alert stands afterwards."""

    verdict: Verdict
    reason: str
    told: Told
    again_at: datetime | None = None
    storm: bool = False  # it joins the message for what comes too fast, not the one of its kind
    silence: int | None = None
    was_silenced: int | None = None
    flapping: bool = False
    settled: bool = False
    step: int | None = None  # of the escalation
    ask: bool = False  # the owner is asked again
    lapse: bool = False  # the owner did not answer
    rose: bool = False
    rebase: bool = False  # the clock was set back: spans begin now


def decide(  # noqa: PLR0917 - they come in the order of the question: what, before, rules, when
    alert: Alert,
    history: History,
    silences: Sequence[Silence],
    windows: Sequence[Window],
    policy: AlertPolicy,
    now: datetime,
) -> Decision:
    """What is to be done about one alert."""
    if _from_the_future(alert, now):
        return replace(_hold(alert, "the clock was set back: its spans begin anew", now), rebase=True)
    silence = quieting(alert, silences, now)
    if not alert.firing:
        return _over(alert, history, policy, now, silenced=silence is not None)
    if silence is not None:
        return _silenced(alert, silence, history, policy, now)
    if alert.silence is not None:
        return _after_silence(alert, history, windows, policy, now)
    if alert.flapping:
        return _flapping(alert, history, policy, now)
    if alert.news is News.BEGAN and _begins_to_flap(alert, history, policy):
        own = _own_message(alert, f"it flaps: {history.changes} changes", policy, now)
        quiet_from = now + policy.flap_span
        return replace(own, flapping=True, again_at=min(quiet_from, own.again_at or quiet_from))
    if alert.told is Told.NOTHING:
        return _first(alert, history, windows, policy, now)
    return _further(alert, history, policy, now)


def quieting(alert: Alert, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """The silence that keeps the alert quiet longest, ``None`` when none does now."""
    matching = [
        each
        for each in silences
        if each.begun_at <= now < each.ends_for(alert.severity)
        and each.matches(
            number=alert.number,
            summary=alert.summary,
            kind=alert.kind,
            bot=alert.bot,
            message=alert.message,
            severity=alert.severity,
        )
    ]
    return max(matching, key=lambda each: each.ends_for(alert.severity), default=None)


def next_call(
    *, calls_from: datetime, calls: int, called_at: datetime | None, policy: AlertPolicy
) -> datetime:
    """When people are called next about a critical alert that nobody owns."""
    after = policy.escalate_after
    if calls >= len(after):
        return (called_at or calls_from) + policy.escalate_every
    due = calls_from + after[calls]
    if calls and called_at is not None:  # the first call for an owner who did not answer came without a wait
        return min(due, called_at + after[calls] - after[calls - 1])
    return due


# -- firing ----------------------------------------------------------------------------------------------------


def _silenced(
    alert: Alert, silence: Silence, history: History, policy: AlertPolicy, now: datetime
) -> Decision:
    """Nobody is told; a message of its own shows who made it quiet."""
    ends = silence.ends_for(alert.severity)
    held = _hold(alert, f"silenced by #{silence.number}", ends)
    redrawn = alert.told is Told.CARD and alert.silence != silence.number
    if redrawn and history.calls >= _for_several(policy.calls_per_minute):
        return replace(held, again_at=min(ends, now + SOON))
    return replace(held, silence=silence.number)


def _after_silence(
    alert: Alert, history: History, windows: Sequence[Window], policy: AlertPolicy, now: datetime
) -> Decision:
    """No silence keeps it quiet any more: it is told as if nobody knew of it."""
    untold = _first(alert, history, windows, policy, now)
    why = f"silence #{alert.silence} is over and it still fires ({untold.reason})"
    stands = alert.told is Told.CARD and alert.severity is not Severity.CRITICAL
    if untold.verdict is Verdict.HOLD or (untold.verdict is Verdict.UPDATE and stands):
        # It stands where it stood, and the silence is remembered: that it is over is told later.
        return _hold(alert, why, untold.again_at or now + SOON)
    if untold.verdict is Verdict.UPDATE and _among_milder(alert):
        return replace(_hold(alert, why, now), told=Told.NOTHING)
    return replace(untold, reason=why, was_silenced=alert.silence)


def _first(
    alert: Alert, history: History, windows: Sequence[Window], policy: AlertPolicy, now: datetime
) -> Decision:
    """Nobody knows of it yet."""
    critical = alert.severity is Severity.CRITICAL
    if alert.severity.rank < Severity.HIGH.rank:
        ends = max((end for each in windows if (end := each.end_of(now)) is not None), default=None)
        if ends is not None:
            return _hold(alert, "quiet hours", ends)
    most = policy.calls_per_minute if critical else _for_several(policy.calls_per_minute) - 1
    if alert.source is Source.SUMMARY:
        # One call is kept for the message that takes all others.
        kept = 1 if alert.kind == STORM and alert.told is Told.NOTHING else 0
        if history.calls < most + kept:
            return _own_message(alert, "several alerts in one message", policy, now)
        return _hold(alert, "no room among the calls of this minute", now + SOON)
    # A kind's message of several costs a call as well: where many kinds come at once, one message tells them all.
    grouped = history.similar + 1 >= policy.group_from
    if grouped and history.calls < most:
        return Decision(
            verdict=Verdict.UPDATE, reason=f"one of {history.similar + 1} similar", told=Told.SUMMARY
        )
    if not grouped and _room(alert, history, policy):
        return _own_message(alert, "new", policy, now)
    return Decision(
        verdict=Verdict.UPDATE, reason="too many at once for one message each", told=Told.SUMMARY, storm=True
    )


def _further(alert: Alert, history: History, policy: AlertPolicy, now: datetime) -> Decision:
    """People know of it: is there anything new to tell?"""
    before = alert.told_severity or alert.severity
    critical = alert.severity is Severity.CRITICAL
    if critical and before is not Severity.CRITICAL:
        return _rose_to_critical(alert, history, policy, now)
    if alert.told is Told.SUMMARY:
        return _hold(alert, "told in a message of several", None)
    if alert.severity.rank > before.rank:
        why = f"it rose to {alert.severity}"
        if history.calls >= _for_several(policy.calls_per_minute):
            return _hold(alert, f"{why}: told when there is room", now + SOON)
        return Decision(verdict=Verdict.UPDATE, reason=why, told=alert.told, rose=True)
    turn = _turn(alert, history, policy, now) if critical else None
    if turn is not None and turn.verdict is not Verdict.HOLD:
        return turn
    again = turn.again_at if turn is not None else None
    if not alert.changed:
        return turn or _hold(alert, "told already", None)
    drawn = alert.drawn_at or now
    pause = policy.redraw_every if alert.source is Source.SUMMARY else 3 * policy.redraw_every
    ready = max(drawn + pause, now)
    if ready <= now and history.calls < _for_several(policy.calls_per_minute):
        return Decision(verdict=Verdict.UPDATE, reason="it changed", told=alert.told, again_at=again)
    later = max(ready, now + SOON)
    return _hold(alert, "redrawn a little later", later if again is None else min(later, again))


def _rose_to_critical(alert: Alert, history: History, policy: AlertPolicy, now: datetime) -> Decision:
    """An edit notifies nobody, and a reply few: what has become critical is said anew."""
    if _room(alert, history, policy):
        return replace(_own_message(alert, "it rose to critical", policy, now), rose=True)
    why = "it rose to critical among many"
    if alert.source is Source.SUMMARY:
        return _hold(alert, why, now + SOON)
    if _among_milder(alert):
        return replace(_hold(alert, why, now), told=Told.NOTHING)
    return Decision(verdict=Verdict.UPDATE, reason=why, told=Told.SUMMARY, storm=True)


def _turn(alert: Alert, history: History, policy: AlertPolicy, now: datetime) -> Decision:
    """Whose turn it is with a critical alert: its owner's, or everybody's."""
    if alert.owner is not None and alert.owned_at is not None:
        if alert.asked_at is not None:
            due = alert.asked_at + policy.ack_grace
            if now >= due:
                return Decision(
                    verdict=Verdict.ESCALATE,
                    reason="its owner did not answer",
                    told=alert.told,
                    lapse=True,
                    step=0,
                    again_at=next_call(calls_from=now, calls=1, called_at=now, policy=policy),
                )
            return _hold(alert, "its owner was asked again", due)
        due = alert.owned_at + policy.ack_lasts
        if now >= due:
            return Decision(
                verdict=Verdict.ESCALATE,
                reason="it is owned for long and not over",
                told=alert.told,
                ask=True,
                again_at=now + policy.ack_grace,
            )
        return _hold(alert, f"owned by {alert.owner}", due)
    # What flaps begins again and again: the calls for it count on from its message, or from when it last began.
    known = [at for at in (alert.drawn_at, history.changed_at) if at is not None]
    began = alert.calls_from or min(known, default=now)
    due = next_call(calls_from=began, calls=alert.calls, called_at=alert.called_at, policy=policy)
    if now < due:
        return _hold(alert, "told, and people have time to take it", due)
    # After a long absence the steps that were missed are one step: the latest.
    step = alert.calls
    while step + 1 < len(policy.escalate_after) and began + policy.escalate_after[step + 1] <= now:
        step += 1
    return Decision(
        verdict=Verdict.ESCALATE,
        reason="nobody took it",
        told=alert.told,
        step=step,
        again_at=next_call(calls_from=began, calls=step + 1, called_at=now, policy=policy),
    )


def _flapping(alert: Alert, history: History, policy: AlertPolicy, now: datetime) -> Decision:
    """It fires, and its message says that it flaps; a critical one goes on calling people."""
    quiet_from = (history.changed_at or now) + policy.flap_span
    if now >= quiet_from and history.calls < policy.calls_per_minute:
        return Decision(
            verdict=Verdict.UPDATE,
            reason="it stays as it is: it fires",
            told=alert.told,
            settled=True,
            again_at=now,
        )
    again = quiet_from if now < quiet_from else now + SOON
    if alert.severity is Severity.CRITICAL:
        if alert.told_severity not in (None, Severity.CRITICAL):
            rose = _rose_to_critical(alert, history, policy, now)
            if rose.verdict is not Verdict.POST:
                return rose
            return replace(rose, flapping=True, again_at=min(again, rose.again_at or again))
        turn = _turn(alert, history, policy, now)
        again = min(again, turn.again_at or again)
        if turn.verdict is not Verdict.HOLD:
            return replace(turn, flapping=True, again_at=again)
    return _hold(alert, "it flaps", again)


# -- over ------------------------------------------------------------------------------------------------------


def _over(alert: Alert, history: History, policy: AlertPolicy, now: datetime, *, silenced: bool) -> Decision:
    """It fires no more."""
    if alert.flapping:
        quiet_from = (history.changed_at or now) + policy.flap_span
        if now < quiet_from:
            return _hold(alert, "it flaps: told when it stays quiet", quiet_from)
    elif alert.told is Told.NOTHING:
        return replace(_hold(alert, "nobody was told that it began", None), silence=None)
    elif alert.news is News.ENDED and not silenced and _begins_to_flap(alert, history, policy):
        own = _own_message(alert, f"it flaps: {history.changes} changes", policy, now)
        return replace(own, flapping=True, again_at=now + policy.flap_span)
    elif alert.told is Told.SUMMARY:
        if alert.news is not News.ENDED:
            return _hold(alert, "over, and told so in a message of several", None)
        return Decision(verdict=Verdict.UPDATE, reason="over, in a message of several", told=Told.SUMMARY)
    if history.calls >= policy.calls_per_minute:
        return _hold(alert, "over, and no room among the calls of this minute", now + SOON)
    reason = "it stays as it is: over" if alert.flapping else "over"
    return Decision(verdict=Verdict.RESOLVE, reason=reason, told=Told.NOTHING, settled=alert.flapping)


# -- building --------------------------------------------------------------------------------------------------


def _own_message(alert: Alert, reason: str, policy: AlertPolicy, now: datetime) -> Decision:
    critical = alert.severity is Severity.CRITICAL
    again = now + policy.escalate_after[0] if critical else None
    return Decision(verdict=Verdict.POST, reason=reason, told=Told.CARD, again_at=again)


def _hold(alert: Alert, reason: str, again_at: datetime | None) -> Decision:
    return Decision(
        verdict=Verdict.HOLD,
        reason=reason,
        told=alert.told,
        again_at=again_at,
        silence=alert.silence,
        flapping=alert.flapping,
    )


def _among_milder(alert: Alert) -> bool:
    """True when it is critical in a message of milder ones: it leaves that first, to be told among the critical."""
    rose = alert.severity is Severity.CRITICAL and alert.told_severity is not Severity.CRITICAL
    return rose and alert.told is Told.SUMMARY


def _begins_to_flap(alert: Alert, history: History, policy: AlertPolicy) -> bool:
    """True when it changed too often to be told each time; a message of several comes and goes with its alerts."""
    often = alert.source is not Source.SUMMARY and history.changes >= policy.flap_changes
    return often and _room(alert, history, policy)


def _room(alert: Alert, history: History, policy: AlertPolicy) -> bool:
    """True when there is room for a message of its own; the worse it is, the more."""
    most = policy.calls_per_minute
    if alert.severity is Severity.CRITICAL:
        return history.calls < most
    own = most * 7 // 10 if alert.severity is Severity.HIGH else most // 2
    return (
        history.lately < own and history.calls < _for_several(most) and history.cards < policy.cards_per_hour
    )


def _for_several(calls_per_minute: int) -> int:
    """Calls up to which messages that tell several alerts are posted and redrawn."""
    return calls_per_minute * 4 // 5


def _from_the_future(alert: Alert, now: datetime) -> bool:
    stamps = (alert.drawn_at, alert.owned_at, alert.asked_at, alert.calls_from, alert.called_at)
    return any(at is not None and at > now + SOON for at in stamps)
