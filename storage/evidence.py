"""Evidence that was taken: where the archive lies on the host, and its hash."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", PlainText, nullable=False),
    sa.Column("key", PlainText, nullable=False, unique=True),
    sa.Column("path", PlainText, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("members", sa.Integer, nullable=False),
    sa.Index("ix_evidence_at", "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One archive; ``size`` in bytes, ``key`` is that of the request."""

    id: int = 0
    at: datetime
    by: str
    key: str
    path: str
    sha256: str
    size: int
    members: int


def keep(conn: sa.Connection, row: EvidenceRow) -> EvidenceRow:
    """The archive, written down."""
    values = {
        "at": row.at,
        "by": row.by,
        "key": row.key,
        "path": row.path,
        "sha256": row.sha256,
        "size": row.size,
        "members": row.members,
    }
    conn.execute(sa.insert(evidence).values(**values))
    found = by_key(conn, row.key)
    if found is None:
        raise LookupError(row.key)
    return found


def by_key(conn: sa.Connection, key: str) -> EvidenceRow | None:
    """What was taken by this request."""
    row = conn.execute(sa.select(evidence).where(evidence.c.key == key)).one_or_none()
    return None if row is None else EvidenceRow(**row._asdict())


def newest(conn: sa.Connection, limit: int) -> list[EvidenceRow]:
    """What was taken last, newest first."""
    query = sa.select(evidence).order_by(evidence.c.at.desc(), evidence.c.id.desc()).limit(limit)
    return [EvidenceRow(**row._asdict()) for row in conn.execute(query)]
