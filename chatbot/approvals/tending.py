"""Looks after what waits for approval: reminds, expires, voids what has changed, and ends a solo wait when it is due.

Every process looks, each change is one conditional statement: so it happens once, whoever comes first.
"""

import asyncio
from functools import partial

import structlog

from chatbot.approvals import copies, tended
from chatbot.desk import Desk
from chatbot.executor import Executor
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from storage import approvals
from storage.approvals import Approval
from storage.database import StorageError

TICK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Tending:
    """Tends until cancelled; `wake` when something happened that may have made a request void."""

    def __init__(self, *, desk: Desk, executor: Executor, fleet_age: float) -> None:
        self._desk = desk
        self._executor = executor
        self._fleet_age = fleet_age
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.look()
            except (StorageError, TimeoutError) as error:
                log.warning("cannot look after approvals", error=str(error) or "timeout")
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """One look at everything that waits."""
        desk = self._desk
        waiting = await desk.database.read(approvals.pending)
        if not waiting or desk.recorder.behind():
            return
        # By our own record first, at once: during a kill the fleet is read by nobody else.
        await self._end_what_is_over(None)
        await self._end_what_is_over(await self._fleet(waiting))

    async def _end_what_is_over(self, fleet: FleetStatus | None) -> None:
        desk = self._desk
        due = partial(tended.to_tend, desk=desk, fleet=fleet, now=desk.now())
        found = await desk.database.read(due)
        for action_id in found:
            ballot = await desk.database.write(
                partial(
                    tended.tend,
                    desk=desk,
                    owner=self._executor.owner,
                    action_id=action_id,
                    fleet=fleet,
                    now=desk.now(),
                )
            )
            if ballot is None:
                continue
            desk.sender.wake()
            if ballot.freed is not None:
                self._executor.start(ballot.freed)
        if found:
            await copies.show_homes(desk)

    async def _fleet(self, waiting: list[Approval]) -> FleetStatus | None:
        """The fleet as the pollers see it; a solo wait that is over gets a look of its own."""
        now = self._desk.now()
        due = any(each.frees_at is not None and each.frees_at <= now for each in waiting)
        try:
            async with asyncio.timeout(5):
                if due:
                    return await self._desk.coordinator.status()
                return await self._desk.coordinator.status(max_age=self._fleet_age, background=True)
        except (CoordinatorError, TimeoutError):
            return None  # unknown is no change
