"""From a command that raises risk to a request that waits for a second admin, stored before it is acknowledged."""

import asyncio
from functools import partial

import structlog

from chatbot.approvals import asked
from chatbot.approvals.asked import Asked
from chatbot.approvals.binding import reads_fleet
from chatbot.channels import Channels
from chatbot.desk import Desk
from chatbot.views import approval as view
from chatbot.views.asked_words import Surroundings
from chatbot.views.blocks import Message
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus, MonitorAlert, MonitorMetrics
from commands.coordinator.monitor import Monitor, soon
from commands.spec import Request, UserError
from storage import actions
from storage.actions import Action
from storage.database import StorageError

NO_STORAGE = "The database does not answer, so nothing was asked: try again in a moment. A stop always works."

log = structlog.get_logger(__name__)


class Asking:
    """Asks for approval, once per key."""

    def __init__(self, *, desk: Desk, monitor: Monitor | None, channels: Channels) -> None:
        self._desk = desk
        self._monitor = monitor
        self._channels = channels

    async def ask(
        self,
        request: Request,
        *,
        by: str,
        source: str,
        key: str,
        channel: str | None,
        response_url: str | None,
        notes: tuple[str, ...] = (),
    ) -> Message:
        """Ask, and return what the person is told; UserError when it may not be asked."""
        found = await self.request(
            request,
            by=by,
            source=source,
            key=key,
            channel=channel,
            response_url=response_url,
            notes=notes,
        )
        others = tuple(each for each in self._desk.admins if each != by)
        where = self._desk.ops if found.card.solo else self._desk.approvals
        return view.asked(found.card, where, others)

    async def request(
        self,
        request: Request,
        *,
        by: str,
        source: str,
        key: str,
        channel: str | None,
        response_url: str | None,
        actor: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> Asked:
        """Store the request with every copy of its card.

        ``actor`` is who sat at the terminal, ``notes`` are lines of markup that the card shows as its effect.
        """
        desk = self._desk
        if desk.recorder.behind():  # a kill may wait in the journal that the database does not know of
            raise UserError(NO_STORAGE)
        if source == "slack":
            await self._refuse_shared()
        fleet, metrics, alerts = await self._surroundings(request)
        action = Action(
            id=actions.new_id(request.command),
            key=key or actions.new_id("key"),
            command=request.command,
            bot=request.bot,
            option=request.option,
            target=request.target,
            reason=request.reason,
            requested_by=by,
            source=source,
            channel=channel,
            response_url=response_url,
            accepted_at=desk.now(),
        )
        around = Surroundings(metrics=metrics, alerts=alerts, unverified=(), started=(), notes=notes)
        verb = partial(
            asked.ask,
            desk=desk,
            action=action,
            fleet=fleet,
            around=around,
            detail={"actor": actor} if actor else {},
        )
        try:
            found = await desk.database.write(verb)
        except StorageError as error:
            raise UserError(NO_STORAGE) from error
        desk.sender.wake()
        log.info("asked", action=found.action.id, command=request.command, bot=request.bot)
        return found

    async def _refuse_shared(self) -> None:
        """A request is no business of another organisation's."""
        alone = self._desk.policy.solo and len(self._desk.admins) < 2
        where = self._desk.ops if alone else self._desk.approvals
        shared = await self._channels.shared(where)
        if shared is None:
            raise UserError(
                "Slack does not say right now whether the approvals channel is shared with another organisation, so "
                "nothing was asked: try again in a moment. A stop always works."
            )
        if shared:
            raise UserError(
                "The approvals channel is shared with another organisation, so nothing was asked: an admin sets "
                "another one in CHATBOT_CHANNELS__APPROVALS."
            )

    async def _surroundings(
        self, request: Request
    ) -> tuple[FleetStatus | None, MonitorMetrics | None, tuple[MonitorAlert, ...] | None]:
        if not reads_fleet(request):
            return None, None, None
        fleet, metrics, alerts = await asyncio.gather(self._fleet(), self._metrics(), self._alerts())
        return fleet, metrics, alerts

    async def _fleet(self) -> FleetStatus:
        try:
            return await self._desk.coordinator.status()
        except CoordinatorError as error:
            raise UserError(
                f"What the fleet does could not be read ({str(error).rstrip('.')}), so nothing was asked: try again."
            ) from error

    async def _metrics(self) -> MonitorMetrics | None:
        return await soon(self._monitor.metrics()) if self._monitor is not None else None

    async def _alerts(self) -> tuple[MonitorAlert, ...] | None:
        return await soon(self._monitor.alerts()) if self._monitor is not None else None
