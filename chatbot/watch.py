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
from commands.kill import Doubt, still_moving
from storage import actions, latch
from storage.actions import OPEN, Action, State
from storage.database import StorageError
from storage.latch import Latch

Reassert = Callable[[Latch, tuple[Doubt, ...]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Watch:
    """Polls GET /status as long as it runs, and has the kill sent again when the fleet moves against the latch."""

    def __init__(self, *, desk: Desk, poll_seconds: float, reassert: Reassert) -> None:
        self._desk = desk
        self._poll_seconds = poll_seconds
        self._reassert = reassert
        self._held: Latch | None = None  # as the record said last, for when it cannot be read
        self._kill: Action | None = None
        self._seen_complete: str | None = None  # the kill whose stop was seen as complete here

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (CoordinatorError, TimeoutError) as error:
                log.warning("no look at the fleet", error=str(error) or "timeout")
            await asyncio.sleep(self._poll_seconds)

    async def look(self) -> None:
        """One look: read, compare with the latch, stop again when the fleet moves against it."""
        status = await self._desk.coordinator.status(max_age=self._poll_seconds / 2, background=True)
        self._desk.metrics.good_poll(self._desk.now())
        try:
            self._held, self._kill = await self._desk.database.read(
                lambda conn: (latch.current(conn), actions.last_kill(conn))
            )
        except StorageError as error:
            log.warning("the latch cannot be read, going by what it was", error=str(error))
        held, kill = self._held, self._kill
        if held is None or kill is None or kill.state in OPEN:
            return  # nothing is held, or a run is at work on it
        doubts = still_moving(status, self._desk.bots)
        if not doubts:
            self._seen_complete = kill.id
            return
        # What is merely unknown neither sends a kill nor disarms the watch: the next look may show more.
        complete = kill.state is State.VERIFIED or self._seen_complete == kill.id
        if complete and any(doubt.proven for doubt in doubts):
            await self._reassert(held, doubts)
