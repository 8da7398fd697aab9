"""What is said of an alert, sentence by sentence; markup unless told otherwise."""

import re
from datetime import datetime, timedelta

from chatbot.views.alert_state import AlertCard, Member, SilenceShown
from chatbot.views.alert_value import amount
from chatbot.views.markup import NAME_SHOWN, lasting, line, outside, person, when
from commands.alerting.model import POLLED, Kind, Severity, Source
from commands.alerting.policy import CRITICAL_SILENCE

TITLE_SHOWN = 100
MESSAGE_SHOWN = 500
JUST_NOW = timedelta(seconds=1)
LONG_AGO = timedelta(hours=12)  # from here on a time of day alone would mislead

_SEVERITIES = {
    Severity.CRITICAL: "🔴 CRITICAL",
    Severity.HIGH: "🟠 HIGH",
    Severity.WARNING: "🟡 WARNING",
    Severity.INFO: "🔵 INFO",
}
_SAYS = {
    Source.MONITOR: "the health monitor",
    Source.LIMITS: "the health monitor's figures",
    Source.FLEET: "the coordinator's status",
    Source.RECORD: "our own record",
    Source.COORDINATOR: "the coordinator",
    Source.ALERTMANAGER: "Alertmanager",
    Source.SUMMARY: "this bot",
}


_OF_A_BOT = {  # kind -> (while it is so, afterwards), behind the name of the bot
    Kind.BOT_LEFT_RUNNING: ("no longer runs, and nobody here stopped it", "did not run"),
    Kind.BOT_ERROR: ("is in error", "was in error"),
    Kind.BOT_RECOVERY: ("is in recovery", "was in recovery"),
    Kind.HEALTH_LOW: ("is in poor health", "was in poor health"),
    Kind.ERRORS_RISING: ("has more and more errors", "had more and more errors"),
}
_OF_THE_FLEET = {  # the same, as whole sentences
    Kind.BREAKER_OPEN: ("The circuit breaker is open", "The circuit breaker was open"),
    Kind.LATCH_MISMATCH: ("The kill no longer holds", "The kill did not hold"),
    Kind.COORDINATOR_UNREACHABLE: (
        "The coordinator cannot be reached",
        "The coordinator could not be reached",
    ),
    Kind.MONITOR_UNREACHABLE: (
        "The health monitor cannot be reached",
        "The health monitor could not be reached",
    ),
    Kind.KILL: ("The fleet is killed", "The fleet was killed"),
    Kind.STOP_NOT_VERIFIED: ("NOT SEEN TO STOP", "Was not seen to stop at first"),
    Kind.WINDOW_UNSTABLE: ("A watched bot is unstable", "A watched bot was unstable"),
    Kind.CHANNEL_BROKEN: ("A channel takes no messages", "A channel took no messages"),
}


def severity(of: Severity) -> str:
    """How bad it is, as a sign and as a word."""
    return _SEVERITIES[of]


def how_bad(state: AlertCard) -> str:
    """How bad it is, and that it is only a drill where it is one."""
    return f"{severity(state.severity)} · DRILL" if state.drill else severity(state.severity)


def says(source: Source) -> str:
    """Who says it, within a sentence."""
    return _SAYS[source]


def title(state: AlertCard) -> str:
    """What it is in a few words, without markup; in the past once it is over."""
    over = not state.firing
    if state.source is Source.SUMMARY:
        if state.storm:
            return f"More alerts than {'could' if over else 'can'} be told one by one"
        many = "1 more alert" if state.count == 1 else f"{state.count} similar alerts"
        return f"{many}: {kind_in_words(state.kind)}"
    bot = line(state.bot or "", NAME_SHOWN)
    ours = state.source in POLLED  # what others post may have any name
    if ours and state.kind in _OF_A_BOT:
        return f"{bot or 'A bot'} {_OF_A_BOT[Kind(state.kind)][over]}"
    if ours and state.kind in _OF_THE_FLEET:
        return _of(bot, _OF_THE_FLEET[Kind(state.kind)][over])
    return _of(bot, line(state.message, TITLE_SHOWN) or kind_in_words(state.kind))


def kind_in_words(kind: str) -> str:
    """A kind as people say it, without markup."""
    if kind in _OF_A_BOT:
        return f"a bot {_OF_A_BOT[Kind(kind)][0]}"
    if kind in _OF_THE_FLEET:
        sentence = _OF_THE_FLEET[Kind(kind)][0]
        return sentence[0].lower() + sentence[1:]
    if kind == Kind.MONITOR_ALERT:
        return "from the health monitor"
    return line(kind.replace("_", " "), TITLE_SHOWN) or "of a kind without a name"


def headline(state: AlertCard) -> str:
    """The headline without markup: how bad it is, or that it is over, before anything else."""
    if state.firing or state.flapping:
        return f"{how_bad(state)}{' · 🔁 FLAPPING' if state.flapping else ''}: {title(state)}"
    drill = " · DRILL" if state.drill else ""
    if state.unheard:
        return f"⚪ NO LONGER REPORTED, not seen to end{drill}: {title(state)}"
    return f"✅ RESOLVED after {lasted(state)}{drill}: {title(state)}"


def lasted(state: AlertCard) -> str:
    """How long it has gone on, or went on."""
    return lasting((state.now if state.firing else state.ended_at or state.last_at) - state.began_at)


def moment(at: datetime, now: datetime) -> str:
    """A time of day, with the date where it is not of these hours."""
    return when(at, day=abs(now - at) >= LONG_AGO)


def what(state: AlertCard) -> tuple[str, ...]:
    """What it is, of which bot, and how much."""
    said = outside(state.message, MESSAGE_SHOWN) or outside(kind_in_words(state.kind), TITLE_SHOWN)
    named = outside(state.bot or "", NAME_SHOWN)
    value = amount(state)
    return (
        f"*What*: {said}",
        f"*Bot*: {named}" if named else "",
        f"*Killed by*: {person(state.by)}" if state.by is not None else "",
        f"*Value*: {value}" if value else "",
    )


def facts(state: AlertCard) -> tuple[str, ...]:
    """The same, with since when and how often, and how bad it was once it is over."""
    began = moment(state.began_at, state.now)
    if state.firing:
        new = state.now - state.began_at < JUST_NOW
        often = f", seen {times(state.count)}" if state.count > 1 else ""
        return (*what(state), f"*Since*: {began}{'' if new else f' ({lasted(state)})'}{often}")
    ended = moment(state.ended_at or state.last_at, state.now)
    return (
        "" if state.flapping else f"*It was*: {severity(state.severity)}",
        *what(state),
        f"*From*: {began} to {ended} ({lasted(state)}), seen {times(state.count)}",
    )


def times(count: int) -> str:
    """How often."""
    return "once" if count == 1 else f"{count} times"


def standing(state: AlertCard) -> tuple[str, ...]:
    """Who has it or is called next, what keeps it quiet, and whether it comes and goes."""
    return (*owner(state), _flapping(state), _silenced(state), _was_silenced(state), unheard(state))


def owner(state: AlertCard) -> tuple[str, ...]:
    """Who has taken it, else what follows from that nobody has."""
    if state.owner is not None:
        at = f" at {moment(state.owned_at, state.now)}" if state.owned_at is not None else ""
        return (f"*Acknowledged*{at} · owned by {person(state.owner)}",)
    if not state.firing:
        return ("Nobody took it.",)
    called = f" People were called {times(state.calls)} so far." if state.calls else ""
    if state.next_call_at is None:
        return (f"*Nobody has taken it.*{called}",)
    due = (
        f"Next call at {moment(state.next_call_at, state.now)}"
        if state.next_call_at > state.now
        else "The next call is due now"
    )
    return (f"*Nobody has taken it.* {due}, unless somebody presses Acknowledge.{called}",)


def about(silence: SilenceShown) -> str:
    """What a silence is about, within a sentence."""
    pattern = outside(silence.pattern, 120)
    if silence.title:
        return f"alert {pattern}, {outside(silence.title, 150)}"
    if pattern in {"∗", ""}:
        return "everything that is not critical"
    return f"alert {pattern}" if pattern.startswith("#") else f"what matches “{pattern}”"


def silence_end(silence: SilenceShown, of: Severity | None, now: datetime) -> str:
    """Until when a silence holds; for an alert of a severity: until when it keeps that one quiet."""
    ends = silence.ends_at
    if of is Severity.CRITICAL:
        ends = min(ends, silence.begun_at + CRITICAL_SILENCE)
    at = moment(ends, now)
    return f"until it is resolved, at the latest until {at}" if silence.until_resolved else f"until {at}"


def unheard(state: AlertCard) -> str:
    """That it is over only because nobody said it again; "" for every other end."""
    if not state.unheard or state.firing:
        return ""
    source = says(state.source)
    return f"*Nobody saw it end*: {source} just did not say it again. Look at /status before you believe it."


def why_ended(silence: SilenceShown) -> str:
    """What ended a silence."""
    if silence.ended_by:
        return f"ended by {person(silence.ended_by)}"
    if silence.until_resolved and silence.ended_at is not None and silence.ended_at < silence.ends_at:
        return "the alert is over"
    return "its time was over"


def member(each: Member, now: datetime) -> str:
    """One alert among several, in one line."""
    said = outside(_of(line(each.bot or "", NAME_SHOWN), line(each.message, TITLE_SHOWN)), 2 * TITLE_SHOWN)
    state = "since" if each.firing else "over, began"
    return (
        f"#{each.number} *{severity(each.severity)}* {said or 'no message'} "
        f"({state} {moment(each.began_at, now)}, {times(each.count)})"
    )


def small_print(state: AlertCard) -> str:
    """Number, source, and how often and when it was last seen."""
    last = f"last at {moment(state.last_at, state.now)}"
    if state.source is Source.SUMMARY:
        return f"#{state.number} · several alerts in one message, {last}"
    return f"#{state.number} · says {says(state.source)} · {times(state.count)}, {last}"


def _of(bot: str, what: str) -> str:
    """What is said, with the bot before it where it does not name the bot itself."""
    named = bot and re.search(rf"(?<!\w){re.escape(bot)}(?!\w)", what, re.IGNORECASE)
    return f"{bot}: {what}" if bot and not named else what


def _flapping(state: AlertCard) -> str:
    if not state.flapping:
        return ""
    now = "it fires now" if state.firing else "just now it is quiet"
    return (
        f"🔁 *FLAPPING*: {state.changes} changes in {state.flap_minutes:g} min, {now}. The next message about it comes "
        f"when it stays as it is for {state.flap_minutes:g} min."
    )


def _silenced(state: AlertCard) -> str:
    silence = state.silence
    if silence is None or not state.firing:
        return ""
    why = outside(silence.reason) or "no reason given"
    until = silence_end(silence, state.severity, state.now)
    return (
        f"🔕 *SILENCED* by {person(silence.owner)} {until}: {why}. It is still watched, and nobody is called. "
        "To hear of it again, type /silences and press End."
    )


def _was_silenced(state: AlertCard) -> str:
    before = state.was_silenced
    if before is None or state.silence is not None:
        return ""
    why = f" ({outside(before.reason)})" if before.reason else ""
    return f"It was silenced by {person(before.owner)} until now{why}."
