"""SIGKILL of `chatbot kill` in a terminal: the serving bot finishes what it accepted."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from tests.crash.moments import locked, undecided, until
from tests.crash.scene import Crashing, Scene

PATIENT_CLIENT = {"CHATBOT_COORDINATOR__READ_TIMEOUT": "10"}


@contextlib.asynccontextmanager
async def terminal(crashing: Crashing, reason: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `chatbot kill` that is killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "chatbot", "kill", "--reason", reason),
        env=dict(crashing.talk.bot.env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_the_serving_bot_takes_over_when_the_lease_has_run_out(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        async with terminal(crashing, "by hand"):
            await crashing.called("/kill-switch")
        crashing.talk.fleet.faults.clear()
        await crashing.shown_once(await crashing.carried_out(crashing.typed_elsewhere("/kill by hand")))


async def test_killed_together_with_the_serving_bot(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        async with terminal(crashing, "both die"):
            await crashing.called("/kill-switch")
            await crashing.dies()
        crashing.talk.fleet.faults.clear()
        await crashing.starts()
        await crashing.shown_once(await crashing.carried_out(crashing.typed_elsewhere("/kill both die")))


async def test_what_it_journaled_is_imported_and_carried_out(scene: Scene) -> None:
    async with scene.opens(**PATIENT_CLIENT) as crashing:
        crashing.talk.fleet.faults.set("hang", paths=["/kill-switch"])
        with locked(crashing.database):
            async with terminal(crashing, "journaled by hand"):
                await until(lambda: "journaled by hand" in crashing.journaled(), "the journal line")
        crashing.talk.fleet.faults.clear()
        await until(lambda: crashing.talk.rows("select 1 from actions"), "the imported row")
        request = crashing.typed_elsewhere("/kill journaled by hand")
        await crashing.shown_once(await crashing.carried_out(request))


async def test_killed_before_the_commit_nothing_happened(scene: Scene) -> None:
    async with scene.opens(CHATBOT_KILL__STORAGE_TIMEOUT_MS="2000") as crashing:
        with undecided(crashing.database, crashing.journal):
            async with terminal(crashing, "too early"):
                await asyncio.sleep(0.5)  # somewhere between its first import and its first word to the fleet
        assert crashing.journaled() == ""
        assert crashing.talk.rows("select 1 from actions union all select 1 from latches") == []
        assert crashing.stops("/kill") == []
        await crashing.audit_is_sound()
