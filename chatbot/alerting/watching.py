"""The pollers' eyes: each good look at a source becomes signals, and one that cannot be read becomes one itself."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from chatbot.alerting.arrivals import Arrivals
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.heartbeat import Heartbeat
from chatbot.alerting.lead import Lead
from chatbot.alerting.tending import AlertTending
from commands.alerting import changes, limits, monitor_rows
from commands.alerting.changes import Memory
from commands.alerting.model import Kind, Severity, Signal, Source
from commands.alerting.monitor_rows import Ours
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.coordinator.monitor import Monitor
from commands.kill import still_moving
from storage import actions, alerts, latch, marks, raises
from storage.actions import State
from storage.database import StorageError

FLEET = "fleet"
EXCUSED_FOR = timedelta(minutes=2)
"""So long after an action of ours a bot that changes is no surprise."""

EARLY = timedelta(seconds=5)  # clocks differ
LISTED_FOR = timedelta(hours=24)

log = structlog.get_logger(__name__)


class FleetEyes:
    """Takes in every look at the coordinator's status, good or failed."""

    def __init__(
        self, *, desk: AlertDesk, arrivals: Arrivals, heartbeat: Heartbeat, tending: AlertTending
    ) -> None:
        self._desk = desk
        self._arrivals = arrivals
        self._heartbeat = heartbeat
        self._tending = tending
        self._failed = 0

    async def saw(self, status: FleetStatus) -> None:
        """A good read."""
        desk, settings = self._desk.desk, self._desk.settings
        self._failed = 0
        await self._heartbeat.good_poll(desk.now())
        if self._heartbeat.clock_was_set:
            await self._tending.decide_anew()
        memory, still_open, excused, killed, mismatch = await desk.database.read(
            lambda conn: _known(conn, self._desk, status, desk.now())
        )
        signals, memory = changes.look(
            status,
            memory,
            bots=desk.bots,
            still_open=still_open,
            excused=excused,
            killed=killed,
            health_below=settings.health_below,
            error_rise=settings.error_rise,
            now=status.observed_at,
        )
        if mismatch is not None:
            signals = (*signals, mismatch)
        await self._arrivals.observe(Source.FLEET, signals, settled=settings.success_threshold)
        await desk.database.write(
            lambda conn: marks.put(conn, FLEET, at=status.observed_at, data=memory.as_json())
        )

    async def failed(self, error: CoordinatorError) -> None:
        """A read that told nothing."""
        self._failed += 1
        self._heartbeat.failed(str(error))
        if self._failed >= self._desk.settings.failure_threshold:
            await self._arrivals.deliver((unreachable(Kind.COORDINATOR_UNREACHABLE, error),))


class MonitorEyes:
    """Polls the health monitor's alerts and metrics as long as it runs."""

    def __init__(
        self, *, desk: AlertDesk, monitor: Monitor, arrivals: Arrivals, lead: Lead, calm: Callable[[], bool]
    ) -> None:
        self._desk = desk
        self._monitor = monitor
        self._arrivals = arrivals
        self._lead = lead
        self._calm = calm
        self._failed = 0
        self.last_good: datetime | None = None
        self.armed: tuple[str, ...] = ()  # conditions under which the monitor would stop the fleet

    async def run(self) -> None:
        """Look until cancelled; not while a kill is going on."""
        while True:
            if self._lead.leads and self._calm():
                try:
                    await self.look()
                except (StorageError, TimeoutError) as error:
                    log.warning("alerts were not taken in", error=str(error) or "timeout")
            await asyncio.sleep(self._desk.settings.poll_seconds)

    async def look(self) -> None:
        """One read of the alerts, and one of the metrics."""
        settings = self._desk.settings
        try:
            rows = await self._monitor.alerts(background=True)
        except CoordinatorError as error:
            self._failed += 1
            log.warning("the health monitor's alerts were not read", error=str(error))
            if self._failed >= settings.failure_threshold:
                await self._arrivals.deliver((unreachable(Kind.MONITOR_UNREACHABLE, error),))
            return
        self._failed = 0
        self.last_good = self._desk.desk.now()
        self.armed = monitor_rows.armed(rows)
        ours = await self._desk.desk.database.read(lambda conn: _ours(conn, self._desk.desk.now()))
        news = monitor_rows.signals(monitor_rows.unexpected(rows, ours))
        await self._arrivals.observe(Source.MONITOR, news, settled=settings.success_threshold)
        try:
            metrics = await self._monitor.metrics(background=True)
        except CoordinatorError as error:
            log.warning("the health monitor's metrics were not read", error=str(error))
            return
        found = limits.signals(metrics, approaching_percent=settings.approaching_percent)
        await self._arrivals.observe(Source.LIMITS, found, settled=settings.success_threshold)


def unreachable(kind: Kind, error: CoordinatorError) -> Signal:
    """The signal that a back end cannot be read; a good read ends it, since it belongs to what is read there."""
    coordinator = kind is Kind.COORDINATOR_UNREACHABLE
    return Signal(
        source=Source.FLEET if coordinator else Source.MONITOR,
        kind=kind,
        severity=Severity.HIGH if coordinator else Severity.WARNING,
        message=str(error).partition(", so ")[0],  # what follows is for whoever asked
        identity="-",
    )


def _ours(conn: Connection, now: datetime) -> tuple[Ours, ...]:
    """What we did lately to the fleet, for as long as the monitor may list what came of it."""
    return tuple(
        Ours(
            bot=action.bot,
            begins=action.accepted_at - EARLY,
            ends=(action.finished_at or action.accepted_at) + EXCUSED_FOR,
        )
        for action in actions.touching_since(conn, now - LISTED_FOR)
    )


def _known(
    conn: Connection, desk: AlertDesk, status: FleetStatus, now: datetime
) -> tuple[Memory, frozenset[tuple[str, str | None]], frozenset[str], bool, Signal | None]:
    mark = marks.get(conn, FLEET)
    memory = Memory.from_json(mark.data if mark is not None else {})
    still_open = frozenset((row.kind, row.bot) for row in alerts.firing(conn, Source.FLEET))
    held = latch.current(conn)
    bots = (*desk.desk.bots, *status.bots)
    # What was done while nobody looked counts as well.
    since = now - EXCUSED_FOR if mark is None else min(mark.at, now - EXCUSED_FOR)
    excused: frozenset[str] = frozenset()
    for action in actions.touching_since(conn, since):
        excused |= frozenset(bots) if action.bot is None else {action.bot}
    return memory, still_open, excused, held is not None, _mismatch(conn, desk, status)


def _mismatch(conn: Connection, desk: AlertDesk, status: FleetStatus) -> Signal | None:
    """The fleet moves against a kill that was once seen complete."""
    held, kill = latch.current(conn), actions.last_kill(conn)
    if held is None or kill is None or raises.release_under_way(conn):
        return None
    seen_complete = held.verified_at is not None or kill.state is State.VERIFIED
    doubts = [each for each in still_moving(status, desk.desk.bots) if each.proven]
    if not seen_complete or not doubts or status.observed_at <= (held.verified_at or held.engaged_at):
        return None
    what = ", ".join(f"{each.bot or 'kill switch'} {each.word}" for each in doubts)
    return Signal(
        source=Source.FLEET,
        kind=Kind.LATCH_MISMATCH,
        severity=Severity.CRITICAL,
        message=f"Our record holds a kill, and this was seen: {what}",
        identity="-",
    )
