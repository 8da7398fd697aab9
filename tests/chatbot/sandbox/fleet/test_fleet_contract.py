"""The coordinator's contract, row by row."""

import json
from typing import Any

import pytest
from fleet_clock import Clock, coordinator_of

from chatbot.sandbox.fleet import Fleet, Policy

KILL = {"action": "activate", "reason": "bad fills"}
STOPPED = Policy(running=())

# (policy, calls before, the call, HTTP status, fields of the answer)
ROWS: dict[str, tuple[Policy, list[tuple[str, Any]], tuple[str, Any], int, dict[str, Any]]] = {
    "activate": (
        Policy(),
        [],
        ("/kill-switch", {**KILL, "approved_by": "second admin"}),
        200,
        {"success": True, "kill_switch_active": True, "message": "Kill switch activated"},
    ),
    "deactivate in the cooldown": (
        Policy(),
        [("/kill-switch", KILL)],
        ("/kill-switch", {"action": "deactivate", "reason": "fixed"}),
        409,
        {"success": False, "code": "KILL_SWITCH_ACTIVE", "error": "Cooldown: 60 minutes left"},
    ),
    "override in the cooldown": (
        Policy(),
        [("/kill-switch", KILL)],
        ("/kill-switch", {"action": "override", "reason": "fixed"}),
        409,
        {"success": False, "code": "KILL_SWITCH_ACTIVE"},
    ),
    "force_override in the cooldown": (
        Policy(),
        [("/kill-switch", KILL)],
        ("/kill-switch", {"action": "force_override", "reason": "fixed", "approved_by": "second admin"}),
        200,
        {"success": True, "kill_switch_active": False, "message": "Kill switch deactivated"},
    ),
    "kill switch without reason": (
        Policy(),
        [],
        ("/kill-switch", {"action": "activate"}),
        400,
        {"success": False, "code": "INVALID_PARAMETER", "error": "reason is required"},
    ),
    "kill switch with blank reason": (
        Policy(),
        [],
        ("/kill-switch", {"action": "activate", "reason": "  "}),
        400,
        {"code": "INVALID_PARAMETER"},
    ),
    "kill switch with unknown action": (
        Policy(),
        [],
        ("/kill-switch", {"action": "release", "reason": "x"}),
        400,
        {"code": "INVALID_PARAMETER"},
    ),
    "approved_by of a wrong type": (
        Policy(),
        [],
        ("/kill-switch", {**KILL, "approved_by": 7}),
        400,
        {"code": "INVALID_PARAMETER"},
    ),
    "start": (
        STOPPED,
        [],
        ("/start", {"bot": "ndax"}),
        200,
        {"success": True, "bot": "ndax", "status": "starting", "message": "Bot ndax: starting"},
    ),
    "start in safe mode": (
        STOPPED,
        [],
        ("/start", {"bot": "ndax", "safe_mode": True}),
        200,
        {"success": True, "status": "starting"},
    ),
    "start with a strange safe mode": (
        STOPPED,
        [],
        ("/start", {"bot": "ndax", "safe_mode": "yes"}),
        400,
        {"code": "INVALID_PARAMETER"},
    ),
    "start without what it needs": (
        STOPPED,
        [],
        ("/start", {"bot": "shadowforge"}),
        409,
        {"code": "DEPENDENCY_FAILURE", "error": "shadowforge needs ndax and quantum to be running"},
    ),
    "start an unknown bot": (
        STOPPED,
        [],
        ("/start", {"bot": "bond"}),
        404,
        {"code": "BOT_NOT_FOUND", "error": "Unknown bot: bond"},
    ),
    "start no bot": (STOPPED, [], ("/start", {}), 400, {"code": "INVALID_PARAMETER"}),
    "start a running bot": (Policy(), [], ("/start", {"bot": "ndax"}), 409, {"code": "BOT_ALREADY_RUNNING"}),
    "start a paused bot": (
        Policy(),
        [("/pause", {"bot": "ndax"})],
        ("/start", {"bot": "ndax"}),
        409,
        {"code": "BOT_ALREADY_RUNNING"},
    ),
    "start while killed": (
        Policy(),
        [("/kill-switch", KILL)],
        ("/start", {"bot": "ndax"}),
        409,
        {"code": "KILL_SWITCH_ACTIVE", "error": "Kill switch is active: bad fills"},
    ),
    "stop": (
        Policy(),
        [],
        ("/stop", {"bot": "ndax", "reason": "x"}),
        200,
        {"success": True, "bot": "ndax", "status": "stopped"},
    ),
    "stop all by name": (
        Policy(),
        [],
        ("/stop", {"bot": "all"}),
        200,
        {"success": True, "bot": "all", "status": "stopped"},
    ),
    "stop a stopped bot": (STOPPED, [], ("/stop", {"bot": "ndax"}), 409, {"code": "BOT_NOT_RUNNING"}),
    "stop an unknown bot": (Policy(), [], ("/stop", {"bot": "bond"}), 404, {"code": "BOT_NOT_FOUND"}),
    "pause": (Policy(), [], ("/pause", {"bot": "quantum"}), 200, {"success": True, "status": "paused"}),
    "pause a stopped bot": (STOPPED, [], ("/pause", {"bot": "quantum"}), 409, {"code": "BOT_NOT_RUNNING"}),
    "resume": (
        Policy(),
        [("/pause", {"bot": "quantum"})],
        ("/resume", {"bot": "quantum"}),
        200,
        {"success": True, "bot": "quantum", "status": "running"},
    ),
    "resume a running bot": (
        Policy(),
        [],
        ("/resume", {"bot": "ndax"}),
        409,
        {"code": "BOT_ALREADY_RUNNING"},
    ),
    "resume a stopped bot": (STOPPED, [], ("/resume", {"bot": "ndax"}), 409, {"code": "BOT_NOT_RUNNING"}),
    "resume without what it needs": (
        Policy(),
        [("/pause", {"bot": "quantum"}), ("/stop", {"bot": "ndax"})],
        ("/resume", {"bot": "quantum"}),
        409,
        {"code": "DEPENDENCY_FAILURE"},
    ),
    "recovery": (
        STOPPED,
        [],
        ("/recovery", {"bot": "ndax"}),
        200,
        {"success": True, "bot": "ndax", "recovery_started": True},
    ),
    "recovery of a running bot": (
        Policy(),
        [],
        ("/recovery", {"bot": "ndax"}),
        409,
        {"code": "BOT_ALREADY_RUNNING"},
    ),
    "forced recovery of a running bot": (
        Policy(),
        [],
        ("/recovery", {"bot": "ndax", "force": True}),
        200,
        {"recovery_started": True},
    ),
    "forced recovery while killed": (
        Policy(killed="x"),
        [],
        ("/recovery", {"bot": "ndax", "force": True}),
        409,
        {"code": "KILL_SWITCH_ACTIVE"},
    ),
    "start in sequence": (
        STOPPED,
        [],
        ("/start-sequential", {}),
        200,
        {"success": True, "bots_started": ["ndax", "quantum", "shadowforge"]},
    ),
    "start in sequence while killed": (
        Policy(killed="x"),
        [],
        ("/start-sequential", {}),
        409,
        {"code": "KILL_SWITCH_ACTIVE"},
    ),
    "stop all": (
        Policy(),
        [],
        ("/stop-all", {"reason": "x"}),
        200,
        {"success": True, "bots_stopped": ["ndax", "quantum", "shadowforge"]},
    ),
    "stop all when all is still": (
        STOPPED,
        [],
        ("/stop-all", {}),
        200,
        {"success": True, "bots_stopped": []},
    ),
    "a body that is a list": (Policy(), [], ("/stop", []), 400, {"code": "INVALID_PARAMETER"}),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_each_call_is_answered_as_documented(row: tuple[Any, ...], clock: Clock) -> None:
    policy, before, (path, body), status, fields = row
    async with coordinator_of(Fleet(clock=clock, policy=policy)) as client:
        for earlier_path, earlier_body in before:
            assert (await client.post(earlier_path, json=earlier_body)).status_code == 200
        answer = await client.post(path, json=body)
    told = answer.json()
    assert answer.status_code == status
    assert {name: told.get(name) for name in fields} == fields
    if not told["success"]:
        assert set(told) == {"success", "error", "code", "timestamp"}
        assert told["timestamp"] == "2026-03-01T03:12:00.000Z"


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
