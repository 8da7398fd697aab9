"""SQLite when the world is unkind: locked, gone, replaced, full, read-only; and how writes share commits."""

# ruff: noqa: ASYNC240 - the loop has nothing else to do while a file is looked at

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from storage import seen
from storage.database import Database, StorageError

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    await database.prepare()
    yield database
    await database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "chatbot.db"


def count(conn: Connection) -> int:
    return conn.execute(text("SELECT count(*) FROM seen_keys")).scalar_one()


async def see(database: Database, key: str, *, urgent: bool = False) -> bool:
    return await database.write(lambda conn: seen.first_time(conn, key, NOW), urgent=urgent)


async def test_files_belong_to_their_owner_alone(sqlite_url: str, path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    before = os.umask(0)
    try:
        database = Database(sqlite_url)
        await database.prepare()
        await see(database, "key")
        names = {each.name for each in path.parent.iterdir()}
        assert names == {"chatbot.db", "chatbot.db-wal", "chatbot.db-shm", "chatbot.db.lock"}
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
        await database.close()
    finally:
        os.umask(before)


async def test_every_commit_is_on_the_disk(database: Database) -> None:
    def pragmas(conn: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [conn.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_what_waits_together_is_committed_together(database: Database, path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        begun.set()
        go_on.wait(5)

    held = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(begun.wait, 5)
    order: list[str] = []

    def note(conn: Connection, name: str) -> int:
        order.append(name)
        seen.first_time(conn, name, NOW)
        return committed(path)

    waiting = [asyncio.ensure_future(database.write(lambda conn, n=n: note(conn, str(n)))) for n in range(30)]
    kill = asyncio.ensure_future(database.write(lambda conn: note(conn, "kill"), urgent=True))
    await asyncio.sleep(0)
    go_on.set()
    await held
    seen_by_others = await asyncio.gather(kill, *waiting)
    assert order[0] == "kill"
    assert order[1:] == [str(n) for n in range(30)]
    assert set(seen_by_others) == {0}
    assert committed(path) == 31


def committed(path: Path) -> int:
    """How many keys another program sees at this moment."""
    other = sqlite3.connect(path)
    number: int = other.execute("SELECT count(*) FROM seen_keys").fetchone()[0]
    other.close()
    return number


async def test_a_lock_held_by_another_program_passes(database: Database, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await see(database, "given up")
    waiting = asyncio.ensure_future(see(database, "patient"))
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    assert await waiting
    other.close()


@pytest.mark.parametrize(
    "kind", ["vanished", "replaced by nothing", "replaced by a copy", "replaced by rubbish"]
)
async def test_a_file_that_is_no_longer_there_is_never_written_to(
    database: Database, path: Path, tmp_path: Path, kind: str
) -> None:
    await see(database, "before")
    await database.write(lambda conn: None)
    aside = tmp_path / "aside.db"
    with sqlite3.connect(path) as source, sqlite3.connect(aside) as target:
        source.backup(target)
    source.close()
    target.close()
    path.unlink()
    match kind:
        case "replaced by nothing":
            path.touch()
        case "replaced by a copy":
            shutil.copy(aside, path)
        case "replaced by rubbish":
            path.write_bytes(b"rubbish" * 1000)
    # whoever takes a database away takes its log too, or SQLite would replay it into the new file
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    with pytest.raises(StorageError):
        await see(database, "lost?")
    if kind != "replaced by a copy":
        with pytest.raises(StorageError):
            await database.read(count)
        with pytest.raises(StorageError):
            await see(database, "still lost?")
        shutil.copy(aside, path)
    assert await see(database, "after")
    assert not await see(database, "before")


async def test_a_read_only_url_reads_and_refuses_to_write(database: Database, path: Path) -> None:
    await see(database, "key")
    for url in (f"sqlite:///file:{path}?mode=ro&uri=true", f"sqlite:///{path}?mode=ro"):
        reader = Database(url)
        await reader.prepare()
        assert await reader.read(count) == 1
        with pytest.raises(StorageError, match="read-only"):
            await see(reader, "other")
        await reader.close()


async def test_a_read_only_url_without_a_database_creates_none(path: Path) -> None:
    reader = Database(f"sqlite:///{path}?mode=ro")
    with pytest.raises(StorageError):
        await reader.prepare()
    await reader.close()
    assert not path.exists()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(sqlite_url: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    database = Database(sqlite_url)
    with pytest.raises(StorageError, match="not a SQLite database"):
        await database.prepare()
    await database.close()
    assert path.read_bytes() == b"not a database at all" * 100


async def test_a_path_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(f"sqlite:///{tmp_path}/file/chatbot.db")
    with pytest.raises(StorageError):
        await database.prepare()
    await database.close()


async def test_both_spellings_of_the_driver_are_the_same(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.prepare()
    assert await see(database, "key")
    await database.close()


FULL_DISK = """
    import asyncio, resource, sys
    from datetime import UTC, datetime
    from storage import seen
    from storage.database import Database, StorageError

    NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)

    async def main():
        database = Database(sys.argv[1])
        await database.prepare()
        one = lambda key: database.write(lambda conn: seen.first_time(conn, key, NOW))
        await one("before")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, hard))
        answers = []
        for size in range(3):
            long = [f"{size}-{n}" + "x" * 9000 for n in range(8)]
            answers += await asyncio.gather(*(one(key) for key in long), return_exceptions=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        refused = [each for each in answers if each is not True]
        assert refused and all(isinstance(each, StorageError) for each in refused), answers
        assert await one("after") is True
        assert await one("before") is False
        await database.close()
        print(len(refused), refused[0])

    asyncio.run(main())
"""


def test_a_full_disk_is_reported_and_writing_goes_on_when_there_is_space(sqlite_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FULL_DISK), sqlite_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "disk" in done.stdout


def test_a_program_that_forgets_to_close_still_ends(sqlite_url: str) -> None:
    forgetful = f"""
        import asyncio
        from sqlalchemy import text
        from storage.database import Database
        async def main():
            database = Database({sqlite_url!r})
            await database.prepare()
            await database.write(lambda conn: conn.execute(text("SELECT 1")).scalar())
            await database.read(lambda conn: conn.execute(text("SELECT 1")).scalar())
        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(forgetful)], timeout=30, check=False)
    assert done.returncode == 0
