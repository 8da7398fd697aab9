"""Statements prepared for the driver: the same values in and out as SQLAlchemy's way, and the same errors."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from storage.database import Database, StorageError
from storage.outbox_sql import outbox
from storage.prepared import InsertIfNew, Prepared

NOW = datetime(2026, 1, 2, 3, 12, tzinfo=timezone(timedelta(hours=7)))
INSERT = InsertIfNew(outbox)
ALL = Prepared(select(outbox))
BY_KEY = Prepared(select(outbox).where(outbox.c.key == bindparam("key")))
RENAME = Prepared(update(outbox).where(outbox.c.id == bindparam("which")), sets=("key",))


def put(conn: Connection, key: str) -> bool:
    row = {"key": key, "channel": "C\0", "payload": {"text": "ü"}, "priority": 5, "due_at": NOW}
    return INSERT(conn, {**row, "created_at": NOW, "owed_since": NOW})


async def test_values_are_converted_as_their_columns_say(database: Database) -> None:
    assert await database.write(lambda conn: put(conn, "one"))
    assert not await database.write(lambda conn: put(conn, "one"))

    prepared = await database.read(lambda conn: BY_KEY.one(conn, key="one"))
    plain = await database.read(lambda conn: dict(conn.execute(select(outbox)).one()._mapping))

    assert prepared == plain
    assert prepared is not None
    assert prepared["due_at"] == NOW
    assert prepared["due_at"].tzinfo is UTC
    assert (prepared["channel"], prepared["payload"]) == ("C\N{REPLACEMENT CHARACTER}", {"text": "ü"})
    assert (prepared["version"], prepared["sent_version"], prepared["state"]) == (1, 0, "pending")


async def test_what_is_not_there_is_none_and_changes_nothing(database: Database) -> None:
    assert await database.read(lambda conn: BY_KEY.one(conn, key="nobody")) is None
    assert await database.write(lambda conn: RENAME.changed(conn, which=7, key="x")) == 0


async def test_a_refused_value_is_the_error_that_sqlalchemy_would_raise(database: Database) -> None:
    def clash(conn: Connection) -> None:
        put(conn, "one")
        put(conn, "two")
        RENAME.changed(conn, which=ALL.rows(conn)[0]["id"], key="two")

    with pytest.raises(IntegrityError):
        await database.write(clash)
    assert await database.read(ALL.rows) == []


async def test_a_lost_table_is_told_as_an_outage(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    await database.prepare()
    try:
        await database.write(lambda conn: conn.exec_driver_sql("DROP TABLE outbox") and None)
        with pytest.raises(StorageError) as told:
            await database.read(ALL.rows)
        assert isinstance(told.value.__cause__ or told.value.__context__, OperationalError)
    finally:
        await database.close()
