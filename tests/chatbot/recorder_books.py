"""A recorder between a database and a journal that can both fail, and what became of the steps."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

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


@contextlib.asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Books]:
    path, journal = tmp_path / "chatbot.db", tmp_path / "journal" / "journal.jsonl"
    database = Faulty(f"sqlite:///{path}")
    await database.prepare()
    recorder = Recorder(database=database, journal=Journal(journal), limit=LIMIT, now=now)
    yield Books(recorder=recorder, database=database, path=path, journal=journal)
    await database.close()
