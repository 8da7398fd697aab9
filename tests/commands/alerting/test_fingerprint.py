"""Which signals are one alert: what varies is masked, what tells two things apart is not."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.alerting.fingerprint import MASKED_LIMIT, fingerprint, masked
from commands.alerting.model import Kind, Severity, Signal, Source

SIGNAL = Signal(
    source=Source.MONITOR,
    kind=Kind.MONITOR_ALERT,
    severity=Severity.WARNING,
    message="Order rejected",
    bot="ndax",
)


def of(message: str, **known: object) -> str:
    return fingerprint(replace(SIGNAL, message=message, **known))  # type: ignore[arg-type]  # a test names the fields it means


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        # numbers
        ("Loss 12", "loss <n>"),
        ("Loss -12.5 %", "loss -<n> %"),
        ("took 5ms", "took <n>ms"),
        ("took 1h30m", "took <n>h<n>m"),
        ("code=500", "code=<n>"),
        ("#12 of 30", "#<n> of <n>"),
        ("5/7", "<n>/<n>"),
        ("1e-05 left", "<n> left"),
        ("at 1732417925.123", "at <n>"),
        ("10.0.0.1:8080 refused", "<n>:<n> refused"),
        # money
        ("lost $1,234.56", "lost $<n>"),
        ("lost 1.234,56 €", "lost <n> €"),
        ("lost CHF 1'234.50", "lost chf <n>"),
        ("lost 1’234’567", "lost <n>"),
        ("lost EUR12.50", "lost eur<n>"),
        ("lost usd1000", "lost usd<n>"),
        # ids
        ("order 3fa85f64-5717-4562-b3fc-2c963f66afa6", "order <id>"),
        ("order 3FA85F64-5717-4562-B3FC-2C963F66AFA6.", "order <id>."),
        ("tx_3fa85f64-5717-4562-b3fc-2c963f66afa6", "tx_<id>"),
        ("at 0xDEADBEEF", "at <id>"),
        ("at 0x1f", "at <id>"),
        ("sha 9f8e7d6c5b4a", "sha <id>"),
        ("req 3fa85f64 failed", "req <id> failed"),
        ("req facade01 failed", "req <id> failed"),
        ("order_9f8e7d6c failed", "order_<id> failed"),
        ("order a1x2k9z8 failed", "order <id> failed"),
        ("order XK7PQ29M failed", "order <id> failed"),
        ("order ORD12345678", "order ord<n>"),
        ("order ORD123", "order ord<n>"),
        ("order abc123d", "order abc<n>d"),  # too short for an id
        ("order x7k2z9", "order x<n>k<n>z<n>"),
        ("order 12345678", "order <n>"),
        # times
        ("at 2026-11-24", "at <time>"),
        ("at 2026-11-24T03:12:05Z", "at <time>"),
        ("at 2026-11-24 03:12", "at <time>"),
        ("at 2026-11-24T03:12:05.123456+00:00", "at <time>"),
        ("at 2026-11-24T03:12:05,5-0330 again", "at <time> again"),
        ("[2026-11-24T03:12:05Z] down", "[<time>] down"),
        ("since 03:12", "since <time>"),
        ("since 3:12:05.5 UTC", "since <time> utc"),
        ("20261124T031205Z", "<id>"),
        # names
        ("btc2 is down", "btc2 is down"),
        ("BTC-2 is down", "btc-2 is down"),
        ("bot_07 is down", "bot_07 is down"),
        ("bot1, bot2", "bot1, bot2"),
        ("strategy1 stopped", "strategy1 stopped"),
        ("take-profit-2 reached", "take-profit-2 reached"),
        ("max_daily_loss_24h", "max_daily_loss_<n>h"),
        ("deadbeef decade", "deadbeef decade"),
        ("ndax: down", "ndax: down"),
        ("grid2b", "grid<n>b"),
        ("été2 é12", "été2 é12"),
        # white space and case
        ("  Order\n\trejected\u00a0 now ", "order rejected now"),
        ("", ""),
        (" ", ""),
    ],
)
def test_what_varies_is_masked(message: str, wanted: str) -> None:
    assert masked(message) == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 17 rejected", "order 99 REJECTED"),
        ("Order rejected", " Order   rejected"),
        ("down since 03:12", "down since 17:40:01.5"),
        ("down since 2026-11-24T03:12:05Z", "down since 2026-11-25T00:00:00.5+01:00"),
        ("loss of $5", "loss of $1,234.56"),
        ("request 9f8e7d6c5b4a failed", "request 0a1b2c3d failed"),
        ("x" * MASKED_LIMIT + " one", "x" * MASKED_LIMIT + " other"),
    ],
)
def test_these_are_one_alert(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order rejected", "Order filled"),
        ("Order rejected", "Orders rejected"),
        ("btc2 is down", "btc3 is down"),
        ("btc2 is down", "eth2 is down"),
        ("bot-1 is down", "bot-2 is down"),
        ("strategy1 stopped", "exchange1 stopped"),
        ("strategy1 stopped", "strategy2 stopped"),
        ("max_drawdown_24h exceeded", "daily_loss_24h exceeded"),
        ("take-profit-2 reached", "stop-loss-2 reached"),
        ("loss of 5 %", "gain of 5 %"),
        ("balance 5", "balance -5"),
        ("down since 03:12", "down since yesterday"),
        ("", "down"),
        ("y" * (MASKED_LIMIT - 1) + "1", "y" * (MASKED_LIMIT - 1) + "x"),
    ],
)
def test_these_are_two_alerts(one: str, other: str) -> None:
    assert of(one) != of(other)


def test_where_it_comes_from_and_whose_it_is_tells_alerts_apart() -> None:
    found = [
        of("down"),
        of("down", bot=None),
        of("down", bot="quantum"),
        of("down", bot="ndax2"),
        of("down", kind="down"),
        of("down", source=Source.COORDINATOR),
        of("down", source=Source.ALERTMANAGER),
        of("down", identity="down"),
        of("down", identity="down2"),
    ]
    assert len(set(found)) == len(found)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in found)


def test_what_a_source_names_itself_is_not_masked_and_needs_no_message() -> None:
    assert of("one", identity="rule 5") == of("other", identity="rule 5")
    assert of("one", identity="rule 5") != of("one", identity="rule 6")
    assert of("one", identity="Rule") != of("one", identity="rule")


def test_nothing_else_counts() -> None:
    more = replace(
        SIGNAL,
        severity=Severity.CRITICAL,
        began_at=datetime(2026, 11, 24, tzinfo=UTC),
        value=5,
        limit=9,
        unit="EUR",
        firing=False,
        seen=9,
        link="https://x",
    )
    assert fingerprint(more) == fingerprint(SIGNAL)


def test_it_is_the_same_in_every_process() -> None:
    """It is stored: another one for the same signal would tell of everything anew."""
    assert fingerprint(SIGNAL) == "4c3d0a8d47d80dea"


@given(st.text(max_size=400))
def test_any_text_has_one_whatever_space_is_around_it(text: str) -> None:
    assert len(of(text)) == 16
    once = masked(text)
    assert len(once) <= MASKED_LIMIT
    assert masked(f"  {text} ") == once


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=5), st.data())
def test_other_numbers_make_no_other_alert(numbers: list[int], data: st.DataObject) -> None:
    others = [data.draw(st.integers(0, 10**9)) for _ in numbers]
    lost, won = (" and ".join(f"{each:,} lots" for each in some) for some in (numbers, others))
    assert of(f"Lost {lost}") == of(f"Lost {won}")


def test_a_lone_half_of_a_character_is_no_failure() -> None:
    assert len(of("\ud800", bot="\udfff")) == 16


@pytest.mark.parametrize(
    "piece", ["a1", "a-", "1-", "1.", "1,", "0x", "a_", "12:", "2026-11-24t", "f", "1", " ", "é1", "1e", "-"]
)
def test_hostile_text_takes_no_longer_than_other_text(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.perf_counter()
    masked(text)
    masked(f"{text}!")
    assert time.perf_counter() - began < 0.5  # some milliseconds; quadratic work would be seconds
