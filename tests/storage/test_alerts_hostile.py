"""What comes from outside: no text makes an alert fail, and no time without a zone gets in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from stored_alerts import HOSTILE, NAIVE, NOW, a_row, an_event, columns, names, note, store

from storage import alert_events, alerts
from storage.database import Database
from storage.schema import PlainText, UtcDateTime, clean


async def test_no_text_makes_an_alert_fail(database: Database) -> None:
    texts = columns(alerts.alerts, PlainText)
    # what is left are words of our own
    others = set(columns(alerts.alerts, sa.String)) - set(texts) - set(columns(alerts.alerts, UtcDateTime))
    assert others == {"fingerprint", "source", "severity", "told", "told_severity"}
    hostile = dict.fromkeys(texts, HOSTILE) | {"logs": [HOSTILE]}
    kept = dict.fromkeys(texts, clean(HOSTILE)) | {"logs": [HOSTILE]}
    kept["group_key"] = clean(HOSTILE)[: alerts.GROUP_KEY]
    _, tame = await store(database, a_row(**hostile), a_row("b"))
    await database.write(lambda conn: alerts.save(conn, tame, replace(tame, **hostile)))
    for row in await database.read(alerts.firing):
        assert {name: getattr(row, name) for name in hostile} == kept


async def test_hostile_text_finds_what_it_was_stored_as(database: Database) -> None:
    await store(database, a_row("fires", bot=HOSTILE, group_key=HOSTILE), a_row("other"))
    await store(database, a_row("over", kind=HOSTILE, firing=False, ended_at=NOW))
    _, many = await database.read(lambda conn: alerts.listed(conn, only_firing=True, bot=HOSTILE, limit=9))
    assert many == 1
    begun = await database.read(lambda conn: alerts.begun_by_group(conn, [HOSTILE], NOW))
    assert begun == {clean(HOSTILE)[: alerts.GROUP_KEY]: 1}
    assert await names(database, lambda conn: alerts.ended_since(conn, NOW, [HOSTILE])) == ["over"]


async def test_no_text_makes_an_event_fail(database: Database) -> None:
    texts = columns(alert_events.alert_events, PlainText)
    assert texts == ["reason", "text", "actor"]
    await note(database, an_event(**dict.fromkeys(texts, HOSTILE)))
    [found] = await database.read(lambda conn: alert_events.events_of(conn, 1, 9))
    assert (found.reason, found.text, found.actor) == (clean(HOSTILE),) * 3


@pytest.mark.parametrize("name", columns(alerts.alerts, UtcDateTime))
async def test_a_naive_time_in_an_alert_is_refused_and_nothing_stored(database: Database, name: str) -> None:
    [before] = await store(database, a_row())
    with pytest.raises(Exception, match="without a zone"):
        await store(database, a_row("b", **{name: NAIVE}))
    with pytest.raises(Exception, match="without a zone"):
        await database.write(lambda conn: alerts.save(conn, before, replace(before, **{name: NAIVE})))
    assert await database.read(alerts.firing) == [replace(before, logs=[])]


def owned(conn: Connection, at: datetime) -> object:
    return alerts.own_members(conn, 1, owner="U1", at=at)


@pytest.mark.parametrize(
    "verb",
    [
        owned,
        lambda conn, at: alert_events.note(conn, [an_event(at=at)]),
        lambda conn, at: alerts.unheard_since(conn, "fleet", at, 1),
        lambda conn, at: alerts.due(conn, at, 1),
        alerts.stuck,
        lambda conn, at: alerts.seen_again(conn, [1], at),
        alerts.decide_anew,
        alert_events.lies_ahead,
        lambda conn, at: alerts.begun_by_group(conn, ["g"], at),
        lambda conn, at: alert_events.changes(conn, 1, at),
        alert_events.calls_since,
        alert_events.messages_since,
        lambda conn, at: alerts.ended_since(conn, at, ["k"]),
        alerts.tally,
        alerts.prune,
    ],
)
async def test_a_naive_time_asked_for_is_refused(
    database: Database, verb: Callable[[Connection, datetime], object]
) -> None:
    with pytest.raises(Exception, match="without a zone"):
        await database.write(lambda conn: verb(conn, NAIVE))
    await database.write(lambda conn: verb(conn, NOW))
