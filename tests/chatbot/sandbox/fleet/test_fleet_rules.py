"""The rules of the reference coordinator, by a clock that is moved by hand."""

from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from fleet_clock import Clock

from chatbot.sandbox.fleet import Fleet, Policy
from chatbot.sandbox.fleet.engine import Engine, RefusedError
from chatbot.sandbox.fleet.policy import Conduct

ALL = ("ndax", "quantum", "shadowforge")


def engine(clock: Clock, policy: Policy | None = None) -> Engine:
    return Engine(clock=clock, policy=policy or Policy())


def refused(code: str) -> AbstractContextManager["pytest.ExceptionInfo[RefusedError]"]:
    return pytest.raises(RefusedError, check=lambda error: error.code == code)


def test_a_new_fleet_trades_with_all_three_bots(clock: Clock) -> None:
    fleet = engine(clock)
    assert fleet.trading == ALL
    assert not fleet.kill_switch_active


def test_a_fleet_can_begin_stopped_or_killed(clock: Clock) -> None:
    assert engine(clock, Policy(running=("ndax",))).trading == ("ndax",)
    killed = engine(clock, Policy(killed="left so yesterday"))
    assert killed.kill_switch_active
    assert killed.trading == ()


def test_a_kill_stops_every_bot_at_once(clock: Clock) -> None:
    fleet = engine(clock)
    assert fleet.activate("bad fills") == ALL
    assert fleet.kill_switch_active
    assert fleet.trading == ()
    assert [fleet.status(name) for name in ALL] == ["stopped"] * 3


def test_a_repeated_kill_overwrites_reason_and_time_and_counts_once(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.activate("first")
    clock.forward(minutes=1)
    fleet.activate("second")
    assert (fleet.kill_switch.reason, fleet.kill_switch.since) == ("second", clock.now)
    assert fleet.floor.counters["kill_switches_triggered"] == 1
    assert len(fleet.kill_switch.kills) == 1


@pytest.mark.parametrize("minutes", [0, 59.9])
def test_a_release_is_refused_in_the_cooldown(clock: Clock, minutes: float) -> None:
    fleet = engine(clock)
    fleet.activate("x")
    clock.forward(minutes=minutes)
    with refused("KILL_SWITCH_ACTIVE"):
        fleet.release("done")
    assert fleet.kill_switch_active


def test_a_release_after_the_cooldown_starts_no_bot(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.activate("x")
    clock.forward(minutes=60)
    assert fleet.release("done") is True
    assert not fleet.kill_switch_active
    assert fleet.trading == ()
    assert fleet.release("again") is False


def test_the_breaker_opens_at_the_third_kill_in_a_day_and_only_force_closes_it(clock: Clock) -> None:
    fleet = engine(clock)
    for _ in range(2):
        fleet.activate("x")
        clock.forward(hours=2)
        fleet.release("done")
    fleet.activate("third")
    clock.forward(hours=2)
    with refused("KILL_SWITCH_ACTIVE") as caught:
        fleet.release("done")
    assert str(caught.value) == "Circuit breaker is open after 3 kills"
    assert fleet.release("by two people", force=True) is True
    assert not fleet.kill_switch.breaker_open(clock.now)


def test_the_breaker_forgets_kills_older_than_a_day(clock: Clock) -> None:
    fleet = engine(clock)
    for _ in range(3):
        fleet.activate("x")
        clock.forward(hours=13)
        fleet.release("done")
    assert not fleet.kill_switch.breaker_open(clock.now)


def test_bots_start_only_after_those_they_need(clock: Clock) -> None:
    fleet = engine(clock, Policy(running=()))
    with refused("DEPENDENCY_FAILURE"):
        fleet.start("quantum")
    fleet.start("ndax")
    with refused("DEPENDENCY_FAILURE"):  # starting is not running
        fleet.start("quantum")
    clock.forward(seconds=2)
    assert fleet.status("ndax") == "running"
    fleet.start("quantum")
    with refused("DEPENDENCY_FAILURE"):
        fleet.start("shadowforge")
    clock.forward(seconds=2)
    fleet.start("shadowforge")
    clock.forward(seconds=2)
    assert fleet.trading == ALL
    assert fleet.floor.counters["bots_started"] == 3


def test_starting_becomes_running_after_the_delay_and_not_before(clock: Clock) -> None:
    fleet = engine(clock, Policy(running=(), start_delay=timedelta(seconds=10)))
    fleet.start("ndax")
    clock.forward(seconds=9.9)
    assert (fleet.status("ndax"), fleet.trading) == ("starting", ())
    clock.forward(seconds=0.1)
    assert (fleet.status("ndax"), fleet.trading) == ("running", ("ndax",))


def test_a_kill_ends_a_start_on_its_way(clock: Clock) -> None:
    fleet = engine(clock, Policy(running=()))
    fleet.start("ndax")
    clock.forward(seconds=1)
    fleet.activate("x")
    clock.forward(hours=1)
    assert (fleet.status("ndax"), fleet.trading) == ("stopped", ())


def test_a_sequence_starts_the_bots_five_seconds_apart(clock: Clock) -> None:
    fleet = engine(clock, Policy(running=()))
    assert fleet.start_sequence() == ALL
    seen = []
    for _ in range(4):
        seen.append([fleet.status(name) for name in ALL])
        clock.forward(seconds=4)
    assert seen == [
        ["starting", "stopped", "stopped"],
        ["running", "stopped", "stopped"],
        ["running", "running", "stopped"],
        ["running", "running", "running"],
    ]


@pytest.mark.parametrize("what", ["kill", "stop-all", "restart"])
def test_a_sequence_ends_when_the_fleet_is_stopped(clock: Clock, what: str) -> None:
    fleet = engine(clock, Policy(running=()))
    fleet.start_sequence()
    {"kill": lambda: fleet.activate("x"), "stop-all": lambda: fleet.stop_all("x"), "restart": fleet.restart}[
        what
    ]()
    clock.forward(minutes=1)
    assert fleet.status("quantum") == "stopped"
    assert not any(alert.message.startswith("Failed to start") for alert in fleet.journal.alerts(clock.now))


def test_a_sequence_ends_at_the_first_bot_that_cannot_start(clock: Clock) -> None:
    fleet = engine(clock, Policy(running=(), start_delay=timedelta(seconds=30)))
    fleet.start_sequence()
    clock.forward(minutes=2)
    assert [fleet.status(name) for name in ALL] == ["running", "stopped", "stopped"]
    assert [alert.message for alert in fleet.journal.alerts(clock.now)] == [
        "Failed to start quantum: quantum needs ndax to be running"
    ]


def test_safe_mode_halves_size_and_frequency_for_two_hours(clock: Clock) -> None:
    full, safe = (engine(clock, Policy(running=(), start_delay=timedelta(0))) for _ in range(2))
    full.start("ndax")
    safe.start("ndax", safe_mode=True)
    clock.forward(minutes=50)
    assert full.trading == ("ndax",)
    trades, profit = full.totals()
    clock.forward(minutes=50)
    assert safe.trading == ("ndax",)
    assert safe.totals() == (pytest.approx(trades, abs=1), pytest.approx(profit / 2, abs=7))
    clock.forward(minutes=20)
    safe_until_now, full_until_now = safe.trading and safe.totals()[0], full.trading and full.totals()[0]
    assert not safe.bot("ndax").safe_mode
    clock.forward(minutes=50)
    later, full_later = safe.trading and safe.totals()[0], full.trading and full.totals()[0]
    assert later - safe_until_now == pytest.approx(full_later - full_until_now, rel=0.1)


def test_trades_are_the_same_however_often_one_looks(clock: Clock) -> None:
    often, once = engine(clock), engine(clock)
    other = engine(clock, Policy(seed=2))
    for _ in range(600):
        clock.forward(seconds=1)
        often.floor.settle()
    for each in (often, once, other):
        each.floor.settle()
    assert often.totals() == once.totals()
    assert often.totals() != other.totals()
    assert 3 * 75 <= often.totals()[0] <= 3 * 300


def test_a_stopped_bot_trades_no_more(clock: Clock) -> None:
    fleet = engine(clock)
    clock.forward(minutes=5)
    fleet.activate("x")
    before = fleet.totals()
    clock.forward(hours=5)
    fleet.floor.settle()
    assert fleet.totals() == before != (0, 0)


def test_recovery_takes_its_time_and_is_counted(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.floor.crash(fleet.bot("ndax"), "out of memory")
    fleet.recover("ndax")
    assert (fleet.status("ndax"), fleet.floor.counters["recoveries_attempted"]) == ("recovery", 1)
    clock.forward(seconds=5)
    assert (fleet.status("ndax"), fleet.floor.counters["recoveries_succeeded"]) == ("running", 1)


def test_a_slow_bot_keeps_the_next_ones_trading(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.activate("x", Conduct(seconds={"quantum": 300.0}))
    assert fleet.kill_switch_active
    assert fleet.trading == ("quantum", "shadowforge")
    clock.forward(seconds=200)
    fleet.activate("still trading", Conduct(seconds={"quantum": 300.0}))
    clock.forward(seconds=99)
    assert fleet.trading == ("quantum", "shadowforge")
    clock.forward(seconds=1)
    assert fleet.trading == ()


def test_a_restart_loses_the_kill_and_everything_counted(clock: Clock) -> None:
    fleet = engine(clock)
    clock.forward(minutes=5)
    fleet.activate("bad fills")
    clock.forward(minutes=1)
    fleet.restart()
    assert not fleet.kill_switch_active
    assert fleet.trading == ()
    assert fleet.totals() == (0, 0)
    assert not any(fleet.floor.counters.values())
    fleet.start("ndax")  # nothing holds it back any more


def test_a_restart_forgets_that_the_kill_would_have_been_forgotten(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.activate("first")
    fleet.forget_kill(60)
    fleet.restart()
    fleet.activate("second")
    clock.forward(minutes=2)
    assert fleet.kill_switch_active


def test_a_restart_can_start_the_bots_as_the_real_program_does(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.activate("bad fills")
    fleet.restart(start_bots=True)
    clock.forward(seconds=12)
    assert fleet.trading == ALL


def test_losing_a_bot_warns_about_those_that_need_it(clock: Clock) -> None:
    fleet = engine(clock)
    fleet.floor.crash(fleet.bot("ndax"), "out of memory")
    raised = [(alert.type, alert.bot, alert.message) for alert in fleet.journal.alerts(clock.now)]
    assert raised == [
        ("high", "ndax", "Bot ndax has stopped. Reason: out of memory"),
        ("warning", "quantum", "Bot quantum has lost ndax"),
        ("warning", "shadowforge", "Bot shadowforge has lost ndax"),
    ]


def test_a_clock_that_is_set_back_undoes_nothing(clock: Clock) -> None:
    fleet = engine(clock)
    clock.forward(minutes=5)
    reached = fleet.floor.settle()
    clock.forward(minutes=-5)
    fleet.activate("x")
    assert fleet.kill_switch.since == reached


async def test_waiting_wakes_on_every_change(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.engine.activate("x")
    assert await fleet.wait_for(lambda: fleet.engine.kill_switch.reason, timeout=1) == "x"
    with pytest.raises(TimeoutError, match=r"After 0\.01 s it was still not so: ndax stopped"):
        await fleet.wait_for(lambda: fleet.engine.trading, timeout=0.01)


async def test_waiting_wakes_when_something_falls_due() -> None:
    fleet = Fleet(policy=Policy(running=(), start_delay=timedelta(milliseconds=20)))
    fleet.engine.start("ndax")
    await fleet.wait_for(lambda: fleet.engine.status("ndax") == "running", timeout=2)
