"""The composition root: everything is built here, once, and handed to who needs it."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from slack_sdk.errors import SlackClientError

from chatbot import logs
from chatbot.answers import Answers
from chatbot.desk import Desk
from chatbot.dispatch import Dispatcher
from chatbot.executor import Executor
from chatbot.guard import Guard
from chatbot.identity import REFRESH_SECONDS, People
from chatbot.intake import Intake
from chatbot.jobs import SEEN_FOR, Job, scheduler
from chatbot.metrics import Metrics
from chatbot.posting import Poster, open_session, web_client
from chatbot.recorder import Recorder
from chatbot.sender import Sender
from chatbot.slack import Installation, SlackApp
from chatbot.sockets import Sockets
from chatbot.watch import Watch
from chatbot.web import application
from commands.coordinator.client import Coordinator
from commands.spec import Request
from config.settings import Settings
from storage import outbox, seen
from storage.database import Database, StorageError
from storage.journal import Journal

ACTIONS_GRACE = 8.0  # seconds that running actions get when the process is told to stop
OUTBOX_GRACE = 4.0
SETTLE_EVERY = 2.0
PRUNE_EVERY = 3600.0
INTRODUCE_PATIENCE = 3.0  # seconds after which requests are taken although Slack does not say who we are

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)


def instance(kind: str) -> str:
    """The name under which this process claims actions."""
    return f"{kind}:{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def open_coordinator(settings: Settings, metrics: Metrics) -> Coordinator:
    """The client of the configured coordinator."""
    token = settings.coordinator.token
    return Coordinator(
        url=settings.coordinator.url,
        token=token.get_secret_value() if token else None,
        connect_timeout=settings.coordinator.connect_timeout,
        read_timeout=settings.coordinator.read_timeout,
        on_call=metrics.coordinator_call,
    )


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the program has its own, which also finish what is running."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program."""
        yield


class Program:
    """One serving process; `run` returns its exit code."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owner = instance("serve")
        self._metrics = Metrics()
        self._database = Database(settings.database.url)
        self._journal = Journal(Path(settings.journal.path))
        self._coordinator = open_coordinator(settings, self._metrics)
        self._installation: Installation | None = None
        self._prepared = False
        self._introduced = asyncio.Event()
        self._sockets: Sockets | None = None

    async def run(self) -> int:
        """Serve until told to stop (0), or until a part fails (1): the supervisor starts anew and recovery replays."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            async with open_session() as session:
                await self._serve(session, stop)
        except Exception as failure:
            for error in _leaves(failure):
                log.exception(
                    "the program ends because a part of it failed", error=repr(error), exc_info=error
                )
            return 1
        finally:
            await self._coordinator.close()
            await self._database.close()
        return 0

    async def _serve(self, session: Any, stop: asyncio.Event) -> None:
        settings = self._settings
        token = settings.slack.bot_token
        bot_token = token.get_secret_value() if token else ""
        web = web_client(token=bot_token, api_url=settings.slack.api_url, session=session)
        poster = Poster(web=web, session=session)
        sender = Sender(
            database=self._database,
            poster=poster,
            metrics=self._metrics,
            owner=self._owner,
            now=utc_now,
            clock=time.monotonic,
        )
        recorder = Recorder(
            database=self._database,
            journal=self._journal,
            limit=settings.kill.storage_timeout_ms / 1000,
            now=utc_now,
        )
        desk = Desk(
            coordinator=self._coordinator,
            recorder=recorder,
            database=self._database,
            sender=sender,
            metrics=self._metrics,
            now=utc_now,
            clock=time.monotonic,
            bots=settings.coordinator.bots,
            ops=settings.channels.ops or "",
            coordinator_url=settings.coordinator.url,
            contacts=settings.contacts,
            warn_seconds=settings.kill.warn_seconds,
            watch_seconds=settings.kill.watch_seconds,
        )
        executor = Executor(desk=desk, database=self._database, owner=self._owner, now=utc_now)
        intake = Intake(desk=desk, executor=executor)
        people = People(roles=settings.roles, web=web)
        dispatcher = Dispatcher(
            settings=settings,
            desk=desk,
            people=people,
            intake=intake,
            answers=Answers(desk=desk, policy=settings.policy, root_command=settings.slack.root_command),
            poster=poster,
            installation=lambda: self._installation,
        )
        slack = SlackApp(
            client=web, token=bot_token, installation=lambda: self._installation, handle=dispatcher.handle
        )

        async def reassert(held: Any, doubts: Any) -> None:
            what = ", ".join(f"{doubt.bot or 'kill switch'} {doubt.word}" for doubt in doubts)
            minute = int(utc_now().timestamp() // 60)
            await intake.accept(
                Request(
                    command="kill",
                    reason=f"the kill of {held.engaged_at:%Y-%m-%d %H:%M} UTC no longer holds: {what}",
                ),
                by="chatbot",
                source="watch",
                # The minute makes one of several replicas that see the same thing do it.
                key=f"reassert-{held.id}-{minute}",
                channel=None,
                response_url=None,
            )

        watch = Watch(desk=desk, poll_seconds=settings.coordinator.poll_seconds, reassert=reassert)
        guard, listener = None, None
        if settings.slack.app_token is not None:
            self._sockets = Sockets(
                app_token=settings.slack.app_token.get_secret_value(),
                web=web,
                deliver=slack.deliver,
                count=settings.slack.connections,
                changed=self._metrics.sockets,
            )
        elif settings.slack.signing_secret is not None:
            guard = Guard(
                signing_secret=settings.slack.signing_secret.get_secret_value(),
                deliver=slack.deliver,
                refused=self._metrics.refused,
            )
        listener = Server(
            uvicorn.Config(
                application(health=lambda: self._health(executor), metrics=self._metrics, guard=guard),
                host=settings.http.host,
                port=settings.http.port,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=3,
            )
        )
        ticks = scheduler(
            (
                Job(name="settle the journal", seconds=SETTLE_EVERY, run=recorder.settle),
                Job(name="refresh people", seconds=REFRESH_SECONDS, run=people.refresh),
                Job(name="forget old keys", seconds=PRUNE_EVERY, run=self._prune),
            )
        )
        await self._prepare(executor, recorder, sender)
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(work)
                for work in (
                    sender.run(),
                    executor.run(),
                    watch.run(),
                    self._introduce(web, people),
                    self._keep_preparing(executor, recorder, sender),
                )
            ]
            http = group.create_task(listener.serve())
            if self._sockets is not None:
                loops.append(group.create_task(self._connect(self._sockets)))
            ticks.start()
            await stop.wait()
            log.info("stopping", running=executor.running)
            ticks.shutdown(wait=False)
            if self._sockets is not None:
                await self._sockets.stop_intake()
            else:
                listener.should_exit = True
            await executor.stop(ACTIONS_GRACE)
            if desk.tasks:
                await asyncio.wait(set(desk.tasks), timeout=2)
            sender.wake()
            await sender.drain(OUTBOX_GRACE)
            listener.should_exit = True
            for loop in loops:
                loop.cancel()
            await http
        log.info("stopped")

    # -- getting up --------------------------------------------------------------------------------------------

    async def _prepare(self, executor: Executor, recorder: Recorder, sender: Sender) -> None:
        """Bring the database up to date and take over what a dead process left; without it, go on and try again."""
        try:
            await self._database.prepare()
            await recorder.settle()
            if self._database.dialect == "sqlite":
                await executor.take_over()
                await sender.take_over()
        except StorageError as error:
            log.warning("the database is not usable; stops still work and are journaled", error=str(error))
            return
        self._prepared = True

    async def _keep_preparing(self, executor: Executor, recorder: Recorder, sender: Sender) -> None:
        while not self._prepared:
            await asyncio.sleep(SETTLE_EVERY)
            await self._prepare(executor, recorder, sender)

    async def _introduce(self, web: Any, people: People) -> None:
        """Ask Slack who we are, until it says so."""
        delay = 0.5
        while self._installation is None:
            try:
                answer = await web.auth_test()
            except (SlackClientError, OSError, TimeoutError) as error:
                log.warning(
                    "Slack does not say who we are, trying again", error=type(error).__name__, seconds=delay
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            self._installation = Installation(
                team=self._settings.slack.team_id or str(answer["team_id"]),
                enterprise=answer.get("enterprise_id"),
                bot_user=str(answer["user_id"]),
                bot_id=answer.get("bot_id"),
                team_name=str(answer.get("team") or ""),
            )
        people.installed_in(self._installation.team)
        await people.refresh()
        self._introduced.set()
        log.info("introduced to Slack", team=self._installation.team)

    async def _connect(self, sockets: Sockets) -> None:
        """Open the sockets once we know the people, or when Slack takes too long to tell: a stop must get through."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTRODUCE_PATIENCE):
                await self._introduced.wait()
        await sockets.run()

    # -- being asked -------------------------------------------------------------------------------------------

    async def _health(self, executor: Executor) -> Mapping[str, Any]:
        now = utc_now()
        waiting, oldest, storage = 0, None, "ok"
        try:
            async with asyncio.timeout(2):
                waiting, oldest = await self._database.read(lambda conn: outbox.backlog(conn, now))
        except (StorageError, TimeoutError) as error:
            storage = str(error) or "the database takes too long"
        sockets = self._sockets.connected if self._sockets is not None else None
        last = self._metrics.last_good_poll
        return {
            "alive": True,
            "ready": self._prepared and storage == "ok" and self._introduced.is_set() and sockets != 0,
            "slack": "introduced" if self._introduced.is_set() else "not reached yet",
            "sockets": sockets,
            "storage": storage,
            "journal_pending": self._journal.pending,
            "outbox_waiting": waiting,
            "outbox_oldest_seconds": oldest,
            "last_good_poll_seconds": (now - last).total_seconds() if last else None,
            "running_actions": executor.running,
        }

    async def _prune(self) -> None:
        before = utc_now() - SEEN_FOR
        await self._database.write(lambda conn: seen.prune(conn, before))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


async def serve(settings: Settings) -> int:
    """Run the bot; returns the exit code."""
    logs.configure(settings.log.format, settings.log.level)
    return await Program(settings).run()
