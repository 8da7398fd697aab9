"""Everything about alerts on a real database file, with a clock that the test sets; Slack is the outbox, unread."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chatbot.alerting.acts import Acts
from chatbot.alerting.arrivals import Arrivals
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.tending import AlertTending
from chatbot.desk import Desk, NoMessenger
from chatbot.metrics import Metrics
from chatbot.recorder import Recorder
from commands.alerting.model import Severity, Signal, Source
from commands.coordinator.client import Coordinator
from config.settings import Alerts, Contact
from storage.database import Database
from storage.journal import Journal
from storage.outbox import outbox

START = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
FIRST, SECOND = "U0FIRST", "U0SECOND"


@dataclass
class World:
    """The parts, the clock, and what was said."""

    database: Database
    desk: AlertDesk
    arrivals: Arrivals
    tending: AlertTending
    acts: Acts
    at: datetime = START

    async def says(self, *signals: Signal) -> None:
        """A source pushes these."""
        await self.arrivals.deliver(signals)

    async def after(self, **span: float) -> None:
        """So much later, looked at once."""
        self.at += timedelta(**span)
        await self.tending.look()

    async def through(self, span: timedelta, *, step: float = 1.0) -> None:
        """The time passes, looked at every ``step`` seconds."""
        end = self.at + span
        while self.at < end:
            await self.after(seconds=step)

    async def messages(self) -> list[dict[str, Any]]:
        """What is owed to Slack, oldest first: key, text, version and whether it is a reply."""
        query = outbox.select().order_by(outbox.c.id)
        rows = await self.database.read(lambda conn: conn.execute(query).mappings().all())
        return [
            {
                "key": row["key"],
                "text": row["payload"]["text"],
                "version": row["version"],
                "reply": row["thread_key"] is not None,
                "priority": row["priority"],
            }
            for row in rows
        ]

    async def texts(self, *words: str) -> list[str]:
        """The messages that hold all these words."""
        return [
            each["text"]
            for each in await self.messages()
            if all(word.lower() in each["text"].lower() for word in words)
        ]


@asynccontextmanager
async def world(
    folder: Path, *, contacts: tuple[Contact, ...] | None = None, **settings: Any
) -> AsyncIterator[World]:
    """A world of its own in this folder."""
    database = Database(f"sqlite:///{folder / 'alerts.db'}")
    await database.prepare()
    made: World

    def now() -> datetime:
        return made.at

    def clock() -> float:
        return made.at.timestamp()

    recorder = Recorder(database=database, journal=Journal(folder / "journal"), limit=1.0, now=now)
    coordinator = Coordinator(url="http://127.0.0.1:1")
    desk = Desk(
        coordinator=coordinator,
        recorder=recorder,
        database=database,
        sender=NoMessenger(),
        metrics=Metrics(),
        now=now,
        clock=clock,
        bots=("ndax", "quantum", "shadowforge"),
        ops="C0OPS",
        coordinator_url="http://127.0.0.1:1",
        contacts=(Contact(role="first", slack=FIRST), Contact(role="second", slack=SECOND))
        if contacts is None
        else contacts,
        warn_seconds=(3.0,),
        watch_seconds=0,
        admins=(FIRST, SECOND),
    )
    alert_desk = AlertDesk.of(desk, Alerts(**settings), "C0ALERTS")
    tending = AlertTending(desk=alert_desk)
    made = World(
        database=database,
        desk=alert_desk,
        arrivals=Arrivals(desk=alert_desk, monitor=None, wake=tending.wake, clock=clock),
        tending=tending,
        acts=Acts(desk=alert_desk, wake=tending.wake),
    )
    try:
        yield made
    finally:
        await coordinator.close()
        await database.close()


def signal(message: str = "Margin call", *, severity: Severity = Severity.CRITICAL, **more: Any) -> Signal:
    """Something that Alertmanager says."""
    told: dict[str, Any] = {
        "source": Source.ALERTMANAGER,
        "kind": "MarginCall",
        "severity": severity,
        "message": message,
        "identity": message,
        "bot": "ndax",
        "began_at": START,
    }
    return Signal(**{**told, **more})
