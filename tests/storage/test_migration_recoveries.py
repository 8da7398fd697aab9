"""Revision 0005: a database of 0004 gains the tables of recovery logs, and loses nothing on the way back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, make_url, text
from stored_alerts import NOW, another_program

from storage import migrations, recoveries
from storage.database import Database
from storage.recovery_rows import Draft, Moment, Times
from storage.sqlite_file import SqliteFile

NEW = {"recoveries", "recovery_corrections", "recovery_items"}
AT = "2026-11-24T03:12:00.000000+00:00"
ROWS = (  # frozen, as 0004 knew them
    f"""
    INSERT INTO windows (bot, origin, opened_by, begun_at, ends_at, every, state, rule, why, reads, missed, blind, seen,
    changes) VALUES ('ndax', 'monitor', 'U1', '{AT}', '{AT}', 60, 'open', '', '', 3, 0, '[]', '{{}}', 1)
    """,
    f"INSERT INTO looks (at, data) VALUES ('{AT}', '{{}}')",
    f"""
    INSERT INTO safe_modes (bot, action_id, "by", begun_at, due_at) VALUES ('ndax', 'start-OLD', 'U1', '{AT}', '{AT}')
    """,
)


def move(url: str, step: Callable[[Config, str], None], revision: str) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        file = SqliteFile(make_url(url))
        file.create_directory()
        file.create()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with another_program(url).begin() as conn:
        config.attributes["connection"] = conn
        step(config, revision)


def stored(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but those of the audit, which grows with each log."""
    with another_program(url).begin() as conn:
        return {
            table: sorted(tuple(map(str, row)) for row in conn.execute(text(f"SELECT * FROM {table}")))
            for table in inspect(conn).get_table_names()
            if table not in ("alembic_version", "audit", "audit_head")
        }


@pytest.fixture
def old_url(url: str) -> str:
    """A database of version 0004 with rows in it."""
    move(url, command.upgrade, "0004")
    with another_program(url).begin() as conn:
        for row in ROWS:
            conn.execute(text(row))
    return url


async def test_recovery_logs_come_and_go_and_no_other_row_does(old_url: str) -> None:
    before = stored(old_url)
    assert not NEW & before.keys()
    assert sum(map(len, before.values())) == len(ROWS)
    move(old_url, command.upgrade, "0005")
    assert stored(old_url) == before | {table: [] for table in NEW}

    database = Database(old_url)
    await database.prepare()

    def work(conn: Connection) -> None:
        draft = Draft(bot="ndax", began_at=NOW, root_cause="unknown", outcome="unknown")
        told = (Moment(at=NOW, what="alert 1", kind="alert"),)
        made = recoveries.create(
            conn, draft=draft, timeline=told, times=Times(), people=(), approvals=(), by="U1", at=NOW
        )
        assert recoveries.close(conn, made.id, by="U1", at=NOW)
        assert recoveries.correct(conn, made.id, by="U1", at=NOW, text="known by now")

    await database.write(work)
    assert await database.read(recoveries.altered) == []
    await database.close()
    assert {table: len(rows) for table, rows in stored(old_url).items() if table in NEW} == {
        "recoveries": 1,
        "recovery_corrections": 1,
        "recovery_items": 10,
    }

    move(old_url, command.downgrade, "0004")
    assert stored(old_url) == before
