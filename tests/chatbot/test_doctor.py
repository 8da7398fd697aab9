"""The doctor against the local Slack and the reference fleet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.doctor import (
    check_alerts,
    check_coordinator,
    check_database,
    check_journal,
    check_monitor,
    check_second_person,
    examine,
)
from chatbot.doctor_slack import check_slack
from chatbot.finding import Level
from chatbot.sandbox.fleet import Fleet
from chatbot.sandbox.run import environment
from chatbot.sandbox.slack import LocalSlack
from config.loading import load
from config.settings import Settings
from storage.database import Database
from storage.journal import Journal


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.running(speed=100) as running:
        yield running


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with Fleet.running() as running:
        yield running


def environ_of(slack: LocalSlack, fleet: Fleet, data: Path) -> dict[str, str]:
    made = environment(
        slack_api=slack.api_url,
        coordinator=fleet.coordinator_url,
        monitor=fleet.monitor_url,
        data=data,
        http_port=3999,
        http_mode=False,
    )
    return {name: value for name, value in made.items() if name.startswith(("SLACK_", "CHATBOT_"))}


async def said(environ: dict[str, str], cwd: Path) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = await examine(environ, say=lines.append, cwd=cwd)
    return code, lines


async def slack_says(environ: dict[str, str], cwd: Path) -> list[tuple[Level, str]]:
    return [(each.level, each.what) async for each in check_slack(load(environ, cwd=cwd))]


def only_bad(found: list[tuple[Level, str]]) -> list[tuple[Level, str]]:
    return [each for each in found if each[0] is not Level.OK]


async def test_it_is_told_when_an_alert_would_call_nobody_and_nobody_would_notice(
    slack: LocalSlack, fleet: Fleet, tmp_path: Path
) -> None:
    environ = environ_of(slack, fleet, tmp_path)
    environ["CHATBOT_CONTACTS"] = '[{"role": "exchange support", "phone": "+1 555 0100"}]'
    found = [each.what for each in check_alerts(load(environ, cwd=tmp_path)) if each.level is Level.WARNING]
    assert [each.split(";")[1] for each in found] == [
        " add one in contacts.",
        " set CHATBOT_ALERTS__PING_URL.",
    ]


async def test_a_whole_installation_is_well(slack: LocalSlack, fleet: Fleet, tmp_path: Path) -> None:
    for name in ("logs", "config"):
        (tmp_path / "home" / name).mkdir(parents=True)
    environ = environ_of(slack, fleet, tmp_path) | {
        "CHATBOT_ALERTS__PING_URL": "https://example.org/ping/1",
        "CHATBOT_RECOVERY__HOME": str(tmp_path / "home"),
    }
    database = Database(environ["CHATBOT_DATABASE__URL"])
    await database.prepare()
    await database.close()
    code, lines = await said(environ, tmp_path)
    assert code == 0
    assert [line for line in lines if not line.startswith("ok ")] == ["All that is needed works."]
    told = "\n".join(lines)
    for subject in (
        "Settings",
        "Database",
        "Audit",
        "Journal",
        "Coordinator",
        "Monitor",
        "Runbooks",
        "Recovery",
        "app token",
        "#fleet-ops",
    ):
        assert subject in told


async def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(url)
    await database.prepare()
    await database.close()
    for _ in range(2):
        assert [each.what for each in await check_database(url)][-1] == "Audit: whole, 0 rows."


async def test_a_new_database_is_no_failure_and_is_not_made_by_looking(tmp_path: Path) -> None:
    (finding,) = await check_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert finding.level is Level.WARNING
    assert "chatbot migrate" in finding.what
    assert names_in(tmp_path) == []


async def test_a_file_that_is_no_database_fails(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
    (finding,) = await check_database(f"sqlite:///{tmp_path / 'x.db'}")
    assert finding.level is Level.FAILED


async def test_mistakes_in_the_settings_do_not_end_the_look(
    slack: LocalSlack, fleet: Fleet, tmp_path: Path
) -> None:
    environ = {**environ_of(slack, fleet, tmp_path), "CHATBOT_HTTP__PORT": "x"}
    code, lines = await said(environ, tmp_path)
    assert code == 1
    assert lines[0] == "failed   Settings: CHATBOT_HTTP__PORT (http.port in TOML) must be a whole number."
    assert any("Coordinator: answers" in line for line in lines)


async def test_without_a_sure_coordinator_nothing_else_is_asked(tmp_path: Path) -> None:
    code, lines = await said({"CHATBOT_COORDINATOR__URL": "nowhere"}, tmp_path)
    assert code == 1
    assert "Nothing else was checked" in lines[-2]


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({"CHATBOT_ROLES__ADMINS": '["U1", "U2"]'}, Level.OK, "can be met"),
        ({"CHATBOT_ROLES__ADMINS": '["U1"]'}, Level.WARNING, "nothing can be started"),
        ({"CHATBOT_ROLES__ADMINS": '["U1"]', "CHATBOT_POLICY__SOLO": "true"}, Level.OK, "can be met"),
        (
            {"CHATBOT_ROLES__ADMINS": '["U1", "U2"]', "CHATBOT_POLICY__SOLO": "true"},
            Level.WARNING,
            "does nothing",
        ),
        (
            {"CHATBOT_ROLES__ADMINS": '["U1", "U2"]', "CHATBOT_POLICY__APPROVERS": '{"start": 2}'},
            Level.FAILED,
            "asks for 2 besides the one who types start, and there are 1",
        ),
        (
            {"CHATBOT_ROLES__ADMINS": '["U1", "U2"]', "CHATBOT_POLICY__STEP_UP": '["start"]'},
            Level.FAILED,
            "CHATBOT_TOTP__KEY is not set",
        ),
    ],
)
def test_a_policy_that_cannot_be_met_is_told(settings: dict[str, str], level: Level, words: str) -> None:
    (found,) = check_second_person(load({"CHATBOT_CONFIG": "", **settings}))
    assert found.level is level
    assert words in found.what


def test_stops_in_the_journal_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    assert check_journal(path).level is Level.OK
    Journal(path).append({"kind": "kill"})
    assert check_journal(path).level is Level.WARNING


def test_a_journal_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a directory")
    assert check_journal(tmp_path / "file" / "journal.jsonl").level is Level.FAILED


def names_in(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]


def fleet_settings(tmp_path: Path, **variables: str) -> Settings:
    return load({f"CHATBOT_{name}": value for name, value in variables.items()}, cwd=tmp_path)


async def test_bots_that_nobody_knows_are_named(fleet: Fleet, tmp_path: Path) -> None:
    settings = fleet_settings(
        tmp_path, COORDINATOR__URL=fleet.coordinator_url, COORDINATOR__BOTS='["ndax", "quantum", "dax"]'
    )
    first, absent, more = await check_coordinator(settings)
    assert first.level is Level.OK
    assert (absent.level, "knows no bot dax" in absent.what) == (Level.FAILED, True)
    assert (more.level, "shadowforge" in more.what) == (Level.WARNING, True)


async def test_another_program_with_a_health_page_is_no_coordinator(fleet: Fleet, tmp_path: Path) -> None:
    (finding,) = await check_coordinator(fleet_settings(tmp_path, COORDINATOR__URL=fleet.monitor_url))
    assert finding.level is Level.FAILED


async def test_a_coordinator_that_is_not_there_fails_and_a_monitor_only_warns(tmp_path: Path) -> None:
    settings = fleet_settings(
        tmp_path, COORDINATOR__URL="http://127.0.0.1:9", MONITOR__URL="http://127.0.0.1:9"
    )
    (finding,) = await check_coordinator(settings)
    assert finding.level is Level.FAILED
    assert (await check_monitor(settings)).level is Level.WARNING


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "auth.test was refused (invalid_auth); copy the token anew"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "apps.connections.open was refused (invalid_auth)"),
        ({"CHATBOT_SLACK__TEAM_ID": "T0OTHER"}, "CHATBOT_SLACK__TEAM_ID says T0OTHER"),
        ({"CHATBOT_CHANNELS__OPS": "C0NOTHERE"}, "ops channel C0NOTHERE was refused (channel_not_found)"),
        ({"CHATBOT_CHANNELS__OPS": "C0ARCHIVE"}, "#old-fleet-ops (ops) is archived"),
        ({"CHATBOT_CHANNELS__OPS": "C0LOBBY"}, "the bot is not in #lobby (ops)"),
        ({"CHATBOT_CHANNELS__APPROVALS": "C0SHARED"}, "(approvals) is shared with another organisation"),
        ({"CHATBOT_ROLES__OPERATORS": '["U0GUEST1"]'}, "U0GUEST1 is a guest account"),
        ({"CHATBOT_ROLES__VIEWERS": '["U0DELETED"]'}, "U0DELETED is deactivated"),
        ({"CHATBOT_ROLES__VIEWERS": '["U0NOBODY"]'}, "person U0NOBODY was refused (user_not_found)"),
        ({"CHATBOT_ROLES__ADMINS": '["U0ADMIN1"]'}, "only one admin can act"),
    ],
)
async def test_what_is_wrong_in_slack_is_told(
    variables: dict[str, str], words: str, slack: LocalSlack, fleet: Fleet, tmp_path: Path
) -> None:
    ((_, told),) = only_bad(await slack_says({**environ_of(slack, fleet, tmp_path), **variables}, tmp_path))
    assert words in told


async def test_an_admin_who_is_a_guest_is_no_admin(slack: LocalSlack, fleet: Fleet, tmp_path: Path) -> None:
    environ = {**environ_of(slack, fleet, tmp_path), "CHATBOT_ROLES__ADMINS": '["U0GUEST1"]'}
    found = only_bad(await slack_says(environ, tmp_path))
    assert [level for level, _ in found] == [Level.FAILED, Level.FAILED]
    assert "no admin can act" in found[-1][1]


async def test_a_missing_scope_is_named(slack: LocalSlack, fleet: Fleet, tmp_path: Path) -> None:
    slack.scopes.discard("files:write")
    ((level, told),) = only_bad(await slack_says(environ_of(slack, fleet, tmp_path), tmp_path))
    assert level is Level.FAILED
    assert "files:write" in told


async def test_a_slack_that_is_away_is_told_without_a_trace(
    slack: LocalSlack, fleet: Fleet, tmp_path: Path
) -> None:
    slack.faults.set("api_down")
    ((level, told),) = await slack_says(environ_of(slack, fleet, tmp_path), tmp_path)
    assert level is Level.FAILED
    assert "check the network and SLACK_API_URL" in told
