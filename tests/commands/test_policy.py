"""The rules: who may, how long the cooldown, when the breaker opens."""

from datetime import UTC, datetime, timedelta

import pytest

from commands import kill, status
from commands.policy import ROLE_FOR, breaker_open, cooldown_left, includes, may
from commands.spec import Risk, Role

KILLED = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("after", "left"),
    [(0, 60), (59.5, 0.5), (60, 0), (600, 0), (-1, 61)],
)
def test_the_cooldown_counts_from_the_kill_and_never_below_zero(after: float, left: float) -> None:
    assert cooldown_left(KILLED, KILLED + timedelta(minutes=after), 60) == timedelta(minutes=left)


@pytest.mark.parametrize(("kills", "open_"), [(0, False), (2, False), (3, True), (9, True)])
def test_the_breaker_opens_with_the_last_kill_allowed(kills: int, open_: bool) -> None:
    assert breaker_open(kills, 3) is open_
