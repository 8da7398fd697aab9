"""Bringing the journal into the database: once, whoever does it, and whatever stands in it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from recorder_books import LIMIT, Books, now, opened

from chatbot.recorder import Recorder
from storage.journal import Journal


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with opened(tmp_path) as books:
        yield books


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
