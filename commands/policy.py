"""Who may do what, and how many it takes: rules that the back ends do not hold."""

from collections.abc import Mapping
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
