"""Keys of deliveries already taken (trigger ids, event ids), so that a second delivery does nothing."""

from datetime import datetime

from sqlalchemy import Column, Connection, Table, delete

from storage.prepared import InsertIfNew
from storage.schema import PlainText, UtcDateTime, metadata

seen_keys = Table(
    "seen_keys",
    metadata,
    Column("key", PlainText, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
)
_INSERT = InsertIfNew(seen_keys)


def first_time(conn: Connection, key: str, at: datetime) -> bool:
    """True for exactly one caller of each key, whichever process asks."""
    return _INSERT(conn, {"key": key, "at": at})


def prune(conn: Connection, before: datetime) -> int:
    """How many keys older than ``before`` were forgotten."""
    return conn.execute(delete(seen_keys).where(seen_keys.c.at < before)).rowcount
