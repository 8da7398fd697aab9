"""What was seen of the bots, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from storage import sightings
from storage.database import Database
from storage.sightings import Sighting

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def seen(minute: float, bot: str | None = "ndax", status: str | None = "running") -> Sighting:
    return Sighting(at=NOW + minute * MINUTE, bot=bot, status=status)


async def keep(database: Database, *found: Sighting) -> None:
    def work(conn: Connection) -> None:
        for each in found:
            sightings.keep(conn, each)

    await database.write(work)


async def since(database: Database, minute: float, most: int = 5000) -> list[Sighting]:
    return await database.read(lambda conn: sightings.since(conn, NOW + minute * MINUTE, most=most))


async def test_a_sighting_comes_back_as_it_was_stored(database: Database) -> None:
    full = Sighting(at=NOW, bot="ndax", status="odd \0 word", health=97.5, errors=3, uptime=1.25)
    await keep(database, full, Sighting(at=NOW, uptime=12.5))
    one, two = await since(database, 0)
    assert one == Sighting(at=NOW, bot="ndax", status="odd \ufffd word", health=97.5, errors=3, uptime=1.25)
    assert two == Sighting(at=NOW, uptime=12.5)


async def test_the_oldest_comes_first_whatever_the_order_in_which_they_were_kept(database: Database) -> None:
    await keep(database, seen(3), seen(1), seen(2, "quantum"), seen(1, "quantum"))
    assert await since(database, 1) == [seen(1), seen(1, "quantum"), seen(2, "quantum"), seen(3)]


async def test_how_each_stood_before_stands_in_front(database: Database) -> None:
    rows = [seen(1), seen(2, status="error"), seen(1, "quantum"), Sighting(at=NOW, uptime=7.0), seen(5)]
    await keep(database, *rows)
    assert await since(database, 4) == [
        Sighting(at=NOW, uptime=7.0),
        seen(1, "quantum"),
        seen(2, status="error"),
        seen(5),
    ]
    assert await since(database, 2) == [
        Sighting(at=NOW, uptime=7.0),
        seen(1),
        seen(1, "quantum"),
        seen(2, status="error"),
        seen(5),
    ]
    assert await since(database, -1) == sorted(rows, key=lambda each: each.at)


async def test_of_too_many_the_newest_are_read(database: Database) -> None:
    await keep(database, *(seen(n) for n in range(1, 9)))
    assert await since(database, 2, most=3) == [seen(1), seen(6), seen(7), seen(8)]


async def test_the_last_one_of_each_is_known(database: Database) -> None:
    assert await database.read(sightings.newest) == []
    await keep(
        database,
        seen(1),
        Sighting(at=NOW, uptime=1.0),
        seen(1, "quantum"),
        seen(2, status="error"),
        Sighting(at=NOW + MINUTE, uptime=2.0),
    )
    found = await database.read(sightings.newest)
    assert {(each.bot, each.status, each.uptime) for each in found} == {
        ("ndax", "error", None),
        ("quantum", "running", None),
        (None, None, 2.0),
    }


async def test_the_last_one_is_what_was_seen_last_also_after_a_clock_was_set_back(database: Database) -> None:
    await keep(database, seen(60), seen(0, status="error"))
    (found,) = await database.read(sightings.newest)
    assert found.status == "error"


async def test_what_is_old_is_forgotten(database: Database) -> None:
    await keep(database, *(seen(n) for n in range(5)))
    assert await database.write(lambda conn: sightings.prune(conn, NOW + 3 * MINUTE)) == 3
    assert await since(database, -9) == [seen(3), seen(4)]
    assert await database.write(lambda conn: sightings.prune(conn, NOW + 3 * MINUTE)) == 0
