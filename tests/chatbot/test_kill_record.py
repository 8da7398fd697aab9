"""The card of a kill shows the newest state, in whatever order its drawings reach the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from chatbot.desk import Desk, NoMessenger
from chatbot.kill_record import KillRecord, card_key
from chatbot.metrics import Metrics
from chatbot.recorder import Recorder
from chatbot.steps import accept
from chatbot.views.kill import Phase
from commands.coordinator.client import Coordinator
from storage import outbox
from storage.actions import Action
from storage.database import Database
from storage.journal import Journal

T = TypeVar("T")


class Busy(Database):
    """A database in which whatever is not urgent waits until `go`, as it does behind a full queue."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.go = asyncio.Event()
        self.waiting = asyncio.Event()

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool = False) -> T:
        if not urgent:
            self.waiting.set()
            await self.go.wait()
        return await super().write(verb, urgent=urgent)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Busy(f"sqlite:///{tmp_path / 'chatbot.db'}")
    await database.prepare()
    metrics = Metrics()
    coordinator = Coordinator(url="http://127.0.0.1:1", token=None)
    yield Desk(
        coordinator=coordinator,
        recorder=Recorder(database=database, journal=Journal(tmp_path / "j"), limit=5, now=now),
        database=database,
        sender=NoMessenger(),
        metrics=metrics,
        now=now,
        clock=time.monotonic,
        bots=("ndax",),
        ops="C0OPS",
        coordinator_url="http://127.0.0.1:1",
        contacts=(),
        warn_seconds=(3.0,),
        watch_seconds=60.0,
    )
    await coordinator.close()
    await database.close()


async def test_a_drawing_that_arrives_late_does_not_hide_what_was_seen_since(desk: Desk) -> None:
    database = desk.database
    assert isinstance(database, Busy)
    action = Action(
        id="kill-1",
        key="k",
        command="kill",
        bot=None,
        reason="r",
        requested_by="U0ADMIN1",
        source="slack",
        channel=None,
        response_url=None,
        accepted_at=now(),
    )
    at = action.accepted_at.isoformat()
    fields = {name: getattr(action, name) for name in ("id", "key", "command", "bot", "reason")}
    fields |= {name: getattr(action, name) for name in ("requested_by", "source", "channel", "response_url")}
    await database.write(lambda conn: accept(conn, at=at, owner="me", **fields), urgent=True)
    record = KillRecord.of(action, desk, recorded=True, resumed=False)

    drawing = asyncio.create_task(record.draw())  # "not yet seen stopped"
    await database.waiting.wait()
    record.phase = Phase.VERIFIED
    await record.write("verified", once="v", at=now(), outcome={"kill_switch": "active"})
    database.go.set()
    await drawing  # and the older card is written over the newer one

    assert record.redraw_due, "nobody draws the card again"
    await record.draw()
    owed = await database.read(lambda conn: outbox.get(conn, card_key("kill-1")))
    assert owed is not None
    assert "KILL verified" in owed.payload["text"]
    assert not record.redraw_due
