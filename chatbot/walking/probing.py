"""Runs probes: side by side, each bounded in time, each answering even when it could not look."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from chatbot import standing
from chatbot.walking.desk import WalkDesk
from commands.apart import apart
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.coordinator.monitor import MOST_LOG_LINES, Monitor
from commands.probes import config, fleet, git, history, host, logs, monitor, network, record, records
from commands.probes.host_figures import DiskSample
from commands.probes.model import Finding, Report, Verdict
from commands.probes.record import Facts
from commands.probes.records import LogLines
from commands.probes.signs import PROBES
from commands.spec import UserError
from storage import actions, evidence, marks, recoveries, sightings, windows
from storage.actions import Action, State
from storage.database import StorageError
from storage.walks import Walk

PROBE_SECONDS = 12.0
EXCUSED_FOR = timedelta(minutes=2)
DISK_SAMPLES = "disk samples"
NO_HOME = "The fleet's home is not on this host by the configuration (recovery.home), so it was not looked at"
NO_MONITOR = "There is no health monitor by the configuration, so it was not asked"

Findings = tuple[Finding, ...]
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Prober:
    """Looks; changes nothing."""

    def __init__(
        self, *, desk: WalkDesk, monitor: Monitor | None, health_below: float, approaching_percent: float
    ) -> None:
        self._desk = desk
        self._monitor = monitor
        self._health_below = health_below
        self._approaching_percent = approaching_percent
        self._probes: Mapping[
            str, Callable[[str | None, Walk | None, timedelta], Coroutine[Any, Any, Findings]]
        ] = {
            "fleet": self._fleet,
            "monitor": self._of_monitor,
            "record": self._record,
            "history": self._history,
            "logs": self._logs,
            "network": self._network,
            "config": self._config,
            "host": self._host,
            "git": self._git,
        }

    async def look(
        self,
        names: Sequence[str] | None = None,
        *,
        bot: str | None,
        walk: Walk | None = None,
        least: timedelta = timedelta(),
    ) -> tuple[Report, ...]:
        """What these probes see (default: all), in the order of `PROBES`; never raises.

        ``least`` is how long a monitoring window has to be to count.
        """
        wanted = [each for each in PROBES if names is None or each in names]
        return tuple(await asyncio.gather(*(self._one(name, bot, walk, least) for name in wanted)))

    async def log_lines(self) -> LogLines:
        """The fleet's log lines: from its files where they are on this host, else from the monitor.

        CoordinatorError or UserError when there is no way to them.
        """
        if self._desk.places is not None:
            return await apart(records.from_files, self._desk.places)
        if self._monitor is None:
            return records.from_monitor(())
        return records.from_monitor(await self._monitor.logs(MOST_LOG_LINES))

    def at_hand(
        self,
        conn: Connection,
        status: FleetStatus,
        names: Collection[str],
        *,
        bot: str | None,
        walk: Walk,
        least: timedelta,
    ) -> tuple[Report, ...]:
        """What is known without asking anybody, of these probes: this read of the fleet, our record, the past.

        No more than is wanted: a kill's own transaction may be waiting for the one that this is a part of.
        """
        now = self._desk.desk.now()
        looks: dict[str, Callable[[], Findings]] = {
            "fleet": lambda: fleet.look(
                status, bots=self._desk.desk.bots, bot=bot, health_below=self._health_below
            ),
            "record": lambda: record.look(self._facts(conn, bot, walk, least)),
            "history": lambda: history.look(*_past(conn, now), bot=bot, now=now),
        }
        at = {"fleet": status.observed_at}
        return tuple(
            Report(probe=name, at=at.get(name, now), took=0.0, findings=look())
            for name, look in looks.items()
            if name in names
        )

    async def _one(self, name: str, bot: str | None, walk: Walk | None, least: timedelta) -> Report:
        desk = self._desk.desk
        at, began = desk.now(), desk.clock()
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                findings = await self._probes[name](bot, walk, least)
        except TimeoutError:
            findings = (_unknown(f"It did not end within {PROBE_SECONDS:g} s, so it is not known", name),)
        except StorageError:
            findings = (_unknown("The database does not answer, so it is not known", name),)
        except UserError as error:
            findings = (_unknown(str(error).rstrip("."), name),)
        except Exception:
            reference = f"ref-{secrets.token_hex(3)}"
            log.exception("a probe failed", probe=name, reference=reference)
            findings = (_unknown(f"This bot made a mistake looking at it (reference {reference})", name),)
        return Report(probe=name, at=at, took=desk.clock() - began, findings=findings)

    async def _fleet(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        desk = self._desk.desk
        asked = desk.now()
        try:
            status = await desk.coordinator.status()
            if status.observed_at < asked:  # a read that somebody else had begun before
                status = await desk.coordinator.status()
        except CoordinatorError as error:
            return fleet.unread(_reason(error))
        return fleet.look(status, bots=desk.bots, bot=bot, health_below=self._health_below)

    async def _of_monitor(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        if self._monitor is None:
            return (_unknown(NO_MONITOR, "monitor"),)
        try:
            found = monitor.alerts(await self._monitor.alerts(), bot=bot)
        except CoordinatorError as error:
            return monitor.unread(_reason(error))
        try:
            seen = await self._monitor.metrics()
        except CoordinatorError as error:
            return (*found, _unknown(_reason(error), monitor.METRICS))
        return (*found, *monitor.metrics(seen, approaching_percent=self._approaching_percent))

    async def _record(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        facts = await self._desk.desk.database.read(lambda conn: self._facts(conn, bot, walk, least))
        return record.look(facts)

    async def _history(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        now = self._desk.desk.now()
        seen, ours = await self._desk.desk.database.read(lambda conn: _past(conn, now))
        return history.look(seen, ours, bot=bot, now=now)

    async def _logs(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        if self._desk.places is None and self._monitor is None:
            return (_unknown(f"{NO_HOME}, and there is no health monitor to ask", "logs"),)
        try:
            lines = await self.log_lines()
        except CoordinatorError as error:
            return (_unknown(_reason(error), "GET /logs"),)
        return await apart(logs.look, lines)

    async def _network(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        return await network.look(self._desk.settings.endpoints, now=self._desk.desk.now)

    async def _config(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        if self._desk.places is None:
            return (_unknown(NO_HOME, "config"),)
        return await apart(config.look, self._desk.places)

    async def _host(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        places, settings = self._desk.places, self._desk.settings
        if places is None:
            return (_unknown(NO_HOME, "host"),)
        database = self._desk.desk.database
        before = await database.read(disk_samples)
        return await apart(
            lambda: host.look(
                places,
                disk_percent=settings.disk_percent,
                memory_percent=settings.memory_percent,
                before=before,
            )
        )

    async def _git(self, bot: str | None, walk: Walk | None, least: timedelta) -> Findings:
        if self._desk.places is None:
            return (_unknown(NO_HOME, "git"),)
        return await git.look(self._desk.places, now=self._desk.desk.now())

    def _facts(self, conn: Connection, bot: str | None, walk: Walk | None, least: timedelta) -> Facts:
        desk = self._desk.desk
        now = desk.now()
        since = walk.opened_at if walk is not None else None
        taken = evidence.newest(conn, 1)
        written = recoveries.opened_since(conn, walk.bot, walk.opened_at) if walk is not None else []
        stands = standing.read(conn, now=now, policy=desk.policy, bots=desk.bots, fleet=None)
        return Facts(
            standing=stands,
            actions=tuple(
                sorted(
                    actions.touching_since(conn, now - record.RAISED_WITHIN),
                    key=lambda each: each.accepted_at,
                )
            ),
            bot=bot,
            windows=tuple(windows.since(conn, since or now - record.LATELY)),
            evidence_at=taken[0].at if taken else None,
            log_written=bool(written),
            log_closed=any(each.state == "closed" for each in written),
            since=since,
            least=least,
            down_at=sightings.last_down(conn, bot) if bot is not None else None,
        )


def disk_samples(conn: Connection) -> tuple[DiskSample, ...]:
    """How full the disk was before, oldest first."""
    mark = marks.get(conn, DISK_SAMPLES)
    stored = mark.data.get("samples", []) if mark is not None else []
    return tuple(DiskSample(at=datetime.fromisoformat(at), used=int(used)) for at, used in stored)


def _past(
    conn: Connection, now: datetime
) -> tuple[list[sightings.Sighting], list[tuple[str | None, datetime, datetime]]]:
    since = now - history.WITHIN
    touching = actions.touching_since(conn, since)
    starts = [each for each in touching if each.command in actions.STARTS and each.state is State.VERIFIED]
    ours = [
        (each.bot, each.accepted_at - timedelta(seconds=5), _excused_until(each, starts))
        for each in touching
        if each.command in actions.STOPS
    ]
    return sightings.since(conn, since), ours


def _excused_until(stop: Action, starts: Sequence[Action]) -> datetime:
    """Until when a bot that leaves running does so by this stop: what was started after it falls by itself."""
    again = [
        each.finished_at
        for each in starts
        if each.finished_at is not None
        and each.finished_at > stop.accepted_at
        and (each.bot is None or stop.bot in (None, each.bot))
    ]
    return min(((stop.finished_at or stop.accepted_at) + EXCUSED_FOR, *again))


def _unknown(text: str, source: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, text=text, source=source)


def _reason(error: CoordinatorError) -> str:
    return str(error).partition(", so ")[0].rstrip(".")
