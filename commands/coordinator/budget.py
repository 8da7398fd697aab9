"""How often the pollers may ask, so that people's commands always find room within the coordinator's limits."""

from collections import deque

LONGEST_WAIT = 60.0
"""Seconds; a fleet unseen for longer is worse than a request too many, whatever was counted or asked of us."""

DEFAULT_HOLD = 5.0
"""Seconds that the pollers stay away after a 429 that names no time."""


class ReadBudget:
    """Sliding windows over the requests of one client; times are seconds of any clock that never goes back.

    At most ``per_minute`` requests to one endpoint and ``per_hour`` less ``reserve`` in all are left to the
    pollers. Commands are recorded and never held up. Every ``LONGEST_WAIT`` seconds one poll may go in any case.
    """

    def __init__(self, *, per_minute: int = 60, per_hour: int = 600, reserve: int = 100) -> None:
        self._per_minute = per_minute
        self._minute: dict[str, deque[float]] = {}
        # Only as many as may fall into a window are kept: the oldest of a full one tells when there is room.
        self._hour: deque[float] = deque(maxlen=per_hour - reserve)
        self._held_until = float("-inf")

    def record(self, endpoint: str, now: float) -> None:
        """Count one request."""
        self._minute.setdefault(endpoint, deque(maxlen=self._per_minute)).append(now)
        self._hour.append(now)

    def hold(self, seconds: float | None, now: float) -> None:
        """Keep the pollers away after a 429."""
        self._held_until = max(self._held_until, now + (DEFAULT_HOLD if seconds is None else seconds))

    def wait(self, endpoint: str, now: float) -> float:
        """Seconds until a poll of the endpoint may go; 0 when it may go now."""
        if not self._hour:
            return 0.0
        minute = self._minute.get(endpoint)
        free_at = self._held_until
        if minute is not None and len(minute) == self._per_minute:
            free_at = max(free_at, minute[0] + 60)
        if len(self._hour) == self._hour.maxlen:
            free_at = max(free_at, self._hour[0] + 3600)
        return max(0.0, min(free_at, self._hour[-1] + LONGEST_WAIT) - now)
