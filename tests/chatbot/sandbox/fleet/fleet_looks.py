"""What the bot's own probes see of a reference fleet and its home, as often as somebody looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fleet_clock import Clock

from chatbot.sandbox.fleet import Fleet, Limits, make_home
from chatbot.walking.loading import load_runbooks
from commands.coordinator import wire, wire_monitor
from commands.probes import config, files, fleet, git, history, logs, monitor, network, records
from commands.probes.model import Evidence, Finding, Places, Report, gathered
from commands.walking.proposing import Proposal, propose
from config.settings import Endpoint, Recovery
from storage.sightings import Sighting

BOTS = ("ndax", "quantum", "shadowforge")
UNBOUNDED = Limits(per_minute=None, per_hour=None)  # the clock of these tests stands still


def home_in(directory: Path, clock: Clock) -> Path:
    """A home that was made by that clock."""
    return make_home(directory / "fleet", now=clock.now)


def places_of(home: Path) -> Places:
    """Its directories."""
    return files.places(str(home), logs="logs", config="config", backups="backups")


@dataclass
class Looker:
    """Looks with every probe but two: the record is the bot's own, and the host is this machine's."""

    running: Fleet
    clock: Clock
    seen: list[Sighting] = field(default_factory=list)

    async def json(self, url: str, path: str) -> dict[str, object]:
        """The body of a GET."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(url + path)
        body: dict[str, object] = answer.json()
        return body

    async def sees(self) -> Mapping[str, Evidence]:
        """Every sign that is known now."""
        now = self.clock.now
        status = wire.fleet_status(await self.json(self.running.coordinator_url, "/status"), observed_at=now)
        health = wire.health(await self.json(self.running.coordinator_url, "/health"), observed_at=now)
        newest = {each.bot: each for each in self.seen}
        self.seen += history.news(status, health, tuple(newest.values()))
        url = self.running.monitor_url
        rows = wire_monitor.alerts(await self.json(url, "/alerts"))
        measured = wire_monitor.metrics(await self.json(url, "/metrics"), observed_at=now)
        exchange = Endpoint(name="exchange", url=self.running.exchange_url)
        found: dict[str, tuple[Finding, ...]] = {
            "fleet": fleet.look(status, bots=BOTS, bot=None, health_below=50),
            "monitor": (
                *monitor.alerts(rows, bot=None),
                *monitor.metrics(measured, approaching_percent=80),
            ),
            "history": history.look(self.seen, (), bot=None, now=now),
            "logs": logs.look(await self.log_lines()),
            "network": await network.look((exchange,), now=self.clock),
        }
        if self.running.home is not None:
            known = places_of(self.running.home)
            found["config"] = config.look(known)
            found["git"] = await git.look(known, now=now)
        return gathered(
            tuple(Report(probe=name, at=now, took=0.0, findings=each) for name, each in found.items())
        )

    async def log_lines(self) -> records.LogLines:
        """The log's lines: from the home, else from the monitor."""
        if self.running.home is not None:
            return records.from_files(places_of(self.running.home))
        body = await self.json(self.running.monitor_url, "/logs?lines=200")
        return records.from_monitor(wire_monitor.logs(body, lines=200))

    async def proposals(self) -> list[str]:
        """The runbooks that are proposed, the most likely first."""
        found: tuple[Proposal, ...] = propose(load_runbooks(Recovery()), await self.sees())
        return [each.scenario for each in found]
