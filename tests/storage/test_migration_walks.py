"""Revision 0006: a database of 0005 gains guided recovery and what an action is about, and loses nothing either way."""

import pytest
from alembic import command
from migrating import AUDIT, move, old, stored
from sqlalchemy import Connection, inspect, text
from stored_alerts import NOW, another_program

from storage import actions, evidence, sightings, walk_steps, walks
from storage.database import Database
from storage.evidence import EvidenceRow
from storage.sightings import Sighting
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk

NEW = {"walks", "walk_steps", "walk_people", "sightings", "evidence"}
AT = "2026-11-24T03:12:00.000000+00:00"
ROWS = (  # frozen, as 0005 knew them
    f"""
    INSERT INTO actions (id, key, command, bot, option, reason, requested_by, source, state, accepted_at, finished_at,
    outcome) VALUES ('kill-1', 'k1', 'kill', NULL, '', 'bad fills', 'U1', 'slack', 'verified', '{AT}', '{AT}',
    '{{"lines": ["it was seen"]}}')
    """,
    f"""
    INSERT INTO actions (id, key, command, bot, option, reason, requested_by, source, state, accepted_at, outcome)
    VALUES ('start-1', 'k2', 'start', 'ndax', 'safe', '', 'terminal:ops', 'terminal', 'waiting', '{AT}', '{{}}')
    """,
    f"""
    INSERT INTO windows (bot, origin, opened_by, begun_at, ends_at, every, state, rule, why, reads, missed, blind, seen,
    changes) VALUES ('ndax', 'monitor', 'U1', '{AT}', '{AT}', 60, 'open', '', '', 3, 0, '[]', '{{}}', 1)
    """,
    f"INSERT INTO looks (at, data) VALUES ('{AT}', '{{}}')",
)


def indexes(url: str, table: str) -> set[str | None]:
    with another_program(url).begin() as conn:
        found = inspect(conn)
        names = {each["name"] for each in found.get_indexes(table)}
        return names | {each["name"] for each in found.get_unique_constraints(table)}


@pytest.fixture
def old_url(url: str) -> str:
    """A database of version 0005 with rows in it."""
    old(url, "0005", ROWS)
    return url


async def test_guided_recovery_comes_and_goes_and_no_other_row_does(old_url: str) -> None:
    before, keys = stored(old_url, without=AUDIT), indexes(old_url, "actions")
    assert not NEW & before.keys()
    assert sum(map(len, before.values())) == len(ROWS)
    assert keys
    move(old_url, command.upgrade, "0006")
    # what was asked for before is about nothing else
    told = {**before, "actions": [{**row, "target": ""} for row in before["actions"]]}
    assert stored(old_url, without=AUDIT) == told | {table: [] for table in NEW}
    assert indexes(old_url, "actions") == keys  # SQLite makes the table anew

    database = Database(old_url)
    await database.prepare()
    kill, start = await database.read(
        lambda conn: (actions.get(conn, "kill-1"), actions.get(conn, "start-1"))
    )
    assert kill is not None
    assert start is not None
    assert (kill.target, kill.outcome, kill.accepted_at) == ("", {"lines": ["it was seen"]}, kill.finished_at)
    assert (start.target, start.option, start.state) == ("", "safe", "waiting")

    def work(conn: Connection) -> None:
        walk = walks.begin(conn, Walk(bot="ndax", lead="U1", opened_by="U1", opened_at=NOW))
        assert walk is not None
        step = WalkStep(number=1, name="stop", phase="stop", title="Stop", text="Stop it")
        assert walks.choose(conn, walk.id, before="", scenario="crash", title="Crash", chosen=[step])
        (kept,) = walk_steps.steps(conn, walk.id)
        assert walk_steps.settle(conn, kept.id, state=StepState.VERIFIED, by="U1", seen=("yes",), at=NOW)
        walk_steps.take(conn, walk.id, "U1", 1, NOW)
        sightings.keep(conn, Sighting(at=NOW, bot="ndax", status="running"))
        row = EvidenceRow(at=NOW, by="U1", key="k", path="/e", sha256="a" * 64, size=1, members=1)
        evidence.keep(conn, row)
        conn.execute(text("UPDATE actions SET target = 'restart-coordinator' WHERE id = 'start-1'"))

    await database.write(work)
    found = await database.read(lambda conn: actions.get(conn, "start-1"))
    assert found is not None
    assert found.target == "restart-coordinator"
    await database.close()
    assert {
        table: len(rows) for table, rows in stored(old_url, without=AUDIT).items() if table in NEW
    } == dict.fromkeys(NEW, 1)

    move(old_url, command.downgrade, "0005")
    assert stored(old_url, without=AUDIT) == before
    assert indexes(old_url, "actions") == keys
