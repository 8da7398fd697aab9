"""The answers to what only reads: /status, /contacts and /help."""

import asyncio

from chatbot import standing
from chatbot.approvals import copies
from chatbot.desk import Desk
from chatbot.roster import Roster
from chatbot.views import contacts as contacts_view
from chatbot.views import help as help_view
from chatbot.views import lists
from chatbot.views.blocks import Message
from chatbot.views.status import LatchView, StatusReport, report
from commands import COMMANDS
from commands.alerting import monitor_rows
from commands.cooldown import Breaker
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus, MonitorMetrics
from commands.coordinator.monitor import Monitor, soon
from commands.policy import includes
from commands.spec import Request, Role, UserError
from commands.standing import Standing
from config.settings import Policy
from storage import alerts, approvals, outbox
from storage.database import StorageError

MAX_AGE = 1.0  # seconds a read may be old, so that many people asking cost one


class Answers:
    """Reads and composes; changes nothing."""

    def __init__(
        self,
        *,
        desk: Desk,
        monitor: Monitor | None,
        policy: Policy,
        root_command: str,
        roster: Roster | None = None,
    ) -> None:
        self._desk = desk
        self._roster = roster
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
            case "approvals":
                return await self._approvals()
            case "who" if self._roster is not None:
                return await self._roster.answer()
            case "contacts":
                return contacts_view.contacts(self._desk.contacts)
            case _:
                status = await self.status(only=request.bot, may_kill=includes(role, Role.OPERATOR))
                return report(status, public=request.public)

    async def _approvals(self) -> Message:
        desk = self._desk
        try:
            waiting, ended = await desk.database.read(
                lambda conn: (copies.waiting(conn), copies.ended(conn, 10))
            )
        except StorageError as error:
            raise UserError(
                "The database does not answer, so it is not known what waits: try again."
            ) from error
        return lists.approvals(waiting, ended, where=desk.approvals, now=desk.now())

    async def status(self, *, only: str | None, may_kill: bool) -> StatusReport:
        """Everything that /status tells, as far as it is known."""
        (status, error), monitor, armed = await asyncio.gather(
            self._fleet(), self._monitored(), self._armed()
        )
        now = self._desk.now()
        stands: Standing | None = None
        asked, waiting, refused = 0, 0, 0
        firing: dict[str, int] = {}
        oldest: float | None = None
        trouble = self._desk.recorder.problem or None
        try:
            stands, asked, (waiting, oldest), refused, firing = await self._desk.database.read(
                lambda conn: (
                    standing.read(conn, now=now, policy=self._policy, bots=self._desk.bots, fleet=status),
                    len(approvals.pending(conn)),
                    outbox.backlog(conn, now),
                    outbox.given_up(conn),
                    alerts.counted(conn),
                )
            )
        except StorageError as failed:
            trouble = str(failed)
        held = stands.latch if stands is not None else None
        return StatusReport(
            now=now,
            status=status,
            error=error,
            latch=LatchView(
                engaged_at=held.engaged_at,
                by=held.by,
                reason=held.reason,
                verified_at=held.verified_at,
                drill=held.drill,
            )
            if held
            else None,
            cooldown_left=stands.cooldown if stands is not None and held is not None else None,
            breaker=stands.breaker
            if stands is not None
            else Breaker(open=False, kills=0, limit=self._policy.breaker_kills),
            lockdown=stands.lockdown if stands is not None else None,
            asked=asked,
            bots=self._desk.bots,
            only=only,
            outbox_waiting=waiting,
            outbox_oldest=oldest,
            outbox_refused=refused,
            open_alerts=sum(firing.values()),
            critical_alerts=firing.get("critical", 0),
            armed=armed,
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
        return await soon(self._monitor.metrics()) if self._monitor is not None else None

    async def _armed(self) -> tuple[str, ...]:
        """The conditions under which the health monitor would stop the fleet; none when it does not say."""
        rows = await soon(self._monitor.alerts()) if self._monitor is not None else None
        return monitor_rows.armed(rows or ())
