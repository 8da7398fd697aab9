"""The form behind Silence."""

from chatbot.views import alert_words as words
from chatbot.views.alert_state import AlertCard
from chatbot.views.blocks import View, choice_form
from chatbot.views.markup import outside
from commands.alerting.model import Severity, Source


def silence_form(state: AlertCard) -> View:
    """For how long this alert, or these, are quiet, and why."""
    return choice_form(
        "alert.silence",
        str(state.number),
        title=f"Silence #{state.number}",
        explanation="\n".join((f"*{outside(words.headline(state), 200)}*", *_what_silence_does(state))),
        block_id="span",
        question="For how long?",
        choices=_spans(state),
        label="Why may it be quiet? Everybody sees this.",
        submit="Silence",
    )


def _spans(state: AlertCard) -> dict[str, str]:
    """The lengths to choose from, the shortest first."""
    short = {"15m": "15 minutes", "1h": "1 hour"}
    if state.severity is Severity.CRITICAL:
        return short
    return {**short, "4h": "4 hours", "resolved": "Until it is resolved, at most 24 hours"}


def _what_silence_does(state: AlertCard) -> tuple[str, ...]:
    lines = []
    if state.source is Source.SUMMARY:
        lines.append("This makes every alert quiet that this message tells, *also those that join it later*.")
    lines.append(
        "Nobody is told or called about it for that time. It is still watched and listed by /alerts, and *nothing in "
        "the fleet is changed*. It can be ended early with /silences."
    )
    if state.severity is Severity.CRITICAL:
        lines.append(
            "It is critical, so an hour is the most: nobody should sleep through it because of a forgotten silence."
        )
    return tuple(lines)
