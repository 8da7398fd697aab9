"""How much it is, and how much it may be."""

import math

from chatbot.views.alert_state import AlertCard
from chatbot.views.markup import outside
from commands.alerting.model import Kind, Source

UNIT_SHOWN = 40


def amount(state: AlertCard) -> str:
    """The value, its limit and its share of it; for what is bad when low, what it is measured against."""
    if state.value is None:
        return ""
    value, unit = figure(state.value), outside(state.unit, UNIT_SHOWN)
    if state.limit is None:
        return f"{value} {unit}".strip()
    limit = figure(state.limit)
    if state.source is Source.FLEET and state.kind == Kind.HEALTH_LOW:
        return f"{value} of 100, an alert below {limit}"
    if state.source is Source.FLEET and state.kind == Kind.ERRORS_RISING:
        return f"{value} new errors, an alert from {limit} on"
    if unit == "%":
        return f"{value} %, the limit is {limit} %"
    share = state.value / state.limit * 100 if state.limit > 0 else -1.0
    percent = (
        f" ({math.floor(share)} %)" if 0 <= share < 10_000 else ""
    )  # rounded up, near would look reached
    return f"{value} of {limit}{f' {unit}' if unit else ''}{percent}"


def figure(value: float) -> str:
    """A number as people write it."""
    if not math.isfinite(value):
        return "not a number"
    if abs(value) >= 1e12:
        return f"{value:.3g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")
