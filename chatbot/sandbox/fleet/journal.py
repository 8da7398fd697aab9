"""What the coordinator says about itself: alerts for the monitor and lines for its log file."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
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


def stamped(at: datetime) -> str:
    """A time as log lines bear it: milliseconds, no zone."""
    return f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"


class Journal:
    """Keeps alerts for ``alert_life``, at most ``MOST_ALERTS``, and the last 2,000 lines of the log.

    Every line is also written to the end of ``file``, where there is one.
    """

    def __init__(self, *, alert_life: timedelta, file: Path | None = None) -> None:
        self._alert_life, self._file = alert_life, file
        self._standing: dict[str, Alert] = {}  # by message
        self._alerts: deque[Alert] = deque(maxlen=MOST_ALERTS)
        self._lines: deque[str] = deque(maxlen=2_000)

    def alert(self, at: datetime, kind: AlertType, message: str, *, bot: str | None = None) -> None:
        """Raise an alert, which is also logged."""
        self._alerts.append(Alert(at=at, type=kind, message=message, bot=bot))
        self.log(at, _LEVELS[kind], f"[{kind.upper()}] {message}")

    def stand(self, alert: Alert) -> None:
        """Raise an alert that neither grows old nor is cleared until ``withdraw``."""
        self._standing[alert.message] = alert
        self.log(alert.at, _LEVELS[alert.type], f"[{alert.type.upper()}] {alert.message}")

    def withdraw(self, message: str) -> None:
        """Take back the standing alert with this message."""
        self._standing.pop(message, None)

    def clear(self, now: datetime, *, message: str | None, bot: str | None) -> int:
        """Take back the alerts with this message and this bot (``None``: any); how many they were."""
        shown = self._fresh(now)
        kept = [each for each in shown if message not in {None, each.message} or bot not in {None, each.bot}]
        self._alerts = deque(kept, maxlen=MOST_ALERTS)
        return len(shown) - len(kept)

    def log(self, at: datetime, level: str, text: str) -> None:
        """Write one record; a record of several lines becomes several lines, as in the file."""
        lines = f"{stamped(at)} - BotCoordinator - {level} - {text}".splitlines()
        self._lines.extend(lines)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as log:
                log.writelines(f"{line}\n" for line in lines)

    def alerts(self, now: datetime) -> tuple[Alert, ...]:
        """The alerts that stand or have not grown old, oldest first."""
        return tuple(sorted((*self._fresh(now), *self._standing.values()), key=lambda each: each.at))

    def _fresh(self, now: datetime) -> tuple[Alert, ...]:
        while self._alerts and self._alerts[0].at <= now - self._alert_life:
            self._alerts.popleft()
        return tuple(self._alerts)

    def lines(self, count: int) -> tuple[str, ...]:
        """The newest lines of the log, oldest first."""
        return tuple(self._lines)[-count:] if count > 0 else ()
