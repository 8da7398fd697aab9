"""Faults of the bots and of the coordinator's memory, seen by a real client over loopback."""

import asyncio

import httpx
import pytest

from chatbot.sandbox.fleet import Fleet

KILL = {"action": "activate", "reason": "bad fills"}


async def test_lying_success_changes_nothing(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("lying_success")
    told = (await client.post("/kill-switch", json=KILL)).json()
    assert (told["success"], told["kill_switch_active"]) == (True, True)
    for path, body in (
        ("/stop", {"bot": "ndax"}),
        ("/stop", {"bot": "all"}),
        ("/pause", {"bot": "ndax"}),
        ("/recovery", {"bot": "ndax"}),
        ("/stop-all", {}),
        ("/start-sequential", {}),
    ):
        assert (await client.post(path, json=body)).json()["success"] is True
    assert fleet.engine.trading == ("ndax", "quantum", "shadowforge")
    assert (await client.get("/status")).json()["kill_switch_active"] is False


async def test_lying_status_says_stopped_while_the_bot_trades_on(
    fleet: Fleet, client: httpx.AsyncClient, monitor: httpx.AsyncClient
) -> None:
    fleet.faults.set("lying_status", bot="quantum")
    await client.post("/kill-switch", json=KILL)
    for server, path in ((client, "/status"), (monitor, "/metrics")):
        bots = (await server.get(path)).json()["bots"]
        assert {bot["status"] for bot in bots.values()} == {"stopped"}
    assert fleet.engine.trading == ("quantum",)
    fleet.faults.clear()
    assert (await client.get("/status")).json()["bots"]["quantum"]["status"] == "running"


async def test_one_bot_ignores_every_way_of_stopping_it(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("ignores_stop", bot="shadowforge")
    for path, body in (
        ("/pause", {"bot": "shadowforge"}),
        ("/stop", {"bot": "shadowforge"}),
        ("/stop-all", {}),
        ("/kill-switch", KILL),
    ):
        assert (await client.post(path, json=body)).json()["success"] is True
    bots = (await client.get("/status")).json()["bots"]
    assert [bot["status"] for bot in bots.values()] == ["stopped", "stopped", "running"]
    assert fleet.engine.trading == ("shadowforge",)


async def test_a_bot_that_ignores_one_kill_hears_the_next(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("ignores_stop", times=1, paths=["/kill-switch"])
    await client.post("/kill-switch", json=KILL)
    assert fleet.engine.trading == ("ndax", "quantum", "shadowforge")
    await client.post("/kill-switch", json=KILL)
    assert fleet.engine.trading == ()


async def test_a_lost_latch_at_once_and_after_a_while(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("latch_lost", times=1)
    assert (await client.post("/kill-switch", json=KILL)).json()["kill_switch_active"] is True
    assert (await client.get("/status")).json()["kill_switch_active"] is False
    await client.post("/kill-switch", json=KILL)
    assert fleet.engine.kill_switch_active
    fleet.faults.set("latch_lost", seconds=0.05)
    assert fleet.engine.kill_switch_active
    await fleet.wait_for(lambda: not fleet.engine.kill_switch_active)
    assert fleet.engine.trading == ()


async def test_a_bot_behind_the_coordinators_back_outlives_the_kill(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    await client.post("/kill-switch", json=KILL)
    fleet.faults.set("behind_back", bot="quantum")
    await client.post("/kill-switch", json=KILL)
    assert (await client.get("/status")).json()["bots"]["quantum"]["status"] == "stopped"
    assert fleet.engine.trading == ("quantum",)
    fleet.faults.clear()
    assert fleet.engine.trading == ()


async def test_a_bot_that_is_seen_behind_the_back_can_be_stopped(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    await client.post("/kill-switch", json=KILL)
    fleet.faults.set("behind_back", bot="quantum", seen=True)
    assert (await client.get("/status")).json()["bots"]["quantum"]["status"] == "running"
    await client.post("/kill-switch", json=KILL)
    assert fleet.engine.trading == ()


async def test_a_slow_bot_holds_up_the_answer_and_the_bots_after_it(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    fleet.faults.set("slow_bot", bot="quantum", seconds=0.2)
    kill = asyncio.create_task(client.post("/kill-switch", json=KILL))
    await fleet.wait_for(lambda: fleet.engine.kill_switch_active)
    assert fleet.engine.trading == ("quantum", "shadowforge")
    told = (await client.get("/status")).json()
    assert (told["kill_switch_active"], told["bots"]["quantum"]["status"]) == (True, "running")
    assert (await kill).json()["success"] is True
    assert fleet.engine.trading == ()


async def test_a_restart_cuts_connections_and_loses_the_latch(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    await client.post("/kill-switch", json=KILL)
    fleet.faults.set("hang", times=1)
    asked = asyncio.create_task(client.get("/status", timeout=30))
    await fleet.wait_for(lambda: fleet.calls_to("/status"))
    fleet.restart()
    with pytest.raises(httpx.ReadError):
        await asyncio.wait_for(asked, timeout=2)
    told = (await client.get("/status")).json()
    assert told["kill_switch_active"] is False
    assert told["metrics"]["kill_switches_triggered"] == 0
