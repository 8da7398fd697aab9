"""Alerts as the storage tests write them, and text that no database may choke on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from storage import alert_events, alerts
from storage.alert_events import Event
from storage.alerts import AlertRow
from storage.database import Database
from storage.sqlite_file import SqliteFile

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
NAIVE = NOW.replace(tzinfo=None)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)

# a megabyte of letters outside the basic plane, in an order that does not compress
HOSTILE = "nul \0, half a pair \ud83d" + "".join(chr(0x20000 + n * 40_503 % 40_000) for n in range(250_000))


def a_row(name: str = "a", **changes: object) -> AlertRow:
    """An alert that fires and of which nobody was told."""
    row = AlertRow(
        fingerprint=name,
        source="fleet",
        kind="bot_error",
        group_key="fleet/bot_error",
        bot="ndax",
        message="is in error",
        severity="high",
        firing=True,
        began_at=NOW,
        last_at=NOW,
    )
    return replace(row, **changes)


def an_event(alert_id: int = 1, **changes: object) -> Event:
    """What was heard of an alert: that it goes on, and that nobody was told."""
    return replace(
        Event(alert_id=alert_id, at=NOW, news="again", verdict="hold", reason="told already"), **changes
    )


async def store(database: Database, *rows: AlertRow) -> list[AlertRow]:
    """The rows with their numbers, in one transaction."""

    def work(conn: Connection) -> list[AlertRow]:
        return [replace(row, id=alerts.insert(conn, row)) for row in rows]

    return await database.write(work)


async def note(database: Database, *events: Event) -> None:
    await database.write(lambda conn: alert_events.note(conn, events))


async def names(database: Database, query: Callable[[Connection], list[AlertRow]]) -> list[str]:
    """The fingerprints of what the query found, in its order."""
    return [row.fingerprint for row in await database.read(query)]


def another_program(url: str) -> Engine:
    """The same database as another program opens it, whose transactions stay open as long as a test wants."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteFile(parsed).engine(writing=True)
    return create_engine(parsed, poolclass=NullPool)


def columns(table: sa.Table, kind: type[object]) -> list[str]:
    """The names of the columns of that type."""
    return [column.name for column in table.c if isinstance(column.type, kind)]
