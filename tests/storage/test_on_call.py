"""Who is on call: the newest word counts while its time is not over."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, select
from stored_alerts import DAY, HOSTILE, NAIVE, NOW, SECOND

from storage import on_call
from storage.database import Database
from storage.on_call import Duty
from storage.schema import clean


async def appoint(
    database: Database, person: str | None, until: datetime | None = None, at: datetime = NOW
) -> None:
    await database.write(lambda conn: on_call.appoint(conn, person=person, until=until, by="U9", at=at))


async def current(database: Database, now: datetime = NOW) -> Duty | None:
    return await database.read(lambda conn: on_call.current(conn, now))


async def test_nobody_is_on_call_before_somebody_says_so(database: Database) -> None:
    assert await current(database) is None
    await appoint(database, "U1")
    assert await current(database) == Duty(id=1, person="U1", since=NOW, until=None, by="U9")
    assert await current(database, NOW + 900 * DAY) is not None


async def test_a_turn_is_over_at_its_end(database: Database) -> None:
    await appoint(database, "U1", NOW + DAY)
    before = await current(database, NOW + DAY - SECOND)
    assert before is not None
    assert (before.person, before.until) == ("U1", NOW + DAY)
    assert await current(database, NOW + DAY) is None


async def test_the_newest_word_counts_and_brings_no_older_one_back(database: Database) -> None:
    await appoint(database, "U1")
    await appoint(
        database, "U2", NOW + SECOND, at=NOW - DAY
    )  # by a clock that was set back: it is the newest
    found = await current(database)
    assert found is not None
    assert found.person == "U2"
    assert await current(database, NOW + SECOND) is None
    await appoint(database, None)
    assert await current(database) is None
    await appoint(database, "U3")
    found = await current(database)
    assert found is not None
    assert found.person == "U3"
    kept = select(func.count()).select_from(on_call.on_call)
    assert await database.read(lambda conn: conn.scalar(kept)) == 4  # a history


async def test_no_text_makes_an_appointment_fail(database: Database) -> None:
    def work(conn: Connection) -> None:
        on_call.appoint(conn, person=HOSTILE, until=None, by=HOSTILE, at=NOW)

    await database.write(work)
    found = await current(database)
    assert found is not None
    assert (found.person, found.by) == (clean(HOSTILE), clean(HOSTILE))


@pytest.mark.parametrize(
    "verb",
    [
        lambda conn: on_call.appoint(conn, person="U2", until=None, by="U9", at=NAIVE),
        lambda conn: on_call.appoint(conn, person="U2", until=NAIVE, by="U9", at=NOW),
    ],
)
async def test_a_naive_time_is_refused_and_nothing_changed(
    database: Database, verb: Callable[[Connection], None]
) -> None:
    await appoint(database, "U1")
    with pytest.raises(Exception, match="without a zone"):
        await database.write(verb)
    found = await current(database)
    assert found is not None
    assert found.person == "U1"
