"""Alerts, one row a fingerprint: nothing that arrived is lost, and what is due is found."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from stored_alerts import (
    DAY,
    MINUTE,
    NOW,
    SECOND,
    a_row,
    an_event,
    another_program,
    columns,
    names,
    note,
    store,
)

from storage import alert_events, alerts
from storage.database import Database
from storage.schema import UtcDateTime

T = TypeVar("T")


async def test_an_alert_comes_back_as_it_went_in(database: Database) -> None:
    times = columns(alerts.alerts, UtcDateTime)
    vienna = timezone(timedelta(hours=1))
    at = {name: (NOW + n * SECOND).astimezone(vienna) for n, name in enumerate(times)}
    numbers = dict.fromkeys(("count", "card", "calls", "silence", "was_silenced", "summary_id"), 7)
    flags = dict.fromkeys(("firing", "changed", "flapping", "unheard"), True)
    told = {"told": "card", "told_severity": "warning", "owner": "U1", "logs": ["one", "two \0 \ud83d"]}
    row = a_row(
        value=0.1, limit=-1e300, unit="%", link="https://example.invalid", **at, **numbers, **flags, **told
    )
    [stored] = await store(database, row)
    assert stored.id > 0
    assert await database.read(lambda conn: alerts.get(conn, stored.id)) == stored
    found = await database.read(lambda conn: alerts.by_fingerprint(conn, ["a", "unheard of"]))
    assert found == {"a": stored}
    assert found["a"].began_at.utcoffset() == timedelta()
    assert await database.read(lambda conn: alerts.get(conn, stored.id + 1)) is None


async def test_what_nobody_said_is_empty(database: Database) -> None:
    [stored] = await store(database, a_row(bot=None))
    found = await database.read(lambda conn: alerts.get(conn, stored.id))
    assert found == replace(stored, logs=[])
    assert found.told == "nothing"
    assert (found.due_at, found.owner, found.ended_at, found.value, found.bot) == (None,) * 5


async def test_of_inserts_of_one_alert_at_once_all_but_one_are_refused(database: Database, url: str) -> None:
    others = [Database(url) for _ in range(3)]

    def work(conn: Connection) -> None:
        alert_events.note(conn, [an_event()])
        alerts.insert(conn, a_row())

    answers = await asyncio.gather(
        *(each.write(work) for each in (database, *others)), return_exceptions=True
    )
    await asyncio.gather(*(each.close() for each in others))
    refused = [each for each in answers if each is not None]
    assert [type(each) for each in refused] == [IntegrityError] * 3
    assert await names(database, alerts.firing) == ["a"]
    assert (
        len(await database.read(lambda conn: alert_events.events_of(conn, 1, 9))) == 1
    )  # theirs went with them


async def test_an_insert_waits_for_one_that_is_not_committed_yet(database: Database, url: str) -> None:
    with another_program(url).connect() as other:
        alerts.insert(other, a_row())
        second = asyncio.ensure_future(store(database, a_row(message="another")))
        assert not (await asyncio.wait([second], timeout=0.3))[0]
        other.commit()
    with pytest.raises(IntegrityError):
        await second
    [row] = await database.read(alerts.firing)
    assert row.message == "is in error"


async def test_many_are_stored_at_once_each_under_a_number_of_its_own(database: Database) -> None:
    rows = [a_row(str(n), message=f"number {n}", logs=[str(n)]) for n in range(1_200)]
    numbers = await database.write(lambda conn: alerts.insert_many(conn, rows))
    found = await database.read(lambda conn: alerts.by_fingerprint(conn, list(numbers)))
    assert found == {row.fingerprint: replace(row, id=numbers[row.fingerprint]) for row in rows}
    assert await database.write(lambda conn: alerts.insert_many(conn, ())) == {}
    with pytest.raises(IntegrityError):
        await database.write(lambda conn: alerts.insert_many(conn, [a_row("new"), a_row("7")]))
    assert await database.read(lambda conn: alerts.by_fingerprint(conn, ["new"])) == {}


async def test_a_save_writes_what_differs_and_nothing_else(database: Database) -> None:
    first, other = await store(database, a_row(logs=["one"]), a_row("b"))
    owned = replace(first, owner="U1", owned_at=NOW)
    ended = replace(first, firing=False, ended_at=NOW, logs=("two",))

    def work(conn: Connection) -> None:
        alerts.save(conn, first, owned)
        alerts.save(conn, first, ended)  # it knows nothing of the owner, and takes nothing from it
        alerts.save(conn, first, first)

    await database.write(work)
    found = await database.read(lambda conn: alerts.get(conn, first.id))
    assert found == replace(ended, owner="U1", owned_at=NOW, logs=["two"])
    assert await database.read(lambda conn: alerts.get(conn, other.id)) == replace(other, logs=[])

    await database.write(lambda conn: alerts.save(conn, found, replace(found, owner=None, bot=None)))
    emptied = await database.read(lambda conn: alerts.get(conn, first.id))
    assert emptied is not None
    assert (emptied.owner, emptied.bot) == (None, None)


async def test_many_are_read_and_touched_a_few_hundred_a_statement(database: Database) -> None:
    rows = [a_row(str(n)) for n in range(1_250)]
    numbers = await database.write(lambda conn: alerts.insert_many(conn, rows))
    sizes: list[int] = []

    def measured(conn: Connection, verb: Callable[[Connection], T]) -> T:
        def seen(*told: Any) -> None:
            sizes.append(len(told[3]))  # the values of one statement

        sa.event.listen(conn, "before_cursor_execute", seen)
        try:
            return verb(conn)
        finally:
            sa.event.remove(conn, "before_cursor_execute", seen)

    wanted = [str(n) for n in range(1_200)]
    found = await database.read(lambda conn: measured(conn, lambda conn: alerts.by_fingerprint(conn, wanted)))
    assert {name: row.id for name, row in found.items()} == {name: numbers[name] for name in wanted}
    assert sizes == [500, 500, 200]

    sizes.clear()
    ids, later = [numbers[name] for name in wanted], NOW + MINUTE
    await database.write(lambda conn: measured(conn, lambda conn: alerts.seen_again(conn, ids, later)))
    assert sizes == [501, 501, 201]  # and the time
    touched = {row.fingerprint for row in await database.read(alerts.firing) if row.last_at == later}
    assert touched == set(wanted)


async def test_none_are_read_and_touched_as_well(database: Database) -> None:
    assert await database.read(lambda conn: alerts.by_fingerprint(conn, ())) == {}
    await database.write(lambda conn: alerts.seen_again(conn, (), NOW))
    await database.write(lambda conn: alert_events.note(conn, ()))


async def test_what_is_seen_again_changes_in_nothing_else(database: Database) -> None:
    [row] = await store(database, a_row(due_at=NOW, owner="U1", logs=["one"]))
    await database.write(lambda conn: alerts.seen_again(conn, {row.id}, NOW + DAY))
    assert await database.read(alerts.firing) == [replace(row, last_at=NOW + DAY)]


async def test_what_fires_is_listed_oldest_first_and_by_source(database: Database) -> None:
    await store(
        database,
        a_row("second", began_at=NOW + SECOND),
        a_row("first", source="monitor"),
        a_row("third", began_at=NOW + SECOND),
        a_row("over", firing=False),
    )
    assert await names(database, alerts.firing) == ["first", "second", "third"]
    assert await names(database, lambda conn: alerts.firing(conn, "fleet")) == ["second", "third"]
    assert await names(database, lambda conn: alerts.firing(conn, "limits")) == []


async def test_critical_ones_are_due_first_then_those_that_wait_longest(database: Database) -> None:
    await store(
        database,
        a_row("old", due_at=NOW - DAY),
        a_row("critical", due_at=NOW, severity="critical"),
        a_row("older critical", due_at=NOW - SECOND, severity="critical"),
        a_row("older", due_at=NOW - 2 * DAY, severity="info"),
        a_row("over, and due all the same", due_at=NOW - MINUTE, firing=False),
        a_row("later", due_at=NOW + SECOND, severity="critical"),
        a_row("never", severity="critical"),
    )
    order = ["older critical", "critical", "older", "old", "over, and due all the same"]
    assert await names(database, lambda conn: alerts.due(conn, NOW, 9)) == order
    assert await names(database, lambda conn: alerts.due(conn, NOW, 2)) == order[:2]


async def test_everything_alive_is_decided_anew(database: Database) -> None:
    ahead, past, flaps, idle, _ = await store(
        database,
        a_row("ahead", due_at=NOW + 900 * DAY),  # by a clock that was set back since
        a_row("past", due_at=NOW - DAY),
        a_row("flaps", firing=False, flapping=True, due_at=NOW + DAY),
        a_row("idle"),
        a_row("over", firing=False),
    )
    assert await database.write(lambda conn: alerts.decide_anew(conn, NOW)) == 4
    found = await database.read(lambda conn: alerts.due(conn, NOW, 9))
    assert {row.id for row in found} == {ahead.id, past.id, flaps.id, idle.id}
    assert {row.due_at for row in found} == {NOW}


async def test_times_of_a_clock_that_was_set_back_are_dated_back_and_cost_no_calls(
    database: Database,
) -> None:
    ahead, past = await store(
        database,
        a_row("ahead", began_at=NOW + DAY, last_at=NOW + DAY, source_began_at=NOW + DAY),
        a_row("past", began_at=NOW - DAY, last_at=NOW - SECOND, firing=False),
    )
    await note(
        database,
        an_event(at=NOW - SECOND, calls=1),
        an_event(at=NOW, calls=2),
        an_event(at=NOW + DAY, calls=4),
    )
    assert await database.read(lambda conn: alert_events.lies_ahead(conn, NOW))
    assert not await database.read(lambda conn: alert_events.lies_ahead(conn, NOW + DAY))
    await database.write(lambda conn: alerts.decide_anew(conn, NOW))
    assert not await database.read(lambda conn: alert_events.lies_ahead(conn, NOW))
    found = await database.read(lambda conn: alerts.get(conn, ahead.id))
    # what the source says of itself is not ours to change
    assert found == replace(ahead, began_at=NOW, last_at=NOW, due_at=NOW, logs=[])
    assert await database.read(lambda conn: alerts.get(conn, past.id)) == replace(past, logs=[])
    assert await database.read(lambda conn: alert_events.calls_since(conn, NOW - MINUTE)) == 3
    assert await database.read(lambda conn: alert_events.calls_since(conn, NOW - 2 * MINUTE)) == 7


async def test_nothing_lies_ahead_where_nothing_was_heard(database: Database) -> None:
    assert not await database.read(lambda conn: alert_events.lies_ahead(conn, NOW - DAY))


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"due_at": NOW - SECOND}, True),
        ({"due_at": NOW - SECOND, "firing": False}, True),
        ({"due_at": NOW}, False),
        ({}, False),
        ({"severity": "critical", "told": "card"}, True),  # nobody would ever be called for it
        ({"severity": "critical", "told": "card", "owner": "U1"}, True),  # nor its owner asked again
        ({"severity": "critical", "told": "card", "due_at": NOW + DAY}, False),
        ({"severity": "critical", "told": "card", "firing": False}, False),
        ({"severity": "critical", "told": "summary"}, False),  # the message of several is looked at
        ({"severity": "critical"}, False),
        ({"told": "card"}, False),
    ],
)
async def test_stuck_is_what_is_late_and_what_nobody_will_be_called_for(
    database: Database, changes: dict[str, object], counts: bool
) -> None:
    assert await database.read(lambda conn: alerts.stuck(conn, NOW)) == 0
    await store(database, a_row(**changes))
    assert await database.read(lambda conn: alerts.stuck(conn, NOW)) == int(counts)


async def test_what_nobody_says_again_is_found_a_critical_one_only_once_it_is_owned(
    database: Database,
) -> None:
    await store(
        database,
        a_row("quiet"),
        a_row("said since", last_at=NOW + SECOND),
        a_row("over", firing=False),
        a_row("elsewhere", source="alertmanager"),
        a_row("critical", severity="critical"),
        a_row("critical, owned", severity="critical", owner="U1"),
    )
    found = await names(database, lambda conn: alerts.unheard_since(conn, "fleet", NOW, 9))
    assert sorted(found) == ["critical, owned", "quiet"]
    assert len(await names(database, lambda conn: alerts.unheard_since(conn, "fleet", NOW, 1))) == 1
    assert await names(database, lambda conn: alerts.unheard_since(conn, "fleet", NOW - SECOND, 9)) == []
