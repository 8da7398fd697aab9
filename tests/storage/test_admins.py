"""Since when somebody is an admin, and lockdowns: both kept as they happened."""

import asyncio
from datetime import UTC, datetime, timedelta

from storage import admins, lockdown
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=3)


async def note(database: Database, *people: str, at: datetime = NOW) -> tuple[str, ...]:
    return await database.write(lambda conn: admins.note(conn, people, at))


async def test_the_first_configuration_founds_and_the_next_ones_add(database: Database) -> None:
    assert await note(database, "U1", "U2") == ()
    assert await note(database, "U1", "U2") == ()
    assert await note(database, "U1", "U2", "U3", at=LATER) == ("U3",)
    known = await database.read(admins.known)
    assert {name: (each.founding, each.since) for name, each in known.items()} == {
        "U1": (True, NOW),
        "U2": (True, NOW),
        "U3": (False, LATER),
    }


async def test_who_was_gone_begins_anew_unless_it_was_for_minutes(database: Database) -> None:
    await note(database, "U1", "U2")
    await note(database, "U1")
    assert await note(database, "U1", "U2", at=NOW + timedelta(minutes=9)) == ()
    assert (await database.read(admins.known))["U2"].founding
    await note(database, "U1")
    assert set(await database.read(admins.known)) == {"U1"}
    assert await note(database, "U1", "U2", at=LATER) == ("U2",)
    known = await database.read(admins.known)
    assert (known["U2"].founding, known["U2"].since) == (False, LATER)


async def test_one_lockdown_stands_and_ends_once(database: Database, url: str) -> None:
    other = Database(url)
    begun = await asyncio.gather(
        *(
            each.write(lambda conn, n=n: lockdown.begin(conn, by=f"U{n}", reason="r", at=NOW))
            for n, each in enumerate((database, other) * 3)
        )
    )
    assert sum(first for _, first in begun) == 1
    (held,) = {each.id for each, _ in begun}
    standing = await database.read(lockdown.current)
    assert standing is not None
    assert (standing.times, standing.reason) == (6, "r")  # each counts, the first is kept
    ends = [
        each.write(lambda conn: lockdown.end(conn, held, by="l-1", at=LATER)) for each in (database, other)
    ]
    assert sum(await asyncio.gather(*ends)) == 1
    assert await database.read(lockdown.current) is None
    again, first = await database.write(lambda conn: lockdown.begin(conn, by="U9", reason="", at=LATER))
    assert first
    assert again.id != held
    await other.close()
