"""Runs accepted actions: at once when this process accepted them, after a crash when their lease has run out.

A claim is a row owned for a few seconds and renewed while the run lives. Recovery only claims; the run itself is the
same as for a fresh action, and every stop may safely be sent twice.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from chatbot.desk import Desk
from chatbot.killing import KillRun
from chatbot.raising.run import RaiseRun
from chatbot.steps import LEASE
from chatbot.stopping import BotRun
from storage import actions
from storage.actions import STOPS, Action, State
from storage.database import Database, StorageError

TICK_SECONDS = 1.0
RENEW_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Executor:
    """Holds the runs of this process; `owner` is the name under which it claims."""

    def __init__(self, *, desk: Desk, database: Database, owner: str, now: Callable[[], datetime]) -> None:
        self.owner = owner
        self._desk = desk
        self._database = database
        self._now = now
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._kills: dict[str, KillRun] = {}
        self._raises: dict[str, RaiseRun] = {}

    def start(self, action: Action, *, recorded: bool = True, resumed: bool = False) -> None:
        """Run an action that this process owns; a second call for the same one changes nothing."""
        if action.id in self._tasks:
            return
        run: KillRun | BotRun | RaiseRun
        if action.command == "kill":
            run = self._kills[action.id] = KillRun(
                action=action, desk=self._desk, recorded=recorded, resumed=resumed
            )
            self.abandon_starts()
        elif action.command in STOPS:
            run = BotRun(action=action, desk=self._desk, maybe_posted=resumed or not recorded)
        else:
            run = self._raises[action.id] = RaiseRun(
                action=action, desk=self._desk, owner=self.owner, resumed=resumed
            )
        task = asyncio.get_running_loop().create_task(run.run(), name=action.id)
        self._tasks[action.id] = task
        task.add_done_callback(lambda done: self._ended(action, done))

    def abandon_starts(self) -> None:
        """The fleet is killed: nothing that was approved sends anything more."""
        for run in self._raises.values():
            run.abandon()

    def kill_run(self, action_id: str | None = None) -> KillRun | None:
        """The running kill of that id, or the oldest one when none is named; never one that is over."""
        for run in self._kills.values():
            if not run.over and action_id in (None, run.id):
                return run
        return None

    async def wait_for(self, action_id: str) -> None:
        """Wait until the run of this action has ended in this process."""
        task = self._tasks.get(action_id)
        if task is not None:
            await asyncio.wait({task})

    @property
    def running(self) -> int:
        """How many actions run here."""
        return len(self._tasks)

    def _ended(self, action: Action, task: asyncio.Task[None]) -> None:
        self._tasks.pop(action.id, None)
        self._kills.pop(action.id, None)
        self._raises.pop(action.id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The row stays claimed; its lease runs out and the run starts anew. A stop never ends in an error.
            log.error(
                "a run failed and will be taken up again", action=action.id, error=repr(error), exc_info=error
            )

    async def keep(self) -> None:
        """Renew what runs here until cancelled, for a process that takes up nothing else."""
        while True:
            try:
                await self._renew()
            except (StorageError, TimeoutError) as error:
                log.warning("a claim was not renewed", error=str(error) or "timeout")
            await asyncio.sleep(RENEW_SECONDS)

    async def run(self) -> None:
        """Claim what nobody runs and renew what runs here, until cancelled."""
        renewed = 0.0
        while True:
            try:
                if self._desk.clock() - renewed >= RENEW_SECONDS:
                    await self._renew()
                    renewed = self._desk.clock()
                await self._claim()
            except (StorageError, TimeoutError) as error:
                log.warning("cannot look for actions", error=str(error) or "timeout")
            await asyncio.sleep(TICK_SECONDS)

    async def take_over(self) -> None:
        """Claim at once what an earlier process of this single machine left behind when it died."""
        now = self._now()
        prefix = self.owner.partition(":")[0] + ":"
        left = await self._database.write(
            lambda conn: actions.take_over(
                conn, owner=self.owner, owners_prefix=prefix, now=now, lease_until=now + LEASE
            )
        )
        for action in left:
            self._resume(action)

    async def _claim(self) -> None:
        now = self._now()
        if not await self._database.read(lambda conn: actions.claimable(conn, now=now)):
            return
        claimed = await self._database.write(
            lambda conn: actions.claim(conn, owner=self.owner, now=now, lease_until=now + LEASE, limit=20),
            urgent=True,
        )
        for action in claimed:
            self._resume(action)

    def _resume(self, action: Action) -> None:
        if action.id not in self._tasks:
            log.info("taking up an action", action=action.id, command=action.command)
            self.start(action, resumed=True)

    async def _renew(self) -> None:
        if not self._tasks:
            return
        ids = tuple(self._tasks)
        until = self._now() + LEASE
        async with asyncio.timeout(RENEW_SECONDS):
            ours = await self._database.write(
                lambda conn: actions.renew(conn, owner=self.owner, ids=ids, lease_until=until), urgent=True
            )
            for lost in set(ids) - ours:
                await self._leave(lost)

    async def _leave(self, action_id: str) -> None:
        """Stop working on what was closed elsewhere or is run by somebody else; what is only journaled goes on."""
        stored = await self._database.read(lambda conn: actions.get(conn, action_id))
        task, run = self._tasks.get(action_id), self._kills.get(action_id)
        if stored is None or task is None or stored.claimed_by == self.owner:
            return
        log.info("leaving an action", action=action_id, state=stored.state.value)
        if run is not None and stored.state is State.CLOSED:
            run.close(
                stored.closed_by or "", stored.close_reason or ""
            )  # by another process: its card is ours
        elif action_id not in self._raises:
            # One of those notices by itself, and first looks behind what it sent.
            task.cancel()

    async def stop(self, grace: float) -> None:
        """Let running actions end within ``grace`` seconds; what is left is freed for whoever comes next."""
        at_work = {task for name, task in self._tasks.items() if not self._only_watching(name)}
        if at_work:
            await asyncio.wait(at_work, timeout=grace)
        await self.hand_over(tuple(self._tasks))
        left = [task for task in self._tasks.values() if not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _only_watching(self, action_id: str) -> bool:
        """True for what the next process can watch just as well: a kill seen complete, a start that is read back."""
        run, raising = self._kills.get(action_id), self._raises.get(action_id)
        return (run is not None and run.settled) or (raising is not None and raising.only_reading)

    async def hand_over(self, ids: tuple[str, ...]) -> None:
        """Give claims back at once, so that the next process need not wait for their leases."""
        if not ids:
            return
        now = self._now()
        try:
            await self._database.write(
                lambda conn: actions.renew(conn, owner=self.owner, ids=ids, lease_until=now)
            )
        except StorageError as error:
            log.warning("claims were not given back; their leases run out by themselves", error=str(error))
