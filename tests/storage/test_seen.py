"""Keys already seen: one caller of each key is the first."""

import asyncio
from datetime import UTC, datetime, timedelta

from storage import seen
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


async def test_one_of_many_is_the_first(database: Database, url: str) -> None:
    other = Database(url)
    tries = [
        each.write(lambda conn: seen.first_time(conn, "trigger", NOW)) for each in (database, other) * 10
    ]
    assert sum(await asyncio.gather(*tries)) == 1
    await other.close()


async def test_old_keys_are_forgotten_and_new_ones_kept(database: Database) -> None:
    for minutes in range(4):
        at = NOW + timedelta(minutes=minutes)
        await database.write(lambda conn, at=at: seen.first_time(conn, at.isoformat(), at))
    assert await database.write(lambda conn: seen.prune(conn, NOW + timedelta(minutes=2))) == 2
    assert await database.write(lambda conn: seen.first_time(conn, NOW.isoformat(), NOW))
    kept = (NOW + timedelta(minutes=2)).isoformat()
    assert not await database.write(lambda conn: seen.first_time(conn, kept, NOW))
