"""Silences: each begins and ends once, and is kept."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection
from stored_alerts import DAY, HOSTILE, MINUTE, NAIVE, NOW, SECOND, columns

from storage import silences
from storage.database import Database
from storage.schema import PlainText, clean
from storage.silences import SilenceRow


async def begin(database: Database, pattern: str = "ndax", **more: Any) -> SilenceRow:
    said = {"owner": "U1", "reason": "deploy", "at": NOW, "ends_at": NOW + MINUTE} | more
    return await database.write(lambda conn: silences.begin(conn, pattern=pattern, **said))


async def end(database: Database, number: int, at: datetime = NOW, by: str | None = "U2") -> bool:
    return await database.write(lambda conn: silences.end(conn, number, at=at, by=by))


async def test_a_silence_comes_back_as_it_began(database: Database) -> None:
    made = await begin(database)
    assert made == SilenceRow(
        id=made.id,
        pattern="ndax",
        alert_id=None,
        until_resolved=False,
        owner="U1",
        reason="deploy",
        begun_at=NOW,
        ends_at=NOW + MINUTE,
    )
    of_one = await begin(database, "#12", alert_id=12, until_resolved=True)
    assert (of_one.alert_id, of_one.until_resolved) == (12, True)
    assert await database.read(lambda conn: silences.get(conn, of_one.id)) == of_one
    assert await database.read(lambda conn: silences.get(conn, 99)) is None


async def test_what_stands_is_told_oldest_first_and_what_ended_newest_first(database: Database) -> None:
    first = await begin(database, "first", at=NOW + SECOND)  # by the clock it is not the first
    second = await begin(database, "second", ends_at=NOW - DAY)  # its time is over, and nobody ended it
    gone = [await begin(database, name) for name in ("gone", "gone as well", "gone before")]
    for each, at in zip(reversed(gone), (NOW - SECOND, NOW, NOW), strict=True):
        assert await end(database, each.id, at)
    assert await database.read(silences.standing) == [first, second]
    ended = await database.read(lambda conn: silences.ended(conn, 9))
    assert [each.pattern for each in ended] == ["gone as well", "gone", "gone before"]
    assert [each.pattern for each in await database.read(lambda conn: silences.ended(conn, 1))] == [
        "gone as well"
    ]


async def test_a_silence_ends_once_and_says_by_whom(database: Database) -> None:
    made, other = await begin(database), await begin(database)
    assert await end(database, made.id, NOW + SECOND)
    assert not await end(database, made.id, NOW + MINUTE, by="U3")
    assert not await end(database, 99)
    found = await database.read(lambda conn: silences.get(conn, made.id))
    assert found is not None
    assert (found.ended_at, found.ended_by) == (NOW + SECOND, "U2")
    assert await end(database, other.id, by=None)  # its time was over
    found = await database.read(lambda conn: silences.get(conn, other.id))
    assert found is not None
    assert (found.ended_at, found.ended_by) == (NOW, None)


async def test_of_many_who_end_it_or_warn_at_once_one_does(database: Database, url: str) -> None:
    made = await begin(database)
    others = [Database(url) for _ in range(3)]
    for verb in (
        lambda conn: silences.warned(conn, made.id, NOW),
        lambda conn: silences.end(conn, made.id, at=NOW, by="U2"),
    ):
        answers = await asyncio.gather(*(each.write(verb) for each in (database, *others) * 4))
        assert sum(answers) == 1
    await asyncio.gather(*(each.close() for each in others))


async def test_a_warning_is_due_once_and_not_of_what_is_over(database: Database) -> None:
    made, over = await begin(database), await begin(database)
    await end(database, over.id)
    assert await database.write(lambda conn: silences.warned(conn, made.id, NOW))
    assert not await database.write(lambda conn: silences.warned(conn, made.id, NOW + SECOND))
    assert not await database.write(lambda conn: silences.warned(conn, over.id, NOW))
    assert not await database.write(lambda conn: silences.warned(conn, 99, NOW))
    [standing] = await database.read(silences.standing)
    assert standing.warned_at == NOW


async def test_no_text_makes_a_silence_fail(database: Database) -> None:
    assert columns(silences.silences, PlainText) == ["pattern", "owner", "reason", "ended_by"]
    made = await begin(database, HOSTILE, owner=HOSTILE, reason=HOSTILE)
    assert (made.pattern, made.owner, made.reason) == (clean(HOSTILE),) * 3
    assert await end(database, made.id, by=HOSTILE)
    [ended] = await database.read(lambda conn: silences.ended(conn, 9))
    assert ended.ended_by == clean(HOSTILE)


@pytest.mark.parametrize(
    "verb",
    [
        lambda conn: silences.begin(conn, pattern="p", owner="U1", reason="", at=NAIVE, ends_at=NOW),
        lambda conn: silences.begin(conn, pattern="p", owner="U1", reason="", at=NOW, ends_at=NAIVE),
        lambda conn: silences.end(conn, 1, at=NAIVE, by=None),
        lambda conn: silences.warned(conn, 1, NAIVE),
    ],
)
async def test_a_naive_time_is_refused_and_nothing_changed(
    database: Database, verb: Callable[[Connection], object]
) -> None:
    made = await begin(database)
    with pytest.raises(Exception, match="without a zone"):
        await database.write(verb)
    assert await database.read(silences.standing) == [made]
