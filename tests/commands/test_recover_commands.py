"""/recover, /diagnose, /logs, /config, /evidence and /host as people type them, and why they may not be asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given

from commands import COMMANDS, config, find, host, recover
from commands.cooldown import Breaker
from commands.coordinator.model import BotStatus, FleetStatus
from commands.parsing import parse
from commands.spec import Request, Risk, UserError
from commands.standing import Standing
from config.kinds import RaiseCommand
from storage.actions import Action, State
from storage.latch import Latch
from tests.hostile import texts

BOTS = ("ndax", "quantum", "shadowforge")
NAMES = ("config", "diagnose", "evidence", "host", "logs", "recover")
NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)


def refused(name: str, typed: str) -> str:
    with pytest.raises(UserError) as error:
        parse(name, typed, BOTS)
    return str(error.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Request(command="recover", option="list")),
        ("list", Request(command="recover", option="list")),
        ("LIST!", Request(command="recover", option="list")),
        ("show", Request(command="recover", option="show")),
        ("show 12", Request(command="recover", option="show", number=12)),
        ("Show #12", Request(command="recover", option="show", number=12)),
        ("ndax", Request(command="recover", option="open", bot="ndax")),
        ("NDAX crash-loop", Request(command="recover", option="open", bot="ndax", target="crash-loop")),
        (
            "'quantum' `Resources`",
            Request(command="recover", option="open", bot="quantum", target="resources"),
        ),
        ("fleet", Request(command="recover", option="open")),
        ("ALL", Request(command="recover", option="open")),
        ("*", Request(command="recover", option="open")),
        ("* data-loss", Request(command="recover", option="open", target="data-loss")),
        (
            "ndax again the memory was doubled",
            Request(command="recover", option="again", bot="ndax", reason="the memory was doubled"),
        ),
        (
            "ndax again exactly fifteen",
            Request(command="recover", option="again", bot="ndax", reason="exactly fifteen"),
        ),
        (
            "fleet AGAIN &lt;limits&gt; are lower",
            Request(command="recover", option="again", reason="<limits> are lower"),
        ),
        ("handover <@U0ADMIN2>", Request(command="recover", option="handover", person="U0ADMIN2")),
        ("handover <@U0ADMIN2|two words>", Request(command="recover", option="handover", person="U0ADMIN2")),
        ("handover\t<@U0ADMIN2>", Request(command="recover", option="handover", person="U0ADMIN2")),
        (
            "handover #3  <@U0ADMIN2|second> ",
            Request(command="recover", option="handover", number=3, person="U0ADMIN2"),
        ),
        (
            "abandon 3 found nothing",
            Request(command="recover", option="abandon", number=3, reason="found nothing"),
        ),
        ("abandon #3 x", Request(command="recover", option="abandon", number=3, reason="x")),
    ],
)
def test_what_recover_is_told(typed: str, meant: Request) -> None:
    assert parse("recover", typed, BOTS) == meant


@pytest.mark.parametrize(
    ("typed", "words", "nothing"),
    [
        ("ndx", "did you mean ndax", recover.NOTHING),
        ("list all", "There is no bot 'list'", recover.NOTHING),
        ("!!!", "There is no bot '!!!'", recover.NOTHING),
        ("ndax quantum shadowforge", "'quantum shadowforge' is no scenario", recover.NOTHING),
        ("ndax again", "what is different this time in at least 15 characters", recover.NOTHING),
        ("ndax again fourteen chars", "what is different", recover.NOTHING),
        ("ndax again too short", "/recover ndax again the memory was doubled", recover.NOTHING),
        ("show three", "/recover show 3", recover.UNCHANGED),
        ("show 1234567890", "by its number", recover.UNCHANGED),
        ("show ²", "by its number", recover.UNCHANGED),
        ("show -1", "by its number", recover.UNCHANGED),
        ("abandon", "/recover abandon 3", recover.UNCHANGED),
        ("abandon ndax", "by its number", recover.UNCHANGED),
        ("abandon 3", "Say why, as in /recover abandon 3 found nothing", recover.UNCHANGED),
        ("handover", "Write to whom as a mention", recover.UNCHANGED),
        ("handover 3", "Write to whom as a mention", recover.UNCHANGED),
        ("handover @somebody", "Write to whom as a mention", recover.UNCHANGED),
        ("handover <@U0ADMIN2> please", "Write to whom as a mention", recover.UNCHANGED),
        ("handover x <@U0ADMIN2>", "Write to whom as a mention", recover.UNCHANGED),
    ],
)
def test_what_recover_does_not_understand(typed: str, words: str, nothing: str) -> None:
    said = refused("recover", typed)
    assert words in said
    assert said.endswith(nothing)


@pytest.mark.parametrize(
    ("typed", "bot", "public"),
    [
        ("", None, False),
        ("fleet", None, False),
        ("Everything", None, False),
        ("public", None, True),
        ("NDAX", "ndax", False),
        ("ndax public", "ndax", True),
        ("quantum SHARE", "quantum", True),
    ],
)
def test_what_is_diagnosed_and_for_whom(typed: str, bot: str | None, public: bool) -> None:
    assert parse("diagnose", typed, BOTS) == Request(command="diagnose", bot=bot, public=public)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ndx", "did you mean ndax"),
        ("ndax quantum", "'ndax quantum' is more than one bot"),
        ("public ndax", "is more than one bot"),
        ("ndax quantum public", "'ndax quantum' is more than one bot"),
    ],
)
def test_what_cannot_be_diagnosed(typed: str, words: str) -> None:
    said = refused("diagnose", typed)
    assert words in said
    assert said.endswith("Nothing was looked at.")


@pytest.mark.parametrize(
    ("typed", "bot", "level", "text"),
    [
        ("", None, "", ""),
        ("ndax", "ndax", "", ""),
        ("error", None, "ERROR", ""),
        ("NDAX Errors", "ndax", "ERROR", ""),
        ("ndax warn order  refused", "ndax", "WARNING", "order refused"),
        ("fatal", None, "CRITICAL", ""),
        ("order refused", None, "", "order refused"),
        ("ndx error", None, "", "ndx error"),  # no bot of that name: it is looked for in the lines
        ("ndax order error", "ndax", "", "order error"),
        ("error ndax", None, "ERROR", "ndax"),
    ],
)
def test_which_lines_of_the_logs_are_meant(typed: str, bot: str | None, level: str, text: str) -> None:
    assert parse("logs", typed, BOTS) == Request(command="logs", bot=bot, option=level, pattern=text)


@pytest.mark.parametrize(
    ("typed", "option", "target", "reason"),
    [
        ("", "check", "", ""),
        ("check", "check", "", ""),
        ("CHECK bot-limits.json", "check", "bot-limits.json", ""),
        ("show bot-limits.json", "show", "bot-limits.json", ""),
        ("show bot-limits.json from latest", "show", "bot-limits.json latest", ""),
        ("backup", "backup", "", ""),
        ("backup now please", "backup", "", ""),
        ("diff", "diff", "latest", ""),
        ("diff bot-limits.json", "diff", "bot-limits.json latest", ""),
        ("diff bot-limits.json 2026-11-24T0312", "diff", "bot-limits.json 2026-11-24T0312", ""),
        ("diff bot-limits.json from git:HEAD", "diff", "bot-limits.json git:HEAD", ""),
        ("restore bot-limits.json", "restore", "bot-limits.json latest", ""),
        ("restore bot-limits.json from", "restore", "bot-limits.json latest", ""),
        (
            "restore bot-limits.json from latest it was right",
            "restore",
            "bot-limits.json latest",
            "it was right",
        ),
        (
            "restore bot-limits.json git:release/1.2 rolled back",
            "restore",
            "bot-limits.json git:release/1.2",
            "rolled back",
        ),
    ],
)
def test_what_is_done_with_the_configuration(typed: str, option: str, target: str, reason: str) -> None:
    found = parse("config", typed, BOTS)
    assert found == Request(command="config", option=option, target=target, reason=reason)
    command = find("config")
    assert command is not None
    assert (command.risk_of(found) is Risk.RAISE) is (option == "restore")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("delete bot-limits.json", "'delete' is nothing I can do"),
        ("check ../../etc/passwd", "is no file of the configuration"),
        ("check /etc/passwd.json", "is no file of the configuration"),
        ("show", "Say which file"),
        ("check bot-limits.json please", "takes one file and nothing behind it"),
        ("restore .hidden.json", "is no file of the configuration"),
        ("restore bot-limits.yaml", "is no file of the configuration"),
        ("restore a/b.json", "is no file of the configuration"),
        ("restore bot-limits.json ../elsewhere", "is no backup"),
        ("restore bot-limits.json from /tmp/x", "is no backup"),
        ("restore bot-limits.json from --upload-pack", "is no backup"),
        ("restore bot-limits.json git:--output=x", "is no backup"),
        ("diff bot-limits.json git:", "is no backup"),
        ("restore", "Say which file"),
    ],
)
def test_what_is_not_done_with_the_configuration(typed: str, words: str) -> None:
    said = refused("config", typed)
    assert words in said
    assert said.endswith(config.NOTHING)


@pytest.mark.parametrize("typed", ["", "now", "of everything please"])
def test_evidence_takes_no_arguments(typed: str) -> None:
    assert parse("evidence", typed, BOTS) == Request(command="evidence")


@pytest.mark.parametrize(
    ("typed", "option", "target", "reason"),
    [
        ("", "list", "", ""),
        ("List", "list", "", ""),
        ("list all", "run", "list", "all"),
        ("restart-coordinator", "run", "restart-coordinator", ""),
        ("`Restart-Coordinator` it hangs", "run", "restart-coordinator", "it hangs"),
        ("restart force it hangs since 03:00", "force", "restart", "it hangs since 03:00"),
        ("restart FORCE exactly fifteen", "force", "restart", "exactly fifteen"),
        ("restart by force", "run", "restart", "by force"),
    ],
)
def test_what_is_run_on_the_host(typed: str, option: str, target: str, reason: str) -> None:
    found = parse("host", typed, BOTS)
    assert found == Request(command="host", option=option, target=target, reason=reason)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("restart force", "a reason of at least 15 characters"),
        ("restart force fourteen chars", "a reason of at least 15 characters"),
        ("x" * 41, "is no host action"),
    ],
)
def test_what_is_not_run(typed: str, words: str) -> None:
    said = refused("host", typed)
    assert words in said
    assert said.endswith(host.NOTHING)


@pytest.mark.parametrize("name", NAMES)
@given(typed=texts)
def test_any_text_is_understood_or_refused_in_words(name: str, typed: str) -> None:
    said = ""
    try:
        found = parse(name, typed, BOTS)
    except UserError as error:
        said = str(error)
    if said:
        assert "Nothing was" in said
        assert len(said) < 400
        return
    assert found.command == name
    assert found.bot in (None, *BOTS)


# -- what may be asked as things stand

KILL = Action(
    id="kill-1",
    key="k",
    command="kill",
    reason="bad fills",
    requested_by="U1",
    source="slack",
    state=State.VERIFIED,
    accepted_at=NOW - timedelta(hours=2),
    verified_at=NOW - timedelta(hours=2),
)
LATCH = Latch(
    id=1,
    engaged_at=KILL.accepted_at,
    by="U1",
    reason="bad fills",
    action_id=KILL.id,
    verified_at=KILL.verified_at,
)
FLEET = FleetStatus(
    observed_at=NOW,
    kill_switch_active=True,
    bots={name: BotStatus(name=name, status="stopped") for name in (*BOTS, "rogue")},
)
KILLED = Standing(
    now=NOW,
    latch=LATCH,
    kill=KILL,
    kills=1,
    cooldown=timedelta(),
    breaker=Breaker(open=False, kills=1, limit=3),
    lockdown=None,
    fleet=FLEET,
    bots=BOTS,
)
COOLING = replace(KILLED, cooldown=timedelta(minutes=12))
TRIPPED = replace(KILLED, breaker=Breaker(open=True, kills=3, limit=3))
UNVERIFIED = replace(KILLED, latch=replace(LATCH, verified_at=None))
UNREAD = replace(KILLED, fleet=None)
RELEASED = replace(KILLED, latch=None)
HOST_OPTIONS = ("run", "release", "force")


def objection(command: str, option: str, standing: Standing) -> str | None:
    found = find(command)
    assert found is not None
    assert found.raising is not None
    assert option in found.raising.options
    return found.raising.objection(Request(command=command, option=option, target="it"), standing)


@pytest.mark.parametrize(
    ("standing", "release", "force"),
    [
        (KILLED, None, None),
        (COOLING, "has 12 min left", None),
        (TRIPPED, "circuit breaker is open", None),
        (UNVERIFIED, "was never verified", "was never verified"),
        (UNREAD, "does not say whether its kill switch", "does not say whether its kill switch"),
        (RELEASED, None, None),  # a restart of a coordinator that holds no kill releases none
        (replace(COOLING, latch=None, fleet=None), None, None),
    ],
    ids=["killed", "cooling", "tripped", "unverified", "unread", "released", "released and unread"],
)
def test_a_host_action_that_releases_is_held_like_a_release(
    standing: Standing, release: str | None, force: str | None
) -> None:
    assert objection("host", "run", standing) is None
    for option, wanted in (("release", release), ("force", force)):
        said = objection("host", option, standing)
        assert (said is None) is (wanted is None)
        assert (wanted or "") in (said or "")


@pytest.mark.parametrize("option", HOST_OPTIONS)
def test_a_host_action_depends_on_the_fleet_only_where_it_releases(option: str) -> None:
    raising = host.COMMAND.raising
    assert raising is not None
    request = Request(command="host", option=option, target="it")
    releases = option != "run"
    assert raising.reads_fleet(request) is releases
    assert raising.concerns(request, KILLED) == ((*BOTS, "rogue") if releases else None)


@pytest.mark.parametrize("standing", [KILLED, COOLING, TRIPPED, UNREAD, RELEASED])
@pytest.mark.parametrize(("name", "option"), [("config", "restore"), ("recover", "again")])
def test_a_file_and_a_third_recovery_may_always_be_asked_for(
    name: str, option: str, standing: Standing
) -> None:
    assert objection(name, option, standing) is None
    command = find(name)
    assert command is not None
    assert command.raising is not None
    request = Request(command=name, option=option)
    assert command.raising.concerns(request, standing) is None
    assert not command.raising.reads_fleet(request)


@pytest.mark.parametrize(
    ("name", "option", "raises"),
    [
        *(
            ("recover", each, each == "again")
            for each in sorted({"list", "show", "open", "again", "handover"})
        ),
        *(("config", each, each == "restore") for each in sorted({"check", "diff", "backup", "restore"})),
        *(("host", each, each in HOST_OPTIONS) for each in sorted({"list", "now", *HOST_OPTIONS})),
        *((each, "", False) for each in sorted({"diagnose", "logs", "evidence"})),
    ],
)
def test_what_takes_a_second_admin(name: str, option: str, raises: bool) -> None:
    command = find(name)
    assert command is not None
    assert (command.risk_of(Request(command=name, option=option)) is Risk.RAISE) is raises
    assert (name in get_args(RaiseCommand)) is (command.raising is not None)


def test_the_new_commands_stand_in_the_table() -> None:
    assert {each.name for each in COMMANDS} >= set(NAMES)
