"""The handbook in our words: every scenario is reachable, and none of its traps is repeated."""

import re

import pytest

from commands import COMMANDS
from commands.alerting.handbook import BOT, GENERAL, SCENARIOS, Scenario, scenario_for
from commands.alerting.model import Kind

EVERY = (GENERAL, *SCENARIOS)
HEADINGS = (
    "General Recovery Process",
    "Scenario 1: Bot Crashes Repeatedly",
    "Scenario 2: API Connection Failures",
    "Scenario 3: Configuration Corruption",
    "Scenario 4: Kill Switch Won't Deactivate",
    "Scenario 5: Data Loss/Corruption",
    "Scenario 6: Security Breach",
    "Scenario 7: System Resource Exhaustion",
)

TRAPS = {
    "destroys evidence": r"\bdelet|\brm\b|\bremove|\berase|\bclear\b|\bcache|/tmp|older than",
    "ends other programs": r"kill -9|pkill|killall|\bPID\b",
    "a flag that is ignored": r"(^|\s)--\w",
    "full limits": r"\bfull limits|sequential full|start <bot> full|\bfull\]",
    "secrets": r"\.env\b|API_KEY",
    "raw logs": r"\bgrep\b|\btail\b|\bcat\b|\bcurl\b",
    "the breaker's state is ours": r"circuit-breaker-state|reset the breaker",
    "a cut line": r"ifconfig|iptables",
}


@pytest.mark.parametrize("scenario", EVERY, ids=lambda each: str(each.number))
def test_a_scenario_is_a_few_short_steps_with_commands_that_exist(scenario: Scenario) -> None:
    assert 4 <= len(scenario.steps) <= 7
    known = {command.name for command in COMMANDS} | {"alerts"}
    for step in scenario.steps:
        assert len(step) <= 110
        assert step[0].isupper()
        assert step.endswith((".", "?"))
        assert set(re.findall(r"(?<![\w.])/([a-z][a-z-]*)", step)) <= known
    assert any("/kill" in step or "/stop" in step for step in scenario.steps)


@pytest.mark.parametrize("trap", TRAPS)
def test_no_step_repeats_a_trap(trap: str) -> None:
    assert [
        step for each in EVERY for step in each.steps if re.search(TRAPS[trap], step, re.IGNORECASE)
    ] == []


def at(scenario: Scenario, words: str) -> int:
    """The number of the first step with these words."""
    return next(number for number, step in enumerate(scenario.steps) if re.search(words, step, re.IGNORECASE))


def test_evidence_is_taken_while_there_is_somebody_to_ask() -> None:
    breach = SCENARIOS[5]
    assert at(breach, "/kill") == 0
    assert at(breach, "revoke") < at(breach, "evidence") < at(breach, "off the network")
    loss = SCENARIOS[4]
    assert at(loss, "copy logs") < at(loss, "backup")
    assert at(SCENARIOS[2], "aside as they are") < at(SCENARIOS[2], "version back")


def test_nobody_is_told_to_start_anything_but_in_safe_mode() -> None:
    starting = [step for each in EVERY for step in each.steps if "/start" in step]
    assert len(starting) >= len(EVERY)
    assert [step for step in starting if "safe mode" not in step] == []


def test_who_starts_the_coordinator_anew_is_told_that_it_forgets_the_kill() -> None:
    anew = [step for each in EVERY for step in each.steps if re.search("starts? anew|restart", step)]
    assert len(anew) == 2
    assert [
        step for step in anew if "forgets" not in step or "/kill" not in step or "/status" not in step
    ] == []


def test_anchors_are_those_of_the_headings() -> None:
    for scenario, heading in zip(EVERY, HEADINGS, strict=True):
        assert scenario.anchor == re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        assert heading.endswith(scenario.title)
    assert [scenario.number for scenario in EVERY] == list(range(8))


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Kind.BOT_LEFT_RUNNING, 1),
        (Kind.BOT_ERROR, 1),
        (Kind.BOT_RECOVERY, 1),
        (Kind.ERRORS_RISING, 1),
        (Kind.HEALTH_LOW, 1),
        (Kind.COORDINATOR_UNREACHABLE, 2),
        (Kind.MONITOR_UNREACHABLE, 2),
        (Kind.BREAKER_OPEN, 4),
        (Kind.LATCH_MISMATCH, 4),
        (Kind.KILL, 4),
        (Kind.STOP_NOT_VERIFIED, 0),
        (Kind.WINDOW_UNSTABLE, 1),
        (Kind.CHANNEL_BROKEN, 0),
    ],
)
def test_a_kind_of_ours_has_its_scenario_whatever_its_words_are(kind: Kind, number: int) -> None:
    for message in ("", "out of memory", "connection refused", "suspicious login"):
        assert scenario_for(kind, message, None).number == number


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Memory usage at 97 %", 7),
        ("CPU load is high", 7),
        ("disk full on /var", 7),
        ("process was hit by the OOM killer", 7),
        ("no space left on device", 7),
        ("timeout while reading the order book", 2),
        ("request timed out", 2),
        ("connection refused", 2),
        ("cannot connect to host 127.0.0.1:9001", 2),
        ("API errors", 2),
        ("DNS lookup failed", 2),
        ("API answered 401 Unauthorized", 2),
        ("bad config value", 3),
        ("corrupt configuration", 3),
        ("JSON is invalid", 3),
        ("parse error in line 3", 3),
        ("unauthorized trades", 6),
        ("Unauthorised withdrawal", 6),
        ("suspicious activity on the API", 6),
        ("security breach: memory dumped", 6),
        ("balance mismatch", 5),
        ("position differs from the exchange", 5),
        ("data loss in the trade log", 5),
        ("state is corrupted", 5),
        ("bot crashed", 1),
        ("process exited with code 1", 1),
        ("Traceback (most recent call last)", 1),
        ("", 0),
        ("trading rapidly in a room of sparse quotes, rebalanced", 0),
    ],
)
def test_words_lead_to_a_scenario(message: str, number: int) -> None:
    assert scenario_for(Kind.MONITOR_ALERT, message, None).number == number


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("HostOutOfMemory", 7),
        ("max_cpu_usage", 7),
        ("APITimeout", 2),
        ("HostDiskFull", 7),
        ("total_max_daily_loss", 0),
    ],
)
def test_where_the_message_says_nothing_the_name_of_the_alert_may(kind: str, number: int) -> None:
    assert scenario_for(kind, "see the dashboard", None).number == number


def test_every_scenario_is_reachable() -> None:
    said = ("crash", "dns", "json", "", "balance", "breach", "disk")
    kinds = (*(Kind.MONITOR_ALERT for _ in said[:3]), Kind.KILL, *(Kind.MONITOR_ALERT for _ in said[4:]))
    reached = [scenario_for(kind, message, None) for kind, message in zip(kinds, said, strict=True)]
    assert reached == list(SCENARIOS)
    assert scenario_for("other", "", None) == GENERAL


def test_the_steps_name_the_bot_that_is_meant() -> None:
    named = scenario_for(Kind.BOT_ERROR, "", "ndax")
    assert "/stop ndax" in named.steps[0]
    assert not any(BOT in step for step in named.steps)
    assert any(BOT in step for step in SCENARIOS[0].steps)
