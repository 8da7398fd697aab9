"""What the coordinator says about itself: alerts for the monitor and lines for its log file."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

AlertType = Literal["info", "warning", "high", "critical"]

LOG_FILE = "bot-coordinator.log"

MOST_ALERTS = 10_000
"""As many are shown at once; the oldest make way."""

_LEVELS: dict[AlertType, str] = {"info": "INFO", "warning": "WARNING", "high": "ERROR", "critical": "ERROR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as the monitor shows it."""

    at: datetime
    type: AlertType
    message: str
    bot: str | None = None


class Journal:
    """Keeps alerts for ``alert_life``, at most ``MOST_ALERTS``, and the last 2,000 lines of the log."""

    def __init__(self, *, alert_life: timedelta) -> None:
        self._alert_life = alert_life
        self._alerts: deque[Alert] = deque(maxlen=MOST_ALERTS)
        self._lines: deque[str] = deque(maxlen=2_000)

    def alert(self, at: datetime, kind: AlertType, message: str, *, bot: str | None = None) -> None:
        """Raise an alert, which is also logged."""
        self._alerts.append(Alert(at=at, type=kind, message=message, bot=bot))
        self.log(at, _LEVELS[kind], f"[{kind.upper()}] {message}")

    def clear(self, now: datetime, *, message: str | None, bot: str | None) -> int:
        """Take back the alerts with this message and this bot (``None``: any); how many they were."""
        shown = self.alerts(now)
        kept = [each for each in shown if message not in {None, each.message} or bot not in {None, each.bot}]
        self._alerts = deque(kept, maxlen=MOST_ALERTS)
        return len(shown) - len(kept)

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
