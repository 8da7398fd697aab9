"""The monitor's rows: armed conditions are no alerts, and no alert is lost."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.coordinator import wire_monitor
from commands.coordinator.errors import Unintelligible

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LISTING = {
    "type": "info",
    "message": "Kill switch condition active: max_daily_loss_reached",
    "action": "stop_all_bots",
}

unhurried = settings(deadline=None)  # the machine is shared: slowness of one example is no failure


def test_an_idle_monitor_lists_six_armed_conditions(recorded):
    rows = wire_monitor.alerts(recorded("health_monitor", "alerts"))
    assert len(rows) == 6
    assert all(row.armed for row in rows)


@pytest.mark.parametrize(
    "difference",
    [
        {"type": "critical"},
        {"type": None},
        {"bot": "ndax"},
        {"timestamp": "2026-11-24T00:48:19"},
        {"action": None},
        {"message": "Kill switch triggered: max_daily_loss_reached"},
    ],
)
def test_any_sign_of_an_event_makes_the_row_an_alert(difference):
    (row,) = wire_monitor.alerts({"alerts": [LISTING | difference]})
    assert not row.armed


def test_an_alert():
    (row,) = wire_monitor.alerts(
        {"alerts": [{"type": "high", "message": "down", "bot": "ndax", "timestamp": "2026-11-24T00:48:19Z"}]}
    )
    assert (row.kind, row.message, row.bot) == ("high", "down", "ndax")
    assert row.at == datetime(2026, 11, 24, 0, 48, 19, tzinfo=UTC)


@pytest.mark.parametrize("junk", [None, 3, [], {}, {"message": 5}])
def test_a_row_of_any_shape_stays_a_row(junk):
    rows = wire_monitor.alerts({"alerts": [LISTING, junk, "plain words"]})
    assert [row.armed for row in rows] == [True, False, False]
    assert rows[1].message == "(an alert that could not be understood)"
    assert rows[2].message == "plain words"


def test_metrics(recorded):
    metrics = wire_monitor.metrics(recorded("health_monitor", "metrics"), observed_at=NOW)
    assert metrics.bots["ndax"].status == "stopped"
    assert metrics.bots["ndax"].positions is None
    assert metrics.limits["account_equity_threshold"] == 0.3
    assert metrics.system == {"uptime": 0, "memory_usage": 0, "cpu_usage": 0}


def test_logs(recorded):
    lines = wire_monitor.logs(recorded("health_monitor", "logs-with-data"), lines=2)
    assert [line.file for line in lines] == ["bot-coordinator.log"] * 2
    assert lines[-1].line.endswith("Bot Coordinator shutdown complete")


@pytest.mark.parametrize("body", [{}, {"alerts": {}}, {"logs": None}, {"status": "healthy"}])
def test_what_has_not_the_marks_of_a_monitor_is_unintelligible(body):
    with pytest.raises(Unintelligible, match="no health monitor"):
        wire_monitor.alerts(body)
    with pytest.raises(Unintelligible, match="no health monitor"):
        wire_monitor.logs(body, lines=5)
    with pytest.raises(Unintelligible, match="no health monitor"):
        wire_monitor.metrics(body, observed_at=NOW)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
rows = (
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["type", "message", "bot", "timestamp", "action"], values)
    )
    | values
)
maybe = dict.fromkeys(
    ["bots", "limits", "system"], st.dictionaries(st.text(max_size=4), values, max_size=3) | values
)


@unhurried
@given(listed=st.lists(rows, max_size=5))
def test_as_many_alerts_come_out_as_went_in(listed):
    found = wire_monitor.alerts({"alerts": listed})
    assert len(found) == len(listed)
    assert not any(row.armed for row in found)
    assert len(wire_monitor.logs({"logs": listed}, lines=2)) <= 2


@unhurried
@given(body=st.fixed_dictionaries({}, optional=maybe))
def test_metrics_of_any_shape(body):
    if body:
        wire_monitor.metrics(body, observed_at=NOW)
