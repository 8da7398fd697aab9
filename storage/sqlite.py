"""SQLite behind one writer thread that commits in groups, and a few threads that read."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from storage.errors import CLOSED, StorageError, explain, told
from storage.migrate import check_version, file_lock, migrate
from storage.prepared import driver_of, run_raw
from storage.sqlite_file import Opened, SqliteFile, begin_immediate, commit, rollback

T = TypeVar("T")

BATCH = 200
"""How many verbs share one commit at most: the first of them waits for the last."""

READERS = 4
"""How many reads run at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One verb on its way to the writer; ``future`` belongs to ``loop``."""

    verb: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Tell the caller; one that has gone away, or whose loop is closed, is nobody's loss."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Writer(threading.Thread):
    """The only thread that writes: everything that waits shares one transaction and one fsync."""

    def __init__(self, file: SqliteFile) -> None:
        # a daemon: a program that ends without close() must not hang; SQLite undoes what was not committed
        super().__init__(name="storage-writer", daemon=True)
        self._opened = Opened(file, writing=True)
        self._urgent: deque[Job] = deque()
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closing = False

    def submit(self, job: Job, *, urgent: bool) -> None:
        """Queue a verb; urgent ones go before all others, also into the batch that is under way."""
        with self._changed:
            if self._closing:
                raise StorageError(CLOSED)
            (self._urgent if urgent else self._waiting).append(job)
            self._changed.notify()

    def finish(self) -> None:
        """Take nothing more, do what waits, end; blocks until then."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        while self._wait():
            self._batch()
        self._opened.drop()

    def _wait(self) -> bool:
        with self._changed:
            while not (self._urgent or self._waiting or self._closing):
                self._changed.wait()
            return bool(self._urgent or self._waiting)

    def _next(self) -> Job | None:
        while True:
            try:
                job = self._urgent.popleft() if self._urgent else self._waiting.popleft()
            except IndexError:
                return None
            if not job.future.cancelled():  # its caller gave up before it was begun: it is not begun
                return job

    def _batch(self) -> None:
        settled: list[tuple[Job, Any, BaseException | None]] = []
        try:
            conn = self._opened.get()
            begin_immediate(conn)
            # a verb that is alone needs no savepoint: the transaction is its own
            alone = len(self._urgent) + len(self._waiting) == 1
            while len(settled) < BATCH and (job := self._next()) is not None:
                settled.append((job, *(_run_alone if alone else _run_guarded)(conn, job)))
                if alone:
                    break
            if alone and settled and settled[0][2] is not None:
                rollback(conn)
            else:
                commit(conn)
        except Exception as error:  # noqa: BLE001 - the callers are told; the writer has to live on
            self._opened.drop()
            if not settled:  # the transaction never began: whoever waits has waited as long as is decent
                while (job := self._next()) is not None:
                    settled.append((job, None, None))
            failure = told(error)
            settled = [(job, None, refused or failure) for job, _, refused in settled]
        for job, result, refused in settled:
            job.settle(result, refused)


def _run_alone(conn: Connection, job: Job) -> tuple[Any, BaseException | None]:
    try:
        return job.verb(conn), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
        return None, told(error)


def _run_guarded(conn: Connection, job: Job) -> tuple[Any, BaseException | None]:
    driver = driver_of(conn)
    run_raw(conn, driver, "SAVEPOINT verb")
    result, error = _run_alone(conn, job)
    if error is not None and not driver.in_transaction:
        raise error  # a full or broken disk: SQLite has undone the whole transaction, not this verb alone
    if error is not None:
        run_raw(conn, driver, "ROLLBACK TO verb")
    run_raw(conn, driver, "RELEASE verb")
    return result, error


class Sqlite:
    """The SQLite half of ``Database``; nothing is opened before ``prepare``, ``write`` or ``read``."""

    def __init__(self, url: URL) -> None:
        self._file = SqliteFile(url)
        self._writer: _Writer | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="storage-read")
        self._idle: deque[Opened] = deque()
        self._busy: set[Opened] = set()
        self._closed = False
        self._serving: int | None = None  # a lock file, held open while this process serves

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        try:
            if self._file.read_only:
                with self._file.engine(writing=False).begin() as conn:
                    check_version(conn)
                return
            self._file.create_directory()
            # the lock is taken before the file is opened: turning its log on fails at once when another process does it
            with file_lock(self._file.beside(".lock")):
                self._file.create()
                with self._file.engine(writing=True).begin() as conn:
                    migrate(conn)
        except (DBAPIError, OSError) as error:
            raise explain(error) from error

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool) -> T:
        if self._writer is None:
            if self._closed:
                raise StorageError(CLOSED)
            self._writer = _Writer(self._file)
            self._writer.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._writer.submit(Job(verb=verb, loop=loop, future=future), urgent=urgent)
        return await future

    async def read(self, query: Callable[[Connection], T]) -> T:
        if self._closed:
            raise StorageError(CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            opened = self._idle.popleft()
        except IndexError:
            opened = Opened(self._file, writing=False)
        self._busy.add(opened)
        try:
            conn = opened.get()
            with conn.begin():
                return query(conn)
        except (DBAPIError, OSError) as error:
            opened.drop()
            raise told(error) from error
        finally:
            self._busy.discard(opened)
            self._idle.append(opened)
            if self._closed:
                opened.drop()

    def serve_alone(self) -> bool:
        if self._serving is None:
            self._serving = self._file.hold(".serving")
        return self._serving is not None

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.finish()
        for opened in tuple(self._busy):  # a long read, say of the whole audit, is not worth waiting for
            opened.interrupt()
        self._readers.shutdown(cancel_futures=True)
        while self._idle:
            self._idle.popleft().drop()
        if self._serving is not None:
            os.close(self._serving)
            self._serving = None
