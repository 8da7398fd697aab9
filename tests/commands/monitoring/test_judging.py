"""Every rule of a window: what fires it, what is just not enough, and which of several counts."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.monitoring.judging import (
    Around,
    Burning,
    Done,
    Rule,
    Seen,
    Thresholds,
    judge,
    remember,
    told,
)
from commands.monitoring.look import BotLook, Look

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
LIMITS = Thresholds(health_below=50, error_rise=3)
RAN = Seen(ran=frozenset({"ndax"}), words={"ndax": "running"}, killed=False)


def look(
    seconds: float = 0,
    *,
    status: str | None = "running",
    health: float | None = 90,
    errors: int | None = 0,
    killed: bool | None = False,
) -> Look:
    bot = BotLook(status=status, health=health, errors=errors)
    return Look(at=NOW + timedelta(seconds=seconds), bots={"ndax": bot}, killed=killed)


def rule(*looks: Look, seen: Seen = RAN, around: Around | None = None, limits: Thresholds = LIMITS) -> str:
    found = judge(("ndax",), looks, seen, around or Around(), limits)
    return found.rule.value if found is not None else ""


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("running", ""),
        ("stopped", "left_running"),
        ("starting", "left_running"),
        ("paused", "left_running"),
        ("error", "left_running"),
        ("recovery", "left_running"),
        (None, ""),  # unknown proves nothing
        ("rebooting", ""),
    ],
)
def test_a_bot_that_ran_and_does_something_else_ends_it(status: str | None, expected: str) -> None:
    assert rule(look(status=status)) == expected


def test_a_bot_that_never_ran_cannot_leave_running() -> None:
    assert rule(look(status="stopped"), seen=Seen(words={"ndax": "stopped"})) == ""


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ((49, 49), "health"),
        ((90, 49), ""),  # one alone may be a blip
        ((49, 50), ""),
        ((50, 50), ""),  # is not below
        ((49,), ""),
        ((None, 49), ""),
        ((49, None), ""),
        ((49, 90, 49), ""),
        ((0, 0), "health"),
    ],
)
def test_health_below_the_threshold_in_two_looks_ends_it(
    healths: tuple[float | None, ...], expected: str
) -> None:
    assert rule(*(look(at * 10, health=each) for at, each in enumerate(healths))) == expected


def test_the_health_of_a_bot_that_does_not_move_ends_nothing() -> None:
    still = Seen(words={"ndax": "stopped"})
    assert rule(look(status="stopped", health=0), look(10, status="stopped", health=0), seen=still) == ""


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((0, 3), "errors"),
        ((0, 2), ""),
        ((5, 6, 7, 8), "errors"),
        ((100, 100), ""),  # what there was before is not new
        ((7, 0, 2), ""),  # a coordinator that began anew
        ((7, 0, 3), "errors"),
        ((None, 9), ""),
        ((0, None, 3), "errors"),
        ((9,), ""),
    ],
)
def test_new_errors_end_it(errors: tuple[int | None, ...], expected: str) -> None:
    assert rule(*(look(at * 10, errors=each) for at, each in enumerate(errors))) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(False, True, "kill"), (True, True, ""), (None, True, ""), (False, None, ""), (False, False, "")],
)
def test_a_kill_elsewhere_ends_it_unless_it_stood_before(
    before: bool | None, now: bool | None, expected: str
) -> None:
    seen = Seen(ran=RAN.ran, words=RAN.words, killed=before)
    assert rule(look(killed=now), seen=seen) == expected


def test_a_kill_of_ours_ends_it_without_a_look() -> None:
    around = Around(kills=(Done(id="kill-1", by="U1"),))
    assert rule(around=around) == "kill"


@pytest.mark.parametrize(
    ("bot", "seen", "expected"),
    [("ndax", RAN, "stopped"), ("quantum", RAN, ""), ("ndax", Seen(words={}), "")],
)
def test_a_stop_of_ours_ends_the_window_of_a_bot_that_ran(bot: str, seen: Seen, expected: str) -> None:
    around = Around(stops=(Done(id="stop-1", by="U1", bot=bot),))
    assert rule(around=around, seen=seen) == expected


@pytest.mark.parametrize(("bot", "expected"), [("ndax", "alert"), (None, "alert"), ("quantum", "")])
def test_a_critical_alert_of_it_or_of_none_ends_it(bot: str | None, expected: str) -> None:
    around = Around(alerts=(Burning(number=7, message="fire", bot=bot),))
    assert rule(look(), around=around) == expected


def test_the_first_rule_counts() -> None:
    around = Around(
        kills=(Done(id="kill-1", by="U1"),),
        stops=(Done(id="stop-1", by="U1", bot="ndax"),),
        alerts=(Burning(number=7, message="fire"),),
    )
    bad = look(status="error", health=0)
    assert rule(bad, around=around) == "kill"
    assert rule(bad, around=Around(stops=around.stops, alerts=around.alerts)) == "stopped"
    assert rule(bad, around=Around(alerts=around.alerts)) == "left_running"
    assert next(iter(Rule)) == "kill"


def test_what_is_remembered_and_what_changed() -> None:
    first, news = remember(("ndax",), look(killed=None), Seen())
    assert news == ()
    low = {"ndax": 90.0}
    ndax = frozenset({"ndax"})
    assert first == Seen(ran=ndax, began=ndax, words={"ndax": "running"}, killed=None, lowest=low)
    second, news = remember(("ndax",), look(status=None, killed=False), first)
    assert news == ("ndax went from running to unknown",)
    third, news = remember(("ndax",), look(status="error", killed=True), second)
    assert news == ("ndax went from unknown to error", "the kill switch is active now")
    assert Seen.from_json(third.as_json()) == third
    assert third.ran == {"ndax"}
    assert third.lowest == {"ndax": 90.0}
    late, _ = remember(("ndax",), look(), remember(("ndax",), look(status="stopped"), Seen())[0])
    assert (late.ran, late.began) == (ndax, frozenset())  # it did not run when the window began
    for health, lowest in ((40, 40), (None, 40), (95, 40)):
        third, _ = remember(("ndax",), look(health=health), third)
        assert third.lowest == {"ndax": lowest}


def test_a_look_is_a_read_only_when_it_says_what_every_bot_does() -> None:
    assert told(("ndax",), look())
    assert not told(("ndax",), look(status=None))
    assert not told(("ndax",), look(status="rebooting"))
    assert not told(("ndax", "quantum"), look())


def test_a_look_comes_back_as_it_was_kept() -> None:
    kept = Look(
        at=NOW,
        bots={"ndax": BotLook(status="running", health=12.5, errors=3), "quantum": BotLook()},
        profit=-12.5,
        killed=None,
    )
    assert Look.from_json(NOW, kept.as_json()) == kept
    strange = {"bots": {"ndax": "no", "quantum": [1, "x", True]}, "profit": "x", "killed": "x"}
    assert Look.from_json(NOW, strange).bot("quantum") == BotLook(errors=True)
    assert Look.from_json(NOW, {}) == Look(at=NOW)
