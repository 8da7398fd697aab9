"""`chatbot recoveries`, and what `chatbot audit verify` says of logs that somebody edited in the database."""

import asyncio
import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, text

from chatbot.cli import chatbot
from storage import recoveries
from storage.database import Database
from storage.recovery_rows import Draft, Moment, Times

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
T = TypeVar("T")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "CHATBOT_CONFIG": "",
        "CHATBOT_DATABASE__URL": f"sqlite:///{tmp_path / 'chatbot.db'}",
        "CHATBOT_JOURNAL__PATH": str(tmp_path / "journal.jsonl"),
    }


def run(*words: str, environ: Mapping[str, str]) -> Result:
    return CliRunner().invoke(chatbot, words, env=environ)


def write(environ: Mapping[str, str], verb: Callable[[Connection], T]) -> T:
    async def work() -> T:
        database = Database(environ["CHATBOT_DATABASE__URL"])
        try:
            await database.prepare()
            return await database.write(verb)
        finally:
            await database.close()

    return asyncio.run(work())


def tell(environ: Mapping[str, str], bot: str | None, issue: str) -> int:
    """A closed log; its number."""

    def verb(conn: Connection) -> int:
        made = recoveries.create(
            conn,
            draft=Draft(
                bot=bot,
                scenario="crash-loop",
                began_at=NOW,
                issue=issue,
                root_cause="unknown",
                outcome="success",
            ),
            timeline=(Moment(at=NOW, what="/kill", who="U1", kind="kill"),),
            times=Times(stop=90.0, recover=7200.0),
            people=("U1",),
            approvals=(),
            by="U1",
            at=NOW,
        )
        assert recoveries.close(conn, made.id, by="U2", at=NOW)
        return made.id

    return write(environ, verb)


def test_logs_are_listed_newest_first_by_bot_and_by_text(environ: dict[str, str]) -> None:
    write(environ, lambda conn: None)
    assert run("recoveries", "list", environ=environ).stdout == "No recovery log.\n"
    tell(environ, "ndax", "a full\n\x1b[31mdisk")
    tell(environ, None, "the network")
    first, second = run("recoveries", "list", environ=environ).stdout.splitlines()
    assert first.split() == ["2", "2026-11-24", "03:12", "closed", "fleet", "crash-loop", "the", "network"]
    assert second.split() == [
        "1",
        "2026-11-24",
        "03:12",
        "closed",
        "ndax",
        "crash-loop",
        "a",
        "full",
        "[31mdisk",
    ]
    assert run("recoveries", "list", "ndax", environ=environ).stdout.splitlines() == [second]
    assert run("recoveries", "list", "FULL", environ=environ).stdout.splitlines() == [second]
    assert run("recoveries", "list", "net", "work", environ=environ).stdout == "No recovery log.\n"


def test_one_log_is_shown_and_a_number_without_one_ends_with_1(environ: dict[str, str]) -> None:
    number = tell(environ, "ndax", "a full disk")
    shown = run("recoveries", "show", str(number), environ=environ)
    assert shown.exit_code == 0
    assert f"## Recovery {number}: ndax" in shown.stdout
    assert "> a full disk" in shown.stdout
    missing = run("recoveries", "show", "99", environ=environ)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "There is no recovery log 99: `chatbot recoveries list` lists them.\n"


def test_logs_are_handed_out_in_three_forms(environ: dict[str, str], tmp_path: Path) -> None:
    tell(environ, "ndax", "=1+1")
    tell(environ, None, "ü")

    def export(*words: str) -> str:
        result = run("recoveries", "export", *words, environ=environ)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert [each["issue"] for each in json.loads(export("--format", "json"))] == ["=1+1", "ü"]
    rows = csv.DictReader(io.StringIO(export("--format", "csv"), newline=""))
    assert [row["issue"] for row in rows] == ["'=1+1", "ü"]
    assert export("2").count("## Recovery") == 1
    path = tmp_path / "logs.md"
    assert export("--output", str(path)) == f"2 logs written to {path}.\n"
    assert path.read_text(encoding="utf-8").count("## Recovery") == 2
    assert path.stat().st_mode & 0o777 == 0o600
    again = run("recoveries", "export", "--output", str(path), environ=environ)
    assert again.exit_code == 2
    assert "File exists" in again.stderr
    missing = run("recoveries", "export", "1", "99", environ=environ)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no recovery log 99" in missing.stderr


def test_trends_are_a_table(environ: dict[str, str]) -> None:
    tell(environ, "ndax", "a")
    tell(environ, None, "b")
    _, row, every = run("recoveries", "trends", environ=environ).stdout.splitlines()
    assert row.split() == ["Bot", "crashes", "repeatedly", "2", "2", "0", "90", "s", "2.0", "h"]
    assert every.split()[:2] == ["All", "2"]


def test_a_database_that_cannot_be_read_ends_with_2(environ: dict[str, str], tmp_path: Path) -> None:
    for words in (("list",), ("show", "1"), ("export",), ("trends",)):
        result = run("recoveries", *words, environ=environ)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "chatbot migrate" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_log_edited_in_the_database_is_found_by_audit_verify(environ: dict[str, str]) -> None:
    number = tell(environ, "ndax", "a full disk")
    whole = run("audit", "verify", environ=environ)
    assert (whole.exit_code, whole.stdout.startswith("The audit is whole: 2 rows")) == (0, True)
    write(environ, lambda conn: conn.execute(text("UPDATE recoveries SET root_cause = 'sabotage'")))
    result = run("audit", "verify", environ=environ)
    assert result.exit_code == 1
    assert f"- Recovery log {number} was edited: it is not as row 2 of the audit says.\n" in result.stdout
    assert "The audit is whole" not in result.stdout
    write(environ, lambda conn: conn.execute(text("DELETE FROM recoveries")))
    result = run("audit", "verify", environ=environ)
    assert result.exit_code == 1
    assert f"- Recovery log {number} was removed: row 2 of the audit knows it.\n" in result.stdout
    write(environ, lambda conn: conn.execute(text("UPDATE audit SET actor = 'U9' WHERE seq = 1")))
    result = run("audit", "verify", environ=environ)
    assert result.exit_code == 1
    assert "Row 1 was edited" in result.stdout
    assert f"Recovery log {number} was removed" in result.stdout
