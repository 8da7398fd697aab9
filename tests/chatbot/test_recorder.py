"""The record of a stop while storage fails: never waited for, never lost, never in another order, never twice."""

import asyncio
import contextlib
import fcntl
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from chatbot.recorder import Recorder
from storage import audit
from storage.database import Database, StorageError
from storage.journal import Journal

T = TypeVar("T")
LIMIT = 0.4  # seconds, as configured for a stop
SLACK = 0.35  # seconds a busy machine may add


def now() -> datetime:
    return datetime.now(UTC)


class Faulty(Database):
    """A database that can be slow or say no, as a far one does."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.after: float = 0.0  # seconds from the commit to its answer
        self.no: str | None = None
        self.mistake: Exception | None = None

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool = False) -> T:
        if self.no is not None:
            raise StorageError(self.no)
        if self.mistake is not None:
            raise self.mistake
        result = await super().write(verb, urgent=urgent)
        await asyncio.sleep(self.after)
        return result


@dataclass
class Books:
    """A recorder with its two places."""

    recorder: Recorder
    database: Faulty
    path: Path
    journal: Path

    async def note(self, event: str, *, once: str | None = None) -> bool:
        """Record one thing that was observed: whether it reached the database, within the time a stop grants."""
        begun = time.monotonic()
        stored, _ = await self.recorder.step(
            "noted",
            once=once or event,
            action_id="kill-1",
            at=now().isoformat(),
            actor="chatbot",
            event=event,
            detail={},
        )
        assert time.monotonic() - begun < LIMIT + SLACK
        return stored

    async def kill(self, key: str) -> bool:
        stored, _ = await self.recorder.step(
            "accept",
            at=now().isoformat(),
            owner="me",
            id=f"kill-{key}",
            key=key,
            command="kill",
            bot=None,
            reason="r",
            requested_by="U0ADMIN1",
            source="slack",
            channel=None,
            response_url=None,
        )
        return stored

    def events(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return [event for (event,) in connection.execute("select event from audit order by seq")]

    async def whole(self) -> bool:
        """True when the audit chain holds."""
        return (await self.database.read(audit.verify)).faults == ()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The database as another program holds it."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.close()

    def aside(self) -> list[Path]:
        return list(self.journal.parent.glob("journal.jsonl.imported-*"))


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    path, journal = tmp_path / "chatbot.db", tmp_path / "journal" / "journal.jsonl"
    database = Faulty(f"sqlite:///{path}")
    await database.prepare()
    recorder = Recorder(database=database, journal=Journal(journal), limit=LIMIT, now=now)
    yield Books(recorder=recorder, database=database, path=path, journal=journal)
    await database.close()


async def test_a_step_reaches_the_database_once(books: Books) -> None:
    assert await books.note("sent")
    stored, result = await books.recorder.step(
        "noted", once="sent", action_id="a", at=now().isoformat(), actor="b", event="sent", detail={}
    )
    assert (stored, result) == (True, None)  # the second time it changes nothing
    assert books.events() == ["sent"]
    assert (books.recorder.behind(), books.recorder.problem) == (False, "")
    assert not books.journal.exists()


async def test_a_locked_database_costs_no_more_than_the_limit_and_the_order_is_kept(books: Books) -> None:
    assert await books.note("1 before")
    with books.locked():
        assert not await books.note("2 locked")
        assert "lock" in books.recorder.problem or "long" in books.recorder.problem
        assert await books.recorder.settle() == 0
    # The database answers again, but what waits in the journal comes first.
    assert not await books.note("3 after")
    assert books.recorder.behind()
    assert await books.recorder.settle() >= 2
    assert await books.note("4 settled")
    assert books.events() == ["1 before", "2 locked", "3 after", "4 settled"]
    assert (books.recorder.behind(), books.recorder.problem) == (False, "")
    assert len(books.aside()) == 1  # kept, for whoever wants to compare
    assert await books.recorder.settle() == 0
    assert await books.whole()


async def test_a_commit_that_answers_too_late_is_not_written_twice(books: Books) -> None:
    books.database.after = LIMIT
    assert not await books.note("slow")
    assert not await books.kill("slow")
    books.database.after = 0
    assert await books.recorder.settle() == 2
    assert books.events() == ["slow", "kill accepted"]  # both were committed, only late
    assert await books.whole()


@pytest.mark.parametrize("why", ["the database is read-only", "the disk is full", "the file is gone"])
async def test_a_database_that_says_no_leaves_everything_in_the_journal(books: Books, why: str) -> None:
    books.database.no = why
    assert not await books.kill("first")
    for count in range(5):
        assert not await books.note(f"step {count}")
    assert books.recorder.problem == why
    assert await books.recorder.settle() == 0
    assert len(books.journal.read_text().splitlines()) == 6
    books.database.no = None
    assert await books.recorder.settle() == 6
    assert books.events() == ["kill accepted", *(f"step {count}" for count in range(5))]


async def test_a_database_file_that_vanished_and_came_back(books: Books) -> None:
    books.path.rename(books.path.with_suffix(".away"))
    assert not await books.note("gone")
    books.path.with_suffix(".away").rename(books.path)
    assert await books.recorder.settle() == 1
    assert books.events() == ["gone"]


async def test_without_a_journal_either_steps_are_held_in_memory_in_order(books: Books) -> None:
    books.journal.parent.write_text("a file where the directory should be")
    books.database.no = "the database is gone"
    assert not await books.kill("first")
    assert not await books.note("1")
    assert "neither database nor journal" in books.recorder.problem
    assert books.recorder.behind()
    books.journal.parent.unlink()  # the journal's disk is back: what follows goes behind what waits
    assert not await books.note("2")
    books.database.no = None
    assert not await books.note("3")
    assert await books.recorder.settle() == 4
    assert books.events() == ["kill accepted", "1", "2", "3"]
    assert await books.note("4")
    assert books.recorder.problem == ""


async def test_a_journal_that_cannot_even_be_looked_at_keeps_nothing_out_of_the_database(
    books: Books,
) -> None:
    books.journal.parent.write_text("a file where the directory should be")
    assert await books.kill("first")
    assert await books.note("1")
    assert await books.recorder.settle() == 0
    assert books.events() == ["kill accepted", "1"]


async def test_a_mistake_of_ours_in_the_database_is_no_reason_to_refuse_a_stop(books: Books) -> None:
    books.database.mistake = RuntimeError("nobody foresaw this")
    assert not await books.kill("first")
    assert "RuntimeError" in books.recorder.problem
    books.database.mistake = None
    assert await books.recorder.settle() == 1
    assert books.events() == ["kill accepted"]


async def test_from_memory_alone_into_the_database(books: Books) -> None:
    books.journal.parent.write_text("a file where the directory should be")
    books.database.no = "the database is gone"
    for count in range(3):
        assert not await books.note(f"step {count}")
    books.database.no = None
    assert await books.recorder.settle() == 3
    assert books.events() == ["step 0", "step 1", "step 2"]
    assert not books.recorder.behind()


async def test_a_journal_that_hangs_costs_no_more_than_the_limit(books: Books) -> None:
    books.journal.parent.mkdir()
    books.database.no = "the database is gone"
    with books.journal.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not await books.note("1")
        assert "in time" in books.recorder.problem
        assert not await books.note("2")
    books.database.no = None
    async with asyncio.timeout(10):
        while books.recorder.behind():
            await books.recorder.settle()
            await asyncio.sleep(0.05)
    assert books.events() == ["1", "2"]  # also where the hanging write arrived after all


async def test_settling_twice_at_once_imports_once(books: Books) -> None:
    books.database.no = "gone"
    for count in range(20):
        await books.note(f"step {count}")
    books.database.no = None
    await asyncio.gather(*(books.recorder.settle() for _ in range(5)))
    assert books.events() == [f"step {count}" for count in range(20)]


async def test_two_processes_that_import_the_same_journal_import_it_once(books: Books) -> None:
    books.database.no = "gone"
    await books.kill("first")
    for count in range(5):
        await books.note(f"step {count}")
    books.database.no = None
    other = Recorder(database=books.database, journal=Journal(books.journal), limit=LIMIT, now=now)
    await asyncio.gather(books.recorder.settle(), other.settle())
    assert books.events() == ["kill accepted", *(f"step {count}" for count in range(5))]
    assert await books.whole()


POISON: tuple[Any, ...] = (
    {"step": "drop everything", "once": None, "arguments": {}},
    {"step": "noted", "once": None, "arguments": {"wrong": 1}},
    {
        "step": "noted",
        "once": None,
        "arguments": {"action_id": "a", "at": "yesterday", "actor": "b", "event": "e"},
    },
    {
        "step": "noted",
        "once": {"a": 1},
        "arguments": {
            "action_id": ["a"],
            "at": "2026-01-01T00:00:00+00:00",
            "actor": {},
            "event": 7,
            "detail": None,
        },
    },
    {
        "step": "accept",
        "once": None,
        "arguments": {
            "at": "2026-01-01T00:00:00+00:00",
            "owner": None,
            "id": None,
            "key": None,
            "command": {"kill": True},
            "bot": [],
            "reason": 7,
            "requested_by": None,
            "source": None,
            "channel": None,
            "response_url": None,
        },
    },
    {
        "step": "finished",
        "arguments": {
            "action_id": "a",
            "at": "2026-01-01T00:00:00+00:00",
            "actor": "b",
            "state": "x",
            "outcome": {},
        },
    },
    {"step": ["noted"], "arguments": "none"},
    {},
)


@pytest.mark.parametrize("poison", POISON, ids=range(len(POISON)))
async def test_a_line_that_cannot_be_replayed_keeps_nothing_else_out(books: Books, poison: Any) -> None:
    books.database.no = "gone"
    await books.note("before")
    with books.journal.open("a") as file:
        file.write(json.dumps(poison) + "\n")
    await books.note("after")
    books.database.no = None
    assert await books.recorder.settle() == 3
    assert books.events() == ["before", "journal line not understood", "after"]
    assert await books.whole()
    assert await books.note("and on")


async def test_a_torn_or_foreign_line_is_passed_over(books: Books) -> None:
    books.database.no = "gone"
    await books.note("before")
    with books.journal.open("ab") as file:
        file.write(b'\xff\xfe garbage\n[1, 2]\n{"step": "noted", "argu')
    await books.note("after")
    books.database.no = None
    assert await books.recorder.settle() == 2
    assert books.events() == ["before", "after"]
