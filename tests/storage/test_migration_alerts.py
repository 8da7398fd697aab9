"""Revision 0003: a database of 0002 with rows in it gains the tables of alerts, and loses nothing on the way back."""

import pytest
from alembic import command
from migrating import Rows, move, old, stored
from sqlalchemy import Connection
from stored_alerts import NOW, a_row, an_event

from storage import actions, alert_events, alerts, gaps, latch, marks, on_call, outbox, silences
from storage.database import Database

NEW = {"alert_events", "alerts", "gaps", "marks", "on_call", "silences"}
LATER = {
    "evidence",
    "looks",
    "recoveries",
    "recovery_corrections",
    "recovery_items",
    "safe_modes",
    "sightings",
    "walk_people",
    "walk_steps",
    "walks",
    "windows",
}
"""What the revisions after it add."""

AT = "2026-11-24T03:12:00.000000+00:00"
ROWS = (  # frozen, as 0002 knew them
    f"""
    INSERT INTO actions (id, "key", command, bot, option, reason, requested_by, source, state, accepted_at, outcome)
    VALUES ('kill-OLD', 'trigger-1', 'kill', NULL, '', 'bad fills', 'U1', 'slack', 'queued', '{AT}', '{{"n": 1}}')
    """,
    f"""
    INSERT INTO latches (engaged_at, "by", reason, action_id, drill)
    VALUES ('{AT}', 'U1', 'bad fills', 'kill-OLD', false)
    """,
    f"""
    INSERT INTO outbox ("key", channel, payload, priority, version, sent_version, claimed_version, state, attempts,
    due_at, created_at, owed_since)
    VALUES ('kill-OLD/card', 'C1', '{{"text": "killed"}}', 0, 1, 0, 0, 'pending', 0, '{AT}', '{AT}', '{AT}')
    """,
    f"""
    INSERT INTO approvals (action_id, digest, asked, needed, given, version, state, asked_at, expires_at, why)
    VALUES ('start-OLD', 'd', '{{}}', 2, 1, 1, 'pending', '{AT}', '{AT}', '')
    """,
    f"""
    INSERT INTO votes (action_id, person, choice, proof, reason, at)
    VALUES ('start-OLD', 'U2', 'approve', 'slack', '', '{AT}')
    """,
    f"INSERT INTO seen_keys (\"key\", at) VALUES ('trigger-1', '{AT}')",
)


def brought_up(before: Rows) -> Rows:
    """The same rows as they stand at the newest revision, which gives each action an empty ``target``."""
    given = {"actions": [{**row, "target": ""} for row in before["actions"]]}
    return before | given | {table: [] for table in NEW | LATER}


@pytest.fixture
def old_url(url: str) -> str:
    """A database of version 0002 with rows in it."""
    old(url, "0002", ROWS)
    return url


async def test_an_older_database_gains_tables_and_keeps_every_row(old_url: str) -> None:
    before = stored(old_url)
    assert not NEW & before.keys()
    assert sum(map(len, before.values())) == len(ROWS) + 1  # and the head of the audit
    database = Database(old_url)
    await database.prepare()
    assert stored(old_url) == brought_up(before)

    def look(conn: Connection) -> None:
        kill, held, owed = actions.open_kill(conn), latch.current(conn), outbox.get(conn, "kill-OLD/card")
        assert kill is not None
        assert (kill.id, kill.accepted_at, kill.outcome) == ("kill-OLD", NOW, {"n": 1})
        assert held is not None
        assert owed is not None
        assert owed.payload == {"text": "killed"}

    await database.read(look)
    await database.close()


async def test_the_way_back_takes_the_new_tables_and_no_other_row(old_url: str) -> None:
    before = stored(old_url)
    database = Database(old_url)
    await database.prepare()

    def work(conn: Connection) -> None:
        number = alerts.insert(conn, a_row())
        alert_events.note(conn, [an_event(number)])
        silences.begin(conn, pattern="ndax", owner="U1", reason="", at=NOW, ends_at=NOW)
        on_call.appoint(conn, person="U1", until=None, by="U1", at=NOW)
        marks.lock(conn, "alerts", at=NOW)
        gaps.record(conn, begins=NOW, ends=NOW, why="asleep")

    await database.write(work)
    await database.close()
    assert all(len(rows) == 1 for table, rows in stored(old_url).items() if table in NEW)

    move(old_url, command.downgrade, "0002")
    assert stored(old_url) == before

    database = Database(old_url)
    await database.prepare()
    assert await database.read(alerts.firing) == []
    assert stored(old_url) == brought_up(before)
    await database.close()
