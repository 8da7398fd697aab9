"""The same stop and the same look from a terminal, for when Slack is away: recorded and verified alike.

`chatbot kill` is a process of its own beside the serving one. It accepts and runs the kill itself, ends when the stop
was seen, and hands the watching over to the serving process; what is owed to Slack waits in the outbox.
"""

import asyncio
import getpass
import json
from collections.abc import Callable

from chatbot.desk import Desk
from chatbot.executor import Executor
from chatbot.killing import KillRun
from chatbot.parts import Core, for_terminal
from chatbot.views.status import as_data, plain
from commands.coordinator.errors import CoordinatorError
from commands.kill import still_moving
from commands.parsing import parse
from config.settings import Settings
from storage.database import StorageError

Say = Callable[[str], None]

POLL_SECONDS = 0.1


async def kill(settings: Settings, warnings: tuple[str, ...], *, reason: str, say: Say) -> int:
    """Stop the fleet; 0 when it was seen stopped. Sends until then, or until interrupted: the serving bot goes on."""
    core = for_terminal(settings)
    desk, executor = core.desk, core.executor
    for warning in warnings:
        say(f"Note: {warning}")
    try:
        # The stop does not wait for the database to be brought up to date.
        preparing = asyncio.ensure_future(_prepare(core, say))
        await asyncio.wait({preparing}, timeout=settings.kill.storage_timeout_ms / 1000)
        request = parse("kill", reason, settings.coordinator.bots)
        action, accepted = await core.intake.take(
            request,
            by=f"terminal:{getpass.getuser()}",
            source="terminal",
            key="",
            channel=None,
            response_url=None,
        )
        say(f"{action.id}: stopping the whole fleet through {settings.coordinator.url} ...")
        if accepted is None:
            say(_where(core))
        run = executor.kill_run()
        if run is not None:
            seen = await _follow(run, executor, say)
            await executor.hand_over((action.id,))
        else:
            joined = accepted.joined.id if accepted is not None and accepted.joined is not None else action.id
            say(
                f"It joins {joined}, which another process has under way; the stop is sent from here as well."
            )
            seen = await _assist(desk, action.id, reason, say)
        await asyncio.wait({preparing}, timeout=1)
        return 0 if seen else 1
    finally:
        await executor.stop(0)
        await _close(core)


def _where(core: Core) -> str:
    """Where a stop is written that did not reach the database."""
    if core.recorder.in_memory_only:
        return (
            f"Not recorded anywhere ({core.recorder.problem}): note the time and this id. "
            "The stop is sent all the same."
        )
    return f"Not yet in the audit ({core.recorder.problem}); it is in the journal and will be imported."


async def _follow(run: KillRun, executor: Executor, say: Say) -> bool:
    """Say each change of the run until the stop was seen; True then."""
    said: set[str] = set()  # the same trouble again and again is said once
    while True:
        line, seen = run.in_words()
        if line not in said:
            say(line)
            said.add(line)
        if seen:
            return True
        if not executor.running:
            return False
        await asyncio.sleep(POLL_SECONDS)


async def _assist(desk: Desk, action_id: str, reason: str, say: Say) -> bool:
    """Send and read back beside the process that runs the kill, until the fleet is seen stopped."""
    last, pause = "", 0.2
    while True:
        try:
            await desk.coordinator.activate_kill(f"{reason or 'emergency stop'} ({action_id})")
            doubts = still_moving(await desk.coordinator.read_back(), desk.bots)
            line = "Not stopped yet: " + ", ".join(
                f"{each.bot or 'kill switch'} {each.word}" for each in doubts
            )
        except CoordinatorError as error:
            doubts, line = None, str(error)
        if doubts == ():
            say("Verified: the kill switch is active and every bot is seen stopped.")
            return True
        if line != last:
            say(line)
            last = line
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


async def _prepare(core: Core, say: Say) -> None:
    try:
        await core.database.prepare()
    except StorageError as error:
        say(f"Note: {error}")


async def status(settings: Settings, *, as_json: bool, say: Say) -> int:
    """Show the fleet; 0 when the coordinator answered, 1 when it did not."""
    core = for_terminal(settings)
    try:
        # A look makes nothing: where there is no database, our record is unknown, and the answer says so.
        found = await core.answers.status(only=None, may_kill=False)
        say(json.dumps(as_data(found), indent=2) if as_json else plain(found))
        return 0 if found.status is not None else 1
    finally:
        await _close(core)


async def _close(core: Core) -> None:
    """Let what was started end, then close the connections."""
    if core.desk.tasks:
        await asyncio.wait(set(core.desk.tasks), timeout=2)
    await core.close()
