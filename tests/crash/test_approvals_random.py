"""SIGKILL at random moments of an approval's way, in chains: who comes after one crash lives until the next."""

import asyncio
import contextlib
import random

import pytest

from tests.crash.moments import until
from tests.crash.scene import Scene
from tests.crash.test_approvals import PATIENT, SECOND, asked, lawless
from tests.e2e.two_people import QUICK, card, finished, kill, releases, state

ROUNDS = 8  # in each chain
SPANS = (0.02, 0.1, 0.6)  # seconds: around the vote, around the sending and reading back, around the cards
OVER = {"verified", "not_verified", "failed", "abandoned", "void"}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
async def test_killed_at_random_moments_of_an_approval(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    async with scene.opens(**{**PATIENT, **QUICK}) as crashing:
        talk = crashing.talk
        lawless(crashing)
        for number in range(ROUNDS):
            kills = finished(talk, "kill")
            await kill(talk, f"round {number}")
            await until(lambda kills=kills: finished(talk, "kill") > kills, "the kill")
            action, shown = await asked(crashing, f"/override round {number}")
            moment = chance.choice(SPANS) * chance.random()
            click = asyncio.create_task(talk.person(SECOND).clicks("Approve", shown))
            await asyncio.sleep(moment)  # the random moment itself
            await crashing.dies()
            with contextlib.suppress(asyncio.CancelledError):
                click.cancel()
                await click
            await crashing.starts()
            if state(talk, action)[0] == "pending":
                await talk.person(SECOND).clicks("Approve", shown)
            told = f"seed {seed}, round {number}, killed after {moment:.4f} s"
            await until(
                lambda action=action: state(talk, action)[1] in OVER, f"the end; {told}; {crashing.remains()}"
            )
            assert state(talk, action) == ("approved", "verified"), told
            await card(talk, action, "Done and read back")
            sent = [each for each in releases(talk) if action in each["reason"]]
            assert 1 <= len(sent) <= 2, told  # twice only when the first had no effect
            assert talk.rows("select count(*) from votes where action_id = ?", action) == [(1,)], told
            assert talk.rows("select released_by from latches order by id desc limit 1") == [(action,)], told
            assert not talk.fleet.engine.kill_switch_active
            await crashing.audit_is_sound()
            talk.fleet.restart(start_bots=False)
            lawless(crashing)
