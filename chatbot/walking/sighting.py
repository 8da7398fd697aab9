"""The eye of the watch that remembers: what changed of each bot, the coordinator's uptime, how full the disk is."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from chatbot.walking.desk import WalkDesk
from chatbot.walking.probing import DISK_SAMPLES, disk_samples
from commands.apart import apart
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus, Health
from commands.probes import history, host_figures
from commands.probes.host_figures import DiskSample
from commands.spec import UserError
from storage import marks, sightings

HEALTH_EVERY = timedelta(seconds=60)
DISK_EVERY = timedelta(minutes=10)
SAMPLES_KEPT = 144  # a day
KEPT_FOR = timedelta(days=3)

log = structlog.get_logger(__name__)


class Sightings:
    """Told of every look at the fleet."""

    def __init__(self, *, desk: WalkDesk) -> None:
        self._desk = desk
        self._asked: datetime | None = None
        self._sampled: datetime | None = None

    async def saw(self, status: FleetStatus) -> None:
        """A good read: keep what is new in it."""
        health = await self._health(status.observed_at)
        known = await self._desk.desk.database.read(sightings.newest)
        news = history.news(status, health, known)
        if news:
            await self._desk.desk.database.write(lambda conn: _keep(conn, news))
        await self._disk(status.observed_at)

    async def failed(self, error: CoordinatorError) -> None:
        """A read that showed nothing tells nothing of the past."""

    async def prune(self) -> None:
        """Forget what is old."""
        before = self._desk.desk.now() - KEPT_FOR
        await self._desk.desk.database.write(lambda conn: sightings.prune(conn, before))

    async def _health(self, now: datetime) -> Health | None:
        if not _due(self._asked, now, HEALTH_EVERY) or not self._desk.desk.coordinator.calm:
            return None
        self._asked = now
        try:
            return await self._desk.desk.coordinator.health()
        except CoordinatorError:
            return None

    async def _disk(self, now: datetime) -> None:
        places = self._desk.places
        if places is None or not _due(self._sampled, now, DISK_EVERY):
            return
        self._sampled = now
        try:
            sample = await apart(host_figures.sample, places, now)
        except (OSError, UserError) as error:
            log.warning("the disk was not looked at", error=str(error))
            return
        await self._desk.desk.database.write(lambda conn: _keep_sample(conn, sample))


def _due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """True also after a clock was set back."""
    return last is None or not timedelta() <= now - last < every


def _keep(conn: Connection, news: tuple[sightings.Sighting, ...]) -> None:
    for each in news:
        sightings.keep(conn, each)


def _keep_sample(conn: Connection, sample: DiskSample) -> None:
    kept = (*disk_samples(conn), sample)[-SAMPLES_KEPT:]
    data = {"samples": [[each.at.isoformat(), each.used] for each in kept]}
    marks.put(conn, DISK_SAMPLES, at=sample.at, data=data)
