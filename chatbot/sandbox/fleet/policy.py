"""The numbers a reference fleet goes by; tests pass shorter times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from chatbot.sandbox.fleet.bots import NEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the engine behaves; the defaults are those of the handbook's configuration."""

    cooldown: timedelta = timedelta(minutes=60)
    breaker_kills: int = 3
    breaker_window: timedelta = timedelta(hours=24)
    safe_mode: timedelta = timedelta(minutes=120)
    safe_mode_scale: float = 0.5
    sequence_gap: timedelta = timedelta(seconds=5)
    start_delay: timedelta = timedelta(seconds=2)  # from starting to running
    recovery_delay: timedelta = timedelta(seconds=5)  # from recovery to running
    alert_life: timedelta = timedelta(minutes=15)
    running: tuple[str, ...] = tuple(NEEDS)  # bots that trade from the beginning
    killed: str | None = None  # the reason, when the fleet begins killed; no bot runs then
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What bots do when they are told to stop, other than to stop at once."""

    ignores: frozenset[str] = frozenset()  # goes on, and the coordinator goes on seeing it
    on_paper: frozenset[str] = frozenset()  # goes on, and the coordinator believes that it stopped
    seconds: Mapping[str, float] = field(default_factory=dict)  # takes so long


OBEDIENT = Conduct()
