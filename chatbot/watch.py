"""Holds the kill: while our latch stands, the fleet is looked at again and again, and stopped again when it moves.

Back ends keep a kill in memory only and forget it on a restart; bots are started behind their back. We never
release by ourselves. The watch acts only once the stop has been seen as complete, so that it never fights a run that
is still at work, nor repeats a kill that a person closed by hand because the back end cannot show it; and never while
an approved release is under way. A kill that was made elsewhere is taken into our record.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.steps import Owing
from chatbot.views import kill as view
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.kill import Doubt, still_moving
from storage import actions, latch, raises
from storage.actions import OPEN, Action, State
from storage.database import StorageError
from storage.latch import Latch

Reassert = Callable[[Latch, tuple[Doubt, ...]], Awaitable[None]]
Adopt = Callable[[int], Awaitable[None]]

NOT_OURS_SECONDS = 0.5
EYES_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Eyes(Protocol):
    """Who is told of every look."""

    async def saw(self, status: FleetStatus) -> None:
        """It was a good one."""

    async def failed(self, error: CoordinatorError) -> None:
        """It showed nothing."""


class Watch:
    """Polls GET /status as long as it runs, and has the kill sent again when the fleet moves against the latch."""

    def __init__(
        self,
        *,
        desk: Desk,
        poll_seconds: float,
        reassert: Reassert,
        adopt: Adopt,
        leads: Callable[[], bool],
        eyes: tuple[Eyes, ...],
    ) -> None:
        self._desk = desk
        self._leads = leads
        self._eyes = eyes
        self._poll_seconds = poll_seconds
        self._reassert = reassert
        self._adopt = adopt
        self._held: Latch | None = None  # as the record said last, for when it cannot be read
        self._kill: Action | None = None
        self._seen_complete: str | None = None  # the kill whose stop was seen as complete here
        self._alarmed: str | None = None  # the kill whose loss was told and, by the policy, not made good

    async def run(self) -> None:
        """Look until cancelled, while this process is the one that polls."""
        while True:
            if not self._leads():
                await asyncio.sleep(NOT_OURS_SECONDS)
                continue
            try:
                await self._look_and_tell()
            except (StorageError, TimeoutError) as error:
                log.warning("no look at the fleet", error=str(error) or "timeout")
            await asyncio.sleep(self._poll_seconds)

    async def _look_and_tell(self) -> None:
        """One look; what it shows, or that it showed nothing, is told to the alerts."""
        try:
            status = await self._read()
        except CoordinatorError as error:
            log.warning("no look at the fleet", error=str(error))
            why = error
            await self._tell(lambda eyes: eyes.failed(why))
            return
        try:
            await self._compare(status)
        except CoordinatorError as error:
            log.warning("no second look at the fleet", error=str(error))
        await self._tell(lambda eyes: eyes.saw(status))

    async def _tell(self, what: Callable[[Eyes], Awaitable[None]]) -> None:
        """Tell all of them; what one cannot take in keeps nothing from the others."""
        for eyes in self._eyes:
            try:
                # A database that hangs must not keep us from looking again.
                async with asyncio.timeout(EYES_SECONDS):
                    await what(eyes)
            except (StorageError, TimeoutError) as failure:
                log.warning("a look was not taken in", error=str(failure) or "timeout")

    async def look(self) -> None:
        """One look: read, compare with the latch, stop again when the fleet moves against it."""
        await self._compare(await self._read())

    async def _read(self) -> FleetStatus:
        status = await self._desk.coordinator.status(max_age=self._poll_seconds / 2, background=True)
        self._desk.metrics.good_poll(self._desk.now())
        return status

    async def _compare(self, status: FleetStatus) -> None:
        known, releasing = True, False
        try:
            # After the read: a release that it shows was begun before it, so it is known here, or over and recorded.
            self._held, self._kill, releasing = await self._desk.database.read(_stands)
        except StorageError as error:
            known = False
            log.warning("the latch cannot be read, going by what it was", error=str(error))
        held, kill = self._held, self._kill
        if held is None:
            # Not while a kill waits in the journal: that one may be the very kill that is seen.
            unknown = known and not releasing and not self._desk.recorder.behind()
            if unknown and status.kill_switch_active is True:
                await self._made_elsewhere()
            return
        if releasing or kill is None or kill.state in OPEN:
            return  # two people release it, or a run is at work on it
        if kill.verified_at is not None and status.observed_at < kill.verified_at <= self._desk.now():
            return  # this read began before the fleet was seen stopped, and says nothing of what came after
        doubts = still_moving(status, self._desk.bots)
        if not doubts:
            self._seen_complete, self._alarmed = kill.id, None
            return
        # What is merely unknown neither sends a kill nor disarms the watch: the next look may show more.
        complete = kill.state is State.VERIFIED or self._seen_complete == kill.id
        if complete and any(doubt.proven for doubt in doubts):
            await self._moved(held, kill, doubts)

    async def _moved(self, held: Latch, kill: Action, doubts: tuple[Doubt, ...]) -> None:
        """The fleet moves against the latch: alarm, and by the policy send the kill again."""
        desk = self._desk
        again = desk.policy.reassert
        if not again and self._alarmed == kill.id:
            return
        self._alarmed = kill.id
        minute = int(desk.now().timestamp() // 60)
        alarm = Owing(
            key=f"mismatch/{kill.id}/{minute}",
            channel=desk.ops,
            payload=view.mismatch(
                doubts, held.engaged_at, desk.contacts, again=again, now=desk.now()
            ).payload(),
            priority=0,
        )
        recorded, entry = await desk.recorder.step(
            "noted",
            once=alarm.key,
            compose=lambda found: (alarm,) if found is not None else (),
            action_id=kill.id,
            at=desk.now().isoformat(),
            actor="chatbot",
            event="no longer held",
            detail={
                "doubts": [f"{each.bot or 'kill switch'}: {each.word}" for each in doubts],
                "reassert": again,
            },
        )
        if recorded and entry is not None:
            desk.sender.wake()
        elif not recorded:
            desk.show_unrecorded((alarm,))
        if again:
            await self._reassert(held, doubts)

    async def _made_elsewhere(self) -> None:
        """The coordinator is killed and our record is not: look once more, for a shared read may be older than that."""
        fresh = await self._desk.coordinator.status()
        held, _, releasing = await self._desk.database.read(_stands)
        behind = self._desk.recorder.behind()
        if held is None and not releasing and not behind and fresh.kill_switch_active is True:
            await self._adopt(await self._desk.database.read(actions.kills))


def _stands(conn: Connection) -> tuple[Latch | None, Action | None, bool]:
    return latch.current(conn), actions.last_kill(conn), raises.release_under_way(conn)
