"""The rules: who may, how long the cooldown, when the breaker opens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import kill, status
from commands.cooldown import Breaker, RecordedKill, breaker, cooldown_left
from commands.policy import ROLE_FOR, approvers, includes, may
from commands.spec import Risk, Role

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def test_each_role_includes_the_ones_before_it() -> None:
    allowed = [(role, needs) for role in Role for needs in Role if includes(role, needs)]
    assert allowed == [
        (Role.VIEWER, Role.VIEWER),
        (Role.OPERATOR, Role.VIEWER),
        (Role.OPERATOR, Role.OPERATOR),
        (Role.ADMIN, Role.VIEWER),
        (Role.ADMIN, Role.OPERATOR),
        (Role.ADMIN, Role.ADMIN),
    ]


def test_a_stop_needs_an_operator_and_a_start_an_admin() -> None:
    assert ROLE_FOR == {Risk.READ: Role.VIEWER, Risk.LOWER: Role.OPERATOR, Risk.RAISE: Role.ADMIN}


def test_without_a_role_nobody_may_do_anything() -> None:
    assert not may(None, status.COMMAND)
    assert may(Role.VIEWER, status.COMMAND)
    assert not may(Role.VIEWER, kill.COMMAND)
    assert may(Role.OPERATOR, kill.COMMAND)


def killed(minutes: float, *, again: float | None = None, drill: bool = False) -> RecordedKill:
    """A kill so many minutes before ``NOW``."""
    return RecordedKill(
        at=NOW - timedelta(minutes=minutes),
        again_at=None if again is None else NOW - timedelta(minutes=again),
        drill=drill,
    )


@pytest.mark.parametrize(
    ("kills", "left"),
    [
        ([], 0),
        ([killed(0)], 60),
        ([killed(59.5)], 0.5),
        ([killed(60)], 0),
        ([killed(600)], 0),
        ([killed(-1)], 61),  # a clock was set back: the fleet rather waits longer
        ([killed(90, again=20)], 40),  # the newest kill counts
        ([killed(90), killed(10)], 50),
        ([killed(10, again=40)], 50),  # by a clock that was set back between the two
        ([killed(5, drill=True)], 0),
        ([killed(30), killed(5, drill=True)], 30),
    ],
)
def test_the_cooldown_counts_from_the_newest_kill_that_was_no_drill(
    kills: list[RecordedKill], left: float
) -> None:
    assert cooldown_left(kills, NOW, 60) == timedelta(minutes=left)


@pytest.mark.parametrize(
    ("kills", "wanted"),
    [
        ([], Breaker(open=False, kills=0, limit=3)),
        ([killed(1), killed(2)], Breaker(open=False, kills=2, limit=3)),
        ([killed(1), killed(2), killed(3, drill=True)], Breaker(open=False, kills=2, limit=3)),
        (
            [killed(60), killed(120), killed(180)],
            Breaker(open=True, kills=3, limit=3, closes_in=timedelta(hours=21)),
        ),
        (
            [killed(60), killed(120), killed(180), killed(240)],
            Breaker(open=True, kills=4, limit=3, closes_in=timedelta(hours=21)),
        ),
        ([killed(60), killed(120), killed(24 * 60)], Breaker(open=False, kills=2, limit=3)),
        ([killed(60, again=1), killed(120, again=2)], Breaker(open=False, kills=2, limit=3)),
    ],
)
def test_the_breaker_counts_the_kills_of_the_window(kills: list[RecordedKill], wanted: Breaker) -> None:
    assert breaker(kills, NOW, limit=3, hours=24) == wanted


@given(st.lists(st.floats(0, 60 * 48), max_size=8))
def test_the_breaker_closes_when_it_says(minutes: list[float]) -> None:
    kills = [killed(each) for each in minutes]
    now_open = breaker(kills, NOW, limit=2, hours=24)
    if now_open.closes_in is not None:
        moment = timedelta(microseconds=1)
        assert breaker(kills, NOW + now_open.closes_in - moment, limit=2, hours=24).open
        assert not breaker(kills, NOW + now_open.closes_in, limit=2, hours=24).open


@pytest.mark.parametrize(
    ("command", "configured", "others", "wanted"),
    [
        ("override", {}, 1, 1),
        ("override", {"override": 3}, 5, 3),
        ("lockdown", {}, 5, 2),
        ("lockdown", {}, 1, 1),  # two admins in all: the other one is everybody there is
        ("lockdown", {}, 0, 1),
        ("lockdown", {"lockdown": 2}, 1, 2),  # what was written is not made less of
    ],
)
def test_how_many_it_takes(command: str, configured: dict[str, int], others: int, wanted: int) -> None:
    assert approvers(command, configured, others=others) == wanted


@pytest.mark.parametrize(
    ("reason", "drill"),
    [
        ("drill", True),
        ("Drill: monthly", True),
        ("DRILL : x", True),
        ("", False),
        ("drill sergeant went mad", False),
        ("a drill", False),
        ("drilling", False),
    ],
)
def test_only_what_says_so_at_the_front_is_a_drill(reason: str, drill: bool) -> None:
    assert kill.is_drill(reason) is drill
