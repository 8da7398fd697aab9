"""The documented rate limits: by the minute for each endpoint, by the hour for each client."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many requests one client may send; ``None``: any number."""

    per_minute: int | None = 60  # to each endpoint
    per_hour: int | None = 600  # to all endpoints together


class RateLimits:
    """Sliding windows: a request that was refused is not counted, so waiting always helps."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: dict[tuple[str, str | None], deque[datetime]] = {}

    def take(self, client: str, endpoint: str, now: datetime) -> float | None:
        """None when the request may pass, which counts it; otherwise the seconds until one may."""
        windows = [
            (self._seen.setdefault((client, key), deque()), most, span)
            for key, most, span in (
                (endpoint, self._limits.per_minute, _MINUTE),
                (None, self._limits.per_hour, _HOUR),
            )
            if most is not None
        ]
        waits = [_wait(seen, most, span, now) for seen, most, span in windows]
        if any(waits):
            return max(waits)
        for seen, _, _ in windows:
            seen.append(now)
        return None

    def forget(self) -> None:
        """As after a restart."""
        self._seen.clear()


def _wait(seen: deque[datetime], most: int, span: timedelta, now: datetime) -> float:
    while seen and seen[0] <= now - span:
        seen.popleft()
    return 0.0 if len(seen) < most else (seen[0] + span - now).total_seconds()
