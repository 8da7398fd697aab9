"""The coordinator's kill switch with its cooldown and circuit breaker; a restart loses all but a stuck breaker."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True, kw_only=True)
class KillSwitch:
    """Whether the fleet is killed, since when and why, and what stands before a release."""

    cooldown: timedelta
    breaker_kills: int
    breaker_window: timedelta
    stuck: bool = False  # a file keeps the breaker open: releases are answered as if done, and are not
    active: bool = False
    reason: str | None = None
    since: datetime | None = None
    kills: list[datetime] = field(default_factory=list)  # the changes from released to killed

    def activate(self, reason: str, now: datetime) -> bool:
        """True when this was a new kill; a repeated one overwrites reason and time, as in the field."""
        new = not self.active
        if new:
            self.kills.append(now)
        self.active, self.reason, self.since = True, reason, now
        return new

    def release(self) -> None:
        """Released, by whoever had the right to."""
        self.active, self.reason, self.since = False, None, None

    def kills_counted(self, now: datetime) -> int:
        """The kills that the circuit breaker still counts."""
        return sum(now - at < self.breaker_window for at in self.kills)

    def breaker_open(self, now: datetime) -> bool:
        """True while it is stuck or too many kills happened within the window."""
        return self.stuck or self.kills_counted(now) >= self.breaker_kills

    def cooldown_left(self, now: datetime) -> timedelta:
        """How long a plain release is still refused."""
        if not self.active or self.since is None:
            return timedelta(0)
        return max(timedelta(0), self.since + self.cooldown - now)

    def objection(self, now: datetime) -> str | None:
        """Why ``deactivate`` and ``override`` are refused now, or None; ``force_override`` does not ask."""
        if self.breaker_open(now):
            return f"Circuit breaker is open after {self.kills_counted(now)} kills"
        if left := self.cooldown_left(now):
            return f"Cooldown: {-(-left.total_seconds() // 60):.0f} minutes left"
        return None
