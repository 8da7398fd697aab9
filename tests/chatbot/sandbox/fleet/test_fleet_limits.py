"""The documented rate limits, by a clock that is moved by hand."""

from fleet_clock import Clock, coordinator_of

from chatbot.sandbox.fleet import Fleet, Limits

KILL = {"action": "activate", "reason": "bad fills"}


async def test_the_61st_request_in_a_minute_waits_and_the_kill_has_a_bucket_of_its_own(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock)) as client:
        for _ in range(60):
            assert (await client.get("/status")).status_code == 200
            clock.forward(seconds=0.5)
        refused = await client.get("/status")
        assert refused.status_code == 429
        assert refused.json() == {
            "success": False,
            "error": "Too many requests",
            "code": "RATE_LIMIT",
            "retry_after": 30.0,
            "timestamp": "2026-03-01T03:12:30.000Z",
        }
        assert (await client.post("/kill-switch", json=KILL)).status_code == 200
        clock.forward(seconds=30)
        assert (await client.get("/status")).status_code == 200
        assert (await client.get("/status")).status_code == 429


async def test_a_kill_after_sixty_kills_waits_as_well(clock: Clock) -> None:
    fleet = Fleet(clock=clock)
    async with coordinator_of(fleet) as client:
        for _ in range(60):
            assert (await client.post("/kill-switch", json=KILL)).status_code == 200
        fleet.engine.release("x", force=True)
        assert (await client.post("/kill-switch", json=KILL)).status_code == 429
    assert not fleet.engine.kill_switch_active


async def test_a_restart_forgets_who_asked_how_often(clock: Clock) -> None:
    fleet = Fleet(clock=clock, limits=Limits(per_minute=1))
    async with coordinator_of(fleet) as client:
        assert [(await client.get("/status")).status_code for _ in range(2)] == [200, 429]
        fleet.restart()
        assert (await client.get("/status")).status_code == 200


async def test_a_client_has_600_requests_an_hour(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock)) as client:
        for _ in range(600):
            assert (await client.get("/status")).status_code == 200
            clock.forward(seconds=2)
        refused = await client.get("/health")
        assert (refused.status_code, refused.json()["retry_after"]) == (429, 2400.0)
        clock.forward(seconds=2400)
        assert (await client.get("/health")).status_code == 200


async def test_limits_can_be_switched_off(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock, limits=Limits(per_minute=None, per_hour=None))) as client:
        assert {(await client.get("/health")).status_code for _ in range(700)} == {200}


async def test_requests_without_the_token_use_up_nobodys_limit(clock: Clock) -> None:
    async with coordinator_of(Fleet(clock=clock, token="t", limits=Limits(per_minute=1))) as client:
        assert (await client.get("/status")).status_code == 401
        assert (await client.get("/status", headers={"Authorization": "Bearer t"})).status_code == 200
