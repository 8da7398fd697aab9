"""What the messages about a monitoring window show: plain data."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.monitoring.coverage import Blind


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One bot of a window: what it did last, and how its figures went; ``None`` is unknown."""

    name: str
    status: str
    health: float | None
    healths: tuple[float | None, ...] = ()
    lowest: float | None = None
    new_errors: int | None = None
    errors: tuple[float | None, ...] = ()  # new ones since the window began, over its time


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCard:
    """One window as it stands."""

    number: int
    bot: str | None
    origin: str
    opened_by: str
    begun_at: datetime
    ends_at: datetime
    every: timedelta
    now: datetime
    state: str
    rule: str = ""
    culprit: str | None = None
    why: str = ""
    ended_at: datetime | None = None
    ended_by: str | None = None
    reads: int = 0
    missed: int = 0
    last_read_at: datetime | None = None
    blind: tuple[Blind, ...] = ()
    bots: tuple[Watched, ...] = ()
    profit: float | None = None  # of the fleet, since the window began, in account currency
    next_bot: str | None = None
    ran: bool = False  # True when any of its bots was seen running
    charted: bool = False  # True when a chart follows in the thread

    @property
    def open(self) -> bool:
        """True while it goes on."""
        return self.state == "open"

    @property
    def what(self) -> str:
        """What is watched."""
        return self.bot or "the fleet"

    @property
    def length(self) -> timedelta:
        """How long it was to last, or lasted."""
        return (self.ended_at or self.ends_at) - self.begun_at
