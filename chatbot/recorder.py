"""Where the steps of a stop are written down: the database, else a journal file, else memory. Never a reason to wait.

While anything waits in the journal or in memory, later steps follow it there, so that the order is kept; `settle`
replays them into the database once it answers again.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

import structlog
from sqlalchemy import Connection

from chatbot import steps
from chatbot.steps import Compose, Owing, no_messages
from storage import audit
from storage.database import Database, StorageError
from storage.errors import told
from storage.journal import Journal

DATABASE_SHARE = 0.7  # of the time a stop grants storage; the rest is left for the journal's fsync
SETTLE_SECONDS = 10.0
AT_ONCE = 50  # steps replayed in one transaction: a commit each would let a full journal lag for seconds

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Recorder:
    """Writes steps; `problem` tells in words why they do not reach the database, or is empty."""

    def __init__(
        self, *, database: Database, journal: Journal, limit: float, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._journal = journal
        self._limit = limit
        self._now = now
        self._memory: deque[Mapping[str, Any]] = deque()
        self._journaled_ahead = _pending(journal)  # kept here: a hung disk must not hold up the next step
        self._appended = 0
        self._cards: dict[str, Owing] = {}  # the newest of each that was shown without the outbox
        self._settling = asyncio.Lock()
        self.problem = ""
        self.imported: Callable[[tuple[str, ...]], Awaitable[None]] | None = None
        """Told the ids of the actions that were just imported."""

    def behind(self) -> bool:
        """True while steps wait outside the database."""
        return bool(self._memory) or self._journaled_ahead

    @property
    def in_memory_only(self) -> bool:
        """True while steps are neither in the database nor in the journal: they are lost when this process ends."""
        return bool(self._memory)

    async def step(
        self, step: str, *, once: str | None = None, compose: Compose = no_messages, **arguments: Any
    ) -> tuple[bool, Any]:
        """Write one step within the limit: (True, its result) from the database, (False, None) when it was journaled.

        ``once`` is the key under which the step is run at most once. A database that answers after the limit may still
        commit it; the replay then finds the key and changes nothing.
        """
        if not self.behind():
            verb = partial(
                steps.run, step=step, once=once, arguments=arguments, compose=compose, now=self._now()
            )
            try:
                async with asyncio.timeout(self._limit * DATABASE_SHARE):
                    result = await self._database.write(verb, urgent=True)
            except TimeoutError:
                self._trouble("the database takes too long")
            except StorageError as error:
                self._trouble(str(error))
            except Exception as error:  # a mistake of ours must not stand before a stop either
                log.exception("a step could not be written", step=step)
                self._trouble(f"a step could not be written ({type(error).__name__})")
            else:
                self.problem = ""
                return True, result
        await self._keep({"step": step, "once": once, "arguments": arguments})
        return False, None

    async def _keep(self, record: Mapping[str, Any]) -> None:
        if not self._memory:
            try:
                async with asyncio.timeout(self._limit * (1 - DATABASE_SHARE)):
                    await in_thread(self._journal.append, record)
            except TimeoutError:
                # The thread goes on and may still write it; a second copy is harmless, a lost one is not.
                self._trouble("neither database nor journal answers in time")
            except OSError as error:
                self._trouble(
                    f"neither database nor journal can be written ({error.strerror or type(error).__name__})"
                )
            else:
                self._journaled_ahead = True
                self._appended += 1
                return
        self._memory.append(record)

    def _trouble(self, words: str) -> None:
        if self.problem != words:
            log.error("a step was not written to the database", problem=words)
        self.problem = words

    async def _flush(self) -> None:
        """Bring what is held in memory to the journal, as far as that can be written again."""
        while self._memory:
            try:
                await in_thread(self._journal.append, self._memory[0])
            except OSError:
                return
            self._memory.popleft()

    def shown(self, messages: tuple[Owing, ...]) -> None:
        """Note the cards among what is shown without the outbox; ``settle`` owes them.

        The outbox may still hold an older drawing, which would otherwise be the last word on a card.
        """
        if self.behind():
            cards = (each for each in messages if each.thread_key is None and each.response_url is None)
            self._cards |= {card.key: replace(card, maybe_posted=True) for card in cards}

    async def left_open(self) -> list[Mapping[str, Any]]:
        """What was accepted into the journal and has no end there: the arguments of each acceptance, oldest first."""
        steps_taken = [(each.get("step"), each.get("arguments")) for each in await self._journaled()]
        known = [(step, arguments) for step, arguments in steps_taken if isinstance(arguments, dict)]
        ended = {arguments.get("action_id") for step, arguments in known if step in steps.ENDS}
        return [
            arguments for step, arguments in known if step == "accept" and arguments.get("id") not in ended
        ]

    async def _journaled(self) -> list[dict[str, Any]]:
        """The records of the journal; none when the disk does not let us read it: then the rest has to go on."""
        try:
            return await in_thread(self._journal.read)
        except OSError as error:
            self._trouble(f"the journal cannot be read ({error.strerror or type(error).__name__})")
            return []

    async def look(self) -> None:
        """See whether anything waits in the journal, also from other processes."""
        before = self._appended
        found = await in_thread(_pending, self._journal)
        if self._appended == before:  # else the journal grew meanwhile, and that is known already
            self._journaled_ahead = found

    async def settle(self) -> int:
        """Replay what waits into the database; returns how many steps, 0 when nothing waits or it still fails."""
        if self._settling.locked():
            return 0
        async with self._settling:
            await self.look()
            if not self.behind():
                return 0
            await self._flush()
            records = await self._journaled()
            held = len(self._memory)
            waiting = [*records, *self._memory]
            cards, self._cards = self._cards, {}
            try:
                async with asyncio.timeout(SETTLE_SECONDS):
                    for start in range(0, len(waiting), AT_ONCE):
                        some = waiting[start : start + AT_ONCE]
                        await self._database.write(partial(_replay_all, records=some, now=self._now()))
                    # Before the journal is put aside: from then on steps are written with newer drawings.
                    owing = tuple(cards.values())
                    if owing:
                        await self._database.write(partial(steps.owe, owing=owing, now=self._now()))
            except (StorageError, TimeoutError) as error:
                self._trouble(str(error) or "the database takes too long")
                self._cards = cards | self._cards
                return 0
            accepted = [each.get("arguments") for each in waiting if each.get("step") == "accept"]
            ids = tuple(str(each["id"]) for each in accepted if isinstance(each, dict) and "id" in each)
            if ids and self.imported is not None:
                with contextlib.suppress(StorageError):  # a card, not the record: the next change draws it
                    await self.imported(ids)
            for _ in range(held):  # what came meanwhile stays for the next time
                self._memory.popleft()
            try:
                await in_thread(self._journal.clear, records)
            except OSError as error:  # replayed again next time, which changes nothing
                self._trouble(f"the journal cannot be put aside ({error.strerror or type(error).__name__})")
            await self.look()
            if not self.behind():
                self.problem = ""
            if waiting:
                log.info("journaled steps are in the database now", count=len(waiting))
            return len(waiting)


def _replay_all(conn: Connection, *, records: Sequence[Mapping[str, Any]], now: datetime) -> None:
    for record in records:
        _replay(conn, record=record, now=now)


def _replay(conn: Connection, *, record: Mapping[str, Any], now: datetime) -> None:
    name, arguments = record.get("step"), record.get("arguments")
    if not isinstance(name, str) or name not in steps.STEPS or not isinstance(arguments, dict):
        _not_understood(conn, record, now, "unknown step")
        return
    if name == "accept":
        # Accepted by a process that has taken care of it or has died since: anyone may take it up now.
        arguments = {**arguments, "journaled": True}
    once = record.get("once")
    try:
        with conn.begin_nested():
            steps.run(
                conn,
                step=name,
                once=once if isinstance(once, str) else None,
                arguments=arguments,
                compose=no_messages,
                now=now,
            )
    except Exception as error:
        if isinstance(told(error), StorageError):
            raise
        # One line that cannot be replayed must not keep the rest out; the archived file still holds it.
        _not_understood(conn, record, now, type(error).__name__)


def _not_understood(conn: Connection, record: Mapping[str, Any], now: datetime, why: str) -> None:
    detail = {"line": str(record)[:500], "why": why}
    audit.append(
        conn, at=now, actor="chatbot", event="journal line not understood", subject="journal", detail=detail
    )


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """What the work returned, from a thread that does not keep the program from ending when its disk hangs."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(cast("T", result))
            else:
                future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work(*arguments)
        except Exception as error:  # noqa: BLE001 - it belongs to the one who waits
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, daemon=True, name="journal").start()
    return await future


def _pending(journal: Journal) -> bool:
    try:
        return journal.pending
    except OSError:
        return False
