"""Feeds every look at the fleet to all open windows, and looks after them as time passes.

A window makes no request of its own: it takes what the watch reads anyway, so a hundred cost no more than one.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting.heartbeat import CLOCK_SET, awake
from chatbot.alerting.lead import Lead
from chatbot.desk import Desk
from chatbot.intake import Intake
from chatbot.monitoring import drawing
from chatbot.monitoring.book import Book, Happened, is_due
from chatbot.steps import Owing, owe
from chatbot.views import window as view
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.monitoring.judging import ERROR_SPAN, Rule
from commands.monitoring.look import Look
from commands.spec import Request
from commands.words import clean
from storage import actions, looks, safe_modes, windows
from storage.database import StorageError
from storage.windows import WindowRow, moved

TICK_SECONDS = 2.0
AT_ONCE = 5
"""Windows a transaction: a kill that comes meanwhile waits for one of them."""

STOP_WITHIN = timedelta(minutes=15)
"""So long after its end the policy's stop of an unstable window is still given, by whichever process comes first."""

LOOKS_FOR = timedelta(days=9)
RESTART = "restart of this bot"
NO_LOOK = "no look was made"

log = structlog.get_logger(__name__)


class Windows:
    """Told of every look by the watch; a tick calls `look`."""

    def __init__(
        self,
        *,
        desk: Desk,
        intake: Intake,
        lead: Lead,
        kernel: Callable[[], float] = awake,
    ) -> None:
        self._desk = desk
        self._intake = intake
        self._lead = lead
        self._kernel = kernel
        self._began_at = desk.now()
        self._moment: tuple[datetime, float] | None = None
        self._why = ""  # nothing could be read lately
        self._turn = asyncio.Lock()

    # -- looks -------------------------------------------------------------------------------------------------

    async def saw(self, status: FleetStatus) -> None:
        """A good read. StorageError when it could not be taken in."""
        await self._mind_the_clock()
        look = Look.of(status)
        try:
            numbers = await self._desk.database.read(_open_ones)
            for start in range(0, len(numbers), AT_ONCE):
                some = numbers[start : start + AT_ONCE]
                await self._write(
                    partial(_take, numbers=some, look=look, first=start == 0, why=self._because)
                )
        except StorageError:
            self._why = "the database did not answer"
            raise
        self._why = ""
        await self._give_stops()

    async def failed(self, error: CoordinatorError) -> None:
        """A read that told nothing."""
        self._why = f"the coordinator could not be read ({str(error).partition(', so ')[0]})"

    # -- time --------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """A tick: ends that came, kills and alerts, cards that are old, safe modes whose time is over."""
        if not self._lead.leads:
            return
        desk = self._desk
        await self._mind_the_clock()
        numbers = await desk.database.read(lambda conn: _due(conn, desk, desk.now()))
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            await self._write(partial(_look_again, numbers=some, why=self._because))
        await self._give_stops()
        if await desk.database.read(lambda conn: safe_modes.due(conn, desk.now())):
            await desk.database.write(partial(_tell_safe_modes, desk=desk, now=desk.now()))
            desk.sender.wake()

    async def prune(self) -> None:
        """Forget looks that no window can show any more."""
        desk = self._desk
        await desk.database.write(lambda conn: looks.prune(conn, desk.now() - LOOKS_FOR))

    def _because(self, row: WindowRow) -> str:
        """Why nothing was read of this window since its last read."""
        if (row.last_read_at or row.begun_at) < self._began_at:
            return RESTART
        if self._why:
            return self._why
        return "a kill was going on" if not self._desk.coordinator.calm else NO_LOOK

    async def _write(self, verb: Callable[[Connection, Desk, datetime], Book]) -> None:
        desk = self._desk
        async with self._turn:
            book = await desk.database.write(lambda conn: verb(conn, desk, desk.now()))
        if book.owed:
            desk.sender.wake()

    async def _mind_the_clock(self) -> None:
        """Windows last as long as they were meant to, whatever somebody does to the clock."""
        now, kernel = self._desk.now(), self._kernel()
        before, self._moment = self._moment, (now, kernel)
        shift = timedelta()
        if before is not None:
            shift = (now - before[0]) - timedelta(seconds=kernel - before[1])
        if abs(shift) <= CLOCK_SET:
            shift = timedelta()
        if before is None:
            # A clock that was set back while nobody ran shows in reads that lie ahead.
            ahead = await self._desk.database.read(lambda conn: _ahead(conn, now))
            shift = -ahead if ahead > CLOCK_SET else shift
        if shift:
            self._began_at += shift if before is not None else timedelta()
            await self._write(partial(_shift, shift=shift))

    async def _give_stops(self) -> None:
        """The policy's stop of what an unstable window found; given once, also when a process died in between."""
        desk = self._desk
        if desk.windows.on_unstable != "stop":
            return
        since = desk.now() - STOP_WITHIN
        told: set[str | None] = set()
        for row in await desk.database.read(lambda conn: windows.unsettled(conn, since)):
            target = row.culprit or row.bot
            # Many windows may have found the same: it is stopped once.
            if row.rule != Rule.LEFT_RUNNING and target not in told:
                told.add(target)
                request = stop_of(target, f"window #{row.id} is unstable: {row.why}")
                await self._intake.accept(
                    request,
                    by="chatbot",
                    source="window",
                    key=f"window-{row.id}/stop",
                    channel=desk.ops,
                    response_url=None,
                )
            await desk.database.write(partial(_settle, number=row.id, by="chatbot"))


def stop_of(bot: str | None, why: str) -> Request:
    """The stop of one bot, or of the whole fleet where it is none; also of a bot that is configured no more."""
    reason = clean(why)
    return Request(command="kill" if bot is None else "stop", bot=bot, reason=reason)


# -- transactions ----------------------------------------------------------------------------------------------------


def _open_ones(conn: Connection) -> list[int]:
    return [each.id for each in windows.standing(conn)]


def _rows(conn: Connection, numbers: list[int]) -> list[WindowRow]:
    found = (windows.get(conn, number) for number in numbers)
    return [row for row in found if row is not None and row.state == windows.WindowState.OPEN]


def _take(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    numbers: list[int],
    look: Look,
    first: bool,
    why: Callable[[WindowRow], str],
) -> Book:
    book = Book.open(conn, desk, now)
    if first:
        looks.keep(conn, at=look.at, data=look.as_json())
    rows = _rows(conn, numbers)
    if not rows:
        return book
    recent = [
        Look.from_json(each.at, each.data) for each in looks.between(conn, look.at - ERROR_SPAN, look.at)
    ]
    happened = Happened.since(conn, min(row.begun_at for row in rows))
    for row in rows:
        book.take(row, recent, happened.around(row), why(row))
    book.finish()
    return book


def _look_again(
    conn: Connection, desk: Desk, now: datetime, *, numbers: list[int], why: Callable[[WindowRow], str]
) -> Book:
    book = Book.open(conn, desk, now)
    rows = _rows(conn, numbers)
    if rows:
        happened = Happened.since(conn, min(row.begun_at for row in rows))
        for row in rows:
            book.look_again(row, happened.around(row), why(row))
    book.finish()
    return book


def _due(conn: Connection, desk: Desk, now: datetime) -> list[int]:
    """The windows for which there is something to do without a look: found in a read, so that nothing waits for it."""
    rows = windows.standing(conn)
    if not rows:
        return []
    happened = Happened.since(conn, min(row.begun_at for row in rows))
    return [row.id for row in rows if is_due(desk, row, happened.around(row), now, many=len(rows))]


def _ahead(conn: Connection, now: datetime) -> timedelta:
    """How far the newest read of an open window lies ahead of now."""
    read = [each.last_read_at for each in windows.standing(conn) if each.last_read_at is not None]
    return max((each - now for each in read), default=timedelta())


def _shift(conn: Connection, desk: Desk, now: datetime, *, shift: timedelta) -> Book:
    book = Book.open(conn, desk, now)
    rows = windows.standing(conn)
    if rows:
        looks.move(conn, min(row.begun_at for row in rows), shift)
    for row in rows:
        after = windows.move(conn, row, moved(row, shift))
        book.reply(drawing.reply(after, f"clock-{now.timestamp():.0f}", view.clock_was_set(shift), desk))
        book.draw(after)
    log.warning(
        "the clock was set: windows were moved with it", seconds=shift.total_seconds(), windows=len(rows)
    )
    return book


def _settle(conn: Connection, *, number: int, by: str) -> bool:
    return windows.settle(conn, number, by)


def _tell_safe_modes(conn: Connection, *, desk: Desk, now: datetime) -> None:
    for each in safe_modes.due(conn, now):
        if not safe_modes.told(conn, each.id, now):
            continue
        touched = [
            action
            for action in actions.touching_since(conn, each.begun_at)
            if action.accepted_at > each.begun_at
            and action.bot in (None, each.bot)
            and action.command in ("kill", "stop")
        ]
        if touched:
            continue  # it was stopped since, and with that its safe mode ended
        message = view.safe_mode_over(each.bot, each.begun_at, each.due_at - each.begun_at, each.by)
        key = f"safe-mode/{each.id}"
        owe(conn, (Owing(key=key, channel=desk.ops, payload=message.payload(), priority=2),), now)
