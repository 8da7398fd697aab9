"""Who may do what, how many it takes, and when a release would be allowed: the rules the back ends do not hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from commands.spec import Command, Risk, Role

ROLE_FOR: Mapping[Risk, Role] = MappingProxyType(
    {Risk.READ: Role.VIEWER, Risk.LOWER: Role.OPERATOR, Risk.RAISE: Role.ADMIN}
)
"""The least role for each risk."""

END_OF_LOCKDOWN = 2
"""Admins besides the requester that end a lockdown unless configured otherwise, or all there are."""

_ORDER = tuple(Role)


def includes(role: Role, needs: Role) -> bool:
    """True when ``role`` may do what ``needs`` may do."""
    return _ORDER.index(role) >= _ORDER.index(needs)


def may(role: Role | None, command: Command) -> bool:
    """True when a person of this role may use the command; without a role nobody may use any."""
    return role is not None and includes(role, command.role)


def approvers(command: str, configured: Mapping[str, int], *, others: int) -> int:
    """How many admins besides the requester it takes; ``others`` are all there are besides them."""
    wanted = configured.get(command)
    if wanted is not None:
        return wanted
    return max(1, min(END_OF_LOCKDOWN, others)) if command == "lockdown" else 1


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
