"""SIGKILL at 100 random moments of a kill's way, in chains: who comes after one crash lives until the next."""

import asyncio
import random

import pytest

from tests.crash.scene import Scene

MOMENTS = 10  # in each chain
SPANS = (0.03, 0.2, 1.5)  # seconds: around the commit, around the stop and its reading back, around the cards
START_SPAN = 1.2  # seconds: a start, from nothing to the first look at what was left


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
async def test_killed_at_random_moments(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    told = ""
    actions: list[str] = []
    watch = "1" if seed == 7 else "0"  # one chain is also hit while it watches a verified stop
    async with scene.opens(watch=watch) as crashing:
        for number in range(MOMENTS):
            moment = chance.choice(SPANS) * chance.random()
            during_start = chance.random() * START_SPAN if chance.random() < 0.1 else None
            told = f"seed {seed}, round {number}: killed after {moment:.4f} s, in the start {during_start}"
            request = crashing.types(f"/kill moment {number}")
            await asyncio.sleep(moment)  # the random moment itself
            await crashing.dies()
            if during_start is not None:
                await crashing.talk.bot.start(ready=False)
                await asyncio.sleep(during_start)
                await crashing.talk.bot.dies()
            await crashing.starts()
            try:
                action = await crashing.judged(request)
            except AssertionError as error:
                raise AssertionError(f"{told}: {error}") from error
            if action is not None:
                actions.append(action)
                crashing.begins_anew()
        try:
            for action in actions:
                await crashing.shown_once(action)
        except AssertionError as error:
            raise AssertionError(f"the cards after {told}: {error}") from error
        assert crashing.talk.rows("select id from actions order by accepted_at") == [
            (each,) for each in actions
        ]
        assert crashing.talk.rows("select action_id from latches order by id") == [
            (each,) for each in actions
        ]
