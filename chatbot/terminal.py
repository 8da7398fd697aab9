"""The same stop and the same look from a terminal, for when Slack is away: recorded and verified alike.

`chatbot kill` is a process of its own beside the serving one. It accepts and runs the kill itself, ends when the stop
was seen, and hands the watching over to the serving process; what is owed to Slack waits in the outbox.
"""

import asyncio
import getpass
import json
import time
from collections.abc import Callable
from pathlib import Path

from chatbot.answers import Answers
from chatbot.app import instance, open_coordinator, utc_now
from chatbot.desk import Desk, NoMessenger
from chatbot.executor import Executor
from chatbot.intake import Intake
from chatbot.killing import KillRun
from chatbot.metrics import Metrics
from chatbot.recorder import Recorder
from chatbot.views.status import as_data, plain
from commands.coordinator.errors import CoordinatorError
from commands.kill import still_moving
from commands.parsing import parse
from config.settings import Settings
from storage.database import Database, StorageError
from storage.journal import Journal

Say = Callable[[str], None]

POLL_SECONDS = 0.1


class Terminal:
    """What a terminal command needs; closed at the end."""

    def __init__(self, settings: Settings) -> None:
        metrics = Metrics()
        self.settings = settings
        self.database = Database(settings.database.url)
        self.coordinator = open_coordinator(settings, metrics)
        self.recorder = Recorder(
            database=self.database,
            journal=Journal(Path(settings.journal.path)),
            limit=settings.kill.storage_timeout_ms / 1000,
            now=utc_now,
        )
        self.desk = Desk(
            coordinator=self.coordinator,
            recorder=self.recorder,
            database=self.database,
            sender=NoMessenger(),
            metrics=metrics,
            now=utc_now,
            clock=time.monotonic,
            bots=settings.coordinator.bots,
            ops=settings.channels.ops or "",
            coordinator_url=settings.coordinator.url,
            contacts=settings.contacts,
            warn_seconds=settings.kill.warn_seconds,
            watch_seconds=settings.kill.watch_seconds,
        )
        self.executor = Executor(
            desk=self.desk, database=self.database, owner=instance("terminal"), now=utc_now
        )

    async def close(self) -> None:
        """Let what was started end, then close the connections."""
        if self.desk.tasks:
            await asyncio.wait(set(self.desk.tasks), timeout=2)
        await self.coordinator.close()
        await self.database.close()


async def kill(settings: Settings, warnings: tuple[str, ...], *, reason: str, say: Say) -> int:
    """Stop the fleet; 0 when it was seen stopped. Sends until then, or until interrupted: the serving bot goes on."""
    terminal = Terminal(settings)
    desk, executor = terminal.desk, terminal.executor
    for warning in warnings:
        say(f"Note: {warning}")
    try:
        # The stop does not wait for the database to be brought up to date.
        preparing = asyncio.ensure_future(_prepare(terminal, say))
        await asyncio.wait({preparing}, timeout=settings.kill.storage_timeout_ms / 1000)
        request = parse("kill", reason, settings.coordinator.bots)
        action, accepted = await Intake(desk=desk, executor=executor).take(
            request,
            by=f"terminal:{getpass.getuser()}",
            source="terminal",
            key="",
            channel=None,
            response_url=None,
        )
        say(f"{action.id}: stopping the whole fleet through {settings.coordinator.url} ...")
        if accepted is None:
            say(
                f"Not yet in the audit ({terminal.recorder.problem}); it is in the journal and will be imported."
            )
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
        await terminal.close()


async def _follow(run: KillRun, executor: Executor, say: Say) -> bool:
    """Say each change of the run until the stop was seen; True then."""
    last = ""
    while True:
        line, seen = run.in_words()
        if line != last:
            say(line)
            last = line
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


async def _prepare(terminal: Terminal, say: Say) -> None:
    try:
        await terminal.database.prepare()
    except StorageError as error:
        say(f"Note: {error}")


async def status(settings: Settings, *, as_json: bool, say: Say) -> int:
    """Show the fleet; 0 when the coordinator answered, 1 when it did not."""
    terminal = Terminal(settings)
    try:
        await _prepare(terminal, say)
        answers = Answers(
            desk=terminal.desk, policy=settings.policy, root_command=settings.slack.root_command
        )
        found = await answers.status(only=None, may_kill=False)
        say(json.dumps(as_data(found), indent=2) if as_json else plain(found))
        return 0 if found.status is not None else 1
    finally:
        await terminal.close()
