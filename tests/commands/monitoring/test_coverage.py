"""How many reads a window had, how many are missing, and what that proves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.monitoring.coverage import Blind, Coverage

BEGAN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def window(every: float = 60) -> Coverage:
    return Coverage(begun_at=BEGAN, every=timedelta(seconds=every))


def after(*seconds: float, every: float = 60, end: float | None = None) -> Coverage:
    found = window(every)
    for each in seconds:
        if found.wants(at(each)):
            found = found.read(at(each), "restart")
    return found if end is None else found.until(at(end), "restart")


def test_a_whole_window_lacks_nothing() -> None:
    found = after(*range(60, 3660, 60), end=3600)
    assert (found.reads, found.missed, found.blind, found.proves) == (60, 0, (), True)


def test_one_read_of_sixty_that_is_missing_is_named() -> None:
    found = after(*(each for each in range(60, 3660, 60) if each != 720), end=3600)
    assert (found.reads, found.missed, found.expected, found.proves) == (59, 1, 60, True)
    assert found.blind == (Blind(begins=at(660), ends=at(780), missed=1, why="restart"),)


@pytest.mark.parametrize(("missing", "proves"), [(3, True), (4, False)])
def test_more_than_five_per_cent_prove_nothing(missing: int, proves: bool) -> None:
    # of 60 reads, 3 are 5 %
    kept = [each for each in range(60, 3660, 60) if not 600 < each <= 600 + 60 * missing]
    found = after(*kept, end=3600)
    assert (found.missed, found.proves) == (missing, proves)


def test_nothing_read_proves_nothing() -> None:
    assert not window().proves
    found = window().until(at(600), "x")
    assert (found.reads, found.missed, found.proves) == (0, 9, False)


def test_reads_that_come_a_little_late_lack_nothing() -> None:
    found = after(*(10.4 * number for number in range(1, 170)), every=10, end=1760)
    assert (found.reads, found.missed) == (169, 0)


def test_looks_between_two_reads_are_no_reads() -> None:
    found = after(*range(10, 610, 10), every=60, end=600)
    assert 10 <= found.reads <= 20
    assert found.missed == 0


def test_the_end_is_counted_as_well() -> None:
    found = after(60, 120, end=600)
    assert (found.reads, found.missed) == (2, 7)
    assert found.blind[-1].ends == at(600)


@given(st.lists(st.floats(min_value=1, max_value=500), max_size=60), st.sampled_from([5.0, 10.0, 60.0]))
def test_whatever_comes_every_second_is_accounted_for(steps: list[float], every: float) -> None:
    found, moment = window(every), 0.0
    for step in steps:
        moment += step
        if found.wants(at(moment)):
            found = found.read(at(moment), "x")
    found = found.until(at(moment), "x")
    assert found.missed == sum(each.missed for each in found.blind) or len(found.blind) == 50
    # what is neither read nor missing is at most what a read may come late by
    assert found.expected * (every * 1.5 + 3) >= moment - every * 1.5 - 3
    assert all(each.ends - each.begins > timedelta(seconds=every) for each in found.blind)


def test_a_blind_time_comes_back_as_it_was_kept() -> None:
    blind = Blind(begins=at(0), ends=at(90), missed=1, why="restart of this bot")
    assert Blind.from_json(blind.as_json()) == blind
