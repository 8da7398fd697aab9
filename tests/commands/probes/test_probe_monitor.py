"""The monitor's alerts and limits, judged: armed conditions are no alerts, and what is hidden is not lost."""

from datetime import UTC, datetime

import pytest

from commands.coordinator.model import MonitorAlert, MonitorBot, MonitorMetrics
from commands.probes.model import Finding, Report, Verdict, gathered
from commands.probes.monitor import METRICS, SHOWN, alerts, metrics, unread
from commands.probes.signs import SIGNS

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
ALL = {"alerts.critical", "alerts.security", "alerts.data", "alerts.resources"}
ARMED = tuple(
    MonitorAlert(
        kind="info",
        message=f"Kill switch condition active: {name}",
        action="activate_kill_switch",
        armed=True,
    )
    for name in ("max_daily_loss_reached", "memory_limit", "security_breach", "data_loss")
)


def row(message: str, kind: str | None = "warning", bot: str | None = None) -> MonitorAlert:
    return MonitorAlert(kind=kind, message=message, bot=bot)


def signs(found: tuple[Finding, ...]) -> dict[str, bool]:
    report = Report(probe="monitor", at=NOW, took=0.0, findings=found)
    told = {name: each.seen for name, each in gathered((report,)).items()}
    assert {SIGNS[name].probe for name in told} <= {"monitor"}
    return told


@pytest.mark.parametrize("rows", [(), ARMED], ids=["none", "armed"])
def test_armed_conditions_are_no_alerts(rows: tuple[MonitorAlert, ...]) -> None:
    found = alerts(rows, bot=None)
    assert [(each.verdict, each.text) for each in found] == [(Verdict.WELL, "The monitor has no alert")]
    assert signs(found) == {"monitor.reachable": True, **dict.fromkeys(ALL, False)}


@pytest.mark.parametrize(
    ("given", "seen", "verdict"),
    [
        (row("slippage is 3 %"), set(), Verdict.ILL),
        (row("slippage is 3 %", "high"), set(), Verdict.ILL),
        (row("slippage is 3 %", "critical"), {"alerts.critical"}, Verdict.ILL),
        (row("suspicious login"), {"alerts.security"}, Verdict.ILL),
        (row("position mismatch on BTC"), {"alerts.data"}, Verdict.ILL),
        (row("high memory usage"), {"alerts.resources"}, Verdict.ILL),
        (row("disk usage at 97 %", "info"), {"alerts.resources"}, Verdict.NOTED),
        (
            row("disk full: position mismatch", "critical"),
            {"alerts.critical", "alerts.data", "alerts.resources"},
            Verdict.ILL,
        ),
        (row("all is well", None), set(), Verdict.NOTED),
    ],
    ids=lambda each: each.message if isinstance(each, MonitorAlert) else "",
)
def test_what_an_alert_speaks_of(given: MonitorAlert, seen: set[str], verdict: Verdict) -> None:
    found = alerts((*ARMED, given), bot=None)
    assert [each.verdict for each in found] == [verdict]
    assert signs(found) == {
        "monitor.reachable": True,
        **dict.fromkeys(ALL, False),
        **dict.fromkeys(seen, True),
    }
    assert found[0].text == f"{given.kind or 'alert'}: {given.message}"


@pytest.mark.parametrize(
    ("bot", "shown"),
    [
        (None, {"warning: of all", "warning: ndax: of ndax", "warning: quantum: of quantum"}),
        ("ndax", {"warning: of all", "warning: ndax: of ndax"}),
        ("shadowforge", {"warning: of all"}),
    ],
)
def test_of_a_bot_only_its_own_alerts_and_those_of_none_count(bot: str | None, shown: set[str]) -> None:
    rows = (row("of all"), row("of ndax", bot="ndax"), row("of quantum", bot="quantum"))
    assert {each.text for each in alerts(rows, bot=bot)} == shown


def test_what_speaks_loudest_is_shown_and_nothing_that_is_hidden_is_lost() -> None:
    rows = (
        *(row(f"slippage {n}", "info") for n in range(3)),
        *(row(f"suspicious login {n}") for n in range(SHOWN)),
        row("position mismatch", "critical"),
        row("out of memory"),
    )
    found = alerts(rows, bot=None)
    assert found[0].text == "critical: position mismatch"
    assert len(found) == SHOWN + 2
    assert found[SHOWN].text == f"and {len(rows) - SHOWN} more alerts"
    assert found[-1].signs == {"alerts.security": True, "alerts.resources": True}
    assert signs(found) == {"monitor.reachable": True, **dict.fromkeys(ALL, True)}


@pytest.mark.parametrize("many", [SHOWN, SHOWN + 1])
def test_only_more_than_fit_are_counted(many: int) -> None:
    found = alerts([row(f"slippage {n}") for n in range(many)], bot=None)
    assert len(found) == many
    assert (found[-1].text == "and 1 more alerts") is (many > SHOWN)


def test_no_secret_of_an_alert_is_shown() -> None:
    (found,) = alerts(
        (row("token=Zq7hunter2 was \u202eused" + "x" * 999, "critical\x00" * 9, "nd\nax" * 20),), bot=None
    )
    assert "hunter2" not in found.text
    assert len(found.text) < 250
    assert "\u202e" not in found.text


def read(limits: dict[str, float], **system: float) -> MonitorMetrics:
    bots = {"ndax": MonitorBot(name="ndax", pnl_24h=-80.0)}
    return MonitorMetrics(observed_at=NOW, bots=bots, limits=limits, system=system)


@pytest.mark.parametrize(
    ("loss", "near"), [(1000.0, False), (100.1, False), (100.0, True), (80.0, True), (50.0, True)]
)
def test_a_limit_is_near_from_its_per_cent_on(loss: float, near: bool) -> None:
    found = metrics(read({"total_max_daily_loss": loss}), approaching_percent=80)
    assert signs(found) == {"limits.near": near}
    assert [each.verdict for each in found] == [Verdict.ILL if near else Verdict.WELL]
    assert {each.source for each in found} == {METRICS}


@pytest.mark.parametrize(
    "seen",
    [
        MonitorMetrics(observed_at=NOW),
        MonitorMetrics(observed_at=NOW, bots={"ndax": MonitorBot(name="ndax", pnl_24h=-80.0)}),
        MonitorMetrics(observed_at=NOW, limits={"total_max_daily_loss": 1000.0}),
    ],
    ids=["nothing", "no limits", "no figures"],
)
def test_without_limits_or_figures_nothing_is_known_of_them(seen: MonitorMetrics) -> None:
    (found,) = metrics(seen, approaching_percent=80)
    assert (found.verdict, found.signs) == (Verdict.UNKNOWN, {})


def test_a_read_that_failed_tells_that_and_nothing_else() -> None:
    (found,) = unread("The monitor did not answer")
    assert (found.verdict, found.signs, found.text) == (
        Verdict.UNKNOWN,
        {"monitor.reachable": False},
        "The monitor did not answer",
    )
