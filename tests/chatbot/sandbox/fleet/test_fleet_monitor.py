"""The health monitor's contract."""

from datetime import timedelta

from fleet_clock import Clock, monitor_of

from chatbot.sandbox.fleet import Fleet, Policy

ARMED = [
    ("max_daily_loss_reached", "stop_all_bots"),
    ("consecutive_failures", "pause_affected_bot"),
    ("account_equity_drop", "stop_all_bots"),
    ("api_errors", "pause_affected_bot"),
    ("network_issues", "pause_affected_bot"),
    ("circuit_breaker", "circuit_break"),
]


async def test_six_armed_conditions_stand_there_on_a_healthy_fleet(clock: Clock) -> None:
    async with monitor_of(Fleet(clock=clock)) as client:
        told = (await client.get("/alerts")).json()
    assert told == {
        "timestamp": "2026-03-01T03:12:00.000Z",
        "alerts": [
            {"type": "info", "message": f"Kill switch condition active: {name}", "action": action}
            for name, action in ARMED
        ],
    }


async def test_real_alerts_follow_the_armed_ones_until_they_grow_old(clock: Clock) -> None:
    fleet = Fleet(clock=clock, policy=Policy(alert_life=timedelta(minutes=15)))
    async with monitor_of(fleet) as client:
        fleet.engine.activate("bad fills")
        real = (await client.get("/alerts")).json()["alerts"][6:]
        clock.forward(minutes=15)
        later = (await client.get("/alerts")).json()["alerts"][6:]
    kill, *stops = real
    assert kill == {
        "type": "critical",
        "message": "KILL SWITCH TRIGGERED: bad fills. All trading halted.",
        "timestamp": "2026-03-01T03:12:00.000Z",
    }
    assert {"type": "high", "bot": "ndax"}.items() <= stops[0].items()
    assert later == []


async def test_metrics_carry_every_documented_field_and_move_while_bots_trade(clock: Clock) -> None:
    fleet = Fleet(clock=clock, policy=Policy(running=("ndax",)))
    async with monitor_of(fleet) as client:
        clock.forward(hours=1)
        told = (await client.get("/metrics")).json()
        assert set(told) == {"timestamp", "bots", "limits", "system"}
        assert set(told["system"]) == {"uptime", "memory_usage", "cpu_usage"}
        ndax, quantum = told["bots"]["ndax"], told["bots"]["quantum"]
        assert set(ndax) == {"status", "health", "positions", "pnl_24h", "trades_24h"}
        assert ndax["trades_24h"] == fleet.engine.totals()[0] > 400
        assert (quantum["status"], quantum["trades_24h"]) == ("stopped", 0)
        fleet.engine.activate("x")
        clock.forward(hours=24)
        assert (await client.get("/metrics")).json()["bots"]["ndax"]["trades_24h"] == 0


async def test_logs_give_the_newest_lines_one_row_a_line(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with monitor_of(fleet) as client:
        fleet.engine.activate("two\nlines")
        rows = (await client.get("/logs", params={"lines": 500})).json()["logs"]
        assert {row["file"] for row in rows} == {"bot-coordinator.log"}
        text = [row["line"] for row in rows]
        at = text.index("2026-03-01 03:12:00,000 - BotCoordinator - CRITICAL - KILL SWITCH TRIGGERED: two")
        assert text[at + 1] == "lines"
        assert (await client.get("/logs", params={"lines": 2})).json()["logs"] == rows[-2:]
        assert (await client.get("/logs", params={"lines": "many"})).status_code == 400


async def test_refusals_are_plain_text(clock: Clock) -> None:
    async with monitor_of(Fleet(clock=clock)) as client:
        for told, text in (
            (await client.get("/status"), "404: Not Found"),
            (await client.post("/health"), "405: Method Not Allowed"),
        ):
            assert told.text == text
            assert told.headers["content-type"].startswith("text/plain")
        health = (await client.get("/health")).json()
        assert (health["status"], health["service"]) == ("healthy", "health-monitor")
