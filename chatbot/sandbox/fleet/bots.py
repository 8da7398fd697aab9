"""The three bots as they really are, whatever the coordinator believes about them."""

import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NEEDS: dict[str, tuple[str, ...]] = {"ndax": (), "quantum": ("ndax",), "shadowforge": ("ndax", "quantum")}
"""Bot -> the bots that must be running before it starts; the order is the start order."""

_DAY = timedelta(days=1)


class Trader:
    """Makes up trades: the same seed and clock give the same trades, however often one looks."""

    def __init__(self, *, name: str, seed: int) -> None:
        self._random = random.Random(f"{seed}:{name}")  # noqa: S311 - made-up trades, no secret hangs on them
        self._next: datetime | None = None
        self._last_day: deque[tuple[datetime, float]] = deque()
        self.trades = 0
        self.profit_loss = 0.0
        self.positions = 0

    @property
    def trading(self) -> bool:
        """True while the bot's process places orders."""
        return self._next is not None

    def begin(self, at: datetime, *, scale: float) -> None:
        """Place orders from ``at`` on; ``scale`` below 1 makes them rarer and smaller."""
        self._next = at + self._gap(scale)

    def end(self) -> None:
        """Place no more orders."""
        self._next = None

    def settle(self, now: datetime, *, scale: float) -> None:
        """Place every order due until ``now``."""
        while self._next is not None and self._next <= now:
            result = round(self._random.gauss(0.4, 6.0) * scale, 2)
            self.positions = max(0, min(5, self.positions + self._random.choice((-1, 0, 1))))
            self.book(self._next, result)
            self._next += self._gap(scale)

    def book(self, at: datetime, result: float) -> None:
        """Close one more trade at ``at`` with this profit or loss, whether or not the bot places orders."""
        self.trades += 1
        self.profit_loss = round(self.profit_loss + result, 2)
        self._last_day.append((at, result))

    def last_day(self, now: datetime) -> tuple[int, float]:
        """The number of trades of the last 24 hours and their profit or loss, in account currency."""
        while self._last_day and self._last_day[0][0] <= now - _DAY:
            self._last_day.popleft()
        return len(self._last_day), round(sum(result for _, result in self._last_day), 2)

    def _gap(self, scale: float) -> timedelta:
        return timedelta(milliseconds=round(self._random.uniform(2_000, 8_000) / scale))


@dataclass(slots=True, kw_only=True)
class Bot:
    """One bot: ``status`` is what the coordinator remembers, ``trader`` is what the bot does."""

    name: str
    trader: Trader
    status: str = "stopped"
    safe_mode: bool = False
    health: int | None = None  # 0-100 as set by hand; None: as the floor rates it
    strains: dict[str, int] = field(default_factory=dict)  # what weighs on it -> points off its health
    error_count: int = 0
    latest_errors: deque[str] = field(default_factory=lambda: deque(maxlen=3))

    @property
    def trading(self) -> bool:
        """The truth, which ``status`` may not tell."""
        return self.trader.trading

    @property
    def stoppable(self) -> bool:
        """True when the coordinator remembers something that it could stop."""
        return self.status != "stopped"

    def failed(self, error: str) -> None:
        """Remember an error; the newest three are kept."""
        self.error_count += 1
        self.latest_errors.append(error)
