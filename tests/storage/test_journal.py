"""The journal: what was acknowledged is read again, whoever else writes, and nothing is put aside unread."""

import errno
import json
import os
import resource
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from storage.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "var" / "journal.jsonl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "journal.jsonl"


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("journal.jsonl.imported-*"))


def test_what_is_written_is_read_in_order(journal: Journal, path: Path) -> None:
    assert (journal.pending, journal.read()) == (False, [])
    records = [{"step": "accepted", "reason": "\u202eline\nbreak \ud800"}, {"step": "sent"}]
    for record in records:
        journal.append(record)
    assert journal.pending
    assert journal.read() == records
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_line_torn_by_a_crash_is_left_out_and_spoils_nothing(journal: Journal, path: Path) -> None:
    journal.append({"n": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2, "rea')
    assert journal.read() == [{"n": 1}]
    journal.append({"n": 3})
    assert journal.read() == [{"n": 1}, {"n": 3}]


def test_what_was_imported_is_put_aside_whole(journal: Journal, path: Path) -> None:
    assert journal.clear([])
    journal.append({"n": 1})
    records = journal.read()
    assert journal.clear(records)
    assert not journal.pending
    assert [json.loads(each.read_text()) for each in aside(path)] == records
    journal.append({"n": 2})
    assert journal.clear(journal.read())
    assert len(aside(path)) == 2


def test_what_came_meanwhile_keeps_the_journal_in_place(journal: Journal, path: Path) -> None:
    journal.append({"n": 1})
    records = journal.read()
    journal.append({"n": 2})
    assert not journal.clear(records)
    assert journal.read() == [{"n": 1}, {"n": 2}]
    assert aside(path) == []


def test_a_full_disk_is_the_callers_error_and_leaves_no_half_line(journal: Journal, path: Path) -> None:
    journal.append({"n": 1})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which one is said in the next line
            journal.append({"n": 2, "reason": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    journal.append({"n": 3})
    assert journal.read() == [{"n": 1}, {"n": 3}]


def test_a_place_that_cannot_be_written_is_the_callers_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Journal(tmp_path / "file" / "journal.jsonl").append({"n": 1})


WRITER = """
    import sys
    from storage.journal import Journal
    journal = Journal(sys.argv[1])
    for number in range(40):
        journal.append({"writer": sys.argv[2], "number": number})
"""


def test_several_processes_lose_nothing_while_another_one_imports(journal: Journal, path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    writers = [subprocess.Popen([*command, str(n)], env=os.environ.copy()) for n in range(3)]
    imported: list[dict[str, object]] = []
    while any(each.poll() is None for each in writers) or journal.pending:
        records = journal.read()
        if journal.clear(records):
            imported += records
    assert [each.wait() for each in writers] == [0, 0, 0]
    expected = [(str(writer), number) for writer in range(3) for number in range(40)]
    assert sorted((each["writer"], each["number"]) for each in imported) == sorted(expected)
