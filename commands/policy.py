"""Who may do what, and when a release would be allowed: the rules the back ends do not hold."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from commands.spec import Command, Risk, Role

ROLE_FOR: Mapping[Risk, Role] = MappingProxyType(
    {Risk.READ: Role.VIEWER, Risk.LOWER: Role.OPERATOR, Risk.RAISE: Role.ADMIN}
)
"""The least role for each risk."""

_ORDER = tuple(Role)


def includes(role: Role, needs: Role) -> bool:
    """True when ``role`` may do what ``needs`` may do."""
    return _ORDER.index(role) >= _ORDER.index(needs)


def may(role: Role | None, command: Command) -> bool:
    """True when a person of this role may use the command; without a role nobody may use any."""
    return role is not None and includes(role, command.role)


def cooldown_left(engaged_at: datetime, now: datetime, minutes: float) -> timedelta:
    """How long after a kill the fleet may not be released yet; zero when the cooldown is over."""
    return max(engaged_at + timedelta(minutes=minutes) - now, timedelta())


def breaker_open(kills_in_window: int, limit: int) -> bool:
    """True when so many kills fell into the window that an override is refused."""
    return kills_in_window >= limit
