"""The run of an approved action that lets trading begin or grow: never sent unless everything still stands.

Before each write one transaction holds the approval against the state it was given in and writes down that it is
being sent; after each write we look whether the fleet was killed meanwhile, and if so send that kill again at once,
because the write may have reached the coordinator after it. What a dead process may have sent already is read first
and sent again only when it did not take effect.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
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
ON_TIME = timedelta()

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
    sent: tuple[str, ...] = ()  # the bots whose start was answered ("" for a release), also before a crash
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
        stored = self.action.outcome.get("sent")
        self.sent = tuple(str(each) for each in stored) if isinstance(stored, list) else ()
        given = [vote.person for vote in found.votes if vote.choice is approvals.Choice.APPROVE]
        return ", ".join(given) or f"{self.action.requested_by} alone"

    # -- the steps ---------------------------------------------------------------------------------------------

    async def send(
        self,
        call: Call,
        post: Callable[[], Awaitable[Answer]],
        *,
        bot: str = "",
        only: tuple[str, ...] | None = None,
        later: timedelta = ON_TIME,
    ) -> None:
        """Send once: held against its approval before, a kill or stop looked for behind; OverError when it may not be.

        ``bot`` is the one that is started, ``only`` as for ``differences``, ``later`` how much longer than the first of
        a sequence it may take. Returns also when no clear answer came: what it did is for the reads to tell.
        """
        pause = AGAIN_SECONDS
        while True:
            await self.allowed(call.shown(self.desk.coordinator_url), only=only, later=later)
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
            await self.note_sent(bot)
            self.writing = False
            return

    async def allowed(
        self,
        what: str,
        *,
        only: tuple[str, ...] | None = None,
        later: timedelta = ON_TIME,
        of_the_fleet: bool = True,
    ) -> None:
        """Hold it against its approval and write down that ``what`` is sent now; OverError when it may not be."""
        while True:
            self.refuse_when_killed()
            await self.desk.recorder.look()
            if self.desk.recorder.behind():
                # A kill may wait in the journal that the database does not know of.
                self._refuse_too_late("a kill may wait in the journal, which is not imported yet")
                await self.desk.recorder.settle()
                await self.wait(AGAIN_SECONDS)
                continue
            fleet = await self.look() if of_the_fleet else None
            begun = self.desk.clock()
            verb = partial(
                record.begin,
                desk=self.desk,
                owner=self.owner,
                action_id=self.action.id,
                fleet=fleet,
                only=only,
                later=ON_TIME if self.begun else later,
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
        """Send a kill or stop again that was accepted while our write was on its way: it may have arrived before it."""
        killed, stopped = await self._overtaken()
        if not (killed or stopped):
            return
        what = "The fleet was killed" if killed else "A stop was accepted"
        told = await self._stop_again(killed=killed)
        again = (
            "so that was sent again; its card tells what was seen."
            if told
            else "and it could NOT be sent again: type /kill now, and look at the fleet's status."
        )
        raise OverError(State.ABANDONED, *self.said, f"{what} while this was under way, {again}")

    async def _overtaken(self) -> tuple[bool, bool]:
        """Whether the fleet was killed, or a bot stopped that this concerns, since it was asked."""
        if self.killed.is_set():
            return True, False
        asked_in = self.asked_in
        try:
            kills, stops = await self.desk.database.read(
                lambda conn: (actions.kills(conn), actions.stops(conn))
            )
        except StorageError:
            return False, False  # the next step waits for the database, and looks again
        return kills != asked_in.kills, sum(stops.get(bot, 0) for bot in asked_in.bots) != asked_in.stops

    async def _stop_again(self, *, killed: bool) -> bool:
        """True when the coordinator took it."""
        coordinator, why = self.desk.coordinator, f"it came while {self.action.id} was on its way"
        for _ in range(KILL_TRIES):
            try:
                if killed:
                    await coordinator.activate_kill(why)
                else:
                    for bot in (self.action.bot,) if self.action.bot else self.started:
                        with contextlib.suppress(Refused):  # it does not run
                            await coordinator.stop(bot, reason=why)
            except CoordinatorError as error:
                log.warning("a stop was not answered", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return True
        return False

    async def note_sent(self, bot: str) -> None:
        """Keep when it was sent first, and for which bots: after a crash nothing is sent again that was answered."""
        at = self.desk.now()
        self.sent += (bot,)
        told = {"said": list(self.said), "sent": list(self.sent)}

        def verb(conn: Connection) -> None:
            raises.progress(conn, self.action.id, told)
            actions.record_sent(conn, self.action.id, at)

        await self.stored(verb)

    def refuse_if_answered(self, bot: str, word: str) -> None:
        """OverError when a process that died had an answer to this, and yet it is not so: somebody undid it."""
        if self.begun and bot in self.sent:
            what = f"{bot} is" if bot else "the kill switch is"
            raise OverError(
                State.ABANDONED,
                *self.said,
                f"It was sent before a restart and {what} {word} now: not sent again.",
            )

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
        told = {"said": list(self.said), "sent": list(self.sent)}
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
