"""What is said about a monitoring window, in words."""

from datetime import timedelta

from chatbot.views.alert_value import figure
from chatbot.views.markup import NAME_SHOWN, lasting, outside, person, when
from chatbot.views.sparks import progress, sparkline
from chatbot.views.window_state import Watched, WindowCard
from commands.monitoring.coverage import MOST_MISSING

BLIND_SHOWN = 5
WHY_SHOWN = 200
_ENDS = {
    "stable": "✅ STABLE",
    "not_proved": "❔ NOT PROVED",
    "unstable": "⛔ UNSTABLE",
    "closed": "CLOSED",
}


def headline(state: WindowCard) -> str:
    """The first line of the card."""
    if state.open:
        return f"Watching {state.what} for {_length(state.length)}"
    return f"{_ENDS.get(state.state, state.state)}: {state.what}, watched for {_length(state.length)}"


def standing(state: WindowCard) -> tuple[str, ...]:
    """How far it is, or how it ended and what that means."""
    if state.open:
        total = state.ends_at - state.begun_at
        done = (state.now - state.begun_at) / total if total else 1.0
        left = max(state.ends_at - state.now, timedelta())
        bar = progress(min(max(done, 0.0), 1.0))
        return (f"{bar} *{_length(left)} left*, until {when(state.ends_at, day=_far(state))}",)
    why = outside(state.why, WHY_SHOWN)
    match state.state:
        case "stable" if not state.ran:
            return ("No rule ended it and enough was read, but *no bot of it was seen running*.",)
        case "stable":
            return ("No rule ended it, and enough was read to say so.",)
        case "not_proved":
            wanted = state.reads + state.missed
            return (
                f"Nothing was seen that would end it, but {state.missed} of {wanted} reads are missing.",
                f"With more than {MOST_MISSING:.0%} missing it is *not proved* that all was well.",
            )
        case "unstable":
            return (f"*It ended early*: {why}.",)
        case _:
            said = f": {why}" if why else ""
            return (f"Closed by {person(state.ended_by or 'chatbot')}{said}. *It proves nothing.*",)


def bot(one: Watched) -> str:
    """One bot in one line."""
    health = "health unknown" if one.health is None else f"health {one.health:g}"
    if one.lowest is not None and one.health is not None and one.lowest < one.health:
        health += f" (lowest {one.lowest:g})"
    errors = "errors unknown" if one.new_errors is None else f"{one.new_errors} new errors"
    spark = f" {sparkline(one.healths, low=0, high=100)}" if one.healths else ""
    rising = f" {sparkline(one.errors, low=0)}" if any(one.errors) else ""
    name = outside(one.name, NAME_SHOWN)
    return f"*{name}* {outside(one.status, NAME_SHOWN)} · {health}{spark} · {errors}{rising}"


def coverage(state: WindowCard) -> str:
    """How much was read, and when nothing was."""
    if not state.reads and not state.missed:
        return "*Read*: not yet."
    told = f"*Read*: {state.reads} of {state.reads + state.missed} times"
    shown = state.blind[-BLIND_SHOWN:]
    spans = "; ".join(
        f"blind {when(each.begins)} to {when(each.ends)}: {outside(each.why, WHY_SHOWN)}" for each in shown
    )
    more = len(state.blind) - len(shown)
    return f"{told}{f'; {spans}' if spans else ''}{f'; and {more} times more' if more > 0 else ''}."


def profit(state: WindowCard) -> str:
    """The fleet's profit or loss since the window began, by the coordinator's own count."""
    if state.profit is None:
        return ""
    sign = "+" if state.profit > 0 else ""
    return f"*Profit and loss of the fleet since it began*: {sign}{figure(state.profit)}"


def small_print(state: WindowCard) -> str:
    """Number, who, how often, and when last."""
    who = "an approved start" if state.origin == "start" else person(state.opened_by)
    parts = [f"window #{state.number}", f"opened by {who} at {when(state.begun_at, day=True)}"]
    if state.open:
        parts.append(f"looks every {lasting(state.every)}")
    if state.last_read_at is not None:
        parts.append(f"last read {when(state.last_read_at)}")
    return " · ".join(parts)


def line(state: WindowCard) -> str:
    """One window in one line of a list."""
    if state.open:
        left = _length(max(state.ends_at - state.now, timedelta()))
        how = f"{left} left, {state.reads} of {state.reads + state.missed} reads"
    else:
        word = _ENDS.get(state.state, state.state)
        why = f": {outside(state.why, 120)}" if state.why else ""
        how = f"{word}{why}, {state.reads} of {state.reads + state.missed} reads"
    return f"*#{state.number} {outside(state.what, NAME_SHOWN)}* {how}"


def _length(span: timedelta) -> str:
    return lasting(span) if span >= timedelta(seconds=1) else "0 s"


def _far(state: WindowCard) -> bool:
    return state.ends_at - state.now > timedelta(hours=12)
