"""When a step is verified: every sign known and as expected, and the look not too old."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from commands.probes.model import Evidence
from commands.probes.signs import SIGNS
from commands.walking.judging import (
    Check,
    Judgement,
    fresh,
    have_to_hold,
    have_to_run,
    judge,
    looked_since,
    moment_of,
    no_longer_so,
    probes_of,
    seen_all_the_time,
    stale,
    steady,
)
from config.runbooks import PHASES
from storage.walk_steps import StepState, WalkStep

NOW = datetime(2026, 11, 25, 3, 12, 5, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
FOR = 15 * MINUTE


def evidence(**signs: bool) -> Mapping[str, Evidence]:
    names = {sign.replace("_", ".", 1): seen for sign, seen in signs.items()}
    return {
        name: Evidence(
            sign=name, seen=seen, probe=SIGNS[name].probe, at=NOW, text="text", source="GET /status"
        )
        for name, seen in names.items()
    }


def a_step(**changes: object) -> WalkStep:
    values: dict[str, object] = {"number": 1, "name": "it", "phase": "stop", "title": "it", "text": "it"}
    return WalkStep(**{**values, **changes})  # type: ignore[arg-type]


def verified(phase: str = "stop", ago: timedelta = timedelta()) -> WalkStep:
    return a_step(phase=phase, state=StepState.VERIFIED, seen_at=NOW - ago)


@pytest.mark.parametrize(
    ("wanted", "seen", "passed", "line"),
    [
        (True, True, True, "yes: every bot that matters is seen stopped (GET /status, 03:12:05 UTC)"),
        (True, False, False, "no: not every bot is stopped for good: text (GET /status, 03:12:05 UTC)"),
        (False, False, True, "yes: not every bot is stopped for good (GET /status, 03:12:05 UTC)"),
        (False, True, False, "no: every bot that matters is seen stopped: text (GET /status, 03:12:05 UTC)"),
        (True, None, None, "not known: whether every bot that matters is seen stopped could not be seen"),
        (False, None, None, "not known: whether not every bot is stopped for good could not be seen"),
    ],
)
def test_a_sign_is_as_expected_or_not_or_not_known(
    wanted: bool, seen: bool | None, passed: bool | None, line: str
) -> None:
    found = judge({"fleet.stopped": wanted}, {} if seen is None else evidence(fleet_stopped=seen))
    assert [each.passed for each in found.checks] == [passed]
    assert found.lines() == (line,)
    assert found.passed is (passed is True)
    assert found.refuted is (passed is False)


@pytest.mark.parametrize("values", list(product((True, False, None), repeat=2)), ids=str)
def test_a_step_takes_all_its_signs_and_what_is_unknown_neither_verifies_nor_refutes(
    values: tuple[bool | None, bool | None],
) -> None:
    checks = tuple(Check(sign=f"s.{n}", passed=each, text="it") for n, each in enumerate(values))
    found = Judgement(checks=checks)
    assert found.passed is (values == (True, True))
    assert found.refuted is (False in values)


def test_a_step_that_expects_nothing_is_never_verified() -> None:
    found = judge({}, evidence(fleet_stopped=True))
    assert not found.passed
    assert not found.refuted


def test_only_what_is_expected_is_judged_in_its_order() -> None:
    found = judge(
        {"kill.stands": False, "fleet.stopped": True},
        evidence(bot_running=False, fleet_stopped=True, kill_stands=False),
    )
    assert [each.sign for each in found.checks] == ["kill.stands", "fleet.stopped"]
    assert found.passed


def test_the_probes_of_steps_are_those_of_their_signs_and_those_they_name_once_each() -> None:
    steps = [
        a_step(expects={"fleet.stopped": True, "config.broken": False}, probes=("logs", "fleet")),
        a_step(expects={"config.invalid": False}, probes=("git",)),
    ]
    assert probes_of(steps) == ("fleet", "config", "logs", "git")
    assert probes_of([]) == ()


@pytest.mark.parametrize(
    ("signs", "cheap"),
    [
        ((), False),
        (("fleet.stopped",), True),
        (("kill.stands", "bot.crash-loop", "switch.active"), True),
        (("alerts.critical",), False),
        (("fleet.stopped", "config.broken"), False),
        (("network.failing",), False),
    ],
)
def test_a_step_verifies_itself_only_by_what_is_read_anyway(signs: tuple[str, ...], cheap: bool) -> None:
    # the probes shown with it ask for nothing by themselves
    assert seen_all_the_time(a_step(expects=dict.fromkeys(signs, True), probes=("logs",))) is cheap


@pytest.mark.parametrize(
    ("ago", "found"),
    [
        (timedelta(), True),
        (FOR, True),
        (FOR + SECOND, False),
        (-60 * SECOND, True),  # clocks of two programs differ a little
        (-61 * SECOND, False),  # a clock that was set back makes nothing fresh
        (-timedelta(days=1), False),
    ],
)
def test_what_was_seen_is_fresh_for_a_while(ago: timedelta, found: bool) -> None:
    assert fresh(verified(ago=ago), now=NOW, for_=FOR) is found
    assert stale([verified(ago=ago)], now=NOW, for_=FOR) == (() if found else (verified(ago=ago),))


@pytest.mark.parametrize("state", sorted({StepState.OPEN, StepState.ASSERTED, StepState.SKIPPED}))
def test_what_no_probe_saw_is_neither_fresh_nor_stale(state: StepState) -> None:
    step = replace(verified(ago=2 * FOR), state=state)
    assert not fresh(replace(step, seen_at=NOW), now=NOW, for_=FOR)
    assert stale([step], now=NOW, for_=FOR) == ()


def test_a_verified_step_without_a_look_is_stale() -> None:
    step = replace(verified(), seen_at=None)
    assert not fresh(step, now=NOW, for_=FOR)
    assert stale([step], now=NOW, for_=FOR) == (step,)


@pytest.mark.parametrize("phase", PHASES)
def test_what_has_to_hold_until_the_release_is_looked_at_again(phase: str) -> None:
    old = verified(phase, ago=2 * FOR)
    assert stale([old], now=NOW, for_=FOR) == ((old,) if phase in {"stop", "fix", "verify"} else ())


def test_of_many_those_that_are_old_are_stale_in_their_order() -> None:
    steps = [verified("stop", 2 * FOR), verified("fix"), verified("verify", 3 * FOR), a_step(phase="recover")]
    assert stale(steps, now=NOW, for_=FOR) == (steps[0], steps[2])


@pytest.mark.parametrize("state", sorted({StepState.VERIFIED, StepState.ASSERTED, StepState.SKIPPED}))
def test_once_the_fleet_comes_back_nothing_is_stale_but_a_release_that_was_skipped_is_none(
    state: StepState,
) -> None:
    steps = [verified("stop", 2 * FOR), a_step(phase="recover", state=state), a_step(phase="recover")]
    assert stale(steps, now=NOW, for_=FOR) == ((steps[0],) if state is StepState.SKIPPED else ())


def test_a_look_counts_from_what_a_person_did_last_a_kill_or_the_opening_on() -> None:
    said = a_step(state=StepState.ASSERTED, settled_at=NOW - 2 * MINUTE)
    skipped = a_step(state=StepState.SKIPPED, settled_at=NOW - MINUTE)
    seen = replace(verified(), settled_at=NOW)  # by a look: nothing was done by that
    opened = NOW - 5 * MINUTE
    assert moment_of([seen], opened=opened, killed=None, now=NOW) == opened
    assert moment_of([said, skipped, seen], opened=opened, killed=None, now=NOW) == NOW - MINUTE
    killed = NOW - SECOND
    assert moment_of([said, skipped, seen], opened=opened, killed=killed, now=NOW) == killed
    # the clock was set back by ten minutes
    early = moment_of([said], opened=opened, killed=killed, now=NOW - 10 * MINUTE)
    assert looked_since(evidence(fleet_stopped=True), early)

    assert looked_since(evidence(fleet_stopped=True), NOW) == evidence(fleet_stopped=True)
    assert looked_since(evidence(fleet_stopped=True), NOW + SECOND) == {}


def test_what_was_seen_is_as_old_as_its_oldest_look() -> None:
    newer = evidence(fleet_stopped=True)
    older = {name: replace(each, at=NOW - MINUTE) for name, each in evidence(kill_stands=True).items()}
    found = judge({"fleet.stopped": True, "kill.stands": True}, {**newer, **older})
    assert found.at == NOW - MINUTE
    assert judge({"fleet.stopped": True}, newer).at == NOW
    assert judge({"fleet.stopped": True}, {}).at is None


@pytest.mark.parametrize(("ago", "seen", "found"), [(1, False, True), (-1, False, False), (1, True, False)])
def test_only_a_newer_look_speaks_against_what_was_verified(ago: int, seen: bool, found: bool) -> None:
    step = replace(verified(ago=ago * SECOND), expects={"fleet.stopped": True})
    assert bool(no_longer_so(step, evidence(fleet_stopped=seen), now=NOW + MINUTE)) is found
    assert no_longer_so(step, {}, now=NOW) == ()
    # what was seen at a time that is still to come, before the clock was set back, is older than every look
    ahead = replace(step, seen_at=NOW + MINUTE)
    assert bool(no_longer_so(ahead, evidence(fleet_stopped=seen), now=NOW)) is not seen


def test_what_a_later_step_ended_on_purpose_need_not_hold_and_what_lets_nothing_trade_is_no_release() -> None:
    locked = replace(verified(), expects={"fleet.stopped": True, "lockdown.on": True})
    unlock = a_step(phase="recover", state=StepState.VERIFIED, expects={"lockdown.on": False})
    (held,) = have_to_hold([locked, unlock])
    assert held.expects == {"fleet.stopped": True}
    assert have_to_hold([locked, replace(unlock, state=StepState.OPEN)]) == (locked,)
    only = replace(locked, expects={"lockdown.on": True})
    assert have_to_hold([only, unlock]) == ()
    for expects in ({"kill.stands": False}, {"bot.running": True}, {}):
        assert have_to_hold([locked, unlock, replace(unlock, expects=expects)]) == ()


@pytest.mark.parametrize(
    ("times", "ago", "killed", "holds"),
    [
        (0, 0 * SECOND, None, True),
        (1, 0 * SECOND, None, True),
        (2, 0 * SECOND, None, False),
        (2, 59 * SECOND, None, False),
        (2, 60 * SECOND, None, True),
        (9, 59 * SECOND, NOW - 60 * SECOND, False),
        (9, 59 * SECOND, NOW - 59 * SECOND, True),
        (2, -SECOND, None, True),  # the clock was set back
    ],
)
def test_what_went_back_and_forth_has_to_hold_for_a_minute_or_be_killed(
    times: int, ago: timedelta, killed: datetime | None, holds: bool
) -> None:
    assert steady(times, NOW - ago, killed=killed, now=NOW) is holds


def test_a_start_that_was_verified_has_to_go_on_running() -> None:
    start = replace(verified("recover"), bot="ndax", expects={"bot.running": True, "start.safe": True})
    assert have_to_run([start, replace(start, state=StepState.ASSERTED), verified("stop")]) == (
        replace(start, expects={"bot.running": True}),
    )


@pytest.mark.parametrize("phase", PHASES)
def test_what_was_verified_has_to_hold_from_the_stop_to_the_release(phase: str) -> None:
    assert bool(have_to_hold([verified(phase)])) is (phase in {"stop", "fix", "verify"})
    asserted = replace(verified(phase), state=StepState.ASSERTED)
    assert have_to_hold([asserted]) == ()
    assert have_to_hold([verified(phase), a_step(phase="recover", state=StepState.ASSERTED)]) == ()
