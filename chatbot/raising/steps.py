"""The run of an approved action that lets trading begin or grow: never sent unless everything still stands.

Before each write one transaction holds the approval against the state it was given in and writes down that it is
being sent; after each write we look whether the fleet was killed meanwhile, and if so send that kill again at once,
because the write may have reached the coordinator after it. What a dead process may have sent already is read first
and sent again only when it did not take effect.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.raising import record
from chatbot.steps import LEASE
from commands.calls import Call
from commands.coordinator.errors import CoordinatorError, RateLimited, Refused
from commands.coordinator.model import Answer, FleetStatus
from commands.standing import Facts
from storage import actions, approvals, raises
from storage.actions import Action, State
from storage.approvals import Approval
from storage.database import StorageError

AGAIN_SECONDS = 0.5  # between two tries, doubled up to LAST_AGAIN
LAST_AGAIN = 5.0
FIRST_LOOK = 0.1  # seconds between the first reads of what was sent, doubled up to LAST_LOOK
LAST_LOOK = 2.0  # thirty in a minute: half of what the back end allows an endpoint, and a stop needs the rest
KILL_TRIES = 5

T = TypeVar("T")

log = structlog.get_logger(__name__)


class OverError(Exception):
    """Ends a run: in which state, and what is said of it."""

    def __init__(self, state: State, *said: str) -> None:
        super().__init__(*said)
        self.state, self.said = state, said


@dataclass(slots=True, kw_only=True)
class Raise:
    """What the run of one approved action knows, and the steps that all of them are made of."""

    action: Action
    desk: Desk
    owner: str
    resumed: bool  # begun by another process, which may have sent already
    approval: Approval | None = None
    said: list[str] = field(default_factory=list)  # what was observed so far
    tried: bool = False  # something of it was sent from here
    writing: bool = False  # a write is under way or not yet written down
    killed: asyncio.Event = field(default_factory=asyncio.Event)

    # -- what it goes by ---------------------------------------------------------------------------------------

    @property
    def asked_in(self) -> Facts:
        """The facts it was approved in."""
        return Facts.from_json(self._approval.asked["facts"])

    @property
    def started(self) -> tuple[str, ...]:
        """The bots that a sequence starts, as they were shown when it was asked."""
        return tuple(self._approval.asked.get("started", ()))

    @property
    def begun(self) -> bool:
        """True when something of it may have been sent by a process that died."""
        return self.resumed and self.action.begun_at is not None

    @property
    def _approval(self) -> Approval:
        if self.approval is None:
            raise LookupError(f"{self.action.id} has no approval")
        return self.approval

    async def load(self) -> str:
        """Read the approval; returns who gave it, for the coordinator."""
        found = await self.stored(lambda conn: approvals.request(conn, self.action.id), reading=True)
        if found is None:
            raise OverError(State.VOID, "No approval of it is stored, so nothing was sent.")
        self.approval = found.approval
        given = [vote.person for vote in found.votes if vote.choice is approvals.Choice.APPROVE]
        return ", ".join(given) or f"{self.action.requested_by} alone"

    # -- the steps ---------------------------------------------------------------------------------------------

    async def send(
        self,
        call: Call,
        post: Callable[[], Awaitable[Answer]],
        *,
        fleet_matters: bool,
        in_time: bool = True,
    ) -> None:
        """Send once: held against the approval before, looked after a kill behind; OverError when it may not be.

        Returns also when no clear answer came: what it did is for the reads to tell.
        """
        pause = AGAIN_SECONDS
        while True:
            what = call.shown(self.desk.coordinator_url)
            await self.allowed(what, fleet_matters=fleet_matters, in_time=in_time)
            self.tried = self.writing = True
            try:
                await post()
            except RateLimited as error:
                # Nothing was done, so it may be tried again; everything is held against the approval anew.
                log.warning("the coordinator asks to wait", error=str(error))
                self.writing = False
                await self.after_write()
                await self.wait(min(max(error.retry_after or pause, pause), 30.0))
                pause = min(pause * 2, LAST_AGAIN)
                continue
            except Refused as error:
                await self.after_write()
                raise OverError(State.FAILED, *self.said, str(error)) from error
            except CoordinatorError as error:
                log.warning("no clear answer, reading back", error=str(error))
            await self.after_write()
            await self.note_sent()
            self.writing = False
            return

    async def allowed(self, what: str, *, fleet_matters: bool, in_time: bool) -> None:
        """Hold it against its approval and write down that ``what`` is sent now; OverError when it may not be."""
        while True:
            self.refuse_when_killed()
            if (
                self.desk.recorder.behind()
            ):  # a kill may wait in the journal that the database does not know of
                self._refuse_too_late("a kill may wait in the journal, which is not imported yet")
                await self.wait(AGAIN_SECONDS)
                continue
            fleet = await self.look() if fleet_matters else None
            begun = self.desk.clock()
            verb = partial(
                record.begin,
                desk=self.desk,
                owner=self.owner,
                action_id=self.action.id,
                fleet=fleet,
                fleet_matters=fleet_matters,
                in_time=in_time or self.begun,
                what=what,
                now=self.desk.now(),
            )
            problem = await self.stored(verb)
            if problem is not None:
                raise OverError(self.given_up, *self.said, f"Not sent: {' and '.join(problem)}.")
            self.refuse_when_killed()
            if self.desk.clock() - begun < LEASE.total_seconds() / 2:
                return
            # This process stood still for so long that another may have taken the action over: look again.

    @property
    def given_up(self) -> State:
        """The state of an action that is not carried on with."""
        return State.ABANDONED if self.tried or self.said or self.begun else State.VOID

    def refuse_when_killed(self) -> None:
        """OverError once this process has accepted a kill."""
        if self.killed.is_set():
            raise OverError(
                self.given_up,
                *self.said,
                "The fleet was killed, so nothing more of it is sent; whatever it started is stopped with the rest.",
            )

    async def after_write(self) -> None:
        """Send the kill again if one was accepted while our write was on its way: it may have arrived later."""
        if not await self._newer_kill():
            return
        for _ in range(KILL_TRIES):
            try:
                await self.desk.coordinator.activate_kill(
                    f"a kill came while {self.action.id} was on its way"
                )
                break
            except CoordinatorError as error:
                log.warning("the kill was not answered", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
        raise OverError(
            State.ABANDONED,
            *self.said,
            "The fleet was killed while this was on its way, so the kill was sent again; its card tells what was seen.",
        )

    async def _newer_kill(self) -> bool:
        if self.killed.is_set():
            return True
        try:
            kills = await self.desk.database.read(actions.kills)
        except StorageError:
            return False  # the next step waits for the database, and looks again
        return kills != self.asked_in.kills

    async def note_sent(self) -> None:
        """Keep when it was sent first."""
        at = self.desk.now()
        await self.stored(lambda conn: actions.record_sent(conn, self.action.id, at))

    async def look(self) -> FleetStatus:
        """The fleet as it is now, however long it takes to be told; OverError once that makes no sense any more."""
        pause = AGAIN_SECONDS
        while True:
            self.refuse_when_killed()
            try:
                return await self.desk.coordinator.read_back()
            except CoordinatorError as error:
                self._refuse_too_late(f"what the fleet does could not be read: {error}")
                await self.wait(pause)
                pause = min(pause * 2, LAST_AGAIN)

    def _refuse_too_late(self, why: str) -> None:
        good_until = self._approval.good_until
        if good_until is None or self.desk.now() >= good_until:
            raise OverError(self.given_up, *self.said, f"Given up, because {why}")

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until the fleet is killed."""
        try:
            async with asyncio.timeout(seconds):
                await self.killed.wait()
        except TimeoutError:
            return
        self.refuse_when_killed()

    async def seen(
        self,
        wanted: Callable[[FleetStatus], bool],
        *,
        times: int,
        gap: float,
        failed: Callable[[FleetStatus], str | None],
    ) -> FleetStatus | None:
        """The read that showed ``wanted`` for the last of so many times in a row; ``None`` when that took too long.

        ``failed`` says in words why waiting makes no sense any more, else ``None``.
        """
        deadline = self.desk.now().timestamp() + self.desk.policy.start_timeout_seconds
        good, pause = 0, FIRST_LOOK
        while True:
            try:
                status: FleetStatus | None = await self.desk.coordinator.read_back()
            except CoordinatorError as error:
                log.warning("no read", error=str(error))
                status = None
            await self.after_write()
            if status is not None and wanted(status):
                good += 1
                if good >= times:
                    return status
                await self.wait(gap)
                continue
            good = 0
            why = failed(status) if status is not None else None
            if why is not None:
                raise OverError(State.FAILED, *self.said, why)
            if self.desk.now().timestamp() >= deadline:
                return None
            await self.wait(pause)
            pause = min(pause * 2, LAST_LOOK)

    async def keep(self, *said: str) -> None:
        """Write down what was observed so far, for whoever goes on after a crash."""
        self.said += said
        told = {"said": list(self.said)}
        await self.stored(lambda conn: raises.progress(conn, self.action.id, told))

    async def stored(self, verb: Callable[[Connection], T], *, reading: bool = False) -> T:
        """The verb's result, however long the database takes to answer: what was seen must not get lost."""
        while True:
            try:
                if reading:
                    return await self.desk.database.read(verb)
                return await self.desk.database.write(verb, urgent=True)
            except StorageError as error:
                log.warning("the database does not answer an approved action", error=str(error))
                await asyncio.sleep(1.0)

    async def finish(self, state: State, *said: str, release: int | None = None, **seen: Any) -> None:
        """End it with what was seen."""
        outcome = {"said": list(said), **seen}
        verb = partial(
            record.finish,
            desk=self.desk,
            owner=self.owner,
            action_id=self.action.id,
            state=state,
            outcome=outcome,
            now=self.desk.now(),
            release=release,
        )
        await self.stored(verb)
        self.desk.sender.wake()
        self.desk.metrics.action(self.action.command, state.value)
