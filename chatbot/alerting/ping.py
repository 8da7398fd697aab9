"""Tells whoever watches us from outside that all is well: an address asked for each minute, and silence otherwise."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog
from sqlalchemy import Connection

from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.heartbeat import Heartbeat
from chatbot.alerting.lead import Lead
from chatbot.alerting.watching import MonitorEyes
from storage import alerts, outbox
from storage.database import StorageError

PING_SECONDS = 60.0
ASK_SECONDS = 10.0
STUCK = timedelta(minutes=2)
"""What should have been done this long ago, and was not, is stuck."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchfulness:
    """Whether alerts reach people, as far as this process can tell; ages in seconds, ``None``: never."""

    poll_age: float | None
    monitor_age: float | None
    overdue: int  # decisions on alerts that are late
    outbox_age: float | None
    undelivered: int
    flaws: tuple[str, ...]


class Ping:
    """A tick calls `look`; it asks for the address only while `watchfulness` finds no flaw."""

    def __init__(
        self,
        *,
        desk: AlertDesk,
        heartbeat: Heartbeat,
        monitor: MonitorEyes | None,
        lead: Lead,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._transport = transport
        self._desk = desk
        self._heartbeat = heartbeat
        self._monitor = monitor
        self._lead = lead

    async def look(self) -> None:
        """Ping, if there is an address and all is well."""
        url = self._desk.settings.ping_url
        if url is None or not self._lead.leads:
            return
        found = await self.watchfulness()
        if found.flaws:
            log.error("not pinging: the fleet is not watched as it should be", flaws=found.flaws)
            return
        try:
            async with httpx.AsyncClient(
                timeout=ASK_SECONDS, follow_redirects=False, transport=self._transport
            ) as client:
                answer = await client.get(url.get_secret_value())
        except httpx.HTTPError as error:  # its text may hold the address, which is a secret
            log.warning("the ping was not answered", error=type(error).__name__)
            return
        if answer.status_code >= 400:
            log.warning("the ping was refused", status=answer.status_code)

    async def watchfulness(self) -> Watchfulness:
        """How well the fleet is watched now."""
        now = self._desk.desk.now()
        last = await self._heartbeat.last_good()
        seen = self._monitor.last_good if self._monitor is not None else None
        flaws: list[str] = []
        overdue, oldest, given_up = 0, None, 0
        try:
            overdue, oldest, given_up = await self._desk.desk.database.read(lambda conn: _counted(conn, now))
        except StorageError:
            flaws.append("the database does not answer")
        if last is None or now - last > self._heartbeat.longest:
            flaws.append("the coordinator was not read lately")
        reads = timedelta(seconds=self._desk.settings.poll_seconds * self._desk.settings.failure_threshold)
        if self._monitor is not None and self._lead.leads and (seen is None or now - seen > reads + STUCK):
            flaws.append("the health monitor was not read lately")
        if overdue:
            flaws.append("decisions on alerts are late")
        if oldest is not None and oldest > STUCK.total_seconds():
            flaws.append("messages to Slack are late")
        return Watchfulness(
            poll_age=(now - last).total_seconds() if last is not None else None,
            monitor_age=(now - seen).total_seconds() if seen is not None else None,
            overdue=overdue,
            outbox_age=oldest,
            undelivered=given_up,
            flaws=tuple(flaws),
        )


def _counted(conn: Connection, now: datetime) -> tuple[int, float | None, int]:
    _, oldest = outbox.backlog(conn, now)
    return alerts.stuck(conn, now - STUCK), oldest, outbox.given_up(conn)
