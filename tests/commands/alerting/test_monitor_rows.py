"""The monitor's rows: conditions that stand ready are no alerts, rows of one alert are one signal."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.alerting.model import Kind, Severity, Source
from commands.alerting.monitor_rows import armed, signals
from commands.coordinator import wire_monitor
from commands.coordinator.model import MonitorAlert

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def row(
    message: str = "down", kind: str | None = "high", bot: str | None = None, ago: int | None = None
) -> MonitorAlert:
    at = None if ago is None else NOW - timedelta(minutes=ago)
    return MonitorAlert(kind=kind, message=message, bot=bot, at=at)


def listing(name: str) -> MonitorAlert:
    return MonitorAlert(
        kind="info", message=f"Kill switch condition active: {name}", action="stop_all_bots", armed=True
    )


def test_the_monitor_of_the_field_has_six_armed_conditions_and_no_alert() -> None:
    recorded = json.loads((Path(__file__).parents[2] / "wire" / "health_monitor.json").read_text("utf-8"))
    rows = wire_monitor.alerts(recorded["alerts"]["body"])
    assert signals(rows) == ()
    assert armed(rows) == (
        "max_daily_loss_reached",
        "consecutive_failures",
        "account_equity_drop",
        "api_errors",
        "network_issues",
        "circuit_breaker",
    )


def test_a_condition_is_named_once_and_an_alert_is_none() -> None:
    assert armed((listing("b"), listing("a"), row("c: d"), listing("b"))) == ("b", "a")
    assert armed((listing(""),)) == ("Kill switch condition active: ",)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("info", Severity.INFO),
        ("warning", Severity.WARNING),
        ("high", Severity.HIGH),
        ("critical", Severity.CRITICAL),
        (" CRITICAL ", Severity.CRITICAL),
        ("panic", Severity.WARNING),
        (None, Severity.WARNING),
    ],
)
def test_a_row_is_as_severe_as_it_says(kind: str | None, severity: Severity) -> None:
    (signal,) = signals((row("down", kind, "ndax", 3),))
    assert (signal.source, signal.kind, signal.identity) == (Source.MONITOR, Kind.MONITOR_ALERT, "")
    assert (signal.severity, signal.message, signal.bot) == (severity, "down", "ndax")
    assert (signal.began_at, signal.seen, signal.firing) == (NOW - timedelta(minutes=3), 1, True)


@pytest.mark.parametrize(
    ("rows", "message", "severity", "ago"),
    [
        (
            (row("lag 1", "info", ago=9), row("lag 2", "high", ago=5), row("lag 3", "info", ago=1)),
            "lag 3",
            "high",
            9,
        ),
        ((row("lag 3", ago=1), row("lag 1", ago=9), row("lag 2", ago=5)), "lag 3", "high", 9),
        ((row("lag 1"), row("lag 2")), "lag 2", "high", None),
        ((row("lag 1", ago=3), row("lag 2", ago=3)), "lag 2", "high", 3),
        ((row("lag 1", ago=3), row("lag 2")), "lag 1", "high", 3),
        ((row("lag 1", "nonsense"), row("lag 2", "info")), "lag 2", "warning", None),
    ],
)
def test_rows_of_one_alert_are_one_signal(
    rows: tuple[MonitorAlert, ...], message: str, severity: str, ago: int | None
) -> None:
    (signal,) = signals(rows)
    assert (signal.message, signal.severity, signal.seen) == (message, severity, len(rows))
    assert signal.began_at == (None if ago is None else NOW - timedelta(minutes=ago))


def test_other_words_and_other_bots_are_other_alerts_in_the_order_of_the_list() -> None:
    rows = (row("down", bot="ndax"), row("up"), row("down", bot="quantum"), row("down", bot="ndax"))
    assert [(each.message, each.bot, each.seen) for each in signals(rows)] == [
        ("down", "ndax", 2),
        ("up", None, 1),
        ("down", "quantum", 1),
    ]


def test_five_thousand_rows_are_read_in_no_time() -> None:
    letters = "abcdefghijklmnopqrst"
    names = tuple("".join(name) for name in itertools.islice(itertools.product(letters, repeat=4), 5_000))
    alike = tuple(row(f"order {number} of {'long ' * 90}failed", ago=number) for number in range(5_000))
    for rows, alerts in ((alike, 1), (tuple(row(f"{name} failed") for name in names), 5_000)):
        began = time.process_time()
        found = signals(rows)
        assert time.process_time() - began < 3  # some tenths on a quiet machine; each with each takes minutes
        assert len(found) == alerts
        assert sum(each.seen for each in found) == 5_000
