"""The tick of recoveries: what steps expect is held against what is read anyway, kills are taken in, ages redrawn.

One process does this at a time, the one that polls; everything it does is one conditional transaction, so that a
second one changes nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting.lead import Lead
from chatbot.views import walk as view
from chatbot.walking.acts import WalkActs
from chatbot.walking.book import Book
from chatbot.walking.desk import WalkDesk
from chatbot.walking.probing import Prober
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import FleetStatus
from commands.probes.model import Report, gathered
from commands.spec import UserError
from commands.walking import judging, stepping
from storage import actions, walks
from storage.walks import StepState, Walk, WalkStep

TICK_SECONDS = 2.0
REDRAW_EVERY = timedelta(seconds=60)
"""So often the ages on a card are brought up to date while somebody works on it."""

REDRAW_IDLE = timedelta(minutes=10)
IDLE_AFTER = timedelta(minutes=30)
LOOK_SECONDS = 30.0
UNDONE_BY_A_KILL = frozenset({"stop", "recover", "document"})

log = structlog.get_logger(__name__)


class WalkTending:
    """Looks after open recoveries as long as it is ticked."""

    def __init__(self, *, desk: WalkDesk, prober: Prober, acts: WalkActs, lead: Lead) -> None:
        self._desk = desk
        self._prober = prober
        self._acts = acts
        self._lead = lead
        self._looking: set[int] = set()

    async def look(self) -> None:
        """One tick; nothing is asked of anybody while no recovery is open."""
        if not self._lead.leads:
            return
        desk = self._desk.desk
        standing = await desk.database.read(walks.standing)
        if not standing:
            return
        for walk in standing:
            if walk.looked_at is None and walk.id not in self._looking:
                self._looking.add(walk.id)
                desk.spawn(self._first_look(walk.id))
        status = await self._status()
        for walk in standing:
            if await desk.database.read(partial(self._due, walk=walk, status=status)):
                await self._tend(walk.id, status)

    async def _status(self) -> FleetStatus | None:
        """The read that everybody shares; none while a kill is going on, for that one reads by itself."""
        desk = self._desk.desk
        if not desk.coordinator.calm:
            return None
        try:
            async with asyncio.timeout(LOOK_SECONDS / 10):
                return await desk.coordinator.status(max_age=desk.poll_seconds, background=True)
        except (CoordinatorError, TimeoutError):
            return None

    async def _first_look(self, number: int) -> None:
        try:
            await self._acts.look(number)
        except UserError as error:  # it ended meanwhile, or the database is away: the next tick tries again
            log.info("no first look", recovery=number, why=str(error))
        finally:
            self._looking.discard(number)

    def _due(self, conn: Connection, walk: Walk, status: FleetStatus | None) -> bool:
        """Whether a transaction is worth its while, found by reading alone."""
        now = self._desk.desk.now()
        if actions.kills(conn) != walk.kills:
            return True
        steps = walks.steps(conn, walk.id)
        if walk.drawn_at is None or not timedelta() <= now - walk.drawn_at < _redraw_every(walk, steps, now):
            return True
        here = next((each for each in steps if each.state == StepState.OPEN), None)
        if here is None or status is None or not judging.seen_all_the_time(here):
            return False
        killed = actions.last_kill(conn)
        moment = judging.moment_of(
            steps, opened=walk.opened_at, killed=killed.accepted_at if killed is not None else None, now=now
        )
        seen = gathered(self._at_hand(conn, status, here, walk))
        return judging.judge(here.expects, judging.looked_since(seen, moment)).passed

    def _at_hand(
        self, conn: Connection, status: FleetStatus, step: WalkStep, walk: Walk
    ) -> tuple[Report, ...]:
        least, names = stepping.least_window(step), judging.probes_of([step])
        return self._prober.at_hand(conn, status, names, bot=step.bot or walk.bot, walk=walk, least=least)

    async def _tend(self, number: int, status: FleetStatus | None) -> None:
        def verb(conn: Connection) -> None:
            now = self._desk.desk.now()
            book = Book.open(conn, self._desk, number, now)
            self._take_in_kills(book, now)
            here = book.current
            if here is not None and status is not None and judging.seen_all_the_time(here):
                seen = gathered(self._at_hand(conn, status, here, book.walk))
                book.verify_at_hand({here.bot or "": seen})
            book.draw()

        try:
            await self._desk.desk.database.write(verb)
        except UserError:
            return  # it ended meanwhile
        self._desk.desk.sender.wake()

    def _take_in_kills(self, book: Book, now: datetime) -> None:
        """A kill belongs to every recovery that is open: what it undoes is to be done again."""
        count, last = actions.kills(book.conn), actions.last_kill(book.conn)
        if count == book.walk.kills or last is None:
            return
        if not walks.count_kills(book.conn, book.walk.id, before=book.walk.kills, now=count):
            return
        undone = [
            each
            for each in book.steps
            if each.phase in UNDONE_BY_A_KILL
            and each.state != StepState.OPEN
            and _before(each.settled_at, last.accepted_at, now)
        ]
        book.reopen(
            undone,
            why=f"undone by {last.id}",
            told=view.killed(last.id, last.requested_by, last.reason),
            name=f"kill-{last.id}",
        )


def _redraw_every(walk: Walk, steps: Sequence[WalkStep], now: datetime) -> timedelta:
    """Less often where nobody has done anything for a while: a recovery may be left open for days."""
    last = max(
        (
            walk.opened_at,
            walk.looked_at or walk.opened_at,
            *(each.settled_at or walk.opened_at for each in steps),
        )
    )
    return REDRAW_EVERY if timedelta() <= now - last < IDLE_AFTER else REDRAW_IDLE


def _before(settled: datetime | None, killed: datetime, now: datetime) -> bool:
    """True also for a time that is still to come: the clock was set back since."""
    return settled is None or settled < killed or settled > now
