"""The command line, as a person in a terminal meets it."""

import asyncio
import csv
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import text as sql

from chatbot.auditing import cell
from chatbot.cli import chatbot
from chatbot.sandbox.fleet import Fleet
from storage import audit
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "CHATBOT_CONFIG": "",
        "CHATBOT_DATABASE__URL": f"sqlite:///{tmp_path / 'chatbot.db'}",
        "CHATBOT_JOURNAL__PATH": str(tmp_path / "journal.jsonl"),
    }


def run(*words: str, environ: Mapping[str, str]) -> Result:
    return CliRunner().invoke(chatbot, words, env=environ)


def write_rows(url: str, *subjects: str) -> tuple[int, str]:
    """Append one audit row for each subject; the newest row's number and hash."""

    async def work() -> tuple[int, str]:
        database = Database(url)
        try:
            await database.prepare()
            for subject in subjects:
                await database.write(
                    lambda conn, subject=subject: audit.append(
                        conn,
                        at=NOW,
                        actor="U012AB3CD",
                        event="kill.accepted",
                        subject=subject,
                        detail={"reason": "=1+1"},
                    )
                )
            return await database.read(audit.head)
        finally:
            await database.close()

    return asyncio.run(work())


def tamper(url: str, statement: str) -> None:
    async def work() -> None:
        database = Database(url)
        try:
            await database.write(lambda conn: conn.execute(sql(statement)))
        finally:
            await database.close()

    asyncio.run(work())


@contextmanager
def fleet() -> Iterator[Fleet]:
    """A reference fleet beside the command, which runs a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = Fleet.running()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_serve_tells_all_mistakes_at_once_and_ends_with_2(environ: dict[str, str]) -> None:
    result = run("serve", environ={**environ, "CHATBOT_HTTP__PORT": "x", "CHATBOT_ROLES__ADMIN": "y"})
    assert result.exit_code == 2
    assert result.stdout == ""
    for name in ("CHATBOT_HTTP__PORT", "CHATBOT_ROLES__ADMINS", "CHATBOT_CHANNELS__OPS", "SLACK_BOT_TOKEN"):
        assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_manifest_prints_json_for_both_modes(environ: dict[str, str]) -> None:
    result = run("manifest", environ={**environ, "CHATBOT_SLACK__ROOT_COMMAND": "/bots"})
    assert json.loads(result.stdout)["features"]["slash_commands"][0]["command"] == "/bots"
    result = run("manifest", "--http", "https://fleet.example.org", environ=environ)
    assert json.loads(result.stdout)["settings"]["socket_mode_enabled"] is False
    result = run("manifest", "--http", "http://x", environ=environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "https://" in result.stderr


def test_migrate_makes_the_database_and_may_be_repeated(environ: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        result = run("migrate", environ=environ)
        assert (result.exit_code, result.stdout) == (0, "The database is at this program's version.\n")
    assert (tmp_path / "chatbot.db").stat().st_mode & 0o777 == 0o600


def test_migrate_tells_why_it_cannot(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "chatbot.db").write_bytes(b"no database" * 200)
    result = run("migrate", environ=environ)
    assert result.exit_code == 1
    assert "not a SQLite database" in result.stderr


def test_a_whole_audit_is_told_with_its_head(environ: dict[str, str]) -> None:
    seq, digest = write_rows(environ["CHATBOT_DATABASE__URL"], "a", "b", "c")
    result = run("audit", "verify", environ=environ)
    assert result.exit_code == 0
    assert result.stdout == f"The audit is whole: 3 rows, the newest is {seq}:{digest}\n"
    assert run("audit", "verify", "--expect", f"{seq}:{digest.upper()}", environ=environ).exit_code == 0


def test_each_row_that_was_touched_is_named(environ: dict[str, str]) -> None:
    url = environ["CHATBOT_DATABASE__URL"]
    write_rows(url, "a", "b", "c", "d")
    tamper(url, "UPDATE audit SET subject = 'x' WHERE seq = 2")
    tamper(url, "DELETE FROM audit WHERE seq = 4")
    result = run("audit", "verify", environ=environ)
    assert result.exit_code == 1
    assert "Row 2 was edited" in result.stdout
    assert "Row 4 was removed" in result.stdout


def test_a_head_noted_elsewhere_shows_a_record_that_was_rewritten_as_a_whole(environ: dict[str, str]) -> None:
    write_rows(environ["CHATBOT_DATABASE__URL"], "a")
    result = run("audit", "verify", "--expect", f"1:{'0' * 64}", environ=environ)
    assert result.exit_code == 1
    assert "Row 1 no longer has the hash that was posted" in result.stdout


@pytest.mark.parametrize("head", ["1", "x:" + "0" * 64, "1:abc", "1:" + "g" * 64])
def test_a_head_that_is_none_is_refused(head: str, environ: dict[str, str]) -> None:
    result = run("audit", "verify", "--expect", head, environ=environ)
    assert result.exit_code == 2
    assert "write it as on a card" in result.stderr


def test_an_audit_that_cannot_be_read_ends_with_2_and_is_not_made(
    environ: dict[str, str], tmp_path: Path
) -> None:
    for words in (("verify",), ("export",), ("export", "--output", str(tmp_path / "out.json"))):
        result = run("audit", *words, environ=environ)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "chatbot migrate" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_export_writes_json_lines_that_carry_the_chain(environ: dict[str, str]) -> None:
    _, digest = write_rows(environ["CHATBOT_DATABASE__URL"], "a", "ü")
    first, second = (json.loads(line) for line in run("audit", "export", environ=environ).stdout.splitlines())
    assert first["at"] == "2026-11-24T03:12:00.000000+00:00"
    assert second["subject"] == "ü"
    assert second["detail"] == {"reason": "=1+1"}
    assert (second["prev_hash"], second["hash"]) == (first["hash"], digest)


def test_a_spreadsheet_takes_no_exported_cell_for_a_formula(environ: dict[str, str], tmp_path: Path) -> None:
    write_rows(environ["CHATBOT_DATABASE__URL"], "=cmd|x", "@x", "-1", "+1", "\tx", "\rx", 'a,"b"\nc')
    path = tmp_path / "audit.csv"
    result = run("audit", "export", "--format", "csv", "--output", str(path), environ=environ)
    assert result.stdout == f"7 rows written to {path}.\n"
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == ["'=cmd|x", "'@x", "'-1", "'+1", "'\tx", "'\rx", 'a,"b"\nc']
    assert json.loads(rows[0]["detail"]) == {"reason": "=1+1"}


def test_no_cell_begins_like_a_formula_and_plain_ones_stay() -> None:
    assert [cell(each) for each in (1, "x", "=x")] == [1, "x", "'=x"]


def test_an_export_overwrites_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    write_rows(environ["CHATBOT_DATABASE__URL"], "a")
    path = tmp_path / "audit.json"
    path.write_text("evidence")
    result = run("audit", "export", "--output", str(path), environ=environ)
    assert result.exit_code == 2
    assert "File exists" in result.stderr
    assert path.read_text() == "evidence"


def test_kill_stops_the_fleet_and_says_what_it_saw(environ: dict[str, str]) -> None:
    with fleet() as running:
        environ = {**environ, "CHATBOT_COORDINATOR__URL": running.coordinator_url, "CHATBOT_HTTP__PORT": "x"}
        result = run("kill", "bad", "fills", environ=environ)
        assert result.exit_code == 0, result.output
        assert "CHATBOT_HTTP__PORT" in result.output  # told, and not in the way
        shown = run("status", "--json", environ=environ)
        assert shown.exit_code == 0
        assert json.loads(shown.stdout)
        assert "CHATBOT_HTTP__PORT" in shown.stderr
    rows = [
        json.loads(line) for line in run("audit", "export", environ=without_port(environ)).stdout.splitlines()
    ]
    assert any("bad fills" in json.dumps(row) for row in rows)


def without_port(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "CHATBOT_HTTP__PORT"}


def test_kill_without_a_sure_coordinator_says_how_to_stop_by_hand(environ: dict[str, str]) -> None:
    result = run("kill", environ={**environ, "CHATBOT_COORDINATOR__URL": "localhost:8000"})
    assert result.exit_code == 2
    assert (
        "Nothing was sent. Stop the fleet by hand: curl -X POST http://COORDINATOR/kill-switch"
        in result.stderr
    )
    assert "CHATBOT_COORDINATOR__URL" in result.stderr


def test_status_without_a_coordinator_is_an_answer_not_a_trace(environ: dict[str, str]) -> None:
    result = run("status", environ={**environ, "CHATBOT_COORDINATOR__URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_doctor_ends_with_1_when_something_fails(environ: dict[str, str]) -> None:
    result = run("doctor", environ={**environ, "CHATBOT_COORDINATOR__URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert "failed   Settings: CHATBOT_ROLES__ADMINS" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    heavy = ("slack_sdk", "slack_bolt", "sqlalchemy", "httpx", "pydantic", "aiohttp", "alembic", "structlog")
    code = f"import sys, chatbot.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatbot", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    for name in ("serve", "sandbox", "doctor", "manifest", "migrate", "kill", "status", "audit"):
        assert name in done.stdout


def test_csv_output_is_one_table(environ: dict[str, str]) -> None:
    write_rows(environ["CHATBOT_DATABASE__URL"], "a")
    result = run("audit", "export", "--format", "csv", environ=environ)
    header, row = csv.reader(io.StringIO(result.stdout))
    assert header[0] == "seq"
    assert row[0] == "1"
