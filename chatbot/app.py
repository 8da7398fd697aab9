"""One serving process: getting up, running its loops, being asked how it is, and stopping without losing anything."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import structlog
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from slack_sdk.errors import SlackClientError

from chatbot import appointed, logs
from chatbot.identity import REFRESH_SECONDS
from chatbot.jobs import ALERTS_FOR, PRUNE_SECONDS, SEEN_FOR, Job, scheduler, set_right
from chatbot.parts import Now, Parts, for_serving, utc_now
from chatbot.posting import error_word, open_session
from chatbot.slack import Installation
from chatbot.web import application
from config.settings import Settings
from storage import alerts, audit, outbox, seen
from storage.database import StorageError

ACTIONS_GRACE = 8.0  # seconds that running actions get when the process is told to stop
OUTBOX_GRACE = 4.0
ALONE_TICK = 0.2
ALONE_SECONDS = 10.0  # for a predecessor that is just ending
SETTLE_EVERY = 2.0
SWITCH_SECONDS = 0.0005
HEAD_EVERY = 15.0
INTRODUCE_PATIENCE = 3.0  # seconds after which requests are taken although Slack does not say who we are

log = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the program has its own, which also finish what is running."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program."""
        yield


class Program:
    """The parts, running; `run` returns when it is told to stop."""

    def __init__(self, settings: Settings, parts: Parts, listening: socket.socket) -> None:
        self._settings = settings
        self._listening = listening
        self._parts = parts
        self._core = parts.core
        self._prepared = False
        self._introduced = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; a part that fails ends it with an exception group."""
        parts, core = self._parts, self._core
        preparing = asyncio.ensure_future(self._prepare())
        await asyncio.wait({preparing}, timeout=self._settings.kill.storage_timeout_ms / 1000)
        if not self._prepared:
            await core.intake.take_up()  # a stop in the journal does not wait for the database
        listener = self._listener()
        ticks = scheduler(
            (
                Job(name="settle the journal", seconds=SETTLE_EVERY, run=core.recorder.settle),
                Job(name="refresh people", seconds=REFRESH_SECONDS, run=parts.people.refresh),
                Job(name="count for the metrics", seconds=HEAD_EVERY, run=self._count),
                Job(name="forget what is old", seconds=PRUNE_SECONDS, run=self._prune),
                *parts.alerting.jobs(),
                *parts.monitoring.jobs(),
                *parts.recovering.jobs(),
                *parts.walking.jobs(),
            )
        )
        await parts.alerting.lead.renew()
        works = [
            parts.sender.run(),
            core.executor.run(),
            parts.watch.run(),
            parts.tending.run(),
            parts.alerting.tending.run(),
            self._introduce(),
            _keep_ticking(ticks),
            self._keep_preparing(preparing),
        ]
        if parts.sockets is not None:
            works.append(self._connect())
        if parts.alerting.monitor is not None:
            works.append(parts.alerting.monitor.run())
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(work) for work in works]
            http = group.create_task(listener.serve(sockets=[self._listening]))
            ticks.start()
            await stop.wait()
            log.info("stopping", running=core.executor.running)
            ticks.shutdown(wait=False)
            await self._finish(listener)
            for loop in loops:
                loop.cancel()
            await http
        log.info("stopped")

    async def _finish(self, listener: Server) -> None:
        """Take nothing more; let actions end, then messages; free what is left for the next process."""
        if self._parts.sockets is not None:
            await self._parts.sockets.stop_intake()
        else:
            listener.should_exit = True
        with contextlib.suppress(StorageError):
            await self._parts.alerting.lead.let_go()
        await self._core.executor.stop(ACTIONS_GRACE)
        if self._core.desk.tasks:
            await asyncio.wait(set(self._core.desk.tasks), timeout=2)
        self._parts.sender.wake()
        await self._parts.sender.drain(OUTBOX_GRACE)
        listener.should_exit = True

    def _listener(self) -> Server:
        app = application(
            health=self._health,
            metrics=self._core.metrics,
            guard=self._parts.guard,
            hooks=self._parts.alerting.hooks,
        )
        return Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=3,
            )
        )

    # -- getting up --------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Bring the database up to date and take over what a dead process left; without it, go on and try again."""
        core = self._core
        try:
            await core.database.prepare()
            await core.recorder.settle()
            await self._note_admins()
            if core.database.dialect == "sqlite":  # one serving process a file, so its predecessor is dead
                await core.executor.take_over()
                await self._parts.sender.take_over()
        except StorageError as error:
            log.warning("the database is not usable; stops still work and are journaled", error=str(error))
            return
        self._prepared = True

    async def _note_admins(self) -> None:
        """Take in whom the configuration names as admins: who is new may not approve for a while, and all are told."""
        desk, now = self._core.desk, self._core.desk.now()
        await desk.database.write(partial(appointed.note, desk=desk, now=now))
        self._parts.sender.wake()

    async def _keep_preparing(self, first: asyncio.Future[None]) -> None:
        await first
        while not self._prepared:
            await asyncio.sleep(SETTLE_EVERY)
            await self._prepare()

    async def _introduce(self) -> None:
        """Ask Slack who we are, until it says so; then learn to know the people."""
        parts, delay = self._parts, 0.5
        while parts.door.installation is None:
            try:
                answer = await parts.web.auth_test()
                team, bot = answer.get("team_id"), answer.get("user_id")
                word = "" if team and bot else "an answer without a team"
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                word = error_word(error) or "no answer of Slack's"
            if word:
                log.warning("Slack does not say who we are, trying again", error=word, seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            parts.door.installation = Installation(
                team=self._settings.slack.team_id or str(team),
                enterprise=answer.get("enterprise_id"),
                bot_user=str(bot),
                bot_id=answer.get("bot_id"),
            )
        parts.people.installed_in(parts.door.installation.team)
        await parts.people.refresh()
        self._introduced.set()
        log.info("introduced to Slack", team=parts.door.installation.team)

    async def _connect(self) -> None:
        """Open the sockets once we know the people, or when Slack takes too long to tell: a stop must get through."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTRODUCE_PATIENCE):
                await self._introduced.wait()
        if self._parts.sockets is not None:
            await self._parts.sockets.run()

    # -- being asked -------------------------------------------------------------------------------------------

    async def _health(self) -> Mapping[str, Any]:
        core, now = self._core, self._core.desk.now()
        waiting, oldest, storage = 0, None, "ok"
        watched: Mapping[str, Any] = {"watchful": False}
        try:
            async with asyncio.timeout(2):
                waiting, oldest = await core.database.read(lambda conn: outbox.backlog(conn, now))
                watched = await self._watched()
        except (StorageError, TimeoutError) as error:
            storage = str(error) or "the database takes too long"
        sockets = self._parts.sockets.connected if self._parts.sockets is not None else None
        last = core.metrics.last_good_poll
        return {
            "alive": True,
            "ready": self._prepared and storage == "ok" and self._introduced.is_set() and sockets != 0,
            "slack": "introduced" if self._introduced.is_set() else "not reached yet",
            "sockets": sockets,
            "storage": storage,
            "journal_pending": core.journal.pending,
            "outbox_waiting": waiting,
            "outbox_oldest_seconds": oldest,
            "last_good_poll_seconds": (now - last).total_seconds() if last else None,
            "running_actions": core.executor.running,
            **watched,
        }

    async def _watched(self) -> Mapping[str, Any]:
        """Whether alerts reach people; what an outside watcher asks."""
        alerting = self._parts.alerting
        found = await alerting.ping.watchfulness()
        return {
            "watchful": not found.flaws,
            "flaws": list(found.flaws),
            "polls_here": alerting.lead.leads,
            "fleet_seen_seconds": found.poll_age,
            "monitor_seen_seconds": found.monitor_age,
            "late_decisions": found.overdue,
            "outbox_refused": found.undelivered,
            "broken_channels": alerting.delivery.broken,
        }

    async def _count(self) -> None:
        (seq, _), firing, refused = await self._core.database.read(
            lambda conn: (audit.head(conn), alerts.counted(conn), outbox.given_up(conn))
        )
        self._core.metrics.audit(seq)
        self._core.metrics.alerts(firing, refused)

    async def _prune(self) -> None:
        now = self._core.desk.now()
        await self._core.database.write(lambda conn: seen.prune(conn, now - SEEN_FOR))
        await self._core.database.write(lambda conn: alerts.prune(conn, now - ALERTS_FOR))


async def serve(settings: Settings, *, now: Now = utc_now) -> int:
    """Run the bot until SIGTERM or SIGINT (0) or until a part of it fails (1): recovery then replays what was open."""
    logs.configure(settings.log.format, settings.log.level)
    # A thread that stores must not hold the loop up for the usual 5 ms, nor a collection walk through every module.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_session() as session:
        parts = for_serving(settings, session, now=now)
        try:
            if not await _alone(parts):
                log.critical(
                    "another process serves from this database file, so this one ends: stop that one first"
                )
                return 1
            listening = _listen(settings)
            if listening is None:
                return 1
            await Program(settings, parts, listening).run(stop)
        except Exception as failure:
            for error in _leaves(failure):
                log.exception(
                    "the program ends because a part of it failed", error=repr(error), exc_info=error
                )
            return 1
        finally:
            await parts.core.close()
    return 0


async def _keep_ticking(ticks: AsyncIOScheduler) -> None:
    """A clock that is set back must not make the ticks wait until it comes there again."""
    while True:
        await asyncio.sleep(SETTLE_EVERY)
        if late := set_right(ticks, datetime.now(UTC)):
            log.warning("the clock was set back: its ticks go on", jobs=late)


def _listen(settings: Settings) -> socket.socket | None:
    """The listening socket of the HTTP face; ``None``, and said why, when the address is not to be had."""
    http = settings.http
    try:
        family = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((http.host, http.port), family=family, backlog=512)
    except OSError as error:
        log.critical(
            "cannot listen, so this process ends: set CHATBOT_HTTP__HOST and __PORT to a free address",
            host=http.host,
            port=http.port,
            error=error.strerror or type(error).__name__,
        )
        return None


async def _alone(parts: Parts) -> bool:
    """False when another process goes on serving from the same file; two would take over each other's actions."""
    for _ in range(int(ALONE_SECONDS / ALONE_TICK)):
        if parts.core.database.serve_alone():
            return True
        await asyncio.sleep(ALONE_TICK)
    return False


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
