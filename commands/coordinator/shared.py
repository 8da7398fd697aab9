"""One read for all who ask at the same time."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from commands.coordinator.errors import Unreachable

T = TypeVar("T")


class SharedRead(Generic[T]):
    """Runs ``read`` once for all who wait for it, and keeps its last result for those who take an older one.

    A failure reaches only those who waited for that read. A caller who is cancelled leaves the read to the others,
    also when it was the one who started it.
    """

    def __init__(
        self, read: Callable[[], Coroutine[None, None, T]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read, clock
        self._running: asyncio.Task[T] | None = None
        self._tasks: set[asyncio.Task[T]] = set()  # also those that nobody new may join
        self._last: tuple[float, T] | None = None

    def at_hand(self, max_age: float) -> bool:
        """True when ``get`` would cost no new request."""
        return self._running is not None or self._young(max_age) is not None

    async def get(self, *, max_age: float = 0.0) -> T:
        """A result whose read began at most ``max_age`` seconds ago, or that of a read now running or begun."""
        young = self._young(max_age)
        if young is not None:
            return young[1]
        task = self._running
        if task is None or task.done():
            task = self._running = asyncio.create_task(self._run(self._clock()))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        # wait() leaves the task alone when the waiting caller is cancelled
        await asyncio.wait({task})
        if task.cancelled():
            raise Unreachable(
                "The connection was closed by this program while it was reading, so nothing was read."
            )
        return task.result()

    def forget(self) -> None:
        """Let nobody have what was read before now: something was just changed."""
        self._last = self._running = None

    async def close(self) -> None:
        """Give up what is being read."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _young(self, max_age: float) -> tuple[float, T] | None:
        if max_age > 0 and self._last is not None and self._clock() - self._last[0] <= max_age:
            return self._last
        return None

    async def _run(self, began: float) -> T:
        result = await self._read()
        if self._running is asyncio.current_task():
            self._last = (began, result)
        return result

    def _done(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if self._running is task:
            self._running = None
        if not task.cancelled():
            task.exception()  # taken here, so that a failure nobody waited for is no noise
