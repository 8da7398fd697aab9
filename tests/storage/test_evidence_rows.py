"""Evidence that was taken, on both databases: one archive for each request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage import evidence
from storage.database import Database, StorageError
from storage.evidence import EvidenceRow

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
ROW = EvidenceRow(
    at=NOW,
    by="U1",
    key="slack/1",
    path="/srv/fleet/evidence/evidence-20261125T031200Z.tar.gz",
    sha256="a" * 64,
    size=5_000_000_000,  # more than 32 bits hold
    members=12,
)


async def keep(database: Database, row: EvidenceRow) -> EvidenceRow:
    return await database.write(lambda conn: evidence.keep(conn, row))


async def test_an_archive_comes_back_as_it_was_written_down(database: Database) -> None:
    kept = await keep(database, ROW)
    assert kept == replace(ROW, id=kept.id)
    assert kept.id > 0
    assert await database.read(lambda conn: evidence.by_key(conn, ROW.key)) == kept
    assert await database.read(lambda conn: evidence.by_key(conn, "slack/2")) is None


async def test_a_request_takes_evidence_once(database: Database) -> None:
    kept = await keep(database, ROW)
    with pytest.raises((StorageError, IntegrityError)):
        await keep(database, replace(ROW, sha256="b" * 64))
    assert await database.read(lambda conn: evidence.newest(conn, 9)) == [kept]


async def test_what_was_taken_last_comes_first(database: Database) -> None:
    for n, minute in enumerate((1, 3, 2, 3)):
        await keep(database, replace(ROW, key=f"slack/{n}", at=NOW + timedelta(minutes=minute)))
    found = await database.read(lambda conn: evidence.newest(conn, 3))
    assert [each.key for each in found] == ["slack/3", "slack/1", "slack/2"]
    assert await database.read(lambda conn: evidence.newest(conn, 0)) == []
