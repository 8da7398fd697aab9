"""Notes of the program to itself: the newest counts, a lock puts others in line, a lease has one owner."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from stored_alerts import HOSTILE, MINUTE, NAIVE, NOW, SECOND, another_program

from storage import marks
from storage.database import Database
from storage.marks import Mark
from storage.schema import clean

LEASE = 12 * SECOND


async def get(database: Database, name: str = "n") -> Mark | None:
    return await database.read(lambda conn: marks.get(conn, name))


async def put(database: Database, name: str = "n", at: datetime = NOW, **data: Any) -> None:
    await database.write(lambda conn: marks.put(conn, name, at=at, data=data))


async def hold(database: Database, owner: str, now: datetime = NOW, lease: timedelta = LEASE) -> bool:
    return await database.write(
        lambda conn: marks.hold(conn, "poller", owner=owner, now=now, until=now + lease)
    )


async def let_go(database: Database, owner: str) -> None:
    await database.write(lambda conn: marks.let_go(conn, "poller", owner=owner))


# -- notes -----------------------------------------------------------------------------------------------------


async def test_the_newest_note_stands_in_place_of_the_one_before(database: Database) -> None:
    assert await get(database) is None
    await put(database, day="2026-11-23", bots=["ndax", None], deep={"a": 0.5})
    data = {"day": "2026-11-23", "bots": ["ndax", None], "deep": {"a": 0.5}}
    assert await get(database) == Mark(name="n", at=NOW, data=data)
    await put(database, "other", day="never")
    await put(database, at=NOW - SECOND, day="2026-11-24")  # also by a clock that was set back
    assert await get(database) == Mark(name="n", at=NOW - SECOND, data={"day": "2026-11-24"})
    await database.write(lambda conn: marks.put(conn, "n", at=NOW))
    assert await get(database) == Mark(name="n", at=NOW)
    assert await get(database, "other") == Mark(name="other", at=NOW, data={"day": "never"})


async def test_a_lock_makes_the_note_or_finds_it_as_it_stands(database: Database) -> None:
    made = await database.write(lambda conn: marks.lock(conn, "n", at=NOW))
    assert made == Mark(name="n", at=NOW) == await get(database)
    await put(database, word="is_archived")
    found = await database.write(lambda conn: marks.lock(conn, "n", at=NOW + SECOND))
    assert found == Mark(name="n", at=NOW, data={"word": "is_archived"}) == await get(database)


# -- in line ---------------------------------------------------------------------------------------------------


def count_one(conn: Connection) -> int:
    mark = marks.lock(conn, "n", at=NOW)
    count = int(mark.data.get("count", 0)) + 1
    marks.put(conn, "n", at=NOW, data={"count": count})
    return count


async def test_many_that_lock_it_at_once_each_see_what_the_one_before_wrote(
    database: Database, url: str
) -> None:
    others = [Database(url) for _ in range(3)]
    counted = await asyncio.gather(*(each.write(count_one) for each in (database, *others) * 10))
    await asyncio.gather(*(each.close() for each in others))
    assert sorted(counted) == list(range(1, 41))


@pytest.mark.parametrize("there", [True, False])
async def test_a_second_transaction_waits_for_the_first_and_sees_what_it_wrote(
    database: Database, url: str, there: bool
) -> None:
    if there:
        await put(database)
    with another_program(url).connect() as other:
        assert count_one(other) == 1
        second = asyncio.ensure_future(database.write(count_one))
        assert not (await asyncio.wait([second], timeout=0.3))[0]
        other.commit()
    assert await second == 2


async def test_one_that_gives_up_leaves_the_note_to_the_second(database: Database, url: str) -> None:
    with another_program(url).connect() as other:
        count_one(other)
        second = asyncio.ensure_future(database.write(count_one))
        assert not (await asyncio.wait([second], timeout=0.3))[0]
        other.rollback()
    assert await second == 1


async def test_notes_of_other_names_are_not_waited_for(postgres_url: str) -> None:
    """On PostgreSQL; SQLite has one writer anyway."""
    database = Database(postgres_url)
    await database.prepare()
    with another_program(postgres_url).connect() as other:
        count_one(other)
        async with asyncio.timeout(3):
            await database.write(lambda conn: marks.lock(conn, "another", at=NOW))
        other.rollback()
    await database.close()


# -- leases ----------------------------------------------------------------------------------------------------


async def test_a_lease_has_one_owner_who_may_renew_it(database: Database) -> None:
    assert await hold(database, "one")
    held = Mark(name="poller", at=NOW, owner="one", until=NOW + LEASE)
    assert await get(database, "poller") == held
    assert not await hold(database, "two", NOW + SECOND)
    assert await get(database, "poller") == held
    later = NOW + 4 * SECOND
    assert await hold(database, "one", later)
    assert await get(database, "poller") == Mark(name="poller", at=later, owner="one", until=later + LEASE)
    assert not await hold(database, "two", NOW + LEASE)
    assert not await hold(database, "two", later + LEASE - SECOND)


async def test_a_lease_that_ran_out_is_anybodys(database: Database) -> None:
    assert await hold(database, "one")
    assert await hold(database, "two", NOW + LEASE)
    assert not await hold(database, "one", NOW + LEASE)


async def test_of_many_at_once_one_holds_it(database: Database, url: str) -> None:
    others = [Database(url) for _ in range(3)]
    for now in (NOW, NOW + LEASE):  # when nobody held it, and when it ran out
        asked = [hold(each, f"{number}/{now}", now) for number, each in enumerate((database, *others) * 3)]
        assert sum(await asyncio.gather(*asked)) == 1
    await asyncio.gather(*(each.close() for each in others))


@pytest.mark.parametrize("behind", [timedelta(milliseconds=1), 2 * SECOND, MINUTE])
async def test_a_clock_that_is_a_little_behind_takes_no_lease(database: Database, behind: timedelta) -> None:
    """Two processes ask within the same moment, or their clocks differ: the lease must not go to and fro."""
    assert await hold(database, "one")
    assert not await hold(database, "two", NOW - behind)


async def test_a_lease_from_a_clock_that_went_ahead_counts_as_run_out(database: Database) -> None:
    assert await hold(database, "ahead", NOW + timedelta(hours=3))
    assert await hold(database, "two")
    assert not await hold(database, "three")
    assert await hold(
        database, "two", NOW - timedelta(hours=3)
    )  # its own clock was set back: it is still its own
    assert not await hold(database, "three", NOW - timedelta(hours=3))


async def test_a_lease_that_is_let_go_is_anybodys_and_only_its_owner_lets_it_go(database: Database) -> None:
    await let_go(database, "one")  # nobody ever held it
    assert await hold(database, "one")
    await let_go(database, "two")
    assert not await hold(database, "two")
    await let_go(database, "one")
    assert await get(database, "poller") == Mark(name="poller", at=NOW)
    assert await hold(database, "two")


async def test_a_note_that_is_no_lease_can_become_one(database: Database) -> None:
    await put(database, "poller", word="kept")
    assert await hold(database, "one")
    assert await get(database, "poller") == Mark(
        name="poller", at=NOW, owner="one", until=NOW + LEASE, data={"word": "kept"}
    )


# -- what comes from outside -----------------------------------------------------------------------------------


async def test_no_text_makes_a_note_fail(database: Database) -> None:
    await put(database, said=HOSTILE, **{HOSTILE: 1})
    found = await get(database)
    assert found is not None
    assert found.data == {"said": HOSTILE, HOSTILE: 1}
    assert await hold(database, HOSTILE)
    held = await get(database, "poller")
    assert held is not None
    assert held.owner == clean(HOSTILE)
    assert await hold(database, HOSTILE)  # it is known by the text as it was stored
    await let_go(database, HOSTILE)
    assert await hold(database, "two")


@pytest.mark.parametrize(
    "verb",
    [
        lambda conn: marks.put(conn, "n", at=NAIVE),
        lambda conn: marks.lock(conn, "n", at=NAIVE),
        lambda conn: marks.hold(conn, "n", owner="one", now=NAIVE, until=NOW),
        lambda conn: marks.hold(conn, "n", owner="one", now=NOW, until=NAIVE),
    ],
)
async def test_a_naive_time_is_refused_and_nothing_stored(
    database: Database, verb: Callable[[Connection], object]
) -> None:
    with pytest.raises(Exception, match="without a zone"):
        await database.write(verb)
    assert await get(database) is None
