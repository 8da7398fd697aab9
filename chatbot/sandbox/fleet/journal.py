"""What the coordinator says about itself: alerts for the monitor and lines for its log file."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

AlertType = Literal["info", "warning", "high", "critical"]

LOG_FILE = "bot-coordinator.log"

_LEVELS: dict[AlertType, str] = {"info": "INFO", "warning": "WARNING", "high": "ERROR", "critical": "ERROR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as the monitor shows it."""

    at: datetime
    type: AlertType
    message: str
    bot: str | None = None


class Journal:
    """Keeps alerts for ``alert_life``, at most 1,000 of them, and the last 2,000 lines of the log."""

    def __init__(self, *, alert_life: timedelta) -> None:
        self._alert_life = alert_life
        self._alerts: deque[Alert] = deque(maxlen=1_000)
        self._lines: deque[str] = deque(maxlen=2_000)

    def alert(self, at: datetime, kind: AlertType, message: str, *, bot: str | None = None) -> None:
        """Raise an alert, which is also logged."""
        self._alerts.append(Alert(at=at, type=kind, message=message, bot=bot))
        self.log(at, _LEVELS[kind], f"[{kind.upper()}] {message}")

    def log(self, at: datetime, level: str, text: str) -> None:
        """Write one record; a record of several lines becomes several lines, as in the file."""
        stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
        self._lines.extend(f"{stamp} - BotCoordinator - {level} - {text}".splitlines())

    def alerts(self, now: datetime) -> tuple[Alert, ...]:
        """The alerts that have not grown old, oldest first."""
        while self._alerts and self._alerts[0].at <= now - self._alert_life:
            self._alerts.popleft()
        return tuple(self._alerts)

    def lines(self, count: int) -> tuple[str, ...]:
        """The newest lines of the log, oldest first."""
        return tuple(self._lines)[-count:] if count > 0 else ()
