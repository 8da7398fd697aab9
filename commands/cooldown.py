"""Cooldown and circuit breaker, as pure functions over recorded kills: rules that the back ends do not hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedKill:
    """One time the fleet was killed; ``again_at`` is the newest further kill while it still was."""

    at: datetime
    again_at: datetime | None = None
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The circuit breaker: after too many kills in the window only a forced release is possible."""

    open: bool
    kills: int  # in the window
    limit: int
    closes_in: timedelta | None = None  # while it is open


def cooldown_left(kills: Sequence[RecordedKill], now: datetime, minutes: float) -> timedelta:
    """How long after the newest kill the fleet may not be released yet; zero when that is over, drills apart."""
    newest = max((max(kill.at, kill.again_at or kill.at) for kill in kills if not kill.drill), default=None)
    if newest is None:
        return timedelta()
    return max(newest + timedelta(minutes=minutes) - now, timedelta())


def breaker(kills: Sequence[RecordedKill], now: datetime, *, limit: int, hours: float) -> Breaker:
    """Whether so many kills fell into the last hours that the circuit breaker is open; drills do not count.

    A kill that a clock has set into the future counts as well: it was one.
    """
    window = timedelta(hours=hours)
    counted = sorted(kill.at for kill in kills if not kill.drill and kill.at > now - window)
    if len(counted) < limit:
        return Breaker(open=False, kills=len(counted), limit=limit)
    closes_at = counted[len(counted) - limit] + window
    return Breaker(open=True, kills=len(counted), limit=limit, closes_in=max(closes_at - now, timedelta()))
