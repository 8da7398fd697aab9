"""`chatbot audit`: prove that the record is whole, and hand it out."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from sqlalchemy import Connection

from commands.cells import defused
from storage import audit, recoveries
from storage.database import Database
from storage.schema import utc_text

Say = Callable[[str], None]

COLUMNS = ("seq", "at", "actor", "event", "subject", "detail", "prev_hash", "hash")


async def verify(database: Database, *, expect: tuple[int, str] | None, say: Say) -> int:
    """Say what was done to the record, row by row; 0 when it is whole and 1 when it is not."""
    report, altered = await database.read(
        lambda conn: (audit.verify(conn, expect=expect), recoveries.altered(conn))
    )
    seq, digest = report.head
    for sentence in altered:
        say(f"- {sentence}")
    if not report.faults and altered:
        say("The audit itself is whole, and the recovery logs above are not as it says they were.")
        return 1
    if not report.faults:
        say(f"The audit is whole: {report.count} rows, the newest is {seq}:{digest}")
        return 0
    say(f"The audit was tampered with ({report.count} rows read). Keep a copy of the database as it is now.")
    for fault in report.faults:
        say(f"- {fault.sentence}")
    return 1


async def export(database: Database, *, style: Literal["json", "csv"], out: TextIO) -> int:
    """Write every row, oldest first, as JSON Lines or CSV; returns how many."""
    return await database.read(lambda conn: _write(conn, style, out))


def _write(conn: Connection, style: Literal["json", "csv"], out: TextIO) -> int:
    count = 0
    table = csv.writer(out)  # its own line ends: with others it leaves a lone carriage return unquoted
    if style == "csv":
        table.writerow(COLUMNS)
    for entry in audit.export(conn):
        count += 1
        detail = dict(entry.detail)
        at = utc_text(entry.at)
        row = (entry.seq, at, entry.actor, entry.event, entry.subject, detail, entry.prev_hash, entry.hash)
        if style == "json":
            out.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        else:
            table.writerow([cell(each) for each in row])
    return count


def cell(value: object) -> object:
    """A value of a row as a spreadsheet may have it: its text, harmless."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return defused(text) if isinstance(text, str) else text


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A file that only its owner may read, kept only if all was written; FileExistsError rather than overwrite."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)  # half a record must not look like the whole
        raise
