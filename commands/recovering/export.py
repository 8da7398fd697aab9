"""Recovery logs as text to hand out: Markdown for people, JSON for programs, CSV for spreadsheets."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from commands.cells import defused
from commands.recovering.model import OUTCOMES, SCENARIOS
from commands.recovering.trends import Trend
from commands.words import visible
from storage.recoveries import Correction, Item, RecoveryRow
from storage.schema import utc_text

COLUMNS = (
    "id",
    "bot",
    "state",
    "scenario",
    "began_at",
    "issue",
    "root_cause",
    "actions_taken",
    "outcome",
    "lessons",
    "detect_s",
    "stop_s",
    "verify_s",
    "recover_s",
    "people",
    "approvals",
    "evidence",
    "opened_at",
    "opened_by",
    "closed_at",
    "closed_by",
    "corrections",
    "open_items",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One log with all that belongs to it."""

    log: RecoveryRow
    corrections: Sequence[Correction] = ()
    items: Sequence[Item] = ()


def to_json(logs: Sequence[Whole]) -> str:
    """A JSON array, one object a log, times in UTC as ISO 8601."""
    told = [
        {
            **asdict(each.log),
            "corrections": [asdict(one) for one in each.corrections],
            "checklist": [asdict(one) for one in each.items],
        }
        for each in logs
    ]
    return json.dumps(told, indent=2, ensure_ascii=False, default=_time) + "\n"


def to_csv(logs: Sequence[Whole]) -> str:
    """One row a log; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for each in logs:
        log = asdict(each.log)
        log["corrections"] = "\n".join(f"{utc_text(one.at)} {one.by}: {one.text}" for one in each.corrections)
        log["open_items"] = sum(one.done_at is None for one in each.items)
        log["people"] = "; ".join(each.log.people)
        log["approvals"] = "; ".join(each.log.approvals)
        table.writerow([defused(_cell(log[name])) for name in COLUMNS])
    return out.getvalue()


def to_markdown(logs: Sequence[Whole]) -> str:
    """One section a log in the order of the handbook; what people wrote is quoted, so that it forges no heading."""
    return "\n".join(_section(each) for each in logs) if logs else "No recovery log.\n"


def table(rows: Sequence[Trend]) -> str:
    """The trends as a table of text."""
    lines = [f"{'scenario':36}{'logs':>6}{'cause unknown':>15}{'failed':>8}{'to stop':>12}{'to recover':>12}"]
    lines += [
        f"{each.name[:35]:36}{each.count:>6}{each.unknown_causes:>15}{each.failures:>8}"
        f"{span(each.stop):>12}{span(each.recover):>12}"
        for each in rows
    ]
    return "\n".join(lines)


def span(seconds: float | None) -> str:
    """A length of time in short: "0.8 s", "12 min", "3.2 h", "unknown"."""
    if seconds is None:
        return "unknown"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _section(whole: Whole) -> str:
    log = whole.log
    what = log.bot or "fleet"
    lines = [
        f"## Recovery {log.id}: {_inline(what)}",
        "",
        f"- Date: {_stamp(log.began_at)}",
        f"- State: {log.state}"
        + (f", closed {_stamp(log.closed_at)} by {_inline(log.closed_by or '')}" if log.closed_at else ""),
        f"- Scenario: {_inline(SCENARIOS.get(log.scenario, log.scenario))}",
        f"- Outcome: {_inline(OUTCOMES.get(log.outcome, log.outcome) or 'not filled in yet')}",
        f"- Time to detect: {span(log.detect_s)}",
        f"- Time to stop: {span(log.stop_s)}",
        f"- Time to verify: {span(log.verify_s)}",
        f"- Time to recover: {span(log.recover_s)}",
        f"- People: {_inline(', '.join(log.people)) or 'none'}",
        f"- Approvals: {_inline('; '.join(log.approvals)) or 'none'}",
        f"- Evidence: sha256 {log.evidence}",
        "",
    ]
    for title, text in (
        ("Issue", log.issue),
        ("Root cause", log.root_cause),
        ("Actions taken", log.actions_taken),
        ("Lessons learned", log.lessons),
    ):
        lines += [f"### {title}", "", *_quoted(text), ""]
    lines += ["### Timeline", "", *_quoted("\n".join(map(_moment, log.timeline))), ""]
    lines += ["### Checklist", "", *(_item(each) for each in whole.items), ""]
    if whole.corrections:
        lines += ["### Corrections", ""]
        for each in whole.corrections:
            lines += [f"{_stamp(each.at)}, {_inline(each.by)}:", "", *_quoted(each.text), ""]
    return "\n".join(lines)


def _moment(each: Any) -> str:
    who = f" by {each['who']}" if each.get("who") else ""
    return f"{each.get('at', '')} {each.get('what', '')}{who}"


def _item(each: Item) -> str:
    done = f", done {_stamp(each.done_at)} by {_inline(each.done_by or '')}" if each.done_at else ""
    box = "x" if each.done_at else " "
    return f"- [{box}] {_inline(each.title)}: {_inline(each.owner)}, due {_stamp(each.due_at)}{done}"


def _quoted(text: str) -> list[str]:
    """Every line as a quotation, whatever it holds."""
    return [f"> {line}".rstrip() for line in visible(text).splitlines()] or ["> (empty)"]


def _inline(text: str) -> str:
    return " ".join(visible(text).split())


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return utc_text(value) if isinstance(value, datetime) else str(value)


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    raise TypeError(type(value).__name__)
