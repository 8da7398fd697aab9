"""The tick of recoveries: what steps expect is held against what is read anyway, kills are taken in, ages redrawn.

One process does this at a time, the one that polls; everything it does is one conditional transaction, so that a
second one changes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting.lead import Lead
from chatbot.walking import undoing
from chatbot.walking.acts import WalkActs
from chatbot.walking.book import Book
from chatbot.walking.desk import WalkDesk
from chatbot.walking.probing import Prober
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import MOVING, FleetStatus
from commands.probes.fleet import kept_down
from commands.probes.model import Evidence, gathered
from commands.spec import UserError
from commands.walking import judging, stepping
from commands.words import listed
from storage import actions, raises, walk_steps, walks
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk

TICK_SECONDS = 2.0
REDRAW_EVERY = timedelta(seconds=60)
"""So often the ages on a card are brought up to date while somebody works on it."""

REDRAW_IDLE = timedelta(minutes=10)
IDLE_AFTER = timedelta(minutes=30)
LOOK_SECONDS = 30.0

log = structlog.get_logger(__name__)


class WalkTending:
    """Looks after open recoveries as long as it is ticked."""

    def __init__(self, *, desk: WalkDesk, prober: Prober, acts: WalkActs, lead: Lead) -> None:
        self._desk = desk
        self._prober = prober
        self._acts = acts
        self._lead = lead
        self._begun: dict[int, datetime] = {}  # recovery -> when its first look began
        self._drawn: dict[int, str] = {}  # recovery -> what of the fleet its card shows
        self._unsteady: dict[
            int, tuple[int, datetime]
        ] = {}  # step -> how often, and when last, it was not so

    async def look(self) -> None:
        """One tick; nothing is asked of anybody while no recovery is open."""
        if not self._lead.leads:
            return
        desk = self._desk.desk
        standing = await desk.database.read(walks.standing)
        if not standing:
            return
        for walk in standing:
            if walk.looked_at is None and self._may_look(walk.id, desk.now()):
                desk.spawn(self._first_look(walk.id))
        status = await self._status()
        for walk in standing:
            if await desk.database.read(partial(self._due, walk=walk, status=status)):
                await self._tend(walk.id, status)

    async def _status(self) -> FleetStatus | None:
        """The read that everybody shares; while a kill is going on the last of its own, for nobody else reads then."""
        desk = self._desk.desk
        if not desk.coordinator.calm:
            return desk.coordinator.seen
        try:
            async with asyncio.timeout(LOOK_SECONDS / 10):
                return await desk.coordinator.status(max_age=desk.poll_seconds, background=True)
        except (CoordinatorError, TimeoutError):
            return None

    def _may_look(self, number: int, now: datetime) -> bool:
        """True where no first look is on its way; one of which nothing came is tried again after a while."""
        begun = self._begun.get(number)
        if begun is not None and timedelta() <= now - begun < timedelta(seconds=LOOK_SECONDS):
            return False
        self._begun[number] = now
        return True

    async def _first_look(self, number: int) -> None:
        try:
            await self._acts.look(number)
        except UserError as error:  # it ended meanwhile, or the database is away
            log.info("no first look", recovery=number, why=str(error))

    def _due(self, conn: Connection, walk: Walk, status: FleetStatus | None) -> bool:
        """Whether a transaction is worth its while, found by reading alone."""
        now = self._desk.desk.now()
        if actions.kills(conn) != walk.kills:
            return True
        steps = walk_steps.steps(conn, walk.id)
        if walk.drawn_at is None or not timedelta() <= now - walk.drawn_at < _redraw_every(walk, steps, now):
            return True
        if status is not None and self._drawn.get(walk.id) != words_of(status):
            return True
        if undoing.untold(conn, walk):
            return True
        if status is None:
            return False
        if self._refuted(conn, status, steps, walk, now):
            return True
        here = stepping.current(steps)
        if here is None or not judging.seen_all_the_time(here):
            return False
        killed = actions.last_kill(conn)
        moment = judging.moment_of(
            steps, opened=walk.opened_at, killed=killed.accepted_at if killed is not None else None, now=now
        )
        seen = self._at_hand(conn, status, (here,), walk)
        judged = judging.judge(here.expects, judging.looked_since(seen, moment))
        if not judged.passed and here.id in self._unsteady:
            self._unsteady[here.id] = (self._unsteady[here.id][0], now)
        return judged.passed and self._steady(conn, here, now)

    def _steady(self, conn: Connection, step: WalkStep, now: datetime) -> bool:
        """False for a step that went back and forth and has neither held for a while since nor been killed for."""
        times, last = self._unsteady.get(step.id, (0, now))
        killed = actions.last_kill(conn)
        return judging.steady(times, last, killed=killed.accepted_at if killed is not None else None, now=now)

    def _refuted(
        self, conn: Connection, status: FleetStatus, steps: Sequence[WalkStep], walk: Walk, now: datetime
    ) -> list[tuple[WalkStep, tuple[str, ...]]]:
        """What was verified, has to be so still and is not, with what was seen; nothing while a release is on its way.

        What two people started since may trade, whatever was stopped before.
        """
        if raises.release_under_way(conn):
            return []
        held = [each for each in judging.have_to_hold(steps) if not self._overtaken(conn, each, walk, now)]
        found = [
            (each, judging.no_longer_so(each, self._at_hand(conn, status, (each,), walk), now=now))
            for each in (*held, *judging.have_to_run(steps))
            if judging.seen_all_the_time(each)
        ]
        if judging.released(steps) and not judging.tried(steps):
            found += self._astray(conn, status, steps, walk, now)
        return [(step, lines) for step, lines in found if lines]

    def _astray(
        self, conn: Connection, status: FleetStatus, steps: Sequence[WalkStep], walk: Walk, now: datetime
    ) -> list[tuple[WalkStep, tuple[str, ...]]]:
        """After the release and before the first start: what was stopped and moves, though nobody agreed to it."""
        names = kept_down(walk.bot, self._desk.desk.bots)
        moving = [name for name in names if name in status.bots and status.bots[name].status in MOVING]
        lines = (f"{listed(moving)} may trade, and no approved start was read back since",) if moving else ()
        return [
            (each, lines)
            for each in steps
            if each.state == StepState.VERIFIED
            and "fleet.stopped" in each.expects
            and each.seen_at is not None
            and status.observed_at > each.seen_at
            and not self._overtaken(conn, each, walk, now)
        ]

    def _overtaken(self, conn: Connection, step: WalkStep, walk: Walk, now: datetime) -> bool:
        names = kept_down(walk.bot, self._desk.desk.bots)
        return "fleet.stopped" in step.expects and raises.started_since(conn, step.seen_at or now, names)

    def _at_hand(
        self, conn: Connection, status: FleetStatus, steps: Sequence[WalkStep], walk: Walk
    ) -> Mapping[str, Evidence]:
        """What is known of these steps, which are about the same bot, without asking anybody."""
        least, names = max(map(stepping.least_window, steps)), judging.probes_of(steps)
        bot = steps[0].bot or walk.bot
        return gathered(self._prober.at_hand(conn, status, names, bot=bot, walk=walk, least=least))

    async def _tend(self, number: int, status: FleetStatus | None) -> None:
        def verb(conn: Connection) -> None:
            now = self._desk.desk.now()
            book = Book.open(conn, self._desk, number, now)
            undoing.take_in(book)
            if status is not None:
                self._compare(book, status, now)
            book.draw()

        try:
            await self._desk.desk.database.write(verb)
        except UserError:
            return  # it ended meanwhile
        if status is not None:
            self._drawn[number] = words_of(status)
        self._desk.desk.sender.wake()

    def _compare(self, book: Book, status: FleetStatus, now: datetime) -> None:
        """Verify what is next, and reopen what was verified and is no longer so."""
        here = book.current
        if here is not None and judging.seen_all_the_time(here) and self._steady(book.conn, here, now):
            book.verify_at_hand({here.bot or "": self._at_hand(book.conn, status, (here,), book.walk)})
        for each, lines in self._refuted(book.conn, status, book.steps, book.walk, now):
            times = self._unsteady.get(each.id, (0, now))[0] + 1
            self._unsteady[each.id] = (times, now)
            book.no_longer(each, lines, unsteady=times >= judging.FLAPS)


def words_of(status: FleetStatus) -> str:
    """What of a read is shown on a card, to see whether it changed."""
    bots = ", ".join(f"{name} {bot.status}" for name, bot in status.bots.items())
    return f"{bots}; {status.kill_switch_active}"


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
