"""The past, judged: falls that nobody caused, errors that grow, a coordinator that began anew."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from commands.coordinator.model import BotStatus, FleetStatus, Health
from commands.probes.history import ERROR_RISE, FALLS, WITHIN, look, news
from commands.probes.model import Finding, Report, Verdict, gathered
from storage.sightings import Sighting

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Ours = Sequence[tuple[str | None, datetime, datetime]]


def at(minutes_ago: float) -> datetime:
    return NOW - minutes_ago * MINUTE


def states(*words: str | None, bot: str = "ndax", begun: float = 60, every: float = 1) -> list[Sighting]:
    """One sighting a minute, the first so many minutes ago."""
    return [Sighting(at=at(begun - n * every), bot=bot, status=word) for n, word in enumerate(words)]


def counts(*errors: int | None, begun: float = 60) -> list[Sighting]:
    return [
        Sighting(at=at(begun - n), bot="ndax", status="running", errors=each) for n, each in enumerate(errors)
    ]


def uptimes(*seconds: float | None, begun: float = 60) -> list[Sighting]:
    return [Sighting(at=at(begun - n), uptime=each) for n, each in enumerate(seconds)]


def seen(sightings: Sequence[Sighting], ours: Ours = (), bot: str | None = None) -> tuple[Finding, ...]:
    return look(sightings, ours, bot=bot, now=NOW)


def signs(sightings: Sequence[Sighting], ours: Ours = (), bot: str | None = None) -> dict[str, bool]:
    report = Report(probe="history", at=NOW, took=0.0, findings=seen(sightings, ours, bot))
    return {name: each.seen for name, each in gathered((report,)).items()}


LOOP = ("running", "error") * FALLS


@pytest.mark.parametrize(
    ("words", "looping"),
    [
        (LOOP, True),
        (("running", "error") * (FALLS - 1), False),
        (("running", "stopped", "starting", "recovery", "running", "error"), True),
        (("starting", "error") * FALLS, True),
        (("running", "paused") * FALLS, False),  # somebody paused it
        (("error", "recovery", "stopped") * FALLS, False),  # it was down all the time
        (("running", None, "error") * FALLS, True),  # a look that told nothing hides no fall
        (("running", "halted", "error") * FALLS, True),
        (("running", None) * FALLS, False),
        (("running", "halted") * FALLS, False),
        (("running",), False),
    ],
    ids=lambda each: " ".join(map(str, each)) if isinstance(each, tuple) else str(each),
)
def test_a_bot_that_falls_again_and_again_loops(words: tuple[str | None, ...], looping: bool) -> None:
    assert signs(states(*words))["bot.crash-loop"] is looping


def test_three_bots_that_fell_once_are_no_loop() -> None:
    fallen = [each for bot in ("a", "b", "c") for each in states("running", "error", bot=bot)]
    assert signs(fallen)["bot.crash-loop"] is False
    (found, *_) = seen(fallen)
    assert found.verdict is Verdict.NOTED
    assert found.text.startswith("a fell 1 time by itself, last 02:13 UTC; b fell 1 time")


def test_of_a_bot_only_its_own_falls_count() -> None:
    both = [*states(*LOOP), *states("running", "running", bot="quantum")]
    assert signs(both)["bot.crash-loop"] is True
    assert signs(both, bot="ndax")["bot.crash-loop"] is True
    assert signs(both, bot="quantum")["bot.crash-loop"] is False
    assert seen(both, bot="quantum")[0].text == "No bot fell by itself"
    assert f"ndax fell {FALLS} times by itself" in seen(both)[0].text


@pytest.mark.parametrize("who", ["ndax", None])
@pytest.mark.parametrize(
    ("begins", "ends", "excused"),
    [
        (at(59), at(59), True),  # the fall itself, to the second
        (at(60), at(58), True),
        (at(58.9), at(58), False),
        (at(60), at(59.1), False),
    ],
)
def test_what_we_did_is_no_fall(who: str | None, begins: datetime, ends: datetime, excused: bool) -> None:
    fallen = states(*LOOP)  # the first fall was seen 59 minutes ago
    assert signs(fallen, [(who, begins, ends)])["bot.crash-loop"] is not excused
    assert signs(fallen, [("quantum", begins, ends)])["bot.crash-loop"] is True


def test_falls_that_were_all_ours_are_not_even_told() -> None:
    (found, *_) = seen(states(*LOOP), [(None, at(90), NOW)])
    assert (found.verdict, found.text) == (Verdict.WELL, "No bot fell by itself")


def test_how_a_bot_stood_when_those_hours_began_makes_its_first_change_a_fall() -> None:
    hours = WITHIN / MINUTE
    before = Sighting(at=at(hours + 200), bot="ndax", status="running")
    assert signs([before, *states("error", *LOOP[:-2])])["bot.crash-loop"] is True
    assert signs(states("error", *LOOP[:-2]))["bot.crash-loop"] is False


def test_falls_before_those_hours_do_not_count() -> None:
    hours = WITHIN / MINUTE
    old = states(*LOOP, begun=hours + 60)
    assert signs([*old, *states("running")])["bot.crash-loop"] is False
    edge = states(*LOOP, begun=hours + 1)  # the first fall is as old as it may be
    assert signs(edge)["bot.crash-loop"] is True
    assert signs(states(*LOOP, begun=hours + 1.1))["bot.crash-loop"] is False


@pytest.mark.parametrize("old", [[], states(*LOOP, begun=WITHIN / MINUTE + 60)], ids=["nothing", "long ago"])
def test_what_was_not_seen_lately_is_not_known(old: list[Sighting]) -> None:
    (found,) = seen(old)
    assert (found.verdict, found.signs) == (Verdict.UNKNOWN, {})


@pytest.mark.parametrize(
    ("errors", "growing"),
    [
        ((0, ERROR_RISE), True),
        ((0, ERROR_RISE - 1), False),
        ((10, 12, 14, 10 + ERROR_RISE), True),
        ((900, 0, 1), False),  # a count that began anew
        ((3, 0, 3, 0, 3), True),  # and again and again
        ((1, None, ERROR_RISE + 1), True),
        ((9, 9, 9), False),
        ((None, None), False),
    ],
)
def test_errors_grow(errors: tuple[int | None, ...], growing: bool) -> None:
    assert signs(counts(*errors))["errors.growing"] is growing
    found = seen(counts(*errors))[1]
    none = found.text == "No new errors in the last 2 h"
    assert found.verdict is (Verdict.ILL if growing else Verdict.WELL if none else Verdict.NOTED)
    assert none is (errors in {(9, 9, 9), (None, None)})


def test_new_errors_are_counted_from_how_many_there_were_when_those_hours_began() -> None:
    before = Sighting(at=at(WITHIN / MINUTE + 1), bot="ndax", status="running", errors=10)
    assert signs([before, *counts(10 + ERROR_RISE)])["errors.growing"] is True
    old = counts(0, 99, begun=WITHIN / MINUTE + 60)
    assert signs([*old, *counts(99)])["errors.growing"] is False
    assert seen([before, *counts(12)])[1].text == "New errors in the last 2 h: ndax 2"


@pytest.mark.parametrize(
    ("seconds", "restarted"),
    [
        ((100, 160, 220), False),
        ((1000, 20), True),
        ((1000, 995), False),  # clocks differ a little
        ((1000, 994.9), True),
        ((1000, None, 20), True),
        ((None,), None),
        ((), None),
    ],
)
def test_the_coordinator_began_anew(seconds: tuple[float | None, ...], restarted: bool | None) -> None:
    sightings = [*states("running"), *uptimes(*seconds)]
    assert signs(sightings).get("coordinator.restarted") is restarted
    verdict = {True: Verdict.ILL, False: Verdict.WELL, None: Verdict.UNKNOWN}[restarted]
    assert seen(sightings)[2].verdict is verdict


def test_restarts_are_those_of_the_last_hours() -> None:
    old = uptimes(9000, 20, begun=WITHIN / MINUTE + 10)
    assert signs([*old, *uptimes(5000)])["coordinator.restarted"] is False
    # longer than at the last look, and yet shorter than the time since then
    assert signs([*old, *uptimes(3000)])["coordinator.restarted"] is True
    assert signs([*old, *uptimes(7)])["coordinator.restarted"] is True
    assert "began anew 1 time, last before 02:12 UTC" in seen([*old, *uptimes(7)])[2].text
    assert signs([*old, *states("running")]).get("coordinator.restarted") is None


def fleet(**bots: BotStatus) -> FleetStatus:
    return FleetStatus(observed_at=NOW, bots=bots)


def a_bot(status: str | None = "running", errors: int | None = 0, health: float | None = 90) -> BotStatus:
    return BotStatus(name="ndax", status=status, error_count=errors, health=health)


KNOWN = Sighting(at=at(5), bot="ndax", status="running", errors=0, health=90)


@pytest.mark.parametrize(
    ("bot", "kept"),
    [
        (a_bot(), False),
        (a_bot(health=10), False),
        (a_bot("error"), True),
        (a_bot(errors=1), True),
        (a_bot(None), True),
    ],
)
def test_of_a_bot_what_changed_is_news(bot: BotStatus, kept: bool) -> None:
    found = news(fleet(ndax=bot), None, [KNOWN])
    assert found == (
        (Sighting(at=NOW, bot="ndax", status=bot.status, errors=bot.error_count, health=bot.health),)
        if kept
        else ()
    )


def test_what_was_never_seen_is_news() -> None:
    assert [each.bot for each in news(fleet(ndax=a_bot(), quantum=a_bot()), None, [KNOWN])] == ["quantum"]


@pytest.mark.parametrize(
    ("uptime", "last", "ago", "kept"),
    [
        (500, None, 0, True),
        (500, 440, 1, False),
        (500, 300, 5, True),
        (500, 505, 1, False),
        (499, 505, 1, True),
        (107, 1.5, 4, True),
        (242, 1.5, 4, False),
        (None, 440, 9, False),
    ],
)
def test_of_the_coordinator_its_uptime_is_kept_now_and_then_and_when_it_goes_back(
    uptime: float | None, last: float | None, ago: float, kept: bool
) -> None:
    known = [KNOWN] + ([Sighting(at=at(ago), uptime=last)] if last is not None else [])
    found = news(fleet(), Health(observed_at=NOW, uptime=uptime), known)
    assert found == ((Sighting(at=NOW, uptime=uptime),) if kept else ())
