"""Rows of authenticators: each is its person's alone, and what began anew carries nothing over."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from storage import totp
from storage.database import Database
from storage.totp import Enrolled

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
STEP = 59_800_000


def enroll(
    conn: Connection, person: str = "U0ADMIN1", sealed: str = "sealed", *, replace: bool = False
) -> bool:
    return totp.enroll(conn, person=person, sealed=sealed, by="terminal:root", at=NOW, replace=replace)


def used(step: int) -> Callable[[Connection], bool]:
    return lambda conn: totp.use(conn, "U0ADMIN1", step, NOW)


async def wrong(database: Database, *, minute: int) -> Enrolled:
    at = NOW + timedelta(minutes=minute)
    after = await database.write(lambda conn: totp.failed(conn, "U0ADMIN1", at))
    assert after is not None
    assert after == await database.read(lambda conn: totp.get(conn, "U0ADMIN1"))  # what is told is stored
    return after


async def test_a_replaced_secret_begins_anew_also_from_a_lock(database: Database) -> None:
    await database.write(enroll)
    await database.write(used(STEP))
    for _ in range(5):
        after = await wrong(database, minute=0)
    assert after.locked_until is not None
    assert await database.write(lambda conn: enroll(conn, sealed="another", replace=True))
    assert await database.read(lambda conn: totp.get(conn, "U0ADMIN1")) == Enrolled(
        person="U0ADMIN1", sealed="another", enrolled_at=NOW, enrolled_by="terminal:root"
    )
    assert await database.write(used(STEP))


async def test_of_many_who_enroll_one_person_at_once_one_does(database: Database, url: str) -> None:
    other = Database(url)
    tries = [
        each.write(lambda conn, n=n: enroll(conn, sealed=str(n)))
        for n, each in enumerate((database, other) * 5)
    ]
    done = await asyncio.gather(*tries)
    assert sum(done) == 1
    (kept,) = await database.read(totp.everybody)
    assert kept.sealed == str(done.index(True))
    await other.close()


async def test_everybody_is_listed_in_order_until_removed(database: Database) -> None:
    for person in ("U0ADMIN3", "U0ADMIN2", "U0ADMIN1"):
        await database.write(lambda conn, person=person: enroll(conn, person))
    assert await database.write(lambda conn: totp.remove(conn, "U0ADMIN2"))
    assert [each.person for each in await database.read(totp.everybody)] == ["U0ADMIN1", "U0ADMIN3"]


async def test_a_use_that_is_undone_leaves_the_step_to_be_used(database: Database) -> None:
    def undone(conn: Connection) -> None:
        assert totp.use(conn, "U0ADMIN1", STEP, NOW)
        raise LookupError("the vote that the code was for did not count")

    await database.write(enroll)
    with pytest.raises(LookupError):
        await database.write(undone)
    assert await database.write(used(STEP))


async def test_the_quarter_of_an_hour_runs_from_the_first_wrong_code(database: Database) -> None:
    await database.write(enroll)
    for count in range(8):
        after = await wrong(database, minute=5 * count)
        began = NOW + timedelta(minutes=5 * (count - count % 3))
        assert (after.failures, after.failing_since, after.locked_until) == (count % 3 + 1, began, None)
