"""What /status knows, and what follows from it: the facts before any wording."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from commands.cooldown import Breaker
from commands.coordinator.model import BotStatus, FleetStatus, MonitorMetrics
from commands.kill import still_moving
from storage.lockdown import Lockdown


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchView:
    """Our own record that the fleet is killed."""

    engaged_at: datetime
    by: str
    reason: str
    verified_at: datetime | None = None
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Everything that /status tells; a ``None`` is something not known, and is called so."""

    now: datetime
    status: FleetStatus | None
    error: str | None  # why there is no status
    latch: LatchView | None
    cooldown_left: timedelta | None
    breaker: Breaker  # ours
    lockdown: Lockdown | None = None
    asked: int = 0  # requests that wait for a second admin
    bots: tuple[str, ...]  # those we expect, in dependency order
    only: str | None  # the one bot that was asked for
    outbox_waiting: int = 0
    outbox_oldest: float | None = None  # seconds
    outbox_refused: int = 0  # messages that Slack refused for good
    open_alerts: int = 0
    critical_alerts: int = 0  # of those
    armed: tuple[str, ...] = ()  # conditions under which the health monitor would stop the fleet
    storage_error: str | None = None
    may_kill: bool
    monitor: MonitorMetrics | None = None

    @property
    def record_known(self) -> bool:
        """False when our own record could not be read, so that no latch means nothing."""
        return self.latch is not None or self.storage_error is None

    def shown_bots(self) -> tuple[tuple[str, BotStatus | None], ...]:
        """The bots to show: those we expect, then others the coordinator lists; ``None``: it does not list this one."""
        listed = self.status.bots if self.status is not None else {}
        names = [*self.bots, *(name for name in listed if name not in self.bots)]
        return tuple((name, listed.get(name)) for name in names if self.only in (None, name))

    def not_still(self) -> tuple[str, ...]:
        """The bots, ours and others, that are not seen to be still, whatever was asked for."""
        doubts = still_moving(self.status, self.bots) if self.status is not None else ()
        return tuple(doubt.bot for doubt in doubts if doubt.bot is not None)


class Verdict(StrEnum):
    """What the coordinator and our record say together."""

    FORGOTTEN = "forgotten"  # we know of a kill, the coordinator says that its switch is off
    NOT_HELD = "not_held"  # the same, of a kill that was never seen to hold there
    FOREIGN = "foreign"  # the coordinator is killed, our record knows of no kill
    MOVING = "moving"  # both say killed, yet a bot is not seen still
    UNKNOWN = "unknown"  # one of them does not say
    KILLED = "killed"
    OPEN = "open"  # neither says killed


def verdict(report: StatusReport) -> Verdict:
    """Compares the two; whatever is not known makes it unknown, never "not killed"."""
    switch = report.status.kill_switch_active if report.status is not None else None
    if switch is None:
        return Verdict.UNKNOWN
    if report.latch is not None and not switch:
        # Only what was once seen can be forgotten: before that the kill may never have arrived.
        return Verdict.NOT_HELD if report.latch.verified_at is None else Verdict.FORGOTTEN
    if not report.record_known:
        return Verdict.UNKNOWN
    if switch and report.latch is None:
        return Verdict.FOREIGN
    if switch:
        return Verdict.MOVING if report.not_still() else Verdict.KILLED
    return Verdict.OPEN
