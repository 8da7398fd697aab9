"""Which alerts a silence keeps quiet, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.alerting.model import Severity
from commands.alerting.silences import Silence

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
INFO, WARNING, HIGH, CRITICAL = Severity


def silence(pattern: str, alert: int | None = None, hours: float = 4) -> Silence:
    return Silence(
        number=3,
        pattern=pattern,
        owner="U1",
        reason="known",
        begun_at=NOW,
        ends_at=NOW + timedelta(hours=hours),
        alert=alert,
    )


def matches(
    pattern: str,
    *,
    bot: str | None = "ndax",
    kind: str = "health_low",
    message: str = "Order rejected: [EOS] is down 5%",
    severity: Severity = HIGH,
    number: int = 12,
    summary: int | None = None,
    alert: int | None = None,
) -> bool:
    return silence(pattern, alert).matches(
        number=number, kind=kind, bot=bot, message=message, severity=severity, summary=summary
    )


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        # whole names, in any case
        ("ndax", True),
        ("NDAX", True),
        ("nda", False),
        ("dax", False),
        ("health_low", True),
        ("Health_Low", True),
        ("health", False),
        # wildcards hold against a whole text
        ("nd*", True),
        ("N*X", True),
        ("nd?x", True),
        ("nd?", False),
        ("*low", True),
        ("health*", True),
        ("quantum*", False),
        ("order*", True),
        ("order rejected", True),
        ("*rejected*", True),
        ("*rejected", False),
        ("?rder*", True),
        ("?order*", False),
        # any piece of the message
        ("rejected", True),
        ("REJECTED: [eos]", True),
        ("down 5%", True),
        ("down 6%", False),
        (" ", True),
        # brackets are letters like others
        ("[eos]", True),
        ("*[eos]*", True),
        ("*[eo]*", False),
        ("*[!x]*", False),
        ("[n]dax", False),
        ("*]*", True),
        ("*[*", True),
        # everything
        ("*", True),
        # numbers
        ("#12", True),
        ("#1", False),
        ("#123", False),
        ("#", False),
        ("#none", False),
        ("#order", False),
        ("#1*", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, wanted: bool) -> None:
    assert matches(pattern) is wanted


def test_a_wildcard_is_none_within_a_message() -> None:
    assert not matches("down 5*", message="It is down 5* today")
    assert not matches("down ?", message="Is it down ? No")
    assert matches("*down 5**", message="It is down 5* today")


def test_a_bot_without_a_name_matches_no_name() -> None:
    assert not matches("ndax", bot=None)
    assert matches("health_low", bot=None)
    assert matches("*", bot=None)


def test_a_bot_and_a_kind_of_other_case_match() -> None:
    assert matches("ndax", bot="NDAX")
    assert matches("health_low", kind="HEALTH_LOW")


@pytest.mark.parametrize(
    ("pattern", "severities"),
    [
        ("*", (INFO, WARNING, HIGH)),
        ("ndax", tuple(Severity)),
        ("nd*", tuple(Severity)),
        ("rejected", tuple(Severity)),
        ("#12", tuple(Severity)),
    ],
)
def test_a_star_is_everything_but_critical_ones(pattern: str, severities: tuple[Severity, ...]) -> None:
    assert tuple(each for each in Severity if matches(pattern, severity=each)) == severities


@pytest.mark.parametrize(
    ("pattern", "alert", "number", "summary", "wanted"),
    [
        ("#12", 12, 12, None, True),
        ("#12", 12, 13, None, False),
        ("#12", 12, 13, 12, True),  # it is told in the message that is silenced
        ("#12", 12, 12, 40, True),
        ("#12", 12, 13, 40, False),
        ("*", 12, 13, None, False),  # the number counts, whatever the pattern
        ("rejected", 12, 13, None, False),
        ("nothing of it", 12, 12, None, True),
        ("#12", None, 12, 40, True),
        ("#40", None, 12, 40, True),
        ("#12", None, 13, 40, False),
        ("#4", None, 12, 40, False),
    ],
)
def test_a_number_is_an_alert_or_the_message_that_tells_it(
    pattern: str, alert: int | None, number: int, summary: int | None, wanted: bool
) -> None:
    for severity in Severity:
        found = matches(pattern, alert=alert, number=number, summary=summary, severity=severity)
        assert found is wanted


@pytest.mark.parametrize(
    ("hours", "severity", "wanted"),
    [
        (0.5, HIGH, 0.5),
        (0.5, CRITICAL, 0.5),
        (1, CRITICAL, 1),
        (1.001, CRITICAL, 1),
        (24, CRITICAL, 1),
        (24, HIGH, 24),
        (24, WARNING, 24),
        (24, INFO, 24),
    ],
)
def test_a_critical_one_is_quiet_for_an_hour_at_most(hours: float, severity: Severity, wanted: float) -> None:
    assert silence("ndax", hours=hours).ends_for(severity) == NOW + timedelta(hours=wanted)


def test_no_pattern_takes_long() -> None:
    assert not matches("*a" * 50 + "!", message="a" * 100_000)
    assert not matches("?" * 100, message="a" * 100_000)
