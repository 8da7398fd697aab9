"""The control API: what a page or curl can do to the fleet."""

import json
from typing import Any

import httpx
import pytest
from fleet_clock import Clock, control_of, coordinator_of, monitor_of

from chatbot.sandbox.fleet import Fleet, Policy

KILL = {"action": "activate", "reason": "bad fills"}

NAMES = {
    "unreachable", "hang", "slow", "slow_body", "http_500", "rate_limited", "garbage", "redirect", "reset",
    "lying_success", "lying_status", "ignores_stop", "latch_lost", "behind_back", "slow_bot", "missing_fields",
    "crash_loop", "exchange_down", "position_mismatch", "intruder", "exhaustion",
}  # fmt: skip


async def test_every_fault_is_listed_with_what_it_does(clock: Clock) -> None:
    async with control_of(Fleet(clock=clock)) as control:
        listed = (await control.get("/faults")).json()["faults"]
    assert {each["name"] for each in listed} == NAMES
    assert all(each["description"] and each["on"] is None for each in listed)


@pytest.mark.parametrize("name", sorted(NAMES))
async def test_every_fault_can_be_set_as_it_is_listed_and_cleared(clock: Clock, name: str) -> None:
    fleet = Fleet(clock=clock)
    async with control_of(fleet) as control:
        listed = {each["name"]: each for each in (await control.get("/faults")).json()["faults"]}
        made = await control.post("/faults", json={"name": name, **listed[name]["options"]})
        assert made.status_code == 200
        assert [fault.name for fault in fleet.faults] == [name]
        assert (await control.get("/state")).json()["faults"] == [made.json()]
        assert (await control.delete(f"/faults/{name}")).json() == {"on": []}
        assert (await control.delete(f"/faults/{name}")).status_code == 200  # twice is fine


async def test_faults_can_be_limited_and_cleared_together(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with control_of(fleet) as control, coordinator_of(fleet) as client:
        wanted = {"name": "http_500", "times": 2, "paths": ["/status"], "server": "coordinator"}
        assert wanted.items() <= (await control.post("/faults", json=wanted)).json().items()
        assert [(await client.get(path)).status_code for path in ("/health", "/status")] == [200, 500]
        assert (await control.get("/state")).json()["faults"][0]["times"] == 1
        await control.post("/faults", json={"name": "ignores_stop", "bot": "ndax"})
        assert (await control.delete("/faults")).json() == {"on": []}
        assert (await client.get("/status")).status_code == 200


async def test_state_tells_the_truth_and_what_arrived(clock: Clock) -> None:
    fleet = Fleet(clock=clock, token="t")
    async with control_of(fleet) as control, coordinator_of(fleet, Authorization="Bearer t") as client:
        fleet.faults.set("lying_status", bot="ndax")
        await client.post("/kill-switch", json=KILL)
        state = (await control.get("/state")).json()
    assert state["kill_switch"] == {
        "active": True,
        "reason": "bad fills",
        "since": "2026-03-01T03:12:00.000Z",
        "cooldown_left": 3600.0,
        "breaker_open": False,
    }
    assert state["bots"]["ndax"] == {"status": "stopped", "trading": True, "safe_mode": False}
    assert state["bots"]["quantum"] == {"status": "stopped", "trading": False, "safe_mode": False}
    (call,) = state["calls"]
    assert (call["path"], call["body"], call["authorised"]) == ("/kill-switch", KILL, True)
    assert call["at"] == "2026-03-01T03:12:00+00:00"


async def test_crash_restart_and_bursts_of_alerts(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with control_of(fleet) as control, monitor_of(fleet) as monitor:
        crashed = (await control.post("/crash", json={"bot": "quantum"})).json()
        assert crashed["bots"]["quantum"] == {"status": "error", "trading": False, "safe_mode": False}
        fleet.engine.activate("x")
        assert (await control.post("/restart")).json()["kill_switch"]["active"] is False
        before = len((await monitor.get("/alerts")).json()["alerts"])
        burst = {"count": 50, "type": "high", "message": "Slippage", "bot": "ndax"}
        assert (await control.post("/alerts", json=burst)).json() == {"raised": 50}
        alerts = (await monitor.get("/alerts")).json()["alerts"]
    assert len(alerts) == before + 50
    assert {"type": "high", "message": "Slippage", "bot": "ndax"}.items() <= alerts[-1].items()


async def test_alerts_are_cleared_over_http_with_and_without_saying_which(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with control_of(fleet) as control:
        for bot in ("ndax", "quantum", None):
            await control.post("/alerts", json={"message": "Slippage", "bot": bot})
        await control.post("/alerts", json={"count": 1_500, "type": "critical", "message": "Flood"})
        assert (await control.get("/state")).json()["alerts"] == 1_503

        async def cleared(**which: str) -> int:
            return int((await control.request("DELETE", "/alerts", json=which)).json()["cleared"])

        assert await cleared(message="Slippage", bot="ndax") == 1
        assert await cleared(bot="quantum") == 1
        assert await cleared(message="Flood") == 1_500
        assert (await control.delete("/alerts")).json() == {"cleared": 1}
        assert (await control.get("/state")).json()["alerts"] == 0


async def test_errors_health_earnings_and_figures_are_set_over_http(clock: Clock) -> None:
    fleet = Fleet(clock=clock, policy=Policy(running=()))
    async with control_of(fleet) as control:
        told = await control.post("/errors", json={"bot": "ndax", "count": 2, "error": "no quote"})
        assert told.json() == {"error_count": 2, "latest_errors": ["no quote", "no quote"]}
        told = await control.post("/errors", json={"bot": "ndax"})
        assert told.json()["error_count"] == 3

        async def shown(path: str, **body: object) -> dict[str, Any]:
            told = await control.post(path, json=body)
            assert told.status_code == 200
            metrics: dict[str, Any] = told.json()
            return metrics

        assert (await shown("/health", bot="quantum", health=35))["bots"]["quantum"]["health"] == 35
        assert (await shown("/health", bot="quantum", health=None))["bots"]["quantum"]["health"] == 0
        assert (await shown("/earn", bot="ndax", pnl=-12.5))["bots"]["ndax"]["pnl_24h"] == -12.5
        assert (await shown("/figures", of="ndax", exposure=7))["bots"]["ndax"]["exposure"] == 7
        assert "exposure" not in (await shown("/figures", of="ndax", exposure=None))["bots"]["ndax"]
        assert (await shown("/figures", of="system", disk_usage=81.5))["system"]["disk_usage"] == 81.5
        assert (await shown("/figures", of="limits", max_positions=4))["limits"]["max_positions"] == 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/faults", {"name": "nothing"}),
        ("POST", "/faults", {}),
        ("POST", "/faults", {"name": "hang", "times": "two"}),
        ("POST", "/faults", {"name": "hang", "times": True}),
        ("POST", "/faults", {"name": "hang", "paths": "/status"}),
        ("POST", "/faults", {"name": "slow", "seconds": [1]}),
        ("POST", "/faults", {"name": "slow", "seconds": "1"}),
        ("POST", "/crash", {"bot": "bond"}),
        ("POST", "/crash", {}),
        ("POST", "/restart", {"start_bots": "yes"}),
        ("POST", "/alerts", {"count": 0}),
        ("POST", "/alerts", {"count": True}),
        ("POST", "/alerts", {"type": "loud"}),
        ("POST", "/alerts", {"bot": "bond"}),
        ("POST", "/alerts", {"count": 10_001}),
        ("DELETE", "/alerts", {"bot": "bond"}),
        ("DELETE", "/alerts", {"message": 7}),
        ("POST", "/errors", {"bot": "bond"}),
        ("POST", "/errors", {"bot": "ndax", "count": 0}),
        ("POST", "/errors", {"bot": "ndax", "error": ["x"]}),
        ("POST", "/health", {"bot": "ndax", "health": 101}),
        ("POST", "/health", {"bot": "ndax", "health": "low"}),
        ("POST", "/health", {"health": 5}),
        ("POST", "/earn", {"bot": "ndax"}),
        ("POST", "/earn", {"bot": "ndax", "pnl": True}),
        ("POST", "/earn", {"bot": "ndax", "pnl": 1e16}),
        ("POST", "/figures", {"of": "bond", "exposure": 1}),
        ("POST", "/figures", {"of": "ndax", "exposure": "much"}),
        ("POST", "/figures", {"of": 7, "exposure": 1}),
        ("DELETE", "/faults/nothing", None),
        ("GET", "/crash", None),
    ],
)
async def test_nonsense_is_refused_with_one_sentence_and_no_effect(
    clock: Clock, method: str, path: str, body: object
) -> None:
    fleet = Fleet(clock=clock)
    before = json.dumps(fleet.state())
    async with control_of(fleet) as control:
        told = await control.request(method, path, json=body)
    assert 400 <= told.status_code < 500
    assert told.json()["error"]
    assert json.dumps(fleet.state()) == before


async def test_what_was_made_unreachable_can_be_reached_again_over_the_control_api() -> None:
    async with Fleet.running() as fleet, control_of(fleet) as control, httpx.AsyncClient() as client:
        await control.post("/faults", json={"name": "unreachable"})
        with pytest.raises(httpx.ConnectError):
            await client.get(fleet.coordinator_url + "/status")
        await control.delete("/faults/unreachable")
        assert (await client.get(fleet.coordinator_url + "/status")).status_code == 200
