"""What many recovery logs say together."""

from dataclasses import replace

import pytest
from recovery_logs import a_log

from commands.recovering.export import span, table
from commands.recovering.trends import Trend, is_unknown, trends


def test_scenarios_are_counted_with_the_means_of_what_is_known() -> None:
    log = a_log()
    logs = [
        replace(log, scenario="crash-loop", stop_s=10.0, recover_s=100.0),
        replace(log, scenario="crash-loop", stop_s=None, recover_s=300.0, root_cause="Unknown."),
        replace(log, scenario="data-loss", stop_s=None, recover_s=None, outcome="failure"),
        replace(log, scenario="made up", stop_s=20.0, recover_s=None, root_cause=""),
    ]
    first, *others, every = trends(logs)
    assert first == Trend(
        name="Bot crashes repeatedly", count=2, unknown_causes=1, failures=0, stop=10.0, recover=200.0
    )
    assert [(each.name, each.count, each.failures, each.stop, each.recover) for each in others] == [
        ("Data lost or damaged", 1, 1, None, None),
        ("made up", 1, 0, 20.0, None),
    ]
    assert every == Trend(name="All", count=4, unknown_causes=1, failures=1, stop=15.0, recover=200.0)


def test_no_logs_are_no_means() -> None:
    assert trends([]) == (Trend(name="All", count=0, unknown_causes=0, failures=0, stop=None, recover=None),)


@pytest.mark.parametrize(
    ("cause", "unknown"),
    [("unknown", True), (" Unknown. ", True), ("not known", True), ("", False), ("unknown disk", False)],
)
def test_unknown_is_an_answer_and_an_empty_text_is_none(cause: str, unknown: bool) -> None:
    assert is_unknown(cause) is unknown


def test_the_table_has_a_line_for_each_and_its_columns_stand_under_each_other() -> None:
    lines = table(trends([replace(a_log(), scenario="x" * 99)])).splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].startswith("All ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (0.84, "0.8 s"), (42, "42 s"), (720, "12 min"), (11_520, "3.2 h")],
)
def test_a_time_is_told_in_short(seconds: float | None, words: str) -> None:
    assert span(seconds) == words
