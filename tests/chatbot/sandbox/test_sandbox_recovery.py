"""What the sandboxed bot has for recovery: settings that it takes, and a lever that moves a served fleet."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.sandbox import lever
from chatbot.sandbox.fleet import Fleet, make_home
from chatbot.sandbox.run import environment
from config.settings import Recovery

COMMON = {
    "slack_api": "http://127.0.0.1:1/api/",
    "coordinator": "http://127.0.0.1:2",
    "monitor": "http://127.0.0.1:3",
}


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet.running(home=make_home(tmp_path / "fleet")) as served:
        yield served


def settings(fleet: Fleet | None, data: Path) -> dict[str, str]:
    return environment(**COMMON, data=data, http_port=4, http_mode=False, fleet=fleet)


async def pulled(home: Path, *argv: str) -> tuple[int, str]:
    """What a program says that is run as a host action is: in the home, knowing nothing of us."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=home,
        env={"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, said.decode()


async def test_without_a_home_the_environment_knows_nothing_of_recovery(tmp_path: Path) -> None:
    bare = environment(**COMMON, data=tmp_path, http_port=4, http_mode=False)
    assert not [key for key in bare if "RECOVERY" in key]
    assert settings(Fleet(), tmp_path) == bare


async def test_with_a_home_the_settings_are_ones_that_the_bot_takes(fleet: Fleet, tmp_path: Path) -> None:
    env = settings(fleet, tmp_path)
    recovery = Recovery.model_validate(
        {
            "home": env["CHATBOT_RECOVERY__HOME"],
            "evidence": env["CHATBOT_RECOVERY__EVIDENCE"],
            "endpoints": json.loads(env["CHATBOT_RECOVERY__ENDPOINTS"]),
            "host_actions": json.loads(env["CHATBOT_RECOVERY__HOST_ACTIONS"]),
        }
    )
    assert recovery.home == str(tmp_path / "fleet")
    assert Path(recovery.evidence).is_relative_to(tmp_path)
    assert [(each.name, each.url) for each in recovery.endpoints] == [("exchange", fleet.exchange_url)]
    assert [(each.name, each.risk, each.releases) for each in recovery.host_actions] == [
        ("restart-coordinator", "raise", True),
        ("clear-breaker", "raise", False),
    ]


async def test_the_host_actions_mend_a_breaker_that_is_stuck(fleet: Fleet, tmp_path: Path) -> None:
    actions = json.loads(settings(fleet, tmp_path)["CHATBOT_RECOVERY__HOST_ACTIONS"])
    argv = {each["name"]: each["argv"] for each in actions}
    assert fleet.home is not None
    fleet.engine.activate("bad fills")
    fleet.faults.set("release_refused")
    assert await pulled(fleet.home, *argv["clear-breaker"]) == (
        0,
        "The file of the circuit breaker was removed.\n",
    )
    assert fleet.engine.kill_switch_active
    assert await pulled(fleet.home, *argv["restart-coordinator"]) == (0, "The coordinator was restarted.\n")
    assert not fleet.engine.kill_switch_active
    assert list(fleet.faults) == []


async def test_a_restart_by_the_lever_stops_the_bots(fleet: Fleet) -> None:
    assert fleet.engine.trading != ()
    assert await asyncio.to_thread(lever.main, [fleet.control_url, "restart"]) == 0
    assert fleet.engine.trading == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: "),
        (["http://127.0.0.1:1"], "Usage: "),
        (["http://127.0.0.1:1", "dance"], "There is no act dance. Usage: "),
        (["http://192.0.2.1:80", "restart"], "must be an http address on this machine"),
        (["http://127.0.0.1@192.0.2.1/", "restart"], "must be an http address on this machine"),
        (["file:///etc/hostname", "restart"], "must be an http address on this machine"),
    ],
)
def test_a_lever_that_makes_no_sense_is_not_pulled(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert lever.main(arguments) == 2
    assert said in capsys.readouterr().err


async def test_a_fleet_that_is_gone_or_refuses_is_told_in_a_sentence(fleet: Fleet) -> None:
    assert fleet.home is not None
    program = (sys.executable, "-m", "chatbot.sandbox.lever")
    code, said = await pulled(fleet.home, *program, "http://127.0.0.1:9", "restart")
    assert (code, said.splitlines()[0].startswith("The fleet did not do it (")) == (1, True)
    code, said = await pulled(fleet.home, *program, fleet.monitor_url, "restart")
    assert (code, said) == (1, "The fleet did not do it (HTTP Error 404: Not Found).\n")
