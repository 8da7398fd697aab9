"""Every item that is due is told once, however many come in one second."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from chatbot.recovering import reminding
from storage import recoveries
from storage.database import Database
from storage.outbox_sql import outbox
from storage.recovery_rows import Draft, Times

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(f"sqlite:///{tmp_path}/chatbot.db")
    await found.prepare()
    yield found
    await found.close()


def desk() -> Any:
    return SimpleNamespace(ops="C0OPS", admins=("U1",), root="/fleet", now=lambda: NOW)


async def test_many_logs_due_at_once_are_all_told(database: Database) -> None:
    draft = Draft(
        bot=None,
        scenario="unknown",
        began_at=NOW,
        issue="x",
        root_cause="",
        actions_taken="",
        outcome="",
        lessons="",
    )
    opened = NOW - timedelta(days=3)
    for _ in range(11):
        await database.write(
            lambda conn: recoveries.create(
                conn, draft=draft, timeline=(), times=Times(), people=(), approvals=(), by="U1", at=opened
            )
        )
    while await database.read(lambda conn: recoveries.due(conn, NOW, 1)):
        await database.write(lambda conn: reminding.remind(conn, desk(), NOW))
    rows = await database.read(
        lambda conn: conn.execute(
            sa.select(outbox.c.payload).where(outbox.c.key.like("%/reminder-%"), outbox.c.channel == "U1")
        ).all()
    )
    told = json.dumps([row.payload for row in rows])
    assert told.count('"recovery.tick"') == 11 * 8  # two of the ten are due after a week
