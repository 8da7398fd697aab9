"""SIGKILL along the way of `/stop` and `/pause`: accepted means carried out, once."""

import asyncio

import pytest

from tests.conversation import OPS
from tests.crash.moments import locked, undecided, until
from tests.crash.scene import STOPS, Scene

BOTH = pytest.mark.parametrize(
    ("line", "after"), [("/stop ndax odd fills", "stopped"), ("/pause ndax", "paused")]
)
PATIENT_CLIENT = {"CHATBOT_COORDINATOR__READ_TIMEOUT": "10"}


@BOTH
async def test_killed_at_the_moment_of_the_acknowledgement(scene: Scene, line: str, after: str) -> None:
    async with scene.opens() as crashing:
        request = crashing.types(line)
        await crashing.acknowledged(request)
        await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.fleet.engine.status("ndax") == after
        assert crashing.talk.rows("select count(*) from latches") == [(0,)]


@BOTH
@pytest.mark.parametrize("fault", ["hang", "slow_body"])
async def test_killed_while_the_coordinator_has_not_answered(
    scene: Scene, line: str, after: str, fault: str
) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        path = STOPS[line.split(maxsplit=1)[0]]
        crashing.talk.fleet.faults.set(fault, paths=[path])  # a slow body: obeyed, and the answer never ends
        request = crashing.types(line)
        await crashing.called(path)
        await crashing.acknowledged(request)
        if fault == "slow_body":
            await until(lambda: crashing.talk.fleet.engine.status("ndax") == after, after)
        await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.fleet.engine.status("ndax") == after


@BOTH
async def test_killed_between_the_answer_and_the_read(scene: Scene, line: str, after: str) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/status"])
        request = crashing.types(line)
        await crashing.event("sent")
        await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.fleet.engine.status("ndax") == after


@BOTH
async def test_killed_before_the_commit_and_with_the_journal(scene: Scene, line: str, after: str) -> None:
    async with scene.opens(CHATBOT_KILL__STORAGE_TIMEOUT_MS="2000") as crashing:
        with undecided(crashing.database, crashing.journal):
            lost = crashing.types(line)
            await asyncio.sleep(0.2)
            await crashing.dies()
        await crashing.starts(CHATBOT_KILL__STORAGE_TIMEOUT_MS="400")
        await crashing.nothing_happened(lost)
        with locked(crashing.database):
            request = crashing.types(line)
            await crashing.acknowledged(request)
            await crashing.dies()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.fleet.engine.status("ndax") == after


@BOTH
async def test_killed_when_the_card_of_a_journaled_stop_stands_already(
    scene: Scene, line: str, after: str
) -> None:
    async with scene.opens(CHATBOT_KILL__STORAGE_TIMEOUT_MS="400") as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/status"])  # so that it is not over before the end
        with locked(crashing.database):
            request = crashing.types(line)
            await crashing.acknowledged(request)
            await until(lambda: crashing.talk.slack.messages(OPS), "the card, posted without the database")
            await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(request))
        assert crashing.talk.fleet.engine.status("ndax") == after
