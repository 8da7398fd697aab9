"""What a run of an action works with: passed in once, so that a run builds nothing itself."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from chatbot.metrics import Metrics
from chatbot.recorder import Recorder
from chatbot.steps import Owing, owe
from commands.coordinator.client import Coordinator
from commands.probes.model import Places
from commands.spec import UserError
from config.runbooks import Runbook
from config.settings import Contact, Policy, Recovery, Windows
from storage.database import Database, StorageError

T = TypeVar("T")

NO_RECORD = (
    "The database does not answer, so nothing was changed: try again in a moment. Stops work all the same."
)


class Messenger(Protocol):
    """Who brings messages to Slack: the sender of a serving process, or nobody in a terminal."""

    def wake(self) -> None:
        """Something new is owed."""

    def show_unrecorded(self, messages: tuple[Owing, ...]) -> None:
        """Bring these without the outbox: the database does not answer."""


class NoMessenger:
    """For a terminal: what is owed waits in the outbox for the serving process."""

    def wake(self) -> None:
        """Nobody to wake."""

    def show_unrecorded(self, messages: tuple[Owing, ...]) -> None:
        """The terminal itself says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The dependencies of a run; `spawn` starts background work that is kept alive and waited for at the end."""

    coordinator: Coordinator
    recorder: Recorder
    database: Database
    sender: Messenger
    metrics: Metrics
    now: Callable[[], datetime]
    clock: Callable[[], float]
    bots: tuple[str, ...]
    ops: str
    coordinator_url: str
    contacts: tuple[Contact, ...]
    warn_seconds: tuple[float, ...]
    watch_seconds: float
    policy: Policy = field(default_factory=Policy)
    approvals: str = ""  # the channel of what waits for a second admin
    admins: tuple[str, ...] = ()  # as configured when the process began
    root: str = "/fleet"
    windows: Windows = field(default_factory=Windows)
    recovery: Recovery = field(default_factory=Recovery)
    places: Places | None = None  # the fleet's directories, where it runs on this host
    runbooks: tuple[Runbook, ...] = ()
    poll_seconds: float = 10.0  # between two looks at the fleet
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; the task is held here until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def show(self, messages: tuple[Owing, ...]) -> None:
        """Owe messages by themselves; without a database they go straight to the sender."""
        now = self.now()
        if not self.recorder.behind():
            try:
                async with asyncio.timeout(2):
                    await self.database.write(lambda conn: owe(conn, messages, now))
            except (StorageError, TimeoutError):
                pass
            else:
                self.sender.wake()
                return
        self.show_unrecorded(messages)

    async def change(self, verb: Callable[[Connection], T]) -> T:
        """What the verb returned, for a person who waits for it; UserError when the database does not answer."""
        try:
            done = await self.database.write(verb)
        except StorageError as error:
            raise UserError(NO_RECORD) from error
        self.sender.wake()
        return done

    async def ask(self, query: Callable[[Connection], T]) -> T:
        """What the query returned, likewise."""
        try:
            return await self.database.read(query)
        except StorageError as error:
            raise UserError("The database does not answer, so it is not known: try again.") from error

    def show_unrecorded(self, messages: tuple[Owing, ...]) -> None:
        """Bring messages without the outbox, which gets the cards among them once the database answers."""
        self.recorder.shown(messages)
        self.sender.show_unrecorded(messages)
