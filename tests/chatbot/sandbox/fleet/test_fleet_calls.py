"""What the coordinator tells, asks for and writes down, beyond the table of calls."""

import json

from fleet_clock import Clock, coordinator_of

from chatbot.sandbox.fleet import Fleet

KILL = {"action": "activate", "reason": "bad fills"}


async def test_status_has_every_documented_field(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with coordinator_of(fleet) as client:
        fleet.crash("quantum", "out of memory")
        told = (await client.get("/status")).json()
    assert told == {
        "kill_switch_active": False,
        "bots": {
            "ndax": {"status": "running", "health": 100, "error_count": 0, "latest_errors": []},
            "quantum": {"status": "error", "health": 0, "error_count": 1, "latest_errors": ["out of memory"]},
            "shadowforge": {"status": "running", "health": 60, "error_count": 0, "latest_errors": []},
        },
        "circuit_breaker": {"state": "closed", "kills": 0, "threshold": 3},
        "metrics": {
            "total_trades": 0,
            "total_profit_loss": 0,
            "bots_started": 3,
            "errors_handled": 1,
            "kill_switches_triggered": 0,
            "recoveries_attempted": 0,
            "recoveries_succeeded": 0,
        },
        "timestamp": "2026-03-01T03:12:00.000Z",
    }


async def test_only_the_newest_three_errors_are_told(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with coordinator_of(fleet) as client:
        for number in range(5):
            fleet.crash("ndax", f"error {number}")
        bot = (await client.get("/status")).json()["bots"]["ndax"]
    assert (bot["error_count"], bot["latest_errors"]) == (5, ["error 2", "error 3", "error 4"])


async def test_health_stays_healthy_while_killed(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock)) as client:
        await client.post("/kill-switch", json=KILL)
        clock.forward(seconds=90)
        assert (await client.get("/health")).json() == {
            "status": "healthy",
            "uptime": 90.0,
            "version": "1.0.0",
        }


async def test_bodies_need_no_content_type_and_must_be_json(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock)) as client:
        assert (await client.post("/kill-switch", content=json.dumps(KILL))).json()["success"] is True
        for body in (b"{", b"\xff", b"[" * 100_000):
            told = await client.post("/kill-switch", content=body)
            assert (told.status_code, told.json()["code"]) == (400, "INVALID_PARAMETER")


async def test_unknown_endpoints_are_refused_as_json(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock)) as client:
        assert (await client.get("/nothing")).status_code == 404
        told = await client.get("/kill-switch")
        assert (told.status_code, told.json()["success"]) == (405, False)


async def test_a_token_is_asked_for_where_one_is_set(clock: Clock) -> None:
    fleet = Fleet(clock=clock, token="right")
    async with coordinator_of(fleet) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}):
            told = await client.post("/kill-switch", json=KILL, headers=headers)
            assert (told.status_code, told.json()["success"]) == (401, False)
        assert not fleet.engine.kill_switch_active
        assert (
            await client.post("/kill-switch", json=KILL, headers={"Authorization": "Bearer right"})
        ).is_success
    assert [call.authorised for call in fleet.calls] == [False, False, False, True]


async def test_calls_are_written_down_as_they_arrived(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with coordinator_of(fleet) as client:
        await client.post("/kill-switch", json=KILL)
        await client.get("/status", params={"x": "1"})
        await client.post("/stop", content=b"no json")
    kill, read, odd = fleet.calls
    assert (kill.server, kill.method, kill.path, kill.body, kill.at) == (
        "coordinator", "POST", "/kill-switch", KILL, clock.now,
    )  # fmt: skip
    assert (read.method, read.path, read.query, read.body) == ("GET", "/status", {"x": "1"}, None)
    assert odd.body is None
    assert kill.monotonic <= read.monotonic <= odd.monotonic
    assert fleet.calls_to("/status") == [read]
