"""What is made to happen by hand: from Python, and what the servers tell of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fleet_clock import Clock, coordinator_of, monitor_of

from chatbot.sandbox.fleet import Fleet, Policy
from chatbot.sandbox.fleet.engine import RefusedError
from chatbot.sandbox.fleet.journal import MOST_ALERTS

IDLE = Policy(running=())


async def alerts_of(fleet: Fleet) -> list[tuple[str, str | None]]:
    async with monitor_of(fleet) as monitor:
        rows = (await monitor.get("/alerts")).json()["alerts"]
    return [(row["message"], row.get("bot")) for row in rows if "action" not in row]


async def metrics_of(fleet: Fleet) -> dict[str, Any]:
    async with monitor_of(fleet) as monitor:
        told: dict[str, Any] = (await monitor.get("/metrics")).json()
    return told


async def status_of(fleet: Fleet, bot: str) -> dict[str, Any]:
    async with coordinator_of(fleet) as client:
        told: dict[str, Any] = (await client.get("/status")).json()["bots"][bot]
    return told


async def test_alerts_go_away_by_message_by_bot_and_all_together(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.alert("warning", "slippage", bot="ndax", count=2)
    fleet.alert("warning", "slippage", bot="quantum")
    fleet.alert("critical", "latency", bot="ndax")
    fleet.alert("info", "latency")
    assert fleet.clear_alerts("slippage", bot="ndax") == 2
    assert await alerts_of(fleet) == [("slippage", "quantum"), ("latency", "ndax"), ("latency", None)]
    assert fleet.clear_alerts(bot="ndax") == 1
    assert fleet.clear_alerts("latency") == 1
    assert fleet.clear_alerts("nothing like it") == 0
    assert fleet.clear_alerts() == 1
    assert await alerts_of(fleet) == []
    fleet.alert("high", "slippage", bot="ndax")
    assert await alerts_of(fleet) == [("slippage", "ndax")]


async def test_what_is_cleared_after_it_grew_old_is_not_counted(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.alert("warning", "slippage")
    clock.forward(minutes=15)
    assert fleet.clear_alerts() == 0


async def test_more_than_a_thousand_alerts_stand_at_once_and_the_oldest_make_way(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.alert("warning", "first")
    fleet.alert("warning", "flood", count=MOST_ALERTS - 1)
    assert len(await alerts_of(fleet)) == MOST_ALERTS > 1_000
    fleet.alert("warning", "last")
    shown = await alerts_of(fleet)
    assert (len(shown), shown[0][0], shown[-1][0]) == (MOST_ALERTS, "flood", "last")
    assert fleet.clear_alerts("flood") == MOST_ALERTS - 1
    fleet.alert("warning", "flood", count=MOST_ALERTS)
    assert len(await alerts_of(fleet)) == MOST_ALERTS


async def test_earnings_move_the_profit_of_a_day_and_of_the_run(clock: Clock) -> None:
    fleet = Fleet(clock=clock, policy=IDLE)
    fleet.earn("ndax", 100.0)
    clock.forward(hours=1)
    fleet.earn("ndax", -412.5)
    fleet.earn("quantum", 3.25)
    bots = (await metrics_of(fleet))["bots"]
    assert (bots["ndax"]["pnl_24h"], bots["ndax"]["trades_24h"]) == (-312.5, 2)
    assert (bots["quantum"]["pnl_24h"], bots["shadowforge"]["pnl_24h"]) == (3.25, 0)
    assert fleet.engine.totals() == (3, -309.25)
    clock.forward(hours=23)
    assert (await metrics_of(fleet))["bots"]["ndax"]["pnl_24h"] == -412.5


async def test_health_is_what_was_set_until_it_is_rated_again(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.set_health("quantum", 35)
    assert (await status_of(fleet, "quantum"))["health"] == 35
    assert (await metrics_of(fleet))["bots"]["quantum"]["health"] == 35
    assert (await status_of(fleet, "ndax"))["health"] == 100
    fleet.set_health("quantum", 0)
    assert (await status_of(fleet, "quantum"))["health"] == 0
    fleet.set_health("quantum", None)
    assert (await status_of(fleet, "quantum"))["health"] == 100
    for nonsense in (-1, 101):
        with pytest.raises(ValueError, match="0 to 100"):
            fleet.set_health("quantum", nonsense)


async def test_errors_are_counted_and_the_bot_goes_on(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    fleet.errors("ndax", 2, "order rejected")
    fleet.errors("ndax", 1, "no quote")
    fleet.errors("ndax", 1, "no route")
    told = await status_of(fleet, "ndax")
    assert told == {
        "status": "running",
        "health": 80,
        "error_count": 4,
        "latest_errors": ["order rejected", "no quote", "no route"],
    }
    assert fleet.engine.trading == ("ndax", "quantum", "shadowforge")
    assert await alerts_of(fleet) == []
    async with coordinator_of(fleet) as client:
        assert (await client.get("/status")).json()["metrics"]["errors_handled"] == 4


async def test_figures_stand_beside_and_in_place_of_the_usual_ones(clock: Clock) -> None:
    fleet = Fleet(clock=clock, policy=IDLE)
    before = await metrics_of(fleet)
    fleet.set_figures("ndax", exposure=12_000, consecutive_losses=3, pnl_24h=-1.5)
    fleet.set_figures(None, account_equity=0.5)
    fleet.set_figures("system", cpu_usage=99)
    fleet.set_figures("limits", total_max_exposure=10_000, max_positions=4)
    told = await metrics_of(fleet)
    ndax = {"exposure": 12_000, "consecutive_losses": 3, "pnl_24h": -1.5}
    assert told["bots"]["ndax"] == before["bots"]["ndax"] | ndax
    assert told["bots"]["quantum"] == before["bots"]["quantum"]
    assert told["system"] == before["system"] | {"account_equity": 0.5, "cpu_usage": 99}
    assert told["limits"] == before["limits"] | {"total_max_exposure": 10_000, "max_positions": 4}
    fleet.set_figures("ndax", exposure=None, consecutive_losses=None, pnl_24h=None)
    fleet.set_figures("system", account_equity=None, cpu_usage=None, never_there=None)
    fleet.set_figures("limits", total_max_exposure=None, max_positions=None)
    assert await metrics_of(fleet) == before


@pytest.mark.parametrize("pull", [
    lambda fleet: fleet.alert("info", "x"),
    lambda fleet: fleet.clear_alerts(),
    lambda fleet: fleet.earn("ndax", 1.0),
    lambda fleet: fleet.errors("ndax"),
    lambda fleet: fleet.set_health("ndax", 5),
    lambda fleet: fleet.set_figures("limits", most=1),
])  # fmt: skip
async def test_every_lever_wakes_who_waits(clock: Clock, pull: Callable[[Fleet], object]) -> None:
    fleet = Fleet(clock=clock, policy=IDLE)
    pulled: list[object] = []
    waiting = asyncio.create_task(fleet.wait_for(lambda: pulled, timeout=60))
    await asyncio.sleep(0)
    pulled.append("yes")
    pull(fleet)
    assert await asyncio.wait_for(waiting, timeout=5)


def test_nobody_knows_a_bot_of_another_name(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    for pull in (
        lambda: fleet.earn("bond", 1.0),
        lambda: fleet.errors("bond"),
        lambda: fleet.set_health("bond", 5),
        lambda: fleet.set_figures("bond", exposure=1),
    ):
        with pytest.raises(RefusedError, match="Unknown bot"):
            pull()
