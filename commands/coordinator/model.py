"""What a back end says, as the rest of the program sees it: a field that was not understood is ``None`` (unknown)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MOVING = frozenset({"running", "starting", "recovery"})
"""Status words of a bot that trades or may be about to."""

STATUS_WORDS = frozenset({"stopped", "starting", "running", "paused", "error", "recovery"})
"""Every status word the contract knows; any other word is kept for display and proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStatus:
    """One bot as the coordinator reports it."""

    name: str
    status: str | None = None
    health: float | None = None  # 0-100
    error_count: int | None = None
    latest_errors: tuple[str, ...] = ()

    @property
    def proven_still(self) -> bool:
        """True only when a known word says that the bot does not trade."""
        return self.status in STATUS_WORDS and self.status not in MOVING


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Fleet totals since the coordinator started; ``total_profit_loss`` in account currency."""

    total_trades: int | None = None
    total_profit_loss: float | None = None
    bots_started: int | None = None
    errors_handled: int | None = None
    kill_switches_triggered: int | None = None
    recoveries_attempted: int | None = None
    recoveries_succeeded: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus:
    """One read of GET /status.

    ``reported_at`` is the coordinator's own time (``None`` when it gave none), ``observed_at`` is ours (UTC).
    ``breaker_open`` is ``None`` when the coordinator says nothing clear about its circuit breaker; ``breaker`` is its
    own word for it.
    """

    observed_at: datetime
    reported_at: datetime | None = None
    kill_switch_active: bool | None = None
    breaker_open: bool | None = None
    breaker: str | None = None
    bots: Mapping[str, BotStatus] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One read of GET /health; ``uptime`` in seconds."""

    observed_at: datetime
    status: str | None = None
    uptime: float | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a write. ``success`` proves nothing: only a later read does."""

    at: datetime
    success: bool | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorAlert:
    """One row of the monitor's GET /alerts. ``armed`` rows are conditions that stand ready, not alerts."""

    kind: str | None
    message: str
    bot: str | None = None
    at: datetime | None = None
    action: str | None = None
    armed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorBot:
    """One bot in the monitor's GET /metrics; ``pnl_24h`` and ``exposure`` in account currency."""

    name: str
    status: str | None = None
    health: float | None = None
    positions: int | None = None
    pnl_24h: float | None = None
    trades_24h: int | None = None
    exposure: float | None = None
    consecutive_losses: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorMetrics:
    """One read of the monitor's GET /metrics; ``system`` holds uptime (s), memory_usage and cpu_usage (per cent)."""

    observed_at: datetime
    bots: Mapping[str, MonitorBot] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    system: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the monitor's GET /logs; a record may span several."""

    file: str
    line: str
