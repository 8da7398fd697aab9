"""The audit: who did what and when, in a chain of hashes so that a change is found and named.

A note of the newest row (``audit_head``) moves in the same transaction; locking it puts writers in line, so
the numbers have no holes. Somebody who can write to the database can rewrite rows, hashes and note together:
that shows only against a head kept elsewhere, which is why it is posted to Slack (``verify(expect=...)``).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, insert, select, update

from storage.chain import GENESIS, Link, Report, Walk
from storage.prepared import Prepared
from storage.schema import PlainText, clean, metadata, utc_text

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),  # text, because its exact text is hashed
    Column("actor", PlainText, nullable=False),
    Column("event", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("detail", Text, nullable=False),  # canonical JSON, likewise
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

_FIELDS = tuple(each.name for each in fields(Link))
_INSERT = Prepared(insert(audit), sets=_FIELDS)
_QUERY = select(audit_head.c.seq, audit_head.c.hash)
_HEAD = Prepared(_QUERY)
_HEAD_LOCKED = Prepared(_QUERY.with_for_update())
_MOVE_HEAD = Prepared(update(audit_head), sets=("seq", "hash"))

PAGE = 1000
"""Rows fetched at a time where all are read, so that memory stays flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row; an unreadable time comes as year 1, an unreadable detail as {"unreadable": text}."""

    seq: int
    at: datetime
    actor: str  # a Slack user id, "terminal:<login>", or the part of this program that acted
    event: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    prev_hash: str
    hash: str


def append(
    conn: Connection,
    *,
    at: datetime,
    actor: str,
    event: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> Entry:
    """The row written at the end of the chain, in the caller's transaction and undone with it.

    ``detail`` must be JSON. On PostgreSQL other writers wait from here to the end of this transaction.
    """
    seq, prev_hash = _lock_head(conn, at)
    link = Link(
        seq=seq + 1,
        at=utc_text(at),
        actor=clean(actor),
        event=clean(event),
        subject=clean(subject),
        detail=json.dumps(detail or {}, sort_keys=True, separators=(",", ":"), allow_nan=False),
        prev_hash=prev_hash,
        hash="",
    )
    link = replace(link, hash=link.digest())
    _INSERT.changed(conn, **{name: getattr(link, name) for name in _FIELDS})
    _MOVE_HEAD.changed(conn, seq=link.seq, hash=link.hash)
    return _entry(link)


def queue_up(conn: Connection, at: datetime) -> None:
    """Put this transaction in line with all others that write to the audit.

    What it reads from here on knows everything that stands before its own rows: on PostgreSQL a transaction that is
    still under way is waited for, and one that comes later waits.
    """
    _lock_head(conn, at)


def head(conn: Connection) -> tuple[int, str]:
    """Number and hash of the newest row by the chain's own note; ``(0, 64 zeros)`` before the first."""
    row = _HEAD.one(conn)
    return (0, GENESIS) if row is None else (row["seq"], row["hash"])


def verify(conn: Connection, *, expect: tuple[int, str] | None = None) -> Report:
    """What was done to the record, read once from end to end in flat memory.

    ``expect`` is a head noted elsewhere (number, hash). Run it in one snapshot, as ``Database.read`` does,
    or rows written meanwhile look inserted.
    """
    noted = _HEAD.one(conn)

    def seq_of(digest: str) -> int | None:
        return conn.scalar(select(audit.c.seq).where(audit.c.hash == digest).limit(1))

    return Walk(seq_of=seq_of, expect=expect).over(
        _links(conn), None if noted is None else (noted["seq"], noted["hash"])
    )


def export(conn: Connection) -> Iterator[Entry]:
    """All rows, oldest first, fetched page by page while the connection is in use."""
    return (_entry(link) for link in _links(conn))


def recent(conn: Connection, limit: int) -> list[Entry]:
    """The newest rows, newest first."""
    rows = conn.execute(select(audit).order_by(audit.c.seq.desc()).limit(limit))
    return [_entry(_link(row)) for row in rows]


def _lock_head(conn: Connection, at: datetime) -> tuple[int, str]:
    row = _HEAD_LOCKED.one(conn)
    if row is not None:
        return row["seq"], row["hash"]
    # Somebody removed the note. Going on without it would heal the trace of that, refusing would stop every
    # command: so the chain goes on from its last row, with a row that says what happened.
    newest = conn.execute(
        select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    ).one_or_none()
    seq, digest = (0, GENESIS) if newest is None else (newest.seq, newest.hash)
    conn.execute(insert(audit_head).values(id=1, seq=seq, hash=digest))
    entry = append(conn, at=at, actor="storage", event="audit.head_missing", subject=f"row {seq}")
    return entry.seq, entry.hash


def _links(conn: Connection) -> Iterator[Link]:
    # by number, not one long cursor: other statements may run between pages on any driver
    after: int | None = None
    while True:
        page = select(audit).order_by(audit.c.seq).limit(PAGE)
        rows = conn.execute(page if after is None else page.where(audit.c.seq > after)).all()
        yield from (_link(row) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].seq


def _link(row: Row[Any]) -> Link:
    return Link(**row._asdict())


def _entry(link: Link) -> Entry:
    try:
        at = datetime.fromisoformat(link.at).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        at = datetime.min.replace(tzinfo=UTC)
    try:
        detail = json.loads(link.detail)
    except (TypeError, ValueError):
        detail = None
    return Entry(
        seq=link.seq,
        at=at,
        actor=link.actor,
        event=link.event,
        subject=link.subject,
        detail=detail if isinstance(detail, dict) else {"unreadable": str(link.detail)},
        prev_hash=link.prev_hash,
        hash=link.hash,
    )
