"""The one error of this package, and the sentences it says instead of a driver's words."""

import sqlite3

from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

AGAIN = ("40001", "40P01")
"""SQLSTATEs after which the same transaction may simply be run again: serialization failure, deadlock."""

GONE = "The database file is gone, so nothing was stored or read; put it back or run `chatbot migrate`."
REPLACED = (
    "The database file was replaced while in use, so nothing was stored or read; the new one is tried next."
)
CLOSED = "The database is closed because the program is stopping, so nothing was stored or read."
UNPREPARED = (
    "The database is not at this program's version, so nothing was stored or read; run `chatbot migrate`."
)
LOCKED = "The database is locked by another program, so nothing was stored or read; wait for it or stop it."
FORBIDDEN = (
    "The database may not be used by this program; check the owner and mode of its file and directory."
)
UNREACHABLE = (
    "The database server cannot be reached, so nothing was stored or read; check it and the network."
)

_SQLITE = {
    "BUSY": LOCKED,
    "LOCKED": LOCKED,
    "FULL": "The disk of the database is full, so nothing was stored; free some space and it goes on.",
    "IOERR": "The disk of the database fails or is full, so nothing was stored or read; check the disk.",
    "READONLY": "The database is read-only, so nothing was stored; check the mode of its file and directory.",
    "PERM": FORBIDDEN,
    "AUTH": FORBIDDEN,
    "CANTOPEN": "The database file cannot be opened; check its path and its owner.",
    "CORRUPT": "The database file is damaged, so nothing was stored or read; stop and restore a backup.",
    "NOTADB": "The file is not a SQLite database, so nothing was stored or read; check its path.",
    "INTERRUPT": CLOSED,
}
"""By the first word of SQLite's error name."""

_POSTGRES = {
    "08": UNREACHABLE,
    "28": "The database server refused the login; check user and password in CHATBOT_DATABASE__URL.",
    "3D": "The database in CHATBOT_DATABASE__URL does not exist; create it or correct the name.",
    "25006": "The database server is read-only, so nothing was stored; use the primary's address.",
    "40": "The database was too busy even after several tries, so nothing was stored; try again.",
    "42P01": UNPREPARED,
    "42501": "The database user may not do this, so nothing was stored; grant it the rights on our tables.",
    "53100": "The disk of the database server is full, so nothing was stored; free some space on it.",
    "53300": "The database server has no connection left, so nothing was stored or read; allow more.",
    "55P03": LOCKED,
    "57": "The database server is stopping or starting, so nothing was stored or read; try again soon.",
}
"""By SQLSTATE, or by its first two letters."""


class StorageError(Exception):
    """The database could not do it: locked, full, read-only, gone, refused; one sentence without secrets."""


def _is_outage(error: BaseException) -> bool:
    """True for what the world did to the database; False for what is a mistake in our own statements."""
    if isinstance(error, OperationalError | InterfaceError | DisconnectionError | PoolTimeoutError | OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if type(error.orig) is sqlite3.DatabaseError:  # the plain class: damaged, or not a database at all
        return True
    state = sqlstate(error)
    return state is not None and (state in _POSTGRES or state[:2] in _POSTGRES)


def told(error: BaseException) -> BaseException:
    """What the caller of a verb gets for this: a StorageError for an outage, a mistake of ours as it is."""
    if isinstance(error, StopIteration):  # a future would refuse it, and its caller would wait for ever
        return RuntimeError("a verb raised StopIteration")
    return explain(error) if _is_outage(error) else error


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five-letter code, ``None`` when the server said nothing."""
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def explain(error: BaseException) -> StorageError:
    """The failure in one sentence, never the driver's text: that may carry hosts, values or passwords."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, DBAPIError):
        name = getattr(error.orig, "sqlite_errorname", None)
        if isinstance(name, str):
            known = _SQLITE.get(name.removeprefix("SQLITE_").partition("_")[0])
            return StorageError(
                known or f"The database could not do this ({name}), so nothing was stored or read."
            )
        if isinstance(error.orig, sqlite3.Error):
            kind = type(error.orig).__name__
            return StorageError(f"The database could not do this ({kind}), so nothing was stored or read.")
        state = sqlstate(error)
        if state is None:
            return StorageError(UNREACHABLE)
        known = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
        return StorageError(
            known or f"The database refused this (SQLSTATE {state}), so nothing was stored or read."
        )
    if isinstance(error, FileNotFoundError):
        return StorageError(GONE)
    if isinstance(error, PermissionError):
        return StorageError(FORBIDDEN)
    if isinstance(error, OSError) and error.strerror:
        return StorageError(f"The database cannot be used ({error.strerror}), so nothing was stored or read.")
    return StorageError(UNREACHABLE)
