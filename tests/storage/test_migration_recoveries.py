"""Revision 0005: a database of 0004 gains the tables of recovery logs, and loses nothing on the way back."""

import pytest
from alembic import command
from migrating import AUDIT, move, old, stored
from sqlalchemy import Connection
from stored_alerts import NOW

from storage import recoveries
from storage.database import Database
from storage.recovery_rows import Draft, Moment, Times

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


@pytest.fixture
def old_url(url: str) -> str:
    """A database of version 0004 with rows in it."""
    old(url, "0004", ROWS)
    return url


async def test_recovery_logs_come_and_go_and_no_other_row_does(old_url: str) -> None:
    before = stored(old_url, without=AUDIT)
    assert not NEW & before.keys()
    assert sum(map(len, before.values())) == len(ROWS)
    move(old_url, command.upgrade, "0005")
    assert stored(old_url, without=AUDIT) == before | {table: [] for table in NEW}

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
    assert {table: len(rows) for table, rows in stored(old_url, without=AUDIT).items() if table in NEW} == {
        "recoveries": 1,
        "recovery_corrections": 1,
        "recovery_items": 10,
    }

    move(old_url, command.downgrade, "0004")
    assert stored(old_url, without=AUDIT) == before
