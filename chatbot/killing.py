"""One kill, from the committed row to the last look: send for ever, read back, warn, watch, stop what comes back.

Three loops share one record. The pusher sends until the fleet is seen stopped and again whenever it is not; the
looker reads back and decides what was seen; the warner counts the seconds and raises its voice at 3, 10 and 30 s.
None of them waits for another, for the database or for Slack.
"""

import asyncio
from datetime import datetime

import structlog

from chatbot.desk import Desk
from chatbot.kill_record import KillRecord, in_words_of
from chatbot.kill_warning import warn
from chatbot.steps import Owing
from chatbot.views import kill as view
from chatbot.views.kill import Joined, Phase
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import MOVING, FleetStatus
from commands.kill import Doubt, still_moving
from storage.actions import Action, State

FIRST_RETRY = 0.2  # seconds, doubled up to LAST_RETRY: a Retry-After of a minute is never waited out
LAST_RETRY = 5.0
SEND_AGAIN = 1.0  # seconds after an answer from which a kill that is not seen to work is sent again
FIRST_LOOK = 0.05  # seconds between the first reads after the answer, doubled up to SLOW_LOOK
SLOW_LOOK = 1.0
LOOK_ANYWAY = (
    0.5  # seconds after sending from which we read although no answer came: it may hang and yet work
)
WATCH_LOOK = (
    3.0  # seconds between reads while watching: twenty in a minute stay far below the back end's limit
)

log = structlog.get_logger(__name__)


class KillRun:
    """The run of one kill; `run` ends when it was watched to the end or closed by hand."""

    def __init__(self, *, action: Action, desk: Desk, recorded: bool = True, resumed: bool = False) -> None:
        self.id = action.id
        self._action = action
        self._desk = desk
        self._record = KillRecord.of(action, desk, recorded=recorded, resumed=resumed)
        self._needed = asyncio.Event()  # set while the fleet is not known to be stopped
        self._needed.set()
        self._push_now = asyncio.Event()  # cuts the wait before the next send short
        self._look_now = asyncio.Event()  # cuts the wait before the next read short
        self._closing = asyncio.Event()
        self.over = False  # True: nothing can join any more

    # -- what others may do to a run ---------------------------------------------------------------------------

    def join(self, joined: Joined) -> None:
        """A second kill: it is shown on the card, and the stop is sent and read back once more at once."""
        record = self._record
        record.joined.append(joined)
        if not self._needed.is_set():
            record.anew(self._desk.now())
            self._needed.set()
        self._push_now.set()
        record.draw_shortly()

    def reason_given(self, reason: str) -> None:
        """Somebody said why after a kill without a reason."""
        self._record.reason = self._record.reason or reason
        self._desk.spawn(self._record.draw())

    def close(self, by: str, reason: str) -> None:
        """A person says that it was stopped by hand: nothing more is sent or read."""
        self._record.closed = (by, reason)
        self._record.phase = Phase.CLOSED
        self._closing.set()

    @property
    def settled(self) -> bool:
        """True while the fleet was seen stopped and is only watched."""
        return not self._needed.is_set()

    def in_words(self) -> tuple[str, bool]:
        """Where it stands, in one line for a terminal, and whether the stop was seen."""
        card = self._record.card()
        return view.line(card), card.phase is Phase.VERIFIED

    # -- the run -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send, read back, warn and watch until it is over."""
        record = self._record
        structlog.contextvars.bind_contextvars(action=self.id, person=self._action.requested_by)
        while self._needed.is_set() and record.closed is None:
            await self._work()
            if record.closed is None:
                await record.write(
                    "finished",
                    once="finished",
                    at=self._desk.now(),
                    state=State.VERIFIED.value,
                    outcome=record.outcome(),
                )
            # A kill that joined while this was written down is worked on as well, before anyone may say "over".
        self.over = True
        if record.closed is not None:
            # An edited card notifies nobody: that a kill was closed by hand comes as a reply of its own.
            await record.draw(record.thread("closed", view.closed(record.card())))
        self._desk.metrics.action("kill", "closed" if record.closed else "verified")

    async def _work(self) -> None:
        with self._desk.coordinator.priority():
            loops = (self._push(), self._look(), warn(self._record, self._needed), self._closing.wait())
            tasks = {asyncio.ensure_future(loop) for loop in loops}
            try:
                # Whichever ends first ends the work: the looker when all was watched, `closing` when a person closed
                # it; and a failure of any must not leave the others running unseen.
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _push(self) -> None:
        while True:
            await self._needed.wait()
            retry, again = FIRST_RETRY, SEND_AGAIN
            while self._needed.is_set():
                self._push_now.clear()
                if await self._send():
                    await _wait(self._push_now, again)
                    again = min(again * 2, LAST_RETRY)
                else:
                    await _wait(self._push_now, retry)
                    retry = min(retry * 2, LAST_RETRY)

    async def _send(self) -> bool:
        """One attempt; True when the back end answered and did not refuse."""
        record = self._record
        record.attempts += 1
        if record.attempts == 1:
            asyncio.get_running_loop().call_later(LOOK_ANYWAY, self._look_now.set)
        else:
            # The kill of the back end stops bots one after another and only those it remembers as running; what is
            # still seen moving is therefore also stopped by name, all at once.
            for doubt in record.doubts:
                if doubt.bot is not None and doubt.word in MOVING:
                    self._desk.spawn(self._stop_bot(doubt.bot))
        try:
            await self._desk.coordinator.activate_kill(self._words())
        except CoordinatorError as error:
            record.error = str(error)
            log.warning(
                "the kill was not answered", action=self.id, attempt=record.attempts, error=str(error)
            )
            return False
        record.error = None
        self._look_now.set()
        if record.sent_at is None:
            record.sent_at = self._desk.now()
            self._desk.metrics.kill_answered((record.sent_at - self._action.accepted_at).total_seconds())
            if record.phase is Phase.SENDING:
                record.phase = Phase.SENT
            self._desk.spawn(
                record.write("sent", once="sent", at=record.sent_at, detail={"attempts": record.attempts})
            )
        return True

    async def _stop_bot(self, bot: str) -> None:
        try:
            await self._desk.coordinator.stop(bot, reason=self._words())
        except CoordinatorError as error:
            log.warning("a bot was not stopped by name", bot=bot, error=str(error))

    def _words(self) -> str:
        return f"{self._record.reason or 'emergency stop'} (by {self._action.requested_by}, {self.id})"

    # -- looking -----------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        await self._look_now.wait()
        gap = FIRST_LOOK
        while True:
            self._look_now.clear()
            status = await self._read()
            if status is not None and await self._judge(status):
                return
            if self._needed.is_set():
                await _wait(self._look_now, gap)
                gap = min(gap * 2, SLOW_LOOK)
            else:
                gap = FIRST_LOOK
                await _wait(self._look_now, WATCH_LOOK)

    async def _read(self) -> FleetStatus | None:
        try:
            status = await self._desk.coordinator.read_back()
            self._desk.metrics.good_poll(self._desk.now())  # nobody else looks meanwhile
            return status
        except CoordinatorError as error:
            if self._record.error != str(error):
                self._record.error = str(error)
                self._record.draw_soon()
            return None

    async def _judge(self, status: FleetStatus) -> bool:
        """Take in what was read; True when it was watched long enough."""
        record = self._record
        doubts = still_moving(status, self._desk.bots)
        changed = doubts != record.doubts
        record.status, record.doubts = status, doubts
        if doubts:
            # While watching only what is seen to move counts: a field that is missing once proves nothing.
            moving = tuple(doubt for doubt in doubts if doubt.proven)
            if not self._needed.is_set() and moving:
                await self._came_back(moving)
            elif changed:
                record.draw_soon()
            return False
        if self._needed.is_set():
            await self._settle(status)
        return record.watching_until is not None and status.observed_at >= record.watching_until

    async def _settle(self, status: FleetStatus) -> None:
        """The wanted state was seen: say so, and keep watching."""
        record = self._record
        late = record.warned is not None
        record.verified(status)
        self._needed.clear()
        self._push_now.set()
        self._desk.metrics.kill_verified((status.observed_at - record.since).total_seconds())
        owing: list[Owing] = []
        if late:
            owing.append(record.thread(f"confirmed-{record.episode}", view.confirmed_late(record.card())))
        owing += record.reply(f"reply-verified-{record.episode}")
        await record.write(
            "verified",
            once=f"verified-{status.observed_at.timestamp():.3f}",
            at=status.observed_at,
            owing=owing,
            outcome=record.outcome(),
        )

    async def _came_back(self, doubts: tuple[Doubt, ...]) -> None:
        """A bot trades again, or the switch is off: alarm, and stop it again."""
        record, now = self._record, self._desk.now()
        record.episode += 1
        record.anew(now)
        self._needed.set()
        self._push_now.set()
        owing = [self._alarm_of(doubt, now) for doubt in doubts]
        await record.write(
            "noted",
            once=f"back-{now.timestamp():.3f}",
            at=now,
            owing=owing,
            event="came back",
            detail={"doubts": in_words_of(doubts)},
        )

    def _alarm_of(self, doubt: Doubt, now: datetime) -> Owing:
        record = self._record
        mark = f"{record.episode}-{int(now.timestamp())}"
        if doubt.bot is None:
            record.switch_lost += 1
            return record.thread(f"forgot-{mark}", view.switch_forgotten(record.card(), now))
        record.returned.append(doubt.bot)
        self._desk.spawn(self._stop_bot(doubt.bot))
        return record.thread(f"back-{mark}-{doubt.bot}", view.came_back(record.card(), doubt.bot, now))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until something happens that makes waiting wrong."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
