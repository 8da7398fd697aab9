"""The monitor's figures held against the limits that come with them; what is not known is near no limit."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from commands.alerting.model import Severity, Signal, Source
from commands.coordinator.model import MonitorMetrics

_CURRENCY = "account currency"
_UNITS = {"memory_usage": "%", "cpu_usage": "%", "uptime": "s"}

Figure = tuple[str | None, float]
"""Whose it is (``None``: the fleet's) and how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """One limit that we know: what it limits, as words and as a way to find it."""

    what: str
    its: str = "its limit"
    unit: str = ""
    reached: Severity = Severity.HIGH
    figures: Callable[[MonitorMetrics], Iterable[Figure]]


def signals(metrics: MonitorMetrics, *, approaching_percent: float) -> tuple[Signal, ...]:
    """Every limit that is reached or, from that per cent of it on, approached."""
    found = []
    for name, limit in metrics.limits.items():
        if not 0 < limit < math.inf:
            continue  # switched off, or no number
        known = _LIMITS.get(name) or _by_name(name, metrics)
        if known is None:
            continue
        for bot, value in known.figures(metrics):
            if math.isfinite(value) and value >= limit * approaching_percent / 100:
                found.append(_signal(name, known, bot, value, limit))
    return tuple(found)


def _signal(name: str, known: _Limit, bot: str | None, value: float, limit: float) -> Signal:
    reached = value >= limit
    subject = known.what if bot is None else f"{known.what} of {bot}"
    return Signal(
        source=Source.LIMITS,
        kind=name,
        severity=known.reached if reached else Severity.WARNING,
        message=f"{subject} {'has reached' if reached else 'is near'} {known.its}",
        bot=bot,
        identity=name,  # the words change on the way from near to reached, the alert does not
        value=value,
        limit=limit,
        unit=known.unit,
    )


def _loss(metrics: MonitorMetrics) -> Iterator[Figure]:
    """A profit is a loss below zero, and near no limit."""
    known = [bot.pnl_24h for bot in metrics.bots.values() if bot.pnl_24h is not None]
    if known:
        yield None, -sum(known)


def _exposure(metrics: MonitorMetrics) -> Iterator[Figure]:
    """The gross exposure: short positions do not make up for long ones of another bot."""
    known = [abs(bot.exposure) for bot in metrics.bots.values() if bot.exposure is not None]
    if known:
        yield None, sum(known)


def _losses_in_a_row(metrics: MonitorMetrics) -> Iterator[Figure]:
    for bot in metrics.bots.values():
        if bot.consecutive_losses is not None:
            yield bot.name, float(bot.consecutive_losses)


def _system(*keys: str) -> Callable[[MonitorMetrics], Iterator[Figure]]:
    """One of the monitor's own figures, under the first of its names, in the scale of its limit."""

    def figures(metrics: MonitorMetrics) -> Iterator[Figure]:
        known = [metrics.system[key] for key in keys if key in metrics.system]
        if known:
            yield None, known[0]

    return figures


def _by_name(name: str, metrics: MonitorMetrics) -> _Limit | None:
    """A limit that nobody told us of, when its name says which of the monitor's own figures it limits."""
    for figure in (name, name.removeprefix("max_"), name.removesuffix("_limit")):
        if figure in metrics.system:
            what = f"The monitor's {figure.replace('_', ' ')}"
            return _Limit(what=what, unit=_UNITS.get(figure, ""), figures=_system(figure))
    return None


_LIMITS = {
    "total_max_daily_loss": _Limit(what="The fleet's loss over 24 h", unit=_CURRENCY, figures=_loss),
    "emergency_stop_loss": _Limit(
        what="The fleet's loss over 24 h",
        its="the emergency stop",
        unit=_CURRENCY,
        reached=Severity.CRITICAL,
        figures=_loss,
    ),
    "total_max_exposure": _Limit(what="The fleet's exposure", unit=_CURRENCY, figures=_exposure),
    "consecutive_loss_limit": _Limit(what="The run of losses", figures=_losses_in_a_row),
    "account_equity_threshold": _Limit(
        what="The drop of the account's equity", figures=_system("account_equity_drop", "equity_drop")
    ),
}
