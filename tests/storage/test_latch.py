"""The latch: at most one stands, and the first reason, person and time are kept."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, update

from storage import latch
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


async def engaged(
    database: Database, by: str, at: datetime = NOW, reason: str = ""
) -> tuple[latch.Latch, bool]:
    return await database.write(
        lambda conn: latch.engage(conn, by=by, reason=reason, action_id=f"kill-{by}", at=at)
    )


async def release(database: Database, at: datetime) -> None:
    def work(conn: Connection) -> None:
        conn.execute(update(latch.latches).values(released_at=at, released_by="U9"))

    await database.write(work)


async def test_the_first_reason_and_time_are_kept(database: Database) -> None:
    assert await database.read(latch.current) is None
    assert await database.read(latch.last) is None
    first, new = await engaged(database, "U1")
    second, again = await engaged(database, "U2", NOW + timedelta(minutes=1), "other")
    assert (new, again) == (True, False)
    assert second == first
    assert await database.read(latch.current) == first


async def test_of_many_at_the_same_moment_one_engages(database: Database, url: str) -> None:
    others = [Database(url) for _ in range(4)]
    answers = await asyncio.gather(*(engaged(each, f"U{n}") for n, each in enumerate((database, *others))))
    await asyncio.gather(*(each.close() for each in others))
    assert sum(new for _, new in answers) == 1
    assert len({stood for stood, _ in answers}) == 1


async def test_what_comes_later_is_added_once(database: Database) -> None:
    stood, _ = await engaged(database, "U1")
    later = NOW + timedelta(seconds=9)

    def work(conn: Connection) -> list[bool]:
        return [
            latch.record_verified(conn, stood.id, NOW),
            latch.record_verified(conn, stood.id, later),
            latch.record_reason(conn, stood.id, "bad fills"),
            latch.record_reason(conn, stood.id, "something else"),
        ]

    assert await database.write(work) == [True, False, True, False]
    now = await database.read(latch.current)
    assert now is not None
    assert (now.verified_at, now.reason) == (NOW, "bad fills")


async def test_after_a_release_another_one_can_stand_and_all_are_counted(database: Database) -> None:
    await engaged(database, "U1")
    await release(database, NOW + timedelta(hours=1))
    assert await database.read(latch.current) is None
    second, new = await engaged(database, "U2", NOW + timedelta(hours=2))
    assert new
    assert await database.read(latch.last) == second
    for since, count in ((NOW, 2), (NOW + timedelta(seconds=1), 1), (NOW + timedelta(hours=3), 0)):
        assert await database.read(lambda conn, since=since: latch.engaged_since(conn, since)) == count
