"""What alerts are made of, as the rules see them; times are aware and in UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is, mildest first."""

    INFO = "info"
    WARNING = "warning"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return tuple(Severity).index(self)


class Source(StrEnum):
    """Where a signal comes from."""

    MONITOR = "monitor"  # rows of the health monitor's GET /alerts
    LIMITS = "limits"  # the monitor's GET /metrics held against the limits in it
    FLEET = "fleet"  # changes in the coordinator's GET /status
    RECORD = "record"  # our own record: a kill, a stop that is not verified, a channel that takes no messages
    COORDINATOR = "coordinator"  # POST /hooks/coordinator
    ALERTMANAGER = "alertmanager"  # POST /hooks/alertmanager
    SUMMARY = "summary"  # several alerts told in one message


POLLED = frozenset({Source.MONITOR, Source.LIMITS, Source.FLEET, Source.RECORD})
"""Sources that are read whole each time: what is missing from a good read is over."""


class Kind(StrEnum):
    """The kinds that we derive ourselves; other sources name theirs."""

    MONITOR_ALERT = "monitor_alert"
    BOT_LEFT_RUNNING = "bot_left_running"
    BOT_ERROR = "bot_error"
    BOT_RECOVERY = "bot_recovery"
    HEALTH_LOW = "health_low"
    ERRORS_RISING = "errors_rising"
    BREAKER_OPEN = "breaker_open"
    LATCH_MISMATCH = "latch_mismatch"
    COORDINATOR_UNREACHABLE = "coordinator_unreachable"
    MONITOR_UNREACHABLE = "monitor_unreachable"
    KILL = "kill"
    STOP_NOT_VERIFIED = "stop_not_verified"
    CHANNEL_BROKEN = "channel_broken"
    WINDOW_UNSTABLE = "window_unstable"


BORN_CRITICAL = frozenset({Kind.KILL, Kind.LATCH_MISMATCH, Kind.STOP_NOT_VERIFIED})
"""Kinds whose severity no setting lowers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing that a source says: something goes on (``firing``), or is over.

    ``message`` is one line of outside text. ``identity`` stands in its place where the source names its alerts by
    itself. ``began_at`` is the source's own time of the beginning, ``None`` where it gives none. ``value`` and
    ``limit`` are in ``unit``. ``seen`` is how often the source lists it at once.
    """

    source: Source
    kind: str
    severity: Severity
    message: str
    bot: str | None = None
    identity: str = ""
    began_at: datetime | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    firing: bool = True
    seen: int = 1
    link: str = ""
