"""Authenticators: each time step counts once, and guessing locks."""

import asyncio
from datetime import UTC, datetime, timedelta

from storage import totp
from storage.database import Database
from storage.totp import MOST_FAILURES, WINDOW

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


async def enrolled(database: Database, *, replace: bool = False, sealed: str = "s1") -> bool:
    return await database.write(
        lambda conn: totp.enroll(conn, person="U1", sealed=sealed, by="root", at=NOW, replace=replace)
    )


async def test_one_secret_a_person_unless_it_is_replaced(database: Database) -> None:
    assert await enrolled(database)
    assert not await enrolled(database, sealed="s2")
    assert await database.write(lambda conn: totp.use(conn, "U1", 5, NOW))
    assert await enrolled(database, sealed="s3", replace=True)
    found = await database.read(lambda conn: totp.get(conn, "U1"))
    assert found is not None
    assert (found.sealed, found.last_step, found.failures, found.locked_until) == ("s3", 0, 0, None)
    assert [each.person for each in await database.read(totp.everybody)] == ["U1"]
    assert await database.write(lambda conn: totp.remove(conn, "U1"))
    assert not await database.write(lambda conn: totp.remove(conn, "U1"))
    assert await database.read(lambda conn: totp.get(conn, "U1")) is None


async def test_of_many_one_uses_a_step_and_none_an_older_one(database: Database, url: str) -> None:
    await enrolled(database)
    others = [Database(url) for _ in range(3)]
    tries = [each.write(lambda conn: totp.use(conn, "U1", 100, NOW)) for each in (database, *others) * 4]
    assert sum(await asyncio.gather(*tries)) == 1
    for step, counts in ((99, False), (100, False), (101, True)):
        assert await database.write(lambda conn, step=step: totp.use(conn, "U1", step, NOW)) is counts
    assert not await database.write(lambda conn: totp.use(conn, "U2", 1, NOW))
    for each in others:
        await each.close()


async def test_wrong_codes_lock_for_a_while_however_they_come(database: Database, url: str) -> None:
    await enrolled(database)
    other = Database(url)
    tries = [each.write(lambda conn: totp.failed(conn, "U1", NOW)) for each in (database, other) * 2]
    await asyncio.gather(*tries)
    four = await database.read(lambda conn: totp.get(conn, "U1"))
    assert four is not None
    assert (four.failures, four.locked_until) == (MOST_FAILURES - 1, None)
    locked = await database.write(lambda conn: totp.failed(conn, "U1", NOW))
    assert locked is not None
    assert locked.locked_until == NOW + WINDOW
    assert not await database.write(lambda conn: totp.use(conn, "U1", 9, NOW + WINDOW / 2))
    assert await database.write(lambda conn: totp.use(conn, "U1", 9, NOW + WINDOW))
    after = await database.read(lambda conn: totp.get(conn, "U1"))
    assert after is not None
    assert after.failures == 0
    await other.close()


async def test_wrong_codes_far_apart_lock_nothing_and_a_clock_set_back_helps_nobody(
    database: Database,
) -> None:
    await enrolled(database)
    for number in range(MOST_FAILURES + 2):
        at = NOW + number * WINDOW
        found = await database.write(lambda conn, at=at: totp.failed(conn, "U1", at))
        assert found is not None
        assert found.locked_until is None
    for number in range(MOST_FAILURES - 1):
        at = NOW - timedelta(hours=number)
        found = await database.write(lambda conn, at=at: totp.failed(conn, "U1", at))
    assert found is not None
    assert found.locked_until is not None
    assert await database.write(lambda conn: totp.failed(conn, "U9", NOW)) is None
