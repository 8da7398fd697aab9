"""The home of a fleet that is well, and what the coordinator writes and reads there."""

import json
import subprocess
from pathlib import Path

import pytest
from fleet_clock import Clock, control_of, coordinator_of, monitor_of
from fleet_looks import home_in, places_of

from chatbot.sandbox.fleet import Fleet, make_home
from commands.configuring import keeping
from commands.configuring.checking import EXPECTED
from commands.probes import config, git
from commands.probes.model import Verdict


@pytest.fixture
def home(tmp_path: Path, clock: Clock) -> Path:
    return home_in(tmp_path, clock)


@pytest.fixture
def homely(home: Path, clock: Clock) -> Fleet:
    return Fleet(clock=clock, home=home)


async def test_nothing_is_ill_in_it(home: Path, clock: Clock) -> None:
    found = (*config.look(places_of(home)), *await git.look(places_of(home), now=clock.now))
    assert {each.verdict for each in found} <= {Verdict.WELL, Verdict.NOTED}, found
    signs = {name: seen for each in found for name, seen in each.signs.items()}
    assert signs == dict.fromkeys(
        (
            "files.missing",
            "config.broken",
            "config.invalid",
            "config.changed",
            "git.dirty",
            "git.recent",
        ),
        False,
    )


async def test_its_limits_are_those_that_the_monitor_tells(homely: Fleet, home: Path) -> None:
    async with monitor_of(homely) as monitor:
        told = (await monitor.get("/metrics")).json()["limits"]
    kept = json.loads((home / "config" / "bot-limits.json").read_text())
    assert kept["global"] == told
    for limit, total in (("max_daily_loss", "total_max_daily_loss"), ("max_exposure", "total_max_exposure")):
        assert sum(bot[limit] for bot in kept["bots"].values()) == pytest.approx(told[total])


def test_it_holds_a_good_backup_of_the_day_before(home: Path, clock: Clock) -> None:
    backup = keeping.last_good(places_of(home))
    assert backup is not None
    assert set(backup.files) == set(EXPECTED)
    assert (backup.by, (clock.now - backup.at).days) == ("fleet", 1)


def test_its_one_commit_names_no_person_and_takes_no_settings_of_one(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = somebody\n[commit]\n\tgpgsign = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody")
    home = home_in(tmp_path, clock)
    log = ("git", "-C", str(home), "log", "--format=%an %ae %cn %ce %at")
    told = subprocess.run(log, capture_output=True, text=True, check=True).stdout.split()
    assert told[:-1] == ["fleet", "fleet@localhost"] * 2
    assert clock.now.timestamp() - int(told[-1]) == 2 * 24 * 3600


def test_a_home_without_git_has_no_history(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    home = home_in(tmp_path, clock)
    assert not (home / ".git").exists()
    assert (home / "config" / EXPECTED[0]).exists()


def test_a_home_is_made_once(home: Path) -> None:
    with pytest.raises(FileExistsError):
        make_home(home)


async def test_every_line_at_the_monitor_stands_in_the_log_as_well(homely: Fleet, home: Path) -> None:
    homely.faults.set("crash_loop", bot="ndax", seconds=0)
    homely.engine.floor.settle()
    homely.engine.activate("bad fills")
    async with monitor_of(homely) as monitor:
        rows = (await monitor.get("/logs?lines=1000")).json()["logs"]
    written = (home / "logs" / "bot-coordinator.log").read_text().splitlines()
    assert [row["line"] for row in rows] == written
    assert "2026-03-01 03:12:00,000 - BotCoordinator - CRITICAL - KILL SWITCH TRIGGERED: bad fills" in written
    assert '  File "bots/ndax.py", line 212, in on_tick' in written


def test_without_a_home_nothing_is_written(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleet = Fleet(clock=clock)
    for name in ("crash_loop", "exchange_down", "position_mismatch", "intruder", "exhaustion"):
        fleet.faults.set(name)
    fleet.faults.clear()
    fleet.clear_breaker()
    fleet.restart(stop_bots=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["config_broken", "release_refused"])
async def test_what_is_about_files_needs_a_home(homely: Fleet, clock: Clock, name: str) -> None:
    homeless = Fleet(clock=clock)
    with pytest.raises(ValueError, match=f"{name} needs a fleet that has a home"):
        homeless.faults.set(name)
    for fleet, listed in ((homeless, False), (homely, True)):
        async with control_of(fleet) as control:
            known = {each["name"] for each in (await control.get("/faults")).json()["faults"]}
            assert (name in known) is listed
            assert (await control.post("/faults", json={"name": name})).status_code == (
                200 if listed else 400
            )


async def test_a_restart_can_stop_the_bots_that_were_up(homely: Fleet, clock: Clock) -> None:
    homely.faults.set("behind_back", bot="quantum")
    homely.engine.stop("quantum", "x")
    homely.faults.set("behind_back", bot="quantum")
    homely.crash("shadowforge")
    clock.forward(minutes=5)
    async with control_of(homely) as control, coordinator_of(homely) as client:
        told = (await control.post("/restart", json={"stop_bots": True})).json()
        assert {name: bot["status"] for name, bot in told["bots"].items()} == dict.fromkeys(
            ("ndax", "quantum", "shadowforge"), "stopped"
        )
        assert (await client.get("/health")).json()["uptime"] == 0
    assert homely.engine.trading == ("quantum",)  # which it did not know of
    assert homely.calls_to("/restart") == []
