"""The record of a stop while storage fails: never waited for, never lost, never in another order, never twice."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from recorder_books import LIMIT, Books, now, opened


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    async with opened(tmp_path) as books:
        yield books


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
