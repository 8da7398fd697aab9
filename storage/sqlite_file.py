"""One SQLite file: created for its owner alone, opened, and watched lest somebody takes it away."""

import fcntl
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from storage.errors import GONE, REPLACED, StorageError
from storage.migrate import check_version
from storage.prepared import driver_of, run_raw

BUSY_SECONDS = 5.0
"""How long another program's lock is waited for before a write fails."""


class SqliteFile:
    """Opens connections to one file, and knows whether an open one still is the file at that path."""

    def __init__(self, url: URL) -> None:
        name = url.database or ""
        if not name or ":memory:" in name or url.query.get("mode") == "memory":
            raise StorageError(
                "A SQLite database in memory forgets every kill; name a file in CHATBOT_DATABASE__URL."
            )
        self.path = Path(name.removeprefix("file:"))
        self.read_only = url.query.get("mode") == "ro"

    def beside(self, end: str) -> Path:
        """The path of a file that belongs to this one, such as its ``-wal``."""
        return self.path.with_name(self.path.name + end)

    def create_directory(self) -> None:
        """Create the directory, for this user alone."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self) -> None:
        """Create the file for this user alone; tighten the mode of one that exists."""
        # before SQLite does: it gives -wal and -shm the mode of this file
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for path in (self.path, self.beside("-wal"), self.beside("-shm")):
            with suppress(FileNotFoundError):
                path.chmod(0o600)

    def hold(self, end: str) -> int | None:
        """A lock file beside the database, locked until its descriptor is closed; ``None``: another has it."""
        self.create_directory()
        file = os.open(self.beside(end), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file

    def engine(self, *, writing: bool) -> Engine:
        """An engine without a pool; it opens the existing file and never creates one."""
        engine = create_engine("sqlite://", creator=lambda: self._open(writing=writing), poolclass=NullPool)
        # the driver's own transaction control is off: each transaction begins as what it is
        event.listen(engine, "begin", begin_immediate if writing else _begin)
        return engine

    def identity(self) -> tuple[int, int]:
        """Device and inode of what stands at the path now; StorageError when nothing does."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise StorageError(GONE) from None
        return found.st_dev, found.st_ino

    def _open(self, *, writing: bool) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rw"
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA foreign_keys=ON")
            if writing and not self.read_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
            else:
                connection.execute("PRAGMA query_only=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def begin_immediate(conn: Connection) -> None:
    """Begin to write on the driver, unless that was done: SQLAlchemy follows with its first statement, if any."""
    driver = driver_of(conn)
    if not driver.in_transaction:
        run_raw(conn, driver, "BEGIN IMMEDIATE")


def commit(conn: Connection) -> None:
    """Commit what ``begin_immediate`` began; SQLAlchemy's own way costs as much as two statements."""
    if conn.in_transaction():  # it saw a statement
        conn.commit()
    else:
        run_raw(conn, driver_of(conn), "COMMIT")


def rollback(conn: Connection) -> None:
    """Undo what ``begin_immediate`` began, also when SQLite has undone it by itself."""
    driver = driver_of(conn)
    if conn.in_transaction():
        conn.rollback()
    elif driver.in_transaction:
        run_raw(conn, driver, "ROLLBACK")


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN")


class Opened:
    """A connection that is closed as soon as the file at the path is another one."""

    def __init__(self, file: SqliteFile, *, writing: bool) -> None:
        self._file = file
        self._engine = file.engine(writing=writing)
        self._conn: Connection | None = None
        self._identity: tuple[int, int] | None = None

    def get(self) -> Connection:
        """The open connection, opened if need be; StorageError when there is no proper file."""
        if self._conn is not None:
            try:
                same = self._file.identity() == self._identity
            except StorageError:
                self.drop()
                raise
            if not same:
                self.drop()
                raise StorageError(REPLACED)
            return self._conn
        self._identity = self._file.identity()
        conn = self._engine.connect()
        try:
            with conn.begin():
                check_version(conn)
        except BaseException:
            conn.close()
            raise
        self._conn = conn
        return conn

    def drop(self) -> None:
        """Close; what could not be rolled back is rolled back by SQLite itself."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(Exception):
                conn.close()

    def interrupt(self) -> None:
        """Make a statement that is running in another thread fail now."""
        conn = self._conn
        if conn is not None:
            driver = conn.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.interrupt()
