"""Charts of characters: as long as asked, unknown is never zero, and whatever comes in is taken."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.views.sparks import BLOCKS, DONE, LEFT, UNKNOWN, bars, progress, sparkline

VALUES = st.lists(st.none() | st.floats(), max_size=200)


def test_low_to_high_with_gaps() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert sparkline([1, None, 8]) == "▁·█"
    assert sparkline([None, math.nan, math.inf]) == "···"
    assert sparkline([]) == ""
    assert sparkline([5, 5, 5]) == "▁▁▁"


def test_on_a_scale_of_its_own() -> None:
    assert sparkline([0, 50, 100, 150, -3], low=0, high=100) == "▁▅██▁"
    assert sparkline([100, 100], low=0, high=100) == "██"
    assert sparkline([3], low=3, high=3) == "▁"


def test_many_values_are_averaged_over_the_known_ones() -> None:
    assert sparkline([0, 100, 50, None, None, None, 100, 100], low=0, high=100, width=4) == "▅▅·█"
    assert len(sparkline(list(range(20_000)))) == 24


@given(VALUES, st.integers(min_value=1, max_value=60))
def test_a_sparkline_fits(values: list[float | None], width: int) -> None:
    drawn = sparkline(values, width=width)
    assert len(drawn) == min(len(values), width)
    assert set(drawn) <= {*BLOCKS, UNKNOWN}


@pytest.mark.parametrize(
    ("done", "full"),
    [(-1.0, 0), (0.0, 0), (0.5, 6), (0.999, 11), (1.0, 12), (7.0, 12), (math.nan, 0), (math.inf, 12)],
)
def test_progress_is_full_only_at_the_end(done: float, full: int) -> None:
    assert progress(done) == DONE * full + LEFT * (12 - full)


def test_bars_stand_under_each_other() -> None:
    assert bars([("ndax", 4), ("kraken-eur", 2), ("x", 0), ("y", math.nan)], width=4) == (
        "ndax        ████  4\nkraken-eur  ██    2\nx                 0\ny                 ·"
    )
    assert bars([]) == ""


@given(st.lists(st.tuples(st.text(), st.floats()), min_size=1, max_size=20))
def test_bars_are_one_line_each_and_end(rows: list[tuple[str, float]]) -> None:
    lines = bars(rows).split("\n")
    assert len(lines) == len(rows)
    assert all(len(line) < 80 for line in lines)
