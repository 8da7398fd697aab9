"""Looks after alerts as time passes: escalation, ownership that lapses, silences, summaries, what nobody repeats.

Every process looks; each look is a transaction in the line of all decisions, so what is due is done once.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting import cards
from chatbot.alerting.book import Book
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.heartbeat import CLOCK_SET
from chatbot.alerting.telling import ORDINARY, Telling
from chatbot.steps import Owing, owe
from chatbot.views import alert_news as view
from chatbot.views.blocks import Message
from commands.alerting.model import Source
from storage import alert_events, alerts, silences
from storage.database import StorageError
from storage.silences import SilenceRow

TICK_SECONDS = 1.0
LOOK_SECONDS = 15.0
BLIND_AFTER = timedelta(seconds=20)
"""So long the database may be away before people are told that alerts are not."""
AT_ONCE = 25
WARN_BEFORE = timedelta(minutes=10)
UNHEARD_AFTER = timedelta(hours=1)
"""After this an event that the coordinator pushed and never repeated counts as over."""

log = structlog.get_logger(__name__)


class AlertTending:
    """Tends until cancelled; `wake` when something new may be due."""

    def __init__(self, *, desk: AlertDesk) -> None:
        self._desk = desk
        self._woken = asyncio.Event()
        self._blind_since: datetime | None = None
        self._said_blind = False

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            self._woken.clear()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look()
                self._sees()
            except (StorageError, TimeoutError) as error:
                log.warning("cannot look after alerts", error=str(error) or "timeout")
                self._sees_nothing(str(error) or "it takes too long")
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """Do what is due now."""
        desk = self._desk.desk
        while await desk.database.read(lambda conn: _due(conn, desk.now())):
            owed, verdicts = await desk.database.write(partial(tend, desk=self._desk, now=desk.now()))
            desk.metrics.decided(verdicts)
            if owed:
                desk.sender.wake()

    def _sees_nothing(self, why: str) -> None:
        """Alerts live in the database: while it does not answer, that is the one thing left to be told."""
        desk = self._desk.desk
        now = desk.now()
        self._blind_since = self._blind_since or now
        if not self._said_blind and now - self._blind_since >= BLIND_AFTER:
            self._said_blind = True
            self._tell(view.blind(self._blind_since, why, now), "blind")

    def _sees(self) -> None:
        since, said = self._blind_since, self._said_blind
        self._blind_since, self._said_blind = None, False
        if since is not None and said:
            self._tell(view.sighted(since, self._desk.desk.now()), "sighted")

    def _tell(self, message: Message, name: str) -> None:
        """Say something without the outbox."""
        desk = self._desk.desk
        key = f"alerts/{name}/{desk.now().timestamp():.0f}"
        owing = Owing(key=key, channel=self._desk.channel, payload=message.payload(), priority=0)
        desk.sender.show_unrecorded((owing,))

    async def decide_anew(self) -> None:
        """The clock was changed: decide on everything again, for every time that was noted may be wrong."""
        now = self._desk.desk.now()
        await self._desk.desk.database.write(lambda conn: alerts.decide_anew(conn, now))
        self.wake()


def _due(conn: Connection, now: datetime) -> bool:
    if alert_events.lies_ahead(conn, now + CLOCK_SET) or alerts.due(conn, now, 1):
        return True
    if alerts.unheard_since(conn, Source.COORDINATOR, now - UNHEARD_AFTER, 1):
        return True
    return any(_ends_now(each, now) or _warns_now(each, now) for each in silences.standing(conn))


def tend(conn: Connection, *, desk: AlertDesk, now: datetime) -> tuple[bool, Mapping[str, int]]:
    """Do some of what is due: whether messages are owed for it, and what was decided."""
    book = Book(conn, desk, now)
    telling = Telling(conn, desk, now)
    owed = False
    if alert_events.lies_ahead(
        conn, now + CLOCK_SET
    ):  # seen here also when nobody can poll, or after a restart
        alerts.decide_anew(conn, now)
    for each in silences.standing(conn):
        if _ends_now(each, now):
            owed |= telling.end_silence(each, by=None)
        elif _warns_now(each, now) and silences.warned(conn, each.id, now):
            quiet = sum(row.silence == each.id for row in alerts.firing(conn))
            message = view.silence_ends_soon(cards.silence_shown(each, matching=quiet), now)
            owe(conn, (_under(each, "soon", message.payload(), desk),), now)
            owed = True
    for row in alerts.unheard_since(conn, Source.COORDINATOR, now - UNHEARD_AFTER, AT_ONCE):
        book.ends(row, unheard=True)
    for row in alerts.due(conn, now, AT_ONCE):
        book.look_again(row)
    book.close()
    return owed or book.owed, book.verdicts


def _under(row: SilenceRow, name: str, payload: dict[str, object], desk: AlertDesk) -> Owing:
    return Owing(
        key=f"silence/{row.id}/{name}",
        channel=desk.channel,
        payload=payload,
        thread_key=f"silence/{row.id}",
        priority=ORDINARY,
    )


def _ends_now(row: SilenceRow, now: datetime) -> bool:
    return row.ends_at <= now


def _warns_now(row: SilenceRow, now: datetime) -> bool:
    lasts_long = row.ends_at - row.begun_at > WARN_BEFORE
    return lasts_long and row.warned_at is None and row.ends_at - WARN_BEFORE <= now
