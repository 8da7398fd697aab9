"""One kill, from the committed row to the last look: send for ever, read back, warn, watch, stop again what comes back.

Three loops share one state. The pusher sends until the fleet is seen stopped and again whenever it is not; the
looker reads back and decides what was seen; the warner counts the seconds and raises its voice at 3, 10 and 30 s.
None of them waits for another, for the database or for Slack.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from chatbot.desk import Desk
from chatbot.steps import Owing
from chatbot.views import kill as view
from chatbot.views.blocks import Message
from chatbot.views.kill import Joined, KillCard, Phase
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.model import MOVING, FleetStatus
from commands.kill import Doubt, still_moving
from storage.actions import Action, State
from storage.audit import Entry

FIRST_RETRY = 0.2  # seconds, doubled up to LAST_RETRY: a Retry-After of a minute is never waited out
LAST_RETRY = 5.0
FIRST_LOOK = 0.05  # seconds between the first reads after the answer, doubled up to SLOW_LOOK
SLOW_LOOK = 1.0
LOOK_ANYWAY = (
    0.5  # seconds after sending from which we read although no answer came: it may hang and yet work
)
WATCH_LOOK = (
    3.0  # seconds between reads while watching: twenty in a minute stay far below the back end's limit
)
REDRAW_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Seen:
    """What was observed last, and when."""

    status: FleetStatus | None = None
    doubts: tuple[Doubt, ...] = ()
    error: str | None = None


@dataclass(slots=True)
class _Progress:
    phase: Phase = Phase.SENDING
    attempts: int = 0
    sent_at: datetime | None = None
    verified_at: datetime | None = None
    watching_until: datetime | None = None
    since: datetime | None = None  # from when the seconds to a warning count
    warned: float | None = None
    warn_number: int = 0
    episode: int = 0  # how often the fleet came back; part of the keys, so that each episode warns anew
    returned: list[str] = field(default_factory=list)
    switch_lost: int = 0


class KillRun:
    """The run of one kill; `run` ends when it was watched to the end or closed by hand."""

    def __init__(
        self, *, action: Action, desk: Desk, joined: tuple[Joined, ...] = (), recorded: bool = True
    ) -> None:
        self.id = action.id
        self._desk = desk
        self._action = action
        self._reason = action.reason
        self._joined = list(joined)
        self._recorded = recorded
        self._audit: tuple[int, str] | None = None
        self._seen = _Seen()
        self._p = _Progress(sent_at=action.sent_at, verified_at=action.verified_at, since=action.accepted_at)
        self._needed = asyncio.Event()  # set while the fleet is not known to be stopped
        self._poked = asyncio.Event()  # cuts every wait short: settled, joined, closed
        self._sent_once = asyncio.Event()
        self._over = asyncio.Event()
        self._closed: tuple[str, str] | None = None
        self._answered_early = action.sent_at is not None
        self._redraw_due = 0.0

    # -- what others may do to a run ---------------------------------------------------------------------------

    def join(self, joined: Joined) -> None:
        """A second kill: it is shown on the card, and the stop is sent once more at once."""
        self._joined.append(joined)
        if joined.reason and not self._reason:
            self._reason = joined.reason
        self._needed.set()
        self._poked.set()
        self._desk.spawn(self._draw())

    def reason_given(self, reason: str) -> None:
        """Somebody said why after a kill without a reason."""
        self._reason = self._reason or reason
        self._desk.spawn(self._draw())

    def close(self, by: str, reason: str) -> None:
        """A person says that it was stopped by hand: nothing more is sent or read."""
        self._closed = (by, reason)
        self._p.phase = Phase.CLOSED
        self._over.set()
        self._poked.set()

    def in_words(self) -> tuple[str, bool]:
        """Where it stands, in one line for a terminal, and whether the stop was seen."""
        card = self._card()
        return view.line(card), card.phase is Phase.VERIFIED

    # -- the run -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send, read back, warn and watch until it is over."""
        self._needed.set()
        with self._desk.coordinator.priority():
            pusher = asyncio.create_task(self._push())
            warner = asyncio.create_task(self._warn())
            looker = asyncio.create_task(self._look())
            over = asyncio.create_task(self._over.wait())
            tasks = {pusher, warner, looker, over}
            try:
                # Whichever ends first ends the run: the looker when all was watched, `over` when it was closed,
                # and a failure of any must not leave the others running unseen.
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        await self._draw()
        if self._closed is None:
            await self._desk.recorder.step(
                "finished",
                once=f"{self.id}/finished",
                action_id=self.id,
                at=self._desk.now().isoformat(),
                actor="chatbot",
                state=State.VERIFIED.value,
                outcome=self._outcome(),
            )
        self._desk.metrics.action("kill", "closed" if self._closed else "verified")

    async def _push(self) -> None:
        while True:
            await self._needed.wait()
            retry, again = FIRST_RETRY, 1.0
            while self._needed.is_set():
                self._poked.clear()
                if await self._send():
                    await self._pause(again)
                    again = min(again * 2, LAST_RETRY)
                else:
                    await self._pause(retry)
                    retry = min(retry * 2, LAST_RETRY)

    async def _send(self) -> bool:
        """One attempt; True when the back end answered, whatever it said."""
        p = self._p
        p.attempts += 1
        first = p.attempts == 1
        moving = [doubt.bot for doubt in self._seen.doubts if doubt.bot and doubt.word in MOVING]
        if first:
            asyncio.get_running_loop().call_later(LOOK_ANYWAY, self._sent_once.set)
        else:
            # The kill of the back end stops bots one after another and only those it remembers as running; what is
            # still seen moving is therefore also stopped by name, all at once.
            for bot in moving:
                self._desk.spawn(self._stop_bot(bot))
        try:
            await self._desk.coordinator.activate_kill(self._words())
        except CoordinatorError as error:
            self._seen.error = str(error)
            log.warning("the kill was not answered", action=self.id, attempt=p.attempts, error=str(error))
            return False
        self._seen.error = None
        self._sent_once.set()
        if p.sent_at is None:
            p.sent_at = self._desk.now()
            self._desk.metrics.kill_answered((p.sent_at - self._action.accepted_at).total_seconds())
            if p.phase is Phase.SENDING:
                p.phase = Phase.SENT
            self._desk.spawn(self._record_sent(p.sent_at))
        return True

    async def _stop_bot(self, bot: str) -> None:
        try:
            await self._desk.coordinator.stop(bot, reason=self._words())
        except CoordinatorError as error:
            log.warning("a bot was not stopped by name", action=self.id, bot=bot, error=str(error))

    def _words(self) -> str:
        by = self._action.requested_by
        return f"{self._reason or 'emergency stop'} (by {by}, {self.id})"

    async def _look(self) -> None:
        await self._sent_once.wait()
        gap = FIRST_LOOK
        while True:
            status = await self._read()
            if status is not None:
                doubts = still_moving(status, self._desk.bots)
                changed = doubts != self._seen.doubts
                self._seen.status, self._seen.doubts = status, doubts
                if doubts:
                    await self._doubtful(doubts, changed=changed)
                else:
                    if self._needed.is_set():
                        await self._settle(status)
                        gap = FIRST_LOOK
                    if self._p.watching_until is not None and status.observed_at >= self._p.watching_until:
                        return
            quiet = not self._needed.is_set()
            await asyncio.sleep(WATCH_LOOK if quiet else gap)
            gap = min(gap * 2, SLOW_LOOK)

    async def _read(self) -> FleetStatus | None:
        try:
            return await self._desk.coordinator.read_back()
        except CoordinatorError as error:
            if self._seen.error != str(error):
                self._seen.error = str(error)
                self._redraw_soon()
            return None

    async def _doubtful(self, doubts: tuple[Doubt, ...], *, changed: bool) -> None:
        proven = tuple(doubt for doubt in doubts if doubt.proven)
        if not self._needed.is_set() and proven:
            await self._came_back(proven)
        elif changed:
            self._redraw_soon()

    async def _settle(self, status: FleetStatus) -> None:
        """The wanted state was seen: say so, and keep watching."""
        p = self._p
        warned = p.warned
        p.phase = Phase.VERIFIED
        p.verified_at = status.observed_at
        p.watching_until = status.observed_at + timedelta(seconds=self._desk.watch_seconds)
        p.warned = None
        p.warn_number = 0
        self._seen.error = None
        self._needed.clear()
        self._poked.set()
        since = p.since or self._action.accepted_at
        self._desk.metrics.kill_verified((status.observed_at - since).total_seconds())
        owing = [self._card_owing()]
        if warned is not None:
            owing.append(self._thread(f"confirmed-{p.episode}", view.confirmed_late(self._card())))
        owing += self._reply(f"verified-{p.episode}")
        await self._write(
            "verified",
            once=f"{self.id}/verified-{p.episode}-{int(status.observed_at.timestamp())}",
            owing=owing,
            at=status.observed_at.isoformat(),
            outcome=self._outcome(),
        )

    async def _came_back(self, doubts: tuple[Doubt, ...]) -> None:
        """A bot trades again, or the switch is off: alarm, and stop it again."""
        p = self._p
        now = self._desk.now()
        p.episode += 1
        p.phase = Phase.SENT
        p.since = now
        p.warned = None
        p.warn_number = 0
        self._needed.set()
        self._poked.set()
        owing = []
        for doubt in doubts:
            if doubt.bot is None:
                p.switch_lost += 1
                owing.append(self._thread(f"forgot-{p.episode}", view.switch_forgotten(self._card(), now)))
            else:
                p.returned.append(doubt.bot)
                self._desk.spawn(self._stop_bot(doubt.bot))
                owing.append(
                    self._thread(
                        f"back-{p.episode}-{doubt.bot}", view.came_back(self._card(), doubt.bot, now)
                    )
                )
        owing.insert(0, self._card_owing())
        what = {"doubts": [f"{d.bot or 'kill switch'}: {d.word}" for d in doubts]}
        await self._write(
            "noted",
            once=f"{self.id}/back-{p.episode}-{int(now.timestamp())}",
            owing=owing,
            at=now.isoformat(),
            event="came back",
            detail=what,
        )

    async def _warn(self) -> None:
        while True:
            await self._needed.wait()
            p = self._p
            levels = self._desk.warn_seconds
            waited = (self._desk.now() - (p.since or self._action.accepted_at)).total_seconds()
            due = [level for level in levels if level <= waited]
            if due and len(due) > p.warn_number:
                p.warn_number = len(due)
                await self._raise_voice(due[-1])
            elif self._redraw_due and self._desk.clock() >= self._redraw_due:
                await self._draw()
            await asyncio.sleep(0.1)

    async def _raise_voice(self, level: float) -> None:
        p = self._p
        p.warned = level
        p.phase = Phase.NOT_CONFIRMED
        now = self._desk.now()
        owing = [self._card_owing(), self._thread(f"alarm-{p.episode}-{level:g}", view.alarm(self._card()))]
        if level == self._desk.warn_seconds[0]:
            owing += self._reply(f"alarm-{p.episode}")
        await self._write(
            "noted",
            once=f"{self.id}/alarm-{p.episode}-{level:g}",
            owing=owing,
            at=now.isoformat(),
            event=f"not confirmed after {level:g} s",
            detail={
                "doubts": [f"{d.bot or 'kill switch'}: {d.word}" for d in self._seen.doubts],
                "error": self._seen.error,
            },
        )

    async def _record_sent(self, at: datetime) -> None:
        await self._write(
            "sent",
            once=f"{self.id}/sent",
            owing=[self._card_owing()],
            at=at.isoformat(),
            detail={"attempts": self._p.attempts},
        )

    # -- telling -----------------------------------------------------------------------------------------------

    async def _write(self, step: str, *, once: str, owing: list[Owing], at: str, **arguments: Any) -> None:
        """Record a step with its messages; when the database does not answer, the messages go without it."""
        messages = tuple(owing)
        actor = arguments.pop("actor", "chatbot")
        recorded, result = await self._desk.recorder.step(
            step, once=once, compose=lambda _: messages, action_id=self.id, at=at, actor=actor, **arguments
        )
        if recorded:
            if result is not None:
                self._audit = (result.seq, result.hash)
            self._recorded = True
            self._desk.sender.wake()
        else:
            self._recorded = False
            self._desk.sender.show_unrecorded((self._card_owing(), *messages[1:]))

    async def _draw(self) -> None:
        """Show the card as things stand now."""
        self._redraw_due = 0.0
        await self._desk.show((self._card_owing(),))

    def _redraw_soon(self) -> None:
        if not self._redraw_due:
            self._redraw_due = self._desk.clock() + REDRAW_SECONDS

    def _card_owing(self) -> Owing:
        return Owing(
            key=card_key(self.id),
            channel=self._desk.ops,
            payload=view.card(self._card()).payload(),
            priority=0,
        )

    def _thread(self, name: str, message: Message) -> Owing:
        return Owing(
            key=f"{self.id}/{name}",
            channel=self._desk.ops,
            payload=message.payload(),
            thread_key=card_key(self.id),
            priority=1,
        )

    def _reply(self, name: str) -> list[Owing]:
        """The same news to the one who typed it, where they typed it."""
        url = self._action.response_url
        if url is None or self._desk.now() - self._action.accepted_at > timedelta(minutes=29):
            return []
        return [
            Owing(
                key=f"{self.id}/reply-{name}",
                channel="",
                payload=view.outcome(self._card()).payload(),
                response_url=url,
                priority=1,
            )
        ]

    def _outcome(self) -> dict[str, Any]:
        status = self._seen.status
        if status is None:
            return {"kill_switch": "unknown", "bots": {}}
        word = {True: "active", False: "inactive", None: "unknown"}[status.kill_switch_active]
        return {
            "kill_switch": word,
            "bots": {name: bot.status or "unknown" for name, bot in sorted(status.bots.items())},
        }

    def _card(self) -> KillCard:
        p, status = self._p, self._seen.status
        return KillCard(
            id=self.id,
            by=self._action.requested_by,
            reason=self._reason,
            accepted_at=self._action.accepted_at,
            phase=p.phase,
            now=self._desk.now(),
            sent_at=p.sent_at,
            verified_at=p.verified_at,
            seen_at=status.observed_at if status else None,
            doubts=self._seen.doubts,
            bots=tuple(status.bots.values()) if status else (),
            attempts=p.attempts,
            last_error=self._seen.error,
            joined=tuple(self._joined),
            returned=tuple(p.returned),
            switch_lost=p.switch_lost,
            watching_until=p.watching_until,
            recorded=self._recorded,
            audit=self._audit,
            closed_by=self._closed[0] if self._closed else None,
            close_reason=self._closed[1] if self._closed else None,
            coordinator_url=self._desk.coordinator_url,
            contacts=self._desk.contacts,
            warn_after=p.warned,
            warn_levels=self._desk.warn_seconds,
        )

    async def _pause(self, seconds: float) -> None:
        """Wait, unless something happened since the last send that makes waiting wrong."""
        try:
            async with asyncio.timeout(seconds):
                await self._poked.wait()
        except TimeoutError:
            return


def opening_card(action: Action, desk: Desk, entry: Entry | None) -> Owing:
    """The card as it is first owed, in the transaction that accepts the kill."""
    card = KillCard(
        id=action.id,
        by=action.requested_by,
        reason=action.reason,
        accepted_at=action.accepted_at,
        phase=Phase.SENDING,
        now=action.accepted_at,
        audit=(entry.seq, entry.hash) if entry else None,
        recorded=entry is not None,
        coordinator_url=desk.coordinator_url,
        contacts=desk.contacts,
    )
    return Owing(key=card_key(action.id), channel=desk.ops, payload=view.card(card).payload(), priority=0)


def card_key(action: str) -> str:
    """The outbox key of a stop's one card."""
    return f"{action}/card"
