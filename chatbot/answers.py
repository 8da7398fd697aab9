"""The answers to what only reads: /status, /contacts and /help."""

import asyncio
from datetime import timedelta

from chatbot.desk import Desk
from chatbot.views import contacts as contacts_view
from chatbot.views import help as help_view
from chatbot.views.blocks import Message
from chatbot.views.status import LatchView, StatusReport, report
from commands import COMMANDS
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus, MonitorMetrics
from commands.coordinator.monitor import Monitor
from commands.policy import breaker_open, cooldown_left, includes
from commands.spec import Request, Role
from config.settings import Policy
from storage import latch, outbox
from storage.database import StorageError
from storage.latch import Latch

MONITOR_SECONDS = 0.7  # within the second after which an answer is announced and follows later
MAX_AGE = 1.0  # seconds a read may be old, so that many people asking cost one


class Answers:
    """Reads and composes; changes nothing."""

    def __init__(self, *, desk: Desk, monitor: Monitor | None, policy: Policy, root_command: str) -> None:
        self._desk = desk
        self._monitor = monitor
        self._policy = policy
        self._root = root_command

    async def answer(self, request: Request, *, role: Role) -> Message:
        """The message for one reading request."""
        match request.command:
            case "help":
                return help_view.help_message(
                    COMMANDS, topic=request.topic, role=role, root_command=self._root
                )
            case "contacts":
                return contacts_view.contacts(self._desk.contacts)
            case _:
                status = await self.status(only=request.bot, may_kill=includes(role, Role.OPERATOR))
                return report(status, public=request.public)

    async def status(self, *, only: str | None, may_kill: bool) -> StatusReport:
        """Everything that /status tells, as far as it is known."""
        (status, error), monitor = await asyncio.gather(self._fleet(), self._monitored())
        now = self._desk.now()
        held: Latch | None = None
        kills, waiting = 0, 0
        oldest: float | None = None
        trouble = self._desk.recorder.problem or None
        since = now - timedelta(hours=self._policy.breaker_hours)
        try:
            held, kills, (waiting, oldest) = await self._desk.database.read(
                lambda conn: (
                    latch.current(conn),
                    latch.engaged_since(conn, since),
                    outbox.backlog(conn, now),
                )
            )
        except StorageError as failed:
            trouble = str(failed)
        return StatusReport(
            now=now,
            status=status,
            error=error,
            latch=LatchView(
                engaged_at=held.engaged_at, by=held.by, reason=held.reason, verified_at=held.verified_at
            )
            if held
            else None,
            cooldown_left=cooldown_left(held.engaged_at, now, self._policy.cooldown_minutes)
            if held
            else None,
            breaker_open=breaker_open(kills, self._policy.breaker_kills),
            kills_in_window=kills,
            breaker_limit=self._policy.breaker_kills,
            bots=self._desk.bots,
            only=only,
            outbox_waiting=waiting,
            outbox_oldest=oldest,
            storage_error=trouble,
            may_kill=may_kill,
            monitor=monitor,
        )

    async def _fleet(self) -> tuple[FleetStatus | None, str | None]:
        """The fleet, or why it is not known."""
        try:
            return await self._desk.coordinator.status(max_age=MAX_AGE), None
        except CoordinatorError as error:
            return None, str(error)

    async def _monitored(self) -> MonitorMetrics | None:
        """What the health monitor adds; without it, or when it is slow, the status is told all the same."""
        if self._monitor is None:
            return None
        try:
            async with asyncio.timeout(MONITOR_SECONDS):
                return await self._monitor.metrics()
        except (CoordinatorError, TimeoutError):
            return None
