"""The monitor's rows: conditions that stand ready are no alerts, rows of one alert are one signal."""

import itertools
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.alerting.model import Kind, Severity, Source
from commands.alerting.monitor_rows import Ours, armed, signals, unexpected
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


def lasting(bot: str | None, begins: int, ends: int) -> Ours:
    return Ours(bot=bot, begins=NOW + timedelta(seconds=begins), ends=NOW + timedelta(seconds=ends))


@pytest.mark.parametrize(
    ("message", "bot", "after", "told"),
    [
        ("Bot ndax has stopped. Reason: stopped by U0ADMIN1", "ndax", 0, False),
        ("Bot ndax was paused", "ndax", 60, False),
        ("Bot ndax has stopped", "ndax", 61, True),  # too late to be ours
        ("Bot ndax has stopped", "ndax", -6, True),  # too early
        ("Bot quantum has stopped", "quantum", 0, True),  # another bot
        ("KILL SWITCH TRIGGERED: bad fills. All trading halted.", None, 0, True),  # we stopped one bot only
        ("Bot ndax crashed and has stopped", "ndax", 0, True),
        ("Failed to stop ndax", "ndax", 0, True),
        ("Slippage above limit", "ndax", 0, True),
        ("Bot ndax has stopped", "ndax", None, True),  # without a time nothing explains it
    ],
)
def test_what_only_says_what_we_did_to_a_bot_is_no_alert(
    message: str, bot: str | None, after: int | None, told: bool
) -> None:
    at = None if after is None else NOW + timedelta(seconds=after)
    row = MonitorAlert(kind="high", message=message, bot=bot, at=at)
    assert unexpected((row,), (lasting("ndax", -5, 60),)) == ((row,) if told else ())


def test_a_kill_of_ours_explains_the_stop_of_every_bot() -> None:
    rows = tuple(
        MonitorAlert(kind="critical", message=message, bot=bot, at=NOW)
        for message, bot in (
            ("KILL SWITCH TRIGGERED: bad fills. All trading halted.", None),
            ("Bot quantum has stopped. Reason: kill switch", "quantum"),
            ("Bot shadowforge has lost ndax", "shadowforge"),
        )
    )
    assert unexpected(rows, (lasting(None, -5, 60),)) == ()
    assert unexpected(rows, ()) == rows
