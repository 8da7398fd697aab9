"""The door: one transaction a verb, committed before it returns, whoever else writes and whoever gives up."""

import asyncio
import os
import signal
import socket
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, text

from storage import audit, seen
from storage.database import Database, StorageError
from storage.schema import clean, utc_text

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def count(conn: Connection) -> int:
    return conn.execute(text("SELECT count(*) FROM seen_keys")).scalar_one()


async def test_a_verb_that_raises_undoes_itself_alone(database: Database) -> None:
    def broken(conn: Connection, number: int) -> None:
        seen.first_time(conn, f"broken-{number}", NOW)
        raise LookupError("no such bot")

    writes = [database.write(lambda conn, n=n: seen.first_time(conn, f"good-{n}", NOW)) for n in range(20)]
    failures = [database.write(lambda conn, n=n: broken(conn, n)) for n in range(20)]
    answers = await asyncio.gather(
        *(each for pair in zip(writes, failures, strict=True) for each in pair), return_exceptions=True
    )
    assert answers[::2] == [True] * 20
    assert all(isinstance(each, LookupError) for each in answers[1::2])
    with pytest.raises(LookupError):
        await database.write(lambda conn: broken(conn, 99))
    assert await database.read(count) == 20


async def test_a_mistake_in_a_statement_comes_out_as_it_is(database: Database) -> None:
    with pytest.raises(Exception, match="seen_keys") as caught:
        await asyncio.gather(
            *(
                database.write(lambda conn: conn.execute(text("INSERT INTO seen_keys VALUES (NULL, NULL)")))
                for _ in "ab"
            )
        )
    assert not isinstance(caught.value, StorageError)


async def test_a_verb_that_ends_an_iterator_does_not_leave_its_caller_waiting(database: Database) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError):
            await database.write(lambda conn: next(iter(())))


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError, match="read-only"):
        await database.read(lambda conn: seen.first_time(conn, "key", NOW))
    assert await database.read(count) == 0


async def test_a_read_sees_one_moment(database: Database) -> None:
    """Rows and the note of the newest row must agree while others write."""
    looking, written = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def append(conn: Connection) -> None:
        audit.append(conn, at=NOW, actor="U1", event="kill accepted", subject="kill-1")

    if database.dialect == "postgresql":

        async def two_looks() -> tuple[int, int]:
            return await database.read(lambda conn: (audit.head(conn)[0], audit.verify(conn).count))

        looks = await asyncio.gather(two_looks(), database.write(append), two_looks(), database.write(append))
        assert all(look is None or look[0] == look[1] for look in looks)
        return

    def slow_look(conn: Connection) -> tuple[int, int]:
        first = audit.head(conn)[0]
        looking.set()
        assert written.wait(5)
        return first, audit.verify(conn).count

    look = loop.create_task(database.read(slow_look))
    await asyncio.to_thread(looking.wait, 5)
    await database.write(append)
    written.set()
    assert await look == (0, 0)


async def test_a_write_that_is_given_up_is_given_up_at_once_and_harms_nobody(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(conn: Connection) -> None:
        begun.set()
        if database.dialect == "postgresql":
            conn.execute(text("SELECT pg_sleep(1)"))
        else:
            go_on.wait(5)

    start = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await database.write(slow)
    assert asyncio.get_running_loop().time() - start < 0.6
    assert begun.is_set()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await database.write(lambda conn: seen.first_time(conn, "given up", NOW))
    go_on.set()
    assert await database.write(lambda conn: seen.first_time(conn, "after", NOW))
    assert await database.read(count) in (1, 2)


async def test_a_server_that_hangs_in_a_statement_holds_no_kill_up(postgres_url: str) -> None:
    """The driver would spend seconds on cleaning up before it let the caller go."""
    database = Database(postgres_url)
    await database.prepare()
    stopped: list[int] = []

    def hang(conn: Connection) -> None:
        stopped.append(conn.execute(text("SELECT pg_backend_pid()")).scalar_one())
        os.kill(stopped[0], signal.SIGSTOP)
        conn.execute(text("SELECT 1"))

    start = asyncio.get_running_loop().time()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await database.write(hang, urgent=True)
        assert asyncio.get_running_loop().time() - start < 1.5
        assert await database.write(lambda conn: seen.first_time(conn, "others go on", NOW), urgent=True)
    finally:
        os.kill(stopped[0], signal.SIGCONT)
        await database.close()


async def test_a_server_that_accepts_and_says_nothing_holds_no_kill_up() -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # the kernel accepts, nobody answers
    port = silent.getsockname()[1]
    database = Database(f"postgresql://chatbot@127.0.0.1:{port}/fleet?connect_timeout=2")
    start = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await database.write(count, urgent=True)
    assert asyncio.get_running_loop().time() - start < 0.7
    await database.close()
    silent.close()


async def test_closing_finishes_what_was_asked_and_takes_nothing_more(database: Database) -> None:
    writes = [
        asyncio.ensure_future(database.write(lambda conn, n=n: seen.first_time(conn, str(n), NOW)))
        for n in range(50)
    ]
    await asyncio.sleep(0)
    await database.close()
    assert all(await asyncio.gather(*writes))
    await database.close()
    for call in (database.write, database.read):
        with pytest.raises(StorageError, match="closed"):
            await call(count)


async def test_a_database_that_was_never_prepared_says_so(url: str, database: Database) -> None:
    await database.write(lambda conn: conn.execute(text("DROP TABLE alembic_version")))
    await database.write(lambda conn: conn.execute(text("DROP TABLE seen_keys")))
    other = Database(url)
    with pytest.raises(StorageError, match="chatbot migrate"):
        await other.write(lambda conn: seen.first_time(conn, "key", NOW))
    await other.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://root:hunter2@db/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "postgresql://u:hunter2@h:port/x",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).endswith(".")


async def test_a_server_that_is_not_there_is_one_sentence_without_the_password() -> None:
    database = Database("postgresql://chatbot:hunter2@127.0.0.1:1/fleet?connect_timeout=2")
    for call in (database.prepare(), database.write(count), database.read(count)):
        with pytest.raises(StorageError, match="cannot be reached") as caught:
            await call
        assert "hunter2" not in str(caught.value)
    await database.close()


async def test_times_go_in_aware_and_come_out_in_utc(database: Database) -> None:
    with pytest.raises(Exception, match="without a zone"):
        await database.write(lambda conn: seen.first_time(conn, "naive", NOW.replace(tzinfo=None)))
    vienna = timezone(timedelta(hours=1))
    for number, at in enumerate((NOW, NOW.astimezone(vienna), NOW + timedelta(microseconds=1))):
        await database.write(lambda conn, at=at, number=number: seen.first_time(conn, str(number), at))
    stored = await database.read(
        lambda conn: conn.execute(seen.seen_keys.select().order_by(seen.seen_keys.c.at)).all()
    )
    assert [row.at for row in stored] == [NOW, NOW, NOW + timedelta(microseconds=1)]
    assert all(row.at.tzinfo is UTC for row in stored)


def test_text_of_times_sorts_and_text_from_outside_is_made_storable() -> None:
    times = [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(seconds=1)]
    assert sorted(map(utc_text, times)) == [utc_text(at) for at in times]
    assert clean("a\0b\ud800c") == "a\N{REPLACEMENT CHARACTER}b?c"
