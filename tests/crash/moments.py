"""How a moment is waited for, or held, from outside the bot."""

import asyncio
import contextlib
import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 45.0  # seconds until a condition counts as never met; generous, for machines are shared


async def until(met: Callable[[], T], what: str) -> T:
    """The first true answer of ``met``, or an AssertionError that says what never came."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := met()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        await asyncio.sleep(0.01)
    return answer


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the database as another program would: nobody can write a row."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=PATIENCE)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


@contextlib.contextmanager
def undecided(database: Path, journal: Path) -> Iterator[None]:
    """Hold the journal as well: for as long as a stop grants storage, it is neither accepted nor sent."""
    with locked(database), journal.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
