"""The table of commands is complete, in help order and in step with the policy."""

from typing import get_args

import pytest

from commands import COMMANDS, find
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, Role
from config.kinds import RaiseCommand


def test_help_order() -> None:
    assert [command.name for command in COMMANDS] == [
        "kill",
        "stop",
        "pause",
        "status",
        "alerts",
        "silence",
        "silences",
        "oncall",
        "monitor",
        "windows",
        "diagnose",
        "logs",
        "recover",
        "config",
        "evidence",
        "host",
        "recoveries",
        "override",
        "force-override",
        "start",
        "start-sequential",
        "resume",
        "lockdown",
        "approvals",
        "who",
        "contacts",
        "help",
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_row_agrees_with_the_policy_and_fits_slack(command: Command) -> None:
    # the fleet stays as it is, but people see less of it, or a card more, or what is not for everybody
    stricter = {"silence", "monitor", "logs", "config", "evidence", "host"}
    assert command.role is (Role.OPERATOR if command.name in stricter else ROLE_FOR[command.risk])
    assert 2 <= len(f"/{command.name}") <= 32
    assert 0 < len(command.summary) <= 100
    assert command.help.endswith(".")


def test_what_stops_is_for_operators_and_lowers_the_risk() -> None:
    lowering = {command.name for command in COMMANDS if command.risk is Risk.LOWER}
    assert lowering == {"kill", "stop", "pause", "lockdown"}


def test_what_raises_risk_is_for_admins_and_says_how_it_is_asked_for() -> None:
    raising = {command.name for command in COMMANDS if command.raising is not None}
    assert raising == set(get_args(RaiseCommand))
    for command in COMMANDS:
        options = command.raising.options if command.raising is not None else frozenset()
        for option in sorted(
            {"", "safe", "full", "on", "off", "list", "open", "check", "diff", "now", *options}
        ):
            risk = command.risk_of(Request(command=command.name, option=option))
            assert (risk is Risk.RAISE) is (option in options or command.risk is Risk.RAISE)
        if command.risk is Risk.RAISE:
            assert options
            assert command.role is Role.ADMIN


@pytest.mark.parametrize("typed", ["kill", "/kill", "KILL", " kill! ", "`kill`"])
def test_a_command_is_found_however_it_is_typed(typed: str) -> None:
    command = find(typed)
    assert command is not None
    assert command.name == "kill"


@pytest.mark.parametrize("typed", ["", "/", "kil", "killall", "kill ndax"])
def test_what_is_no_command_is_not_found(typed: str) -> None:
    assert find(typed) is None
