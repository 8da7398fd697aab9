"""What a window in which a bot did not hold undoes, told from the steps and the window alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from commands.walking.judging import undone_by_fall
from commands.walking.watching import fell
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk
from storage.windows import WindowRow, WindowState

NOW = datetime(2026, 11, 25, 3, 12, 5, tzinfo=UTC)
WALK = Walk(id=1, bot="ndax", lead="U1", opened_by="U1", opened_at=NOW)
WINDOW = WindowRow(
    id=4,
    bot="ndax",
    origin="start",
    opened_by="U1",
    begun_at=NOW,
    ends_at=NOW + timedelta(minutes=30),
    every=5.0,
    state=WindowState.UNSTABLE,
    rule="left_running",
    culprit="ndax",
)


def step(name: str, phase: str, *, bot: str | None = None, **expects: bool) -> WalkStep:
    return WalkStep(
        number=1,
        name=name,
        phase=phase,
        title=name,
        text="it",
        bot=bot,
        state=StepState.VERIFIED,
        expects={sign.replace("_", ".", 1): seen for sign, seen in expects.items()},
    )


STEPS = (
    step("look", "assess"),
    step("stop", "stop", fleet_stopped=True),
    step("mend", "fix"),
    step("check", "verify", coordinator_reachable=True),
    step("release", "recover", kill_stands=False),
    step("start", "recover", bot="ndax", bot_running=True),
    step("watch", "recover", bot="ndax", window_stable=True),
    step("start-2", "recover", bot="quantum", bot_running=True),
    step("log", "document", log_written=True),
)
FLEET = replace(WALK, bot=None)


def undone(walk: Walk = WALK, steps: tuple[WalkStep, ...] = STEPS, **changes: object) -> list[str]:
    window = replace(WINDOW, **changes)  # type: ignore[arg-type]
    return [each.name for each in undone_by_fall(steps, own=walk.bot, bot=window.culprit or window.bot)]


def test_the_bot_that_fell_is_stopped_verified_and_started_anew() -> None:
    assert undone() == ["stop", "check", "start", "watch"]


def test_in_a_recovery_of_the_fleet_nobody_is_told_to_stop_those_that_run_well() -> None:
    assert undone(FLEET) == ["check", "start", "watch"]
    assert undone(FLEET, bot=None, culprit="quantum") == ["check", "start-2"]
    assert undone(FLEET, bot=None, culprit=None) == ["check", "start", "watch", "start-2"]


def test_what_is_open_is_not_undone_and_a_bot_that_falls_before_its_start_is_settled_undoes_the_rest() -> (
    None
):
    still = tuple(
        replace(each, state=StepState.OPEN) if each.phase in {"recover", "document"} else each
        for each in STEPS
    )
    assert undone(steps=still) == ["stop", "check"]


def test_a_step_that_names_no_bot_is_about_that_of_the_recovery() -> None:
    own = (step("start", "recover", bot_running=True), step("release", "recover", kill_stands=False))
    assert undone(steps=own) == ["start"]
    assert undone(FLEET, steps=own) == ["start"]


@pytest.mark.parametrize(
    ("changes", "bot", "told"),
    [
        ({}, "ndax", True),
        ({}, None, True),
        ({}, "quantum", False),
        ({"bot": None}, "ndax", True),
        ({"bot": None, "culprit": "quantum"}, "ndax", False),
        ({"bot": None, "culprit": None}, "ndax", True),
        ({"rule": "kill"}, "ndax", False),  # a kill is told of by itself
        ({"state": WindowState.STABLE}, "ndax", False),
        ({"state": WindowState.CLOSED}, "ndax", False),
    ],
)
def test_which_windows_show_that_a_bot_did_not_hold(
    changes: dict[str, object], bot: str | None, told: bool
) -> None:
    assert fell(replace(WINDOW, **changes), bot) is told  # type: ignore[arg-type]
