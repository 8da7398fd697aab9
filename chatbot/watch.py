"""Holds the kill: while our latch stands, the fleet is looked at again and again, and stopped again when it moves.

Back ends keep a kill in memory only and forget it on a restart; bots are started behind their back. We never
release by ourselves. The watch acts only once the stop has been seen as complete, so that it never fights a run that
is still at work, nor repeats a kill that a person closed by hand because the back end cannot show it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from chatbot.desk import Desk
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.kill import Doubt, still_moving
from storage import actions, latch
from storage.database import StorageError
from storage.latch import Latch

Reassert = Callable[[Latch, tuple[Doubt, ...]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Watch:
    """Polls GET /status; `last_good` is the time of the last good read."""

    def __init__(self, *, desk: Desk, poll_seconds: float, reassert: Reassert) -> None:
        self._desk = desk
        self._poll_seconds = poll_seconds
        self._reassert = reassert
        self._complete_for: int | None = None  # the latch for which the stop was seen as complete
        self._first = True  # after a start the record is all we have: a verified kill counts as complete

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (CoordinatorError, StorageError, TimeoutError) as error:
                log.warning("no look at the fleet", error=str(error) or "timeout")
            await asyncio.sleep(self._poll_seconds)

    async def look(self) -> None:
        """One look: read, compare with the latch, stop again when the fleet moves against it."""
        status = await self._desk.coordinator.status(max_age=self._poll_seconds / 2, background=True)
        self._desk.metrics.good_poll(self._desk.now())
        held, busy = await self._desk.database.read(
            lambda conn: (latch.current(conn), actions.open_kill(conn) is not None)
        )
        if held is None or busy:
            return
        await self._compare(held, status)

    async def _compare(self, held: Latch, status: FleetStatus) -> None:
        doubts = still_moving(status, self._desk.bots)
        if not doubts:
            self._first, self._complete_for = False, held.id
            return
        complete = self._complete_for == held.id or (self._first and held.verified_at is not None)
        self._first = False
        if complete and any(doubt.proven for doubt in doubts):
            self._complete_for = None
            await self._reassert(held, doubts)
