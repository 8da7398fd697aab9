"""The audit on real databases: whole under many writers, and every deed by direct SQL is found and named."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from storage import audit
from storage.chain import GENESIS, FaultKind
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def append(conn: Connection, subject: str = "kill-1", **detail: Any) -> audit.Entry:
    return audit.append(conn, at=NOW, actor="U1", event="kill accepted", subject=subject, detail=detail)


async def write_rows(database: Database, count: int) -> None:
    for number in range(1, count + 1):
        await database.write(lambda conn, n=number: append(conn, f"kill-{n}", number=n))


async def test_rows_come_back_as_they_went_in(database: Database) -> None:
    assert await database.read(audit.head) == (0, GENESIS)
    first = await database.write(
        lambda conn: append(conn, reason="schlecht \0 \ud800 <!channel>", n=[1, None, 0.5])
    )
    second = await database.write(lambda conn: append(conn, "nul \0 in a subject"))
    assert (first.seq, first.prev_hash, second.seq, second.prev_hash) == (1, GENESIS, 2, first.hash)
    assert first.detail == {"reason": "schlecht \0 \ud800 <!channel>", "n": [1, None, 0.5]}
    assert await database.read(audit.head) == (2, second.hash)
    assert await database.read(lambda conn: list(audit.export(conn))) == [first, second]
    assert await database.read(lambda conn: audit.recent(conn, 1)) == [second]
    report = await database.read(audit.verify)
    assert (report.count, report.head, report.faults) == (2, (2, second.hash), ())


async def test_a_row_is_undone_with_its_transaction(database: Database) -> None:
    def refused(conn: Connection) -> None:
        append(conn)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(refused)
    assert (await database.write(append)).seq == 1


async def test_many_writers_keep_the_chain_whole(database: Database, url: str) -> None:
    others = [Database(url) for _ in range(7)]
    await asyncio.gather(*(each.write(append) for each in (database, *others) for _ in range(15)))
    await asyncio.gather(*(each.close() for each in others))
    report = await database.read(audit.verify)
    assert (report.count, report.head[0], report.faults) == (120, 120, ())


DEEDS: list[tuple[str, list[str], list[tuple[FaultKind, int]]]] = [
    ("edit the actor", ["UPDATE audit SET actor = 'U2' WHERE seq = 5"], [(FaultKind.EDITED, 5)]),
    ("edit the time", ["UPDATE audit SET at = 'yesterday' WHERE seq = 1"], [(FaultKind.EDITED, 1)]),
    ("edit the detail", ["UPDATE audit SET detail = 'x' WHERE seq = 10"], [(FaultKind.EDITED, 10)]),
    ("edit a hash", ["UPDATE audit SET hash = 'ff' WHERE seq = 5"], [(FaultKind.EDITED, 5)]),
    ("edit the link", ["UPDATE audit SET prev_hash = 'ff' WHERE seq = 5"], [(FaultKind.EDITED, 5)]),
    ("remove one", ["DELETE FROM audit WHERE seq = 5"], [(FaultKind.REMOVED, 5)]),
    ("remove the first", ["DELETE FROM audit WHERE seq = 1"], [(FaultKind.REMOVED, 1)]),
    ("remove the last", ["DELETE FROM audit WHERE seq = 10"], [(FaultKind.REMOVED, 10)]),
    ("remove all", ["DELETE FROM audit"], [(FaultKind.REMOVED, 1)]),
    (
        "remove one and close the gap",
        [
            "DELETE FROM audit WHERE seq = 5",
            "UPDATE audit SET seq = -seq WHERE seq > 5",
            "UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
        ],
        [(FaultKind.REMOVED, 5)],
    ),
    (
        "insert behind",
        [
            (
                "INSERT INTO audit SELECT 11, at, actor, event, subject, detail, prev_hash, hash"
                " FROM audit WHERE seq = 4"
            ),
        ],
        [(FaultKind.REORDERED, 11), (FaultKind.INSERTED, 11)],
    ),
    (
        "insert between",
        [
            "UPDATE audit SET seq = -seq WHERE seq >= 5",
            "UPDATE audit SET seq = -seq + 1 WHERE seq < 0",
            (
                "INSERT INTO audit SELECT 5, at, actor, event, 'kill-X', detail, prev_hash, hash"
                " FROM audit WHERE seq = 4"
            ),
        ],
        [(FaultKind.INSERTED, 5)],
    ),
    (
        "swap",
        [
            "UPDATE audit SET seq = -3 WHERE seq = 3",
            "UPDATE audit SET seq = 3 WHERE seq = 8",
            "UPDATE audit SET seq = 8 WHERE seq = -3",
        ],
        [(FaultKind.REORDERED, 3), (FaultKind.REORDERED, 8)],
    ),
    ("remove the note", ["DELETE FROM audit_head"], [(FaultKind.HEAD, 10)]),
    ("edit the note", ["UPDATE audit_head SET hash = 'ff'"], [(FaultKind.EDITED, 10)]),
]  # fmt: skip - a table: the deed, its statements, what is found


@pytest.mark.parametrize(
    ("statements", "found"), [deed[1:] for deed in DEEDS], ids=[deed[0] for deed in DEEDS]
)
async def test_a_deed_by_hand_is_found_and_named(
    database: Database, statements: list[str], found: list[tuple[FaultKind, int]]
) -> None:
    await write_rows(database, 10)

    def tamper(conn: Connection) -> None:
        for statement in statements:
            conn.execute(text(statement))

    await database.write(tamper)
    report = await database.read(audit.verify)
    assert [(fault.kind, fault.seq) for fault in report.faults] == found
    assert all(str(fault.seq) in fault.sentence for fault in report.faults)
    await database.read(lambda conn: list(audit.export(conn)))  # the evidence can still be read


async def test_a_rewritten_past_shows_against_the_posted_head(database: Database) -> None:
    await write_rows(database, 5)
    posted = await database.read(audit.head)

    def forge(conn: Connection) -> None:
        conn.execute(text("DELETE FROM audit WHERE seq > 3"))
        row = conn.execute(text("SELECT hash FROM audit WHERE seq = 3")).scalar()
        conn.execute(text("UPDATE audit_head SET seq = 3, hash = :hash"), {"hash": row})

    await database.write(forge)
    await write_rows(database, 4)
    assert (await database.read(audit.verify)).faults == ()
    [fault] = (await database.read(lambda conn: audit.verify(conn, expect=posted))).faults
    assert fault.sentence.startswith("Row 5 no longer has the hash that was posted")


async def test_a_missing_note_stops_nobody_and_leaves_its_own_row(database: Database) -> None:
    await write_rows(database, 2)
    await database.write(lambda conn: conn.execute(text("DELETE FROM audit_head")))
    assert (await database.write(append)).seq == 4
    events = await database.read(lambda conn: [entry.event for entry in audit.export(conn)])
    assert events[2] == "audit.head_missing"
    assert (await database.read(audit.verify)).faults == ()


async def test_a_long_record_is_read_page_by_page(database: Database) -> None:
    def many(conn: Connection) -> None:
        for _ in range(audit.PAGE + 5):
            append(conn)

    await database.write(many)
    assert (await database.read(audit.verify)).count == audit.PAGE + 5
    seen: Callable[[Connection], int] = lambda conn: sum(1 for _ in audit.export(conn))  # noqa: E731 - one use
    assert await database.read(seen) == audit.PAGE + 5
