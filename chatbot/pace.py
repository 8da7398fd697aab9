"""How fast calls may follow one another where Slack limits them."""

from collections.abc import Callable


class Pace:
    """How long until the next call is allowed: a bucket of ``burst`` that fills by one every ``seconds``."""

    def __init__(self, *, seconds: float, burst: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._depth = seconds * (burst - 1)
        self._clock = clock
        self._next = 0.0
        self._held_until = 0.0

    def wait(self, *, ahead: int = 0) -> float:
        """Seconds until a call is allowed; 0 now. So many calls ``ahead`` of their turn are allowed as well."""
        turn = self._next - self._depth - ahead * self._seconds
        return max(0.0, turn - self._clock(), self._held_until - self._clock())

    def take(self) -> None:
        """Count one call."""
        self._next = max(self._next, self._clock()) + self._seconds

    def hold(self, seconds: float) -> None:
        """Slack said to wait: no call before that."""
        self._held_until = max(self._held_until, self._clock() + seconds)
