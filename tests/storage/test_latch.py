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


async def test_after_a_release_another_one_can_stand_and_all_are_found(database: Database) -> None:
    first, _ = await engaged(database, "U1")
    await release(database, NOW + timedelta(hours=1))
    assert await database.read(latch.current) is None
    second, new = await engaged(database, "U2", NOW + timedelta(hours=2))
    assert new
    assert await database.read(latch.last) == second
    for since, ids in (
        (NOW, [first.id, second.id]),
        (NOW + timedelta(seconds=1), [second.id]),
        (NOW + timedelta(hours=3), [second.id]),  # however old it is, it stands
    ):
        found = await database.read(lambda conn, since=since: latch.since(conn, since))
        assert [each.id for each in found] == ids


async def test_a_release_lets_go_once_and_says_who(database: Database) -> None:
    held, _ = await engaged(database, "U1")
    later = NOW + timedelta(hours=1)
    assert await database.write(lambda conn: latch.release(conn, held.id, by="override-1", at=later))
    assert not await database.write(lambda conn: latch.release(conn, held.id, by="override-2", at=later))
    last = await database.read(latch.last)
    assert last is not None
    assert (last.released_at, last.released_by) == (later, "override-1")


async def test_a_further_kill_counts_anew_and_ends_a_drill(database: Database) -> None:
    def drill(conn: Connection) -> latch.Latch:
        return latch.engage(conn, by="U1", reason="drill", action_id="kill-1", at=NOW, drill=True)[0]

    held = await database.write(drill)
    assert held.drill
    for minutes, is_drill, wanted in ((5, True, True), (10, False, False), (7, True, False)):
        at = NOW + timedelta(minutes=minutes)

        def again(conn: Connection, at: datetime = at, is_drill: bool = is_drill) -> None:
            standing = latch.current(conn)
            assert standing is not None
            latch.again(conn, standing, at=at, drill=is_drill)

        await database.write(again)
        now = await database.read(latch.current)
        assert now is not None
        assert now.drill is wanted
    assert now.again_at == NOW + timedelta(minutes=10)  # the newest, in whatever order they come
    assert now.engaged_at == NOW
