"""A limit that is near or reached is a signal; what is switched off or not known is none."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands.alerting.fingerprint import fingerprint
from commands.alerting.limits import signals
from commands.alerting.model import Severity, Signal, Source
from commands.coordinator import wire_monitor
from commands.coordinator.model import MonitorBot, MonitorMetrics

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
WARNING, HIGH, CRITICAL = Severity.WARNING, Severity.HIGH, Severity.CRITICAL
DAY, STOP = "total_max_daily_loss", "emergency_stop_loss"
LOSS = "The fleet's loss over 24 h"


def metrics(
    limits: dict[str, float], system: dict[str, float] | None = None, **bots: dict[str, Any]
) -> MonitorMetrics:
    return MonitorMetrics(
        observed_at=NOW,
        bots={name: MonitorBot(name=name, **fields) for name, fields in bots.items()},
        limits=limits,
        system=system or {},
    )


def found(read: MonitorMetrics) -> tuple[Signal, ...]:
    return signals(read, approaching_percent=80)


def lost(*pnl: float | None) -> dict[str, dict[str, Any]]:
    return {f"bot{number}": {"pnl_24h": each} for number, each in enumerate(pnl)}


@pytest.mark.parametrize(
    ("read", "severity", "message", "value", "unit"),
    [
        (metrics({DAY: 400}, **lost(-320)), WARNING, f"{LOSS} is near its limit", 320, "account currency"),
        (
            metrics({DAY: 400}, **lost(-399.99)),
            WARNING,
            f"{LOSS} is near its limit",
            399.99,
            "account currency",
        ),
        (metrics({DAY: 400}, **lost(-400)), HIGH, f"{LOSS} has reached its limit", 400, "account currency"),
        (
            metrics({DAY: 400}, **lost(-500, 20, None)),
            HIGH,
            f"{LOSS} has reached its limit",
            480,
            "account currency",
        ),
        (
            metrics({STOP: 1000}, **lost(-800)),
            WARNING,
            f"{LOSS} is near the emergency stop",
            800,
            "account currency",
        ),
        (
            metrics({STOP: 1000}, **lost(-1001)),
            CRITICAL,
            f"{LOSS} has reached the emergency stop",
            1001,
            "account currency",
        ),
        (
            metrics({"total_max_exposure": 100}, a={"exposure": 50}, b={"exposure": -40}, c={}),
            WARNING,
            "The fleet's exposure is near its limit",
            90,
            "account currency",
        ),
        (
            metrics({"total_max_exposure": 100}, a={"exposure": 100}),
            HIGH,
            "The fleet's exposure has reached its limit",
            100,
            "account currency",
        ),
        (
            metrics({"account_equity_threshold": 0.3}, {"account_equity_drop": 0.25}),
            WARNING,
            "The drop of the account's equity is near its limit",
            0.25,
            "",
        ),
        (
            metrics({"account_equity_threshold": 0.3}, {"equity_drop": 0.3}),
            HIGH,
            "The drop of the account's equity has reached its limit",
            0.3,
            "",
        ),
        (
            metrics({"cpu_usage": 90}, {"cpu_usage": 95}),
            HIGH,
            "The monitor's cpu usage has reached its limit",
            95,
            "%",
        ),
        (
            metrics({"max_memory_usage": 90}, {"memory_usage": 80}),
            WARNING,
            "The monitor's memory usage is near its limit",
            80,
            "%",
        ),
        (
            metrics({"open_files_limit": 100}, {"open_files": 100}),
            HIGH,
            "The monitor's open files has reached its limit",
            100,
            "",
        ),
    ],
)
def test_a_limit_that_is_near_or_reached(
    read: MonitorMetrics, severity: Severity, message: str, value: float, unit: str
) -> None:
    (signal,) = found(read)
    ((name, limit),) = read.limits.items()
    assert (signal.source, signal.kind, signal.bot, signal.firing) == (Source.LIMITS, name, None, True)
    assert (signal.severity, signal.message) == (severity, message)
    assert (signal.value, signal.limit, signal.unit) == (pytest.approx(value), limit, unit)


@pytest.mark.parametrize(
    "read",
    [
        metrics({}, **lost(-1e9)),
        *(metrics({DAY: limit}, **lost(-1e9)) for limit in (0, -400, math.inf, math.nan, -math.inf)),
        metrics({DAY: 400}),
        metrics({DAY: 400}, **lost(None, None)),
        metrics({DAY: 400}, **lost(math.nan)),
        metrics({DAY: 400}, **lost(-math.inf)),
        metrics({DAY: 400}, **lost(-319.99)),
        metrics({DAY: 400, STOP: 1000}, **lost(5000)),  # a profit
        metrics({"total_max_exposure": 100}, a={"exposure": None}),
        metrics({"consecutive_loss_limit": 5}, a={"consecutive_losses": None}),
        metrics({"account_equity_threshold": 0.3}, {"equity": 0.4}),
        metrics({"something_limit": 1}, {"other": 9}),
        metrics({"cpu_usage": 90}, {"cpu_usage": 0}),
    ],
)
def test_what_is_off_or_unknown_or_far_away_is_no_signal(read: MonitorMetrics) -> None:
    assert found(read) == ()


def test_the_monitor_of_the_field_gives_no_signal() -> None:
    recorded = json.loads((Path(__file__).parents[2] / "wire" / "health_monitor.json").read_text("utf-8"))
    read = wire_monitor.metrics(recorded["metrics"]["body"], observed_at=NOW)
    assert read.limits
    assert signals(read, approaching_percent=0.001) == ()


def test_losses_in_a_row_are_told_bot_by_bot() -> None:
    read = metrics(
        {"consecutive_loss_limit": 5},
        ndax={"consecutive_losses": 5},
        quantum={"consecutive_losses": 4},
        shadowforge={"consecutive_losses": 3},
    )
    assert [(each.bot, each.severity, each.value, each.message) for each in found(read)] == [
        ("ndax", HIGH, 5, "The run of losses of ndax has reached its limit"),
        ("quantum", WARNING, 4, "The run of losses of quantum is near its limit"),
    ]


def test_an_alert_stays_the_same_one_while_it_grows_worse() -> None:
    (near,), (nearer,), (reached,) = (found(metrics({DAY: 400}, **lost(-pnl))) for pnl in (330, 350, 410))
    assert fingerprint(near) == fingerprint(nearer) == fingerprint(reached)
    assert near.message == nearer.message  # the numbers stand apart
    assert near.message != reached.message


def test_each_limit_and_each_bot_is_an_alert_of_its_own() -> None:
    losing = {"consecutive_losses": 9, "pnl_24h": -1000.0}
    read = metrics({DAY: 400, STOP: 1000, "consecutive_loss_limit": 5}, ndax=losing, quantum=losing)
    assert len({fingerprint(each) for each in found(read)}) == 4


def test_a_limit_belongs_to_the_figure_that_is_named_just_as_it_is() -> None:
    (signal,) = found(metrics({"max_load": 5}, {"load": 1, "max_load": 9}))
    assert signal.value == 9


def test_how_near_is_near_is_the_operators_choice() -> None:
    read = metrics({DAY: 400}, **lost(-210))
    assert len(signals(read, approaching_percent=50)) == 1
    assert signals(read, approaching_percent=60) == ()


def test_exposure_and_losses_in_a_row_are_read_from_the_monitor() -> None:
    body: dict[str, object] = {
        "bots": {
            "ndax": {"exposure": -1200.5, "consecutive_losses": 3},
            "quantum": {"exposure": "much", "consecutive_losses": -1},
        }
    }
    bots = wire_monitor.metrics(body, observed_at=NOW).bots
    assert (bots["ndax"].exposure, bots["ndax"].consecutive_losses) == (-1200.5, 3)
    assert (bots["quantum"].exposure, bots["quantum"].consecutive_losses) == (None, None)
