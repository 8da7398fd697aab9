"""What is handed out comes back whole, and no text in it becomes anything but text."""

import csv
import io
import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from recovery_logs import NOW, a_checklist, a_log

from commands.cells import defused
from commands.recovering.export import COLUMNS, Whole, to_csv, to_json, to_markdown
from commands.words import visible
from storage.recoveries import Correction, Item, RecoveryRow
from storage.schema import clean, utc_text
from tests.hostile import NASTY, texts

FIELDS = {
    "Issue": "issue",
    "Root cause": "root_cause",
    "Actions taken": "actions_taken",
    "Lessons learned": "lessons",
}


def whole(text: str = "the disk was not full", **changes: Any) -> Whole:
    added = Correction(id=1, log_id=3, at=NOW + timedelta(days=1), by="U3", text=text)
    return Whole(log=replace(a_log(), **changes), corrections=(added,), items=a_checklist())


def everywhere(text: str) -> Whole:
    """A log that says this text in each place where people or other programs write."""
    log = replace(
        a_log(),
        bot=text,
        scenario=text,
        issue=text,
        root_cause=text,
        actions_taken=text,
        outcome=text,
        lessons=text,
        timeline=[{"at": utc_text(NOW), "what": text, "who": text, "kind": "kill"}],
        people=[text],
        approvals=[text],
        opened_by=text,
        closed_by=text,
    )
    items = [replace(each, owner=text, done_by=text) for each in a_checklist()]
    added = Correction(id=1, log_id=3, at=NOW, by=text, text=text)
    return Whole(log=log, corrections=(added,), items=items)


def quoted(markdown: str) -> dict[str, str]:
    """What stands quoted under each heading."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in markdown.split("\n"):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith(">"):
            found.setdefault(heading, []).append(line[2:])
    return {name: "\n".join(lines) for name, lines in found.items()}


def read_back(stored: dict[str, Any], kind: type[Any], *moments: str) -> Any:
    times = {name: stored[name] and datetime.fromisoformat(stored[name]) for name in moments}
    return kind(**stored | times)


def test_json_comes_back_as_it_was() -> None:
    told = [whole(), everywhere('=1+1 "ü"\n\x1b'), Whole(log=replace(a_log(), closed_at=None, bot=None))]
    back = []
    for each in json.loads(to_json(told)):
        added, checklist = each.pop("corrections"), each.pop("checklist")
        back.append(
            Whole(
                log=read_back(each, RecoveryRow, "began_at", "opened_at", "saved_at", "closed_at"),
                corrections=tuple(read_back(one, Correction, "at") for one in added),
                items=[read_back(one, Item, "due_at", "remind_at", "done_at") for one in checklist],
            )
        )
    assert [asdict(each.log) for each in back] == [asdict(each.log) for each in told]
    assert [list(each.corrections) for each in back] == [list(each.corrections) for each in told]
    assert [list(each.items) for each in back] == [list(each.items) for each in told]


def test_csv_comes_back_as_it_was_with_each_formula_defused() -> None:
    hostile = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", 'a,"b"\r\nc', "")
    told = [whole(text, issue=text, root_cause=text, bot=text) for text in hostile]
    rows = list(csv.DictReader(io.StringIO(to_csv(told), newline="")))
    assert len(rows) == len(hostile)
    for text, row in zip(hostile, rows, strict=True):
        assert tuple(row) == COLUMNS
        for name in ("issue", "root_cause", "bot"):
            assert row[name] == (f"'{text}" if text[:1] in set("=+-@\t\r\n'") else text)
            assert row[name].removeprefix("'") == text or row[name] == text
        assert (row["began_at"], row["stop_s"], row["detect_s"]) == (utc_text(NOW), "1.5", "")
        assert (row["people"], row["open_items"]) == ("U1; U2", "9")
        assert row["corrections"] == f"{utc_text(NOW + timedelta(days=1))} U3: {text}"


@given(texts)
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    text = clean(text)
    for row in csv.reader(io.StringIO(to_csv([everywhere(text)]), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    cell = defused(text)
    assert cell == text or cell[1:] == text


def test_markdown_tells_the_handbooks_fields_and_they_come_back() -> None:
    told = whole()
    text = to_markdown([told])
    found = quoted(text)
    assert {name: found[name] for name in FIELDS} == {
        name: getattr(told.log, field) for name, field in FIELDS.items()
    }
    assert found["Timeline"] == "2026-11-24T03:12:00.000000+00:00 /kill by U1"
    assert found["Corrections"] == "the disk was not full"
    for line in (
        "## Recovery 3: ndax",
        "- Date: 2026-11-24 03:12:00 UTC",
        "- State: closed, closed 2026-11-24 04:12:00 UTC by U2",
        "- Scenario: Bot crashes repeatedly",
        "- Outcome: Recovered",
        "- Time to detect: unknown",
        "- Time to stop: 1.5 s",
        "- Time to verify: 3.0 s",
        "- Time to recover: 2.0 h",
        "- People: U1, U2",
        "- Approvals: start-A: approve by U2",
        f"- Evidence: sha256 {'e' * 64}",
        "- [x] Document what happened: U1, due 2026-11-25 03:12:00 UTC, done 2026-11-24 03:12:00 UTC by U2",
        "- [ ] Hold the follow-up review: U1, due 2026-12-01 03:12:00 UTC",
        "2026-11-25 03:12:00 UTC, U3:",
    ):
        assert line in text.splitlines()


def test_an_empty_field_says_so_and_no_logs_are_a_sentence() -> None:
    log = replace(a_log(), issue="", outcome="", people=[], approvals=[], timeline=[])
    text = to_markdown([Whole(log=log)])
    assert quoted(text)["Issue"] == "(empty)"
    assert "- Outcome: not filled in yet" in text
    assert "- People: none" in text
    assert to_markdown([]) == "No recovery log.\n"


def skeleton(markdown: str) -> list[str]:
    """The lines that make the form of a document, without what was written into it."""
    lines = markdown.split("\n")
    return [line.split(":")[0] for line in lines if line.startswith(("#", "- "))]


@pytest.mark.parametrize(
    "text",
    [
        *NASTY,
        "x\n## Recovery 4: quantum\n\n- Outcome: Recovered",
        "x\r# a\u2028# b\x85# c\x0b# d\x0c# e",
        "x\n\n---\n\n```\n<h1>x</h1>",
    ],
)
def test_no_text_forges_a_heading_or_a_field(text: str) -> None:
    text = clean(text)
    plain, hostile = to_markdown([everywhere("x")]), to_markdown([everywhere(text)])
    assert [line for line in skeleton(hostile) if not line.startswith("## ")] == [
        line for line in skeleton(plain) if not line.startswith("## ")
    ]
    assert sum(line.startswith("## ") for line in hostile.split("\n")) == 1
    assert visible(hostile) == hostile
