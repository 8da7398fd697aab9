"""Each scenario of the handbook, suffered by a served fleet: seen by the bot's own probes, proposed, and over again."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fleet_clock import Clock
from fleet_looks import UNBOUNDED, Looker, home_in, places_of

from chatbot.sandbox.fleet import Fleet
from commands.configuring import keeping
from commands.probes import records

HEALTHY = ["general"]


@pytest.fixture
async def looker(tmp_path: Path, clock: Clock) -> AsyncIterator[Looker]:
    home = home_in(tmp_path, clock)
    async with Fleet.running(clock=clock, home=home, limits=UNBOUNDED) as running:
        yield Looker(running=running, clock=clock)


@pytest.fixture
async def client(looker: Looker) -> AsyncIterator[httpx.AsyncClient]:
    fresh = httpx.Limits(max_keepalive_connections=0)  # a restart cuts what is open
    async with httpx.AsyncClient(
        base_url=looker.running.coordinator_url, timeout=5, limits=fresh, trust_env=False
    ) as made:
        yield made


async def seen(looker: Looker) -> set[str]:
    """The signs that are seen, without those of a fleet that simply runs."""
    found = {name for name, each in (await looker.sees()).items() if each.seen}
    return found - {"coordinator.reachable", "monitor.reachable"}


async def alerts(looker: Looker) -> list[tuple[str, str]]:
    """Type and message of what is no armed condition."""
    rows = (await looker.json(looker.running.monitor_url, "/alerts"))["alerts"]
    assert isinstance(rows, list)
    return [(row["type"], row["message"]) for row in rows if "action" not in row]


def home_of(looker: Looker) -> Path:
    assert looker.running.home is not None
    return looker.running.home


def log_of(looker: Looker) -> str:
    return (home_of(looker) / "logs" / "bot-coordinator.log").read_text()


async def stopped_and_started(looker: Looker) -> None:
    """Every bot anew, in order."""
    looker.running.engine.stop_all("mended")
    looker.running.engine.start_sequence()
    looker.clock.forward(seconds=15)


async def errors(looker: Looker) -> tuple[int, list[str]]:
    """How many errors the coordinator counts in all, and the latest."""
    bots = (await looker.json(looker.running.coordinator_url, "/status"))["bots"]
    assert isinstance(bots, dict)
    listed = [error for bot in bots.values() for error in bot["latest_errors"]]
    return sum(bot["error_count"] for bot in bots.values()), listed


async def assert_quiet_once_started_anew(looker: Looker) -> None:
    """Errors no longer grow, and the bots have none after they were started."""
    count, _ = await errors(looker)
    looker.clock.forward(minutes=5)
    assert (await errors(looker))[0] == count
    await stopped_and_started(looker)
    assert (await errors(looker))[1] == []
    assert looker.running.engine.trading == ("ndax", "quantum", "shadowforge")
    looker.clock.forward(hours=3)  # the log and the past are searched for a while
    left = {name for name in await seen(looker) if not name.startswith(("logs.", "errors.growing"))}
    assert left == set()


async def test_on_a_healthy_fleet_nothing_is_proposed(looker: Looker) -> None:
    assert await looker.proposals() == HEALTHY
    looker.clock.forward(hours=1)
    assert await looker.proposals() == HEALTHY
    assert await seen(looker) == set()


async def test_a_bot_in_a_crash_loop_falls_three_times(looker: Looker) -> None:
    looker.running.faults.set("crash_loop", bot="ndax", seconds=1.0)
    words = []
    for _ in range(12):
        await looker.sees()
        words.append(looker.running.engine.status("ndax"))
        looker.clock.forward(seconds=0.5)
    assert (
        words
        == ["running"] * 2 + ["error"] * 2 + ["running"] * 2 + ["error"] * 2 + ["running"] * 2 + ["error"] * 2
    )
    assert (await looker.proposals())[0] == "crash-loop"
    assert {"bot.crash-loop", "errors.crash", "logs.tracebacks", "bot.error"} <= await seen(looker)
    assert (await errors(looker))[0] == 3
    assert log_of(looker).count("Traceback (most recent call last):") == 3
    looker.clock.forward(hours=1)
    assert looker.running.engine.status("ndax") == "error"  # its supervisor gave up
    looker.running.engine.start("ndax")
    looker.clock.forward(seconds=2.5)
    assert looker.running.engine.status("ndax") == "running"
    looker.clock.forward(seconds=1)
    assert looker.running.engine.status("ndax") == "error"


async def test_a_crash_loop_ends_with_a_stop_and_when_it_is_cleared(looker: Looker) -> None:
    looker.running.faults.set("crash_loop", bot="quantum")
    looker.clock.forward(seconds=1.5)
    assert looker.running.engine.status("quantum") == "error"
    looker.running.engine.stop("quantum", "keep it down")
    looker.clock.forward(minutes=1)
    assert looker.running.engine.status("quantum") == "stopped"  # no supervisor starts what a person stopped
    looker.running.faults.clear("crash_loop")
    await assert_quiet_once_started_anew(looker)


async def test_a_supervisor_leaves_a_bot_alone_that_a_person_starts(looker: Looker) -> None:
    looker.running.faults.set("crash_loop", bot="ndax", seconds=1.0)
    looker.clock.forward(seconds=1)
    assert looker.running.engine.status("ndax") == "error"
    looker.running.engine.start("ndax")
    looker.clock.forward(seconds=1)
    assert looker.running.engine.status("ndax") == "starting"


async def test_an_exchange_that_is_down_refuses_and_every_bot_tells_of_it(looker: Looker) -> None:
    looker.running.faults.set("exchange_down")
    with pytest.raises(httpx.ConnectError):
        await looker.json(looker.running.exchange_url, "/")
    assert await looker.proposals() == ["api-connection"]
    assert {
        "network.failing",
        "network.all-failing",
        "errors.api",
        "logs.api",
        "fleet.all-affected",
        "bot.health-low",
    } <= await seen(looker)
    before, _ = await errors(looker)
    looker.clock.forward(seconds=25)
    assert (await errors(looker))[0] == before + 15
    assert "errors.growing" in await seen(looker)
    looker.running.faults.clear("exchange_down")
    assert await looker.json(looker.running.exchange_url, "/") == {"status": "ok"}
    await assert_quiet_once_started_anew(looker)


async def test_a_bot_that_starts_without_an_exchange_suffers_at_once(looker: Looker) -> None:
    looker.running.faults.set("exchange_down")
    await stopped_and_started(looker)
    _, latest = await errors(looker)
    assert latest
    assert all("timed out" in each for each in latest)


async def test_a_broken_configuration_keeps_every_bot_from_starting(
    looker: Looker, client: httpx.AsyncClient
) -> None:
    looker.running.engine.stop("shadowforge", "x")
    looker.running.faults.set("config_broken", file="kill-switch.json")
    refused = await client.post("/start", json={"bot": "shadowforge"})
    told = refused.json()
    assert (refused.status_code, told["success"], told["code"]) == (500, False, "CONFIGURATION_ERROR")
    assert "cannot parse kill-switch.json: JSONDecodeError: " in told["error"]
    assert (await client.post("/recovery", json={"bot": "shadowforge"})).json()["code"] == told["code"]
    assert (await looker.proposals())[0] == "configuration"
    assert {"config.broken", "errors.config", "logs.config"} <= await seen(looker)

    looker.running.faults.clear("config_broken")  # which mends no file
    assert (await client.post("/start", json={"bot": "shadowforge"})).json()["code"] == told["code"]
    places = places_of(home_of(looker))
    backup = keeping.last_good(places)
    assert backup is not None
    (places.config / "kill-switch.json").write_bytes(keeping.content(backup, "kill-switch.json"))
    assert (await client.post("/start", json={"bot": "shadowforge"})).json()["success"] is True
    looker.clock.forward(seconds=5)
    await assert_quiet_once_started_anew(looker)


async def test_a_sequence_fails_at_a_broken_configuration_and_says_so_once(looker: Looker) -> None:
    looker.running.engine.stop_all("x")
    looker.running.faults.set("config_broken")
    looker.running.engine.start_sequence()
    looker.clock.forward(seconds=30)
    assert looker.running.engine.trading == ()
    count, latest = await errors(looker)
    assert (count, len(latest)) == (1, 1)


async def test_a_file_that_was_restored_takes_its_fault_off_the_board(looker: Looker) -> None:
    path = home_of(looker) / "config" / "bot-limits.json"
    whole = path.read_bytes()
    looker.running.faults.set("config_broken", at=10)
    assert path.read_bytes() == whole[:10]
    assert looker.running.state()["faults"] != []
    path.write_bytes(whole)
    assert looker.running.state()["faults"] == []


async def test_a_release_without_effect_until_file_and_memory_are_gone(
    looker: Looker, client: httpx.AsyncClient
) -> None:
    running, breaker = looker.running, home_of(looker) / "data" / "circuit-breaker-state.json"
    running.engine.activate("bad fills")
    looker.clock.forward(hours=2)
    running.faults.set("release_refused")
    assert breaker.exists()

    async def released() -> bool:
        for action in ("deactivate", "override", "force_override"):
            told = (await client.post("/kill-switch", json={"action": action, "reason": "x"})).json()
            assert (told["success"], told["kill_switch_active"]) == (True, False)
        return not running.engine.kill_switch_active

    assert not await released()
    assert await looker.proposals() == ["kill-switch"]
    assert {"breaker.theirs", "switch.active"} <= await seen(looker)
    running.restart(stop_bots=True)  # the file still says open
    assert not running.engine.kill_switch_active
    running.engine.activate("again")
    assert not await released()
    running.clear_breaker()
    assert not breaker.exists()
    assert not await released()  # in memory it is still open
    running.restart(stop_bots=True)
    assert [fault.name for fault in running.faults] == []
    assert await looker.proposals() == HEALTHY
    running.engine.activate("once more")
    looker.clock.forward(hours=2)
    assert await released()


async def test_a_refused_release_ends_when_it_is_cleared(looker: Looker, client: httpx.AsyncClient) -> None:
    looker.running.faults.set("release_refused")
    looker.running.faults.clear()
    assert not (home_of(looker) / "data" / "circuit-breaker-state.json").exists()
    assert (await client.get("/status")).json()["circuit_breaker"]["state"] == "closed"


async def test_positions_that_differ_are_told_by_all(looker: Looker) -> None:
    words = "Position mismatch on ndax: exchange 0.5 BTC, local 0.0 BTC"
    positions = home_of(looker) / "data" / "positions-ndax.json"
    assert positions.exists()
    looker.running.faults.set("position_mismatch", bot="ndax")
    assert not positions.exists()
    assert await alerts(looker) == [("critical", words)]
    assert await looker.proposals() == ["data-loss"]
    assert await seen(looker) == {"errors.data", "alerts.data", "logs.data", "alerts.critical"}
    looker.clock.forward(hours=1)
    looker.running.clear_alerts()
    assert await alerts(looker) == [("critical", words)]  # it stands as long as its cause
    looker.running.faults.clear("position_mismatch")
    assert await alerts(looker) == []
    assert positions.exists()
    await assert_quiet_once_started_anew(looker)


async def test_an_intruder_leaves_traces_and_a_secret_that_is_masked(looker: Looker) -> None:
    words = "Unauthorized trade on quantum: order 8841 was placed by an unknown API call"
    looker.running.faults.set("intruder", bot="quantum")
    assert await alerts(looker) == [("critical", words)]
    assert await looker.proposals() == ["security-breach"]
    assert await seen(looker) == {"alerts.security", "logs.security", "alerts.critical"}
    assert log_of(looker).count("WARNING - Suspicious access from 203.0.113.77: ") == 2
    assert "api_key=sandbox-8841-8841" in log_of(looker)
    shown = [each.text for each in records.from_files(places_of(home_of(looker))).records]
    assert any("api_key=***" in each for each in shown)
    assert not any("sandbox-8841" in each for each in shown)
    looker.running.faults.clear("intruder")
    assert await alerts(looker) == []
    await assert_quiet_once_started_anew(looker)


async def test_exhaustion_is_told_by_figures_alerts_errors_and_a_huge_log(looker: Looker) -> None:
    huge = home_of(looker) / "logs" / "market-data.log"
    before = (await looker.json(looker.running.monitor_url, "/metrics"))["system"]
    looker.running.faults.set("exhaustion")
    system = (await looker.json(looker.running.monitor_url, "/metrics"))["system"]
    assert isinstance(system, dict)
    assert (system["memory_usage"], system["cpu_usage"]) == (97, 99)
    assert await alerts(looker) == [("high", "High memory usage: 97 %")]
    _, latest = await errors(looker)
    assert {"MemoryError", "OSError: [Errno 28] No space left on device"} == set(latest)
    assert await looker.proposals() == ["resources"]
    assert {"alerts.resources", "errors.memory", "logs.memory"} <= await seen(looker)
    assert huge.stat().st_size > 1 << 30
    assert huge.stat().st_blocks * 512 < 1 << 20  # it takes no room on this machine
    looker.running.faults.clear("exhaustion")
    assert not huge.exists()
    assert (await looker.json(looker.running.monitor_url, "/metrics"))["system"] == before
    await assert_quiet_once_started_anew(looker)


async def test_scenarios_come_together_and_go_one_by_one(looker: Looker) -> None:
    looker.running.faults.set("exchange_down")
    looker.running.faults.set("exhaustion")
    looker.running.faults.set("exhaustion")  # set again: it is not suffered twice
    assert len(await alerts(looker)) == 1
    assert set(await looker.proposals()) == {"api-connection", "resources"}
    health = looker.running.engine.floor.health(looker.running.engine.bot("ndax"))
    looker.running.faults.clear("exhaustion")
    assert looker.running.engine.floor.health(looker.running.engine.bot("ndax")) > health
    looker.running.faults.clear()
    await assert_quiet_once_started_anew(looker)


async def test_without_a_home_the_monitor_tells_it_all_the_same(clock: Clock) -> None:
    async with Fleet.running(clock=clock, limits=UNBOUNDED) as running:
        looker = Looker(running=running, clock=clock)
        assert await looker.proposals() == HEALTHY
        running.faults.set("intruder")
        assert await looker.proposals() == ["security-breach"]
