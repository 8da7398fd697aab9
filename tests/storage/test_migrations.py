"""Migrations: once, whoever starts at the same time, and never backwards."""

# ruff: noqa: ASYNC220 - the loop has nothing else to do while a process is started

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from storage import migrations
from storage.audit import verify
from storage.database import Database, StorageError
from storage.postgres import MIGRATION_LOCK

ROOT = Path(__file__).parents[2]
TABLES = {
    "actions",
    "admins",
    "alembic_version",
    "alert_events",
    "alerts",
    "approvals",
    "audit",
    "audit_head",
    "evidence",
    "gaps",
    "latches",
    "lockdowns",
    "looks",
    "marks",
    "on_call",
    "outbox",
    "recoveries",
    "recovery_corrections",
    "recovery_items",
    "safe_modes",
    "seen_keys",
    "sightings",
    "silences",
    "totp",
    "votes",
    "walk_people",
    "walk_steps",
    "walks",
    "windows",
}


def tables(conn: Connection) -> set[str]:
    return set(inspect(conn).get_table_names())


def script_directory() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config)


def test_the_revisions_known_without_alembic_are_those_of_the_files() -> None:
    scripts = script_directory()
    assert scripts.get_heads() == [migrations.HEAD]
    oldest_first = [each.revision for each in scripts.walk_revisions()][::-1]
    assert tuple(oldest_first) == migrations.REVISIONS


async def test_an_empty_database_is_brought_up_to_date_and_then_left_alone(url: str) -> None:
    database = Database(url)
    await database.prepare()
    await database.prepare()
    assert await database.read(tables) == TABLES
    report = await database.read(verify)
    assert (report.count, report.faults) == (0, ())
    await database.close()


async def test_an_older_database_is_brought_up_to_date(url: str) -> None:
    """Faked: a database whose version table was made and whose migration never ran."""
    database = Database(url)
    await database.prepare()

    def back(conn: Connection) -> None:
        for table in TABLES - {"alembic_version"}:
            conn.execute(text(f"DROP TABLE {table}"))
        conn.execute(text("DELETE FROM alembic_version"))

    await database.write(back)
    await database.close()
    database = Database(url)
    await database.prepare()
    assert await database.read(tables) == TABLES
    await database.close()


async def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    database = Database(url)
    await database.prepare()
    await database.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    database = Database(url)
    with pytest.raises(StorageError, match="9999, which is newer"):
        await database.prepare()
    await database.close()


async def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    database = Database(url)
    await database.prepare()

    def back(conn: Connection) -> None:
        for table in TABLES - {"alembic_version", "audit_head"}:
            conn.execute(text(f"DROP TABLE {table}"))
        conn.execute(text("DELETE FROM alembic_version"))

    await database.write(back)  # the last table that the migration makes is already there
    await database.close()
    database = Database(url)
    with pytest.raises(StorageError):
        await database.prepare()
    await database.close()
    assert await raw_tables(url) == {"alembic_version", "audit_head"}


async def raw_tables(url: str) -> set[str]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    with create_engine(url, poolclass=NullPool).connect() as conn:
        return tables(conn)


PREPARE = """
    import asyncio, sys
    from storage.database import Database

    async def main():
        database = Database(sys.argv[1])
        sys.stdin.readline()
        await database.prepare()
        await database.close()
        print("alembic" in sys.modules)

    asyncio.run(main())
"""


async def test_of_processes_that_start_together_one_migrates(url: str) -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(PREPARE), url]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = await asyncio.gather(*(asyncio.to_thread(each.communicate, "go\n") for each in started))
    assert [each.returncode for each in started] == [0] * 4, answers
    database = Database(url)
    assert await database.read(tables) == TABLES
    assert (
        await database.read(lambda conn: conn.execute(text("SELECT count(*) FROM audit_head")).scalar()) == 1
    )
    await database.close()
    again = await asyncio.to_thread(
        subprocess.run, command, input="go\n", capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == "False"  # an up-to-date start does not pay for alembic


async def test_databases_of_one_process_migrate_at_the_same_time(tmp_path: Path, postgres_url: str) -> None:
    urls = [postgres_url, *(f"sqlite:///{tmp_path}/{n}/chatbot.db" for n in range(3))]
    databases = [Database(each) for each in urls]
    await asyncio.gather(*(each.prepare() for each in databases))
    assert [await each.read(tables) for each in databases] == [TABLES] * 4
    await asyncio.gather(*(each.close() for each in databases))


async def test_the_models_and_the_migrations_agree(url: str) -> None:
    database = Database(url)
    await database.prepare()
    await database.close()
    done = await asyncio.to_thread(
        subprocess.run,
        [str(Path(sys.executable).parent / "alembic"), "check"],
        env={**os.environ, "CHATBOT_DATABASE__URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_sqlite_waits_for_another_process_that_is_preparing(tmp_path: Path) -> None:
    """SQLite refuses at once to turn its log on while another process writes: without our lock, a failed start."""
    path = tmp_path / "chatbot.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE sign (x)")
    with path.with_name("chatbot.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other.execute("BEGIN IMMEDIATE")
        database = Database(f"sqlite:///{path}")
        preparing = asyncio.ensure_future(database.prepare())
        assert not (await asyncio.wait([preparing], timeout=0.3))[0]
        other.execute("COMMIT")
        other.close()
    await preparing
    assert await database.read(tables) == TABLES | {"sign"}
    await database.close()


async def test_postgresql_waits_for_another_process_that_is_preparing(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with await psycopg.AsyncConnection.connect(postgres_url.replace("+psycopg", "")) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        preparing = asyncio.ensure_future(database.prepare())
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(10):
            while (await (await other.execute(waiting)).fetchone()) == (0,):
                assert not preparing.done()
                await asyncio.sleep(0.01)
    await preparing
    assert await database.read(tables) == TABLES
    await database.close()
