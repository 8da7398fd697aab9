"""Times without watch are kept, and found by when they ended."""

import pytest
from stored_alerts import DAY, HOSTILE, NAIVE, NOW, SECOND

from storage import gaps
from storage.database import Database
from storage.gaps import GapRow
from storage.schema import clean


async def record(database: Database, why: str, *, begins: int, ends: int) -> None:
    await database.write(
        lambda conn: gaps.record(conn, begins=NOW + begins * SECOND, ends=NOW + ends * SECOND, why=why)
    )


async def test_gaps_that_ended_since_then_are_told_oldest_first(database: Database) -> None:
    assert await database.read(lambda conn: gaps.since(conn, NOW)) == []
    await record(database, "newest", begins=5, ends=9)
    await record(database, "ended before", begins=-9, ends=-1)
    await record(database, "began before, ends at that moment", begins=-9, ends=0)
    await record(database, "long", begins=-9, ends=8)
    found = await database.read(lambda conn: gaps.since(conn, NOW))
    assert found == [
        GapRow(id=3, begins=NOW - 9 * SECOND, ends=NOW, why="began before, ends at that moment"),
        GapRow(id=4, begins=NOW - 9 * SECOND, ends=NOW + 8 * SECOND, why="long"),
        GapRow(id=1, begins=NOW + 5 * SECOND, ends=NOW + 9 * SECOND, why="newest"),
    ]
    assert len(await database.read(lambda conn: gaps.since(conn, NOW - DAY))) == 4


async def test_no_text_makes_a_gap_fail(database: Database) -> None:
    await record(database, HOSTILE, begins=0, ends=1)
    [found] = await database.read(lambda conn: gaps.since(conn, NOW))
    assert found.why == clean(HOSTILE)


async def test_naive_times_are_refused_and_nothing_stored(database: Database) -> None:
    for begins, ends in ((NAIVE, NOW), (NOW, NAIVE)):
        with pytest.raises(Exception, match="without a zone"):
            await database.write(
                lambda conn, begins=begins, ends=ends: gaps.record(conn, begins=begins, ends=ends, why="")
            )
    with pytest.raises(Exception, match="without a zone"):
        await database.read(lambda conn: gaps.since(conn, NAIVE))
    assert await database.read(lambda conn: gaps.since(conn, NOW - DAY)) == []
