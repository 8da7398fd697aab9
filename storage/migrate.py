"""Brings a database to this program's version, and refuses one that is newer."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from storage import migrations
from storage.errors import UNPREPARED, StorageError

PATIENCE_SECONDS = 60.0
"""How long a process waits for another one that is migrating."""

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps its context in globals of its own modules: two databases of one process take turns."""


def revision(conn: Connection) -> str | None:
    """The revision the database is at, ``None`` when it is empty; StorageError when it is newer than we are.

    Reads the version table without alembic, whose import alone costs 0.4 s.
    """
    if not inspect(conn).has_table("alembic_version"):
        return None
    stored = conn.scalar(text("SELECT version_num FROM alembic_version"))
    if stored is None:
        return None
    if stored not in migrations.REVISIONS:
        raise StorageError(
            f"The database is at version {stored}, which is newer than this program; "
            "nothing was changed: install the newer program or restore an older backup."
        )
    return str(stored)


def check_version(conn: Connection) -> None:
    """Raise StorageError unless the database is exactly at this program's version."""
    if revision(conn) != migrations.HEAD:
        raise StorageError(UNPREPARED)


def migrate(conn: Connection) -> None:
    """Bring the database to the newest version in the caller's transaction, which holds others off."""
    if revision(conn) == migrations.HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = conn
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file; StorageError when another process holds it for longer than a minute."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        "Another process has been preparing the database for a minute, so this one gave up; "
                        "look for one that hangs."
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(file)
