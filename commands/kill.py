"""/kill: stop the whole fleet, now; and what counts as having seen it stopped."""

import re
from dataclasses import dataclass

from commands.coordinator.model import MOVING, FleetStatus
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk
from commands.words import clean

_DRILL = re.compile(r"drill\s*(:|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One condition of a stopped fleet that a read did not show."""

    bot: str | None  # None: the kill switch itself
    word: str  # what was seen instead: a status word, "inactive", "unknown" or "not listed"
    proven: bool  # True: seen to move or to be off; False: only not seen to be still


def still_moving(status: FleetStatus, bots: tuple[str, ...]) -> tuple[Doubt, ...]:
    """What keeps the fleet from being seen stopped: the switch, our bots in order, any other bot listed."""
    doubts = []
    if status.kill_switch_active is not True:
        off = status.kill_switch_active is False
        doubts.append(Doubt(bot=None, word="inactive" if off else "unknown", proven=off))
    for name in (*bots, *(name for name in status.bots if name not in bots)):
        seen = status.bots.get(name)
        if seen is None:
            doubts.append(Doubt(bot=name, word="not listed", proven=False))
        elif not seen.proven_still:
            doubts.append(Doubt(bot=name, word=seen.status or "unknown", proven=seen.status in MOVING))
    return tuple(doubts)


def stopped(status: FleetStatus, bots: tuple[str, ...]) -> bool:
    """True when the kill switch is seen active and every bot is seen not trading."""
    return not still_moving(status, bots)


def is_drill(reason: str) -> bool:
    """True for "drill" and "drill: monthly test": a real stop that cooldown and circuit breaker do not count."""
    return _DRILL.match(reason) is not None


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    """All text is the reason, whatever it looks like: a kill is never narrowed, questioned or refused."""
    return Request(command="kill", reason=clean(text))


COMMAND = Command(
    name="kill",
    usage="[reason]",
    summary="Stop the whole fleet now",
    help=(
        "Activates the kill switch and stops every bot, at once and without a question. All text after the "
        "command is the reason; without one the fleet is stopped just the same, and the reason can be added "
        "afterwards. The stop is sent until the fleet is seen stopped. It always means the whole fleet: for "
        'one bot, use /stop. A reason that begins with "drill:" marks a drill: the stop is just as real, but '
        "neither the cooldown nor the circuit breaker counts it."
    ),
    risk=Risk.LOWER,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
)
