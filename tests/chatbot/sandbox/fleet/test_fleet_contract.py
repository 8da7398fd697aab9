"""The coordinator's contract, row by row."""

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
