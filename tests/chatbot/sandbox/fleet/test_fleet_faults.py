"""Faults on the way of a request, seen by a real client over loopback."""

import asyncio
import time

import httpx
import pytest

from chatbot.sandbox.fleet import Fleet, Policy

KILL = {"action": "activate", "reason": "bad fills"}
IMPATIENT = httpx.Timeout(5, read=0.05)  # s; the first connection of a process may take its time
RELEASE = {"action": "force_override", "reason": "drill is over"}


async def test_unreachable_refuses_connections_and_comes_back_on_the_same_port(
    fleet: Fleet, client: httpx.AsyncClient, monitor: httpx.AsyncClient
) -> None:
    url = fleet.coordinator_url
    for _ in range(3):
        assert (await client.get("/status")).status_code == 200
        fleet.faults.set("unreachable")
        with pytest.raises(httpx.TransportError):  # the open connection is cut
            await client.get("/status")
        with pytest.raises(httpx.ConnectError):
            await client.get("/status")
        assert (await monitor.get("/health")).status_code == 200
        fleet.faults.clear("unreachable")
    assert (await client.get("/status")).status_code == 200
    assert fleet.coordinator_url == url


async def test_unreachable_can_be_switched_as_fast_as_one_likes(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    for _ in range(5):
        fleet.faults.set("unreachable")
        fleet.faults.clear()
    fleet.faults.set("unreachable")
    await asyncio.sleep(0)
    with pytest.raises(httpx.ConnectError):
        await client.get("/status")
    fleet.faults.clear()
    assert (await client.get("/status")).status_code == 200


async def test_the_monitor_can_be_unreachable_by_itself(
    fleet: Fleet, client: httpx.AsyncClient, monitor: httpx.AsyncClient
) -> None:
    fleet.faults.set("unreachable", server="monitor")
    with pytest.raises(httpx.ConnectError):
        await monitor.get("/alerts")
    assert (await client.get("/status")).status_code == 200


async def test_hang_reads_the_request_and_never_answers(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("hang", paths=["/kill-switch"])
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/kill-switch", json=KILL, timeout=IMPATIENT)
    assert fleet.calls_to("/kill-switch")[0].body == KILL
    assert not fleet.engine.kill_switch_active
    assert (await client.get("/status")).status_code == 200


async def test_slow_requests_take_effect_though_the_client_has_gone(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    fleet.faults.set("slow", seconds=0.15, times=1)
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/kill-switch", json=KILL, timeout=IMPATIENT)
    assert not fleet.engine.kill_switch_active
    await fleet.wait_for(lambda: fleet.engine.kill_switch_active)


async def test_a_slow_body_arrives_byte_by_byte(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("slow_body", seconds=0.01, bytes=100)
    began = time.monotonic()
    async with client.stream("GET", "/status") as answer:
        parts = [part async for part in answer.aiter_raw()]
    assert len(parts) >= 4
    assert {len(part) for part in parts[:-1]} == {100}
    assert time.monotonic() - began >= 0.04
    fleet.faults.set("slow_body", seconds=5, times=1)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/status", timeout=IMPATIENT)


@pytest.mark.parametrize("apply", [True, False])
async def test_http_500_says_nothing_about_what_took_effect(
    fleet: Fleet, client: httpx.AsyncClient, apply: bool
) -> None:
    fleet.faults.set("http_500", times=1, code="CONFIGURATION_ERROR", apply=apply)
    told = await client.post("/kill-switch", json=KILL)
    assert (told.status_code, told.json()["code"], told.json()["success"]) == (
        500,
        "CONFIGURATION_ERROR",
        False,
    )
    assert fleet.engine.kill_switch_active is apply
    assert (await client.get("/status")).status_code == 200


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("body", [True, False])
async def test_rate_limited_with_and_without_the_seconds(
    fleet: Fleet, client: httpx.AsyncClient, header: bool, body: bool
) -> None:
    fleet.faults.set("rate_limited", times=2, retry_after=59.7, header=header, body=body)
    for _ in range(2):
        told = await client.post("/kill-switch", json=KILL)
        assert (told.status_code, told.json()["code"]) == (429, "RATE_LIMIT")
        assert told.headers.get("retry-after") == ("59.7" if header else None)
        assert told.json().get("retry_after") == (59.7 if body else None)
    assert not fleet.engine.kill_switch_active
    assert (await client.post("/kill-switch", json=KILL)).status_code == 200


async def test_garbage_is_200_and_no_answer(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("garbage", kind="html")
    told = await client.get("/status")
    assert (told.status_code, told.headers["content-type"], told.text[:15]) == (
        200,
        "text/html",
        "<!doctype html>",
    )
    fleet.faults.set("garbage", kind="truncated")
    told = await client.get("/status")
    assert told.text.startswith('{"kill_switch_active":false')
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        told.json()
    fleet.faults.set("garbage", kind="types")
    wrong = (await client.get("/status")).json()
    assert (wrong["kill_switch_active"], wrong["bots"]["ndax"]["status"]) == ("maybe", 7)
    assert wrong["metrics"]["total_trades"] == ["many"]
    fleet.faults.set("garbage", kind="huge", bytes=3_000_000)
    huge = await client.get("/status")
    assert len(huge.content) > 3_000_000
    assert huge.json()["kill_switch_active"] is False


@pytest.mark.parametrize("apply", [True, False])
async def test_garbage_for_a_kill_may_have_taken_effect(
    fleet: Fleet, client: httpx.AsyncClient, apply: bool
) -> None:
    fleet.faults.set("garbage", apply=apply)
    assert (await client.post("/kill-switch", json=KILL)).status_code == 200
    assert fleet.engine.kill_switch_active is apply


async def test_redirect_leads_elsewhere(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("redirect", status=302, to="http://127.0.0.1:1/")
    told = await client.post("/kill-switch", json=KILL)
    assert (told.status_code, told.headers["location"]) == (302, "http://127.0.0.1:1/")
    assert not fleet.engine.kill_switch_active


@pytest.mark.parametrize("apply", [True, False])
async def test_reset_comes_after_the_request_was_read(
    fleet: Fleet, client: httpx.AsyncClient, apply: bool
) -> None:
    other = httpx.AsyncClient(base_url=fleet.coordinator_url)
    async with other:
        await other.get("/status")
        fleet.faults.set("reset", apply=apply, times=1)
        with pytest.raises(httpx.ReadError) as caught:
            await client.post("/kill-switch", json=KILL)
        cause: BaseException | None = caught.value
        while cause is not None and not isinstance(cause, ConnectionResetError):
            cause = cause.__cause__ or cause.__context__
        assert isinstance(cause, ConnectionResetError)
        assert fleet.calls_to("/kill-switch")[0].body == KILL
        assert fleet.engine.kill_switch_active is apply
        assert (await other.get("/status")).status_code == 200


async def test_missing_fields_are_missing_at_any_depth(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("missing_fields", fields="kill_switch_active, status", paths=["/status"])
    told = (await client.get("/status")).json()
    assert "kill_switch_active" not in told
    assert told["bots"]["ndax"] == {"health": 100, "error_count": 0, "latest_errors": []}
    fleet.faults.set("missing_fields")
    assert set((await client.post("/kill-switch", json=KILL)).json()) == {"message", "timestamp"}


@pytest.mark.parametrize(
    ("name", "seen"), [("http_500", 500), ("rate_limited", 429), ("redirect", 307), ("garbage", 200)]
)
async def test_faults_strike_the_monitor_where_they_are_meant_for_it(
    fleet: Fleet, client: httpx.AsyncClient, monitor: httpx.AsyncClient, name: str, seen: int
) -> None:
    fleet.faults.set(name, server="monitor", paths=["/alerts"])
    assert (await monitor.get("/alerts")).status_code == seen
    assert (await monitor.get("/health")).json()["status"] == "healthy"
    assert (await client.get("/health")).json()["status"] == "healthy"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("nothing", {}),
        ("slow", {"seconds": "long"}),
        ("slow", {"seconds": -1.0}),
        ("slow", {"seconds": float("nan")}),
        ("slow", {"seconds": True}),
        ("slow", {"minutes": 1.0}),
        ("reset", {"apply": 1}),
        ("garbage", {"kind": "poetry"}),
        ("ignores_stop", {"bot": "bond"}),
        ("ignores_stop", {"server": "monitor"}),
        ("ignores_stop", {"paths": ["/status"]}),
        ("hang", {"paths": ["/alerts"]}),
        ("hang", {"server": "slack"}),
        ("hang", {"times": 0}),
        ("unreachable", {"times": 1}),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_sentence(name: str, wrong: dict[str, object]) -> None:
    fleet = Fleet()
    with pytest.raises(ValueError, match=r"^(There is no|\w+ (cannot|has no)) .*\.$"):
        fleet.faults.set(name, **wrong)
    assert list(fleet.faults) == []


async def test_a_whole_night_can_be_told(fleet: Fleet, client: httpx.AsyncClient) -> None:
    fleet.faults.set("http_500", times=1)
    fleet.faults.set("rate_limited", times=1)
    seen = [(await client.post("/kill-switch", json=KILL)).status_code for _ in range(3)]
    assert sorted(seen[:2]) == [429, 500]
    assert (seen[2], list(fleet.faults)) == (200, [])
    assert (await client.post("/kill-switch", json=RELEASE)).json()["kill_switch_active"] is False
    assert len(fleet.calls_to("/kill-switch")) == 4


async def test_a_fleet_can_be_served_stopped() -> None:
    async with Fleet.running(policy=Policy(running=())) as fleet, httpx.AsyncClient() as client:
        bots = (await client.get(fleet.coordinator_url + "/status")).json()["bots"]
    assert {bot["status"] for bot in bots.values()} == {"stopped"}
