"""How much of a window was really read: each read that is missing is counted, and every blind time is named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

LATE = 0.5
"""By so much of the cadence a read may come late before one counts as missing."""

LATE_SECONDS = 3.0  # a machine is busy, a coordinator slow
MOST_MISSING = 0.05
"""The share of the reads that may be missing where a window is to end as stable."""

SPANS_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A time in which nothing was read, and why."""

    begins: datetime
    ends: datetime
    missed: int
    why: str

    def as_json(self) -> list[str | int]:
        """The same as JSON-ready data."""
        return [self.begins.isoformat(), self.ends.isoformat(), self.missed, self.why]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> "Blind":
        """What ``as_json`` made; ValueError or TypeError for anything else."""
        begins, ends, missed, why = (str(each) for each in data)
        return cls(
            begins=datetime.fromisoformat(begins),
            ends=datetime.fromisoformat(ends),
            missed=int(missed),
            why=why,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was read of a window that looks ``every`` so often since ``begun_at``."""

    begun_at: datetime
    every: timedelta
    reads: int = 0
    missed: int = 0
    last_read_at: datetime | None = None
    blind: tuple[Blind, ...] = ()

    @property
    def expected(self) -> int:
        """How many reads there should have been so far."""
        return self.reads + self.missed

    @property
    def proves(self) -> bool:
        """True when enough was read to say that nothing happened."""
        return self.reads > 0 and self.missed <= MOST_MISSING * self.expected

    @property
    def last(self) -> datetime:
        """Until when everything is accounted for."""
        return self.last_read_at or self.begun_at

    def wants(self, at: datetime) -> bool:
        """True when a look at this time is the next read of the cadence."""
        return self.last_read_at is None or at - self.last_read_at >= self.every * (1 - LATE)

    def read(self, at: datetime, why_not_before: str) -> "Coverage":
        """With one more read; whatever is missing before it was for this reason."""
        # The first read may come a whole step after the beginning without anything missing.
        done = self._missing(at, why_not_before)
        return replace(done, reads=done.reads + 1, last_read_at=at)

    def until(self, end: datetime, why_not: str) -> "Coverage":
        """At the end of the window: what is missing between the last read and it."""
        return self._missing(end, why_not)

    def _missing(self, at: datetime, why: str) -> "Coverage":
        gap = at - self.last
        if gap <= self.every * (1 + LATE) + timedelta(seconds=LATE_SECONDS):
            return self
        missed = max(1, round(gap / self.every) - 1)
        span = Blind(begins=self.last, ends=at, missed=missed, why=why)
        return replace(self, missed=self.missed + missed, blind=(*self.blind, span)[-SPANS_KEPT:])
