"""Brings what is owed to Slack: the outbox, row by row, at the pace that Slack allows a channel.

One message at a time a channel and about one a second; edits of a card are one row, so a storm of changes is one
edit with the newest content. A post whose fate is unknown is looked for by its metadata before it is posted again.
When the database does not answer, messages of a stop come here directly and are held in memory only.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from chatbot.approvals.copies import HOME
from chatbot.metrics import Metrics
from chatbot.pace import Pace
from chatbot.posting import Fate, Poster, Result
from chatbot.steps import Owing
from chatbot.uploading import DRAWING, Pictures, is_picture
from storage import outbox
from storage.database import Database, StorageError
from storage.outbox import Owed, SendState

BREATH_SECONDS = 0.02  # from being woken to looking: the stop that owes goes on first, and often owes more
TICK_SECONDS = 1.0  # what other processes owe is found this late at most
LEASE = timedelta(seconds=10)  # longer than the longest wait and attempt: a dead process holds a card so long
CHANNEL_SECONDS = 1.0  # chat.postMessage: about one a second a channel
EDIT_SECONDS = 1.2  # chat.update: fifty a minute a workspace
EDIT_BURST = 10
LAST_RETRY = 60.0
LONGEST_WAIT = 2.0  # seconds spent waiting for a turn while a message is claimed
REMEMBERED = 500
PERSON = re.compile(r"[UW][A-Z0-9]+")  # in place of a channel: a direct message
URGENT = 1  # priorities up to this one go ahead of their turn: Slack takes short bursts
AHEAD = 2
LOOK_AFTER = timedelta(seconds=1)  # before looking for a post of unknown fate

log = structlog.get_logger(__name__)


class Delivery(Protocol):
    """Who is told what became of messages in our channels; implemented in ``alerting``, which sends through here."""

    async def refused(self, row: Owed, word: str) -> bool:
        """Slack refused it for good: True when it was sent on to another place."""

    async def arrived(self, channel: str) -> None:
        """A message stands in this channel."""


class Sender:
    """Drains the outbox until cancelled; `wake` when something new is owed."""

    def __init__(
        self,
        *,
        database: Database,
        poster: Poster,
        metrics: Metrics,
        owner: str,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self.delivery: Delivery | None = None
        self._database = database
        self._poster = poster
        self._pictures = Pictures(poster=poster)
        self._metrics = metrics
        self._owner = owner
        self._now = now
        self._clock = clock
        self._woken = asyncio.Event()
        self._channels: dict[str, Pace] = {}
        self._edits = Pace(seconds=EDIT_SECONDS, burst=EDIT_BURST, clock=clock)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._unrecorded: dict[str, Owing] = {}
        self._shown: dict[str, str] = {}  # key -> ts of what was sent lately

    def wake(self) -> None:
        """Something new is owed: look now."""
        self._woken.set()

    def show_unrecorded(self, messages: tuple[Owing, ...]) -> None:
        """Bring these without the outbox; the newest content of each key wins."""
        for message in messages:
            self._unrecorded[message.key] = message
        self._woken.set()

    async def take_over(self) -> None:
        """Bring soon what an earlier process of this single machine was bringing when it died, not after its lease."""
        prefix, until = self._owner.partition(":")[0] + ":", self._now() + LOOK_AFTER
        verb = partial(outbox.take_over, owner=self._owner, owners_prefix=prefix, lease_until=until)
        await self._database.write(verb)

    async def run(self) -> None:
        """Send what is owed until cancelled."""
        while True:
            self._woken.clear()
            try:
                self._start_unrecorded()
                await self._start_due()
            except (StorageError, TimeoutError) as error:
                log.warning("cannot look for messages", error=str(error) or "timeout")
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()
                    if not self._unrecorded:  # what stands in no database is brought at once
                        await asyncio.sleep(BREATH_SECONDS)
            except TimeoutError:
                pass

    async def drain(self, grace: float) -> None:
        """Send what is owed now, for at most ``grace`` seconds."""
        end = self._clock() + grace
        while self._clock() < end:
            try:
                waiting, _ = await self._database.read(lambda conn: outbox.backlog(conn, self._now()))
            except StorageError:
                return
            if not waiting and not self._busy:
                return
            await asyncio.sleep(0.05)

    async def _start_due(self) -> None:
        now = self._now()
        waiting, oldest = await self._database.read(lambda conn: outbox.backlog(conn, now))
        self._metrics.outbox(waiting, oldest)
        if not waiting:
            return
        while True:
            # One message at a time a channel, the most urgent first: a row is claimed only when its channel is free,
            # so that what becomes urgent later need not queue behind what was claimed earlier.
            now = self._now()
            claim = partial(
                outbox.claim_due,
                owner=self._owner,
                now=now,
                lease_until=now + LEASE,
                limit=1,
                busy=tuple(self._busy),
            )
            rows = await self._database.write(claim)
            if not rows:
                return
            for row in rows:
                self._begin(lane(row), self._bring(row))

    def _begin(self, name: str, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._busy[name] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._busy.pop(name, None)
            self._woken.set()
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error(
                    "a message was not brought and will be tried again", error=repr(error), exc_info=error
                )

        task.add_done_callback(ended)

    async def _bring(self, row: Owed) -> None:
        """One message: look for it, post it, edit it or answer with it, and record what became of it."""
        if row.response_url is not None:
            result = await self._poster.respond(row.response_url, row.payload)
            await self._record(row, result)
            return
        if row.channel.startswith(HOME):
            result = await self._poster.publish(row.channel.removeprefix(HOME), row.payload["view"])
            await self._record(row, result)
            return
        if PERSON.fullmatch(row.channel):
            where, problem = await self._poster.direct(row.channel)
            if where is None:
                await self._record(row, problem or Result(fate=Fate.LATER))
                return
            row = replace(row, channel=where)
        if row.state is SendState.UNKNOWN:
            await self._find(row)
        elif is_picture(row) and (waits := self._pictures.waits(row)) is not None:
            await self._record(row, waits)
        else:
            await self._show(row)

    async def _find(self, row: Owed) -> None:
        """Look for a post of unknown fate."""
        if is_picture(row):
            found = await self._pictures.find(row)
        else:
            found = await self._poster.find(
                row.channel, key=row.key, since=row.created_at.timestamp(), thread_ts=row.thread_ts
            )
        at = self._now()
        if found is None:
            await self._later(row, "cannot look for it", unknown=True)
        elif found.ts is not None:
            await self._database.write(
                lambda conn: outbox.sent(
                    conn, row.id, version=found.version, ts=found.ts, at=at, channel=row.channel
                )
            )
        else:
            await self._database.write(lambda conn: outbox.retry(conn, row.id, at=at, error="not there"))

    async def _show(self, row: Owed) -> None:
        """Post it, or edit what stands already, at the pace that Slack allows."""
        pace = self._edits if row.ts and not is_picture(row) else self._pace(row.channel)
        if (wait := pace.wait(ahead=AHEAD if row.priority <= URGENT else 0)) > LONGEST_WAIT:
            # Not under our lease, which would run out meanwhile.
            await self._later(row, "Slack asked to wait", after=wait)
            return
        await asyncio.sleep(wait)
        # Between the claim and this moment newer content may have come: send the newest.
        newest = await self._database.read(lambda conn: outbox.get(conn, row.key)) or row
        newest = replace(newest, channel=row.channel)
        pace.take()
        if is_picture(newest):
            result = await self._pictures.show(newest)
        # Where it was shown while the database was away, that one is edited.
        elif (ts := newest.ts or self._shown.get(newest.key)) is not None:
            result = await self._poster.edit(
                newest.channel, ts, newest.payload, key=newest.key, version=newest.version
            )
        else:
            result = await self._poster.post(
                newest.channel,
                newest.payload,
                key=newest.key,
                version=newest.version,
                thread_ts=newest.thread_ts,
            )
        if result.fate is Fate.LATER and result.error != DRAWING:
            pace.hold(result.retry_after)
        await self._record(newest, result)

    async def _record(self, row: Owed, result: Result) -> None:
        at = self._now()
        match result.fate:
            case Fate.SENT:
                self._remember(row.key, result.ts)
                await self._database.write(
                    lambda conn: outbox.sent(
                        conn, row.id, version=row.version, ts=result.ts, at=at, channel=row.channel
                    )
                )
                if self.delivery is not None and not result.error:
                    await self.delivery.arrived(row.channel)
            case Fate.LATER:
                await self._later(row, result.error, after=result.retry_after)
            case Fate.UNKNOWN if row.response_url is not None or row.channel.startswith(HOME):
                # It cannot be looked for; a second copy of an answer is better than none, and a tab is only drawn anew.
                await self._later(row, result.error)
            case Fate.UNKNOWN:
                await self._later(row, result.error, after=result.retry_after, unknown=True)
            case Fate.REJECTED if result.error == "message_not_found" and (row.ts or row.key in self._shown):
                # Somebody deleted it, or it was moved since: what it has to say must be seen all the same.
                log.warning("a message is gone, posting it anew", key=row.key, channel=row.channel)
                self._shown.pop(row.key, None)
                await self._database.write(lambda conn: outbox.lost(conn, row.id, at=at))
            case Fate.REJECTED if self.delivery is not None and await self.delivery.refused(
                row, result.error
            ):
                self._shown.pop(row.key, None)  # it is posted anew elsewhere
            case Fate.REJECTED:
                log.error("Slack refused a message", key=row.key, channel=row.channel, error=result.error)
                await self._database.write(
                    lambda conn: outbox.failed(conn, row.id, error=result.error, at=at)
                )

    async def _later(self, row: Owed, error: str, *, after: float = 0.0, unknown: bool = False) -> None:
        attempts = self._pictures.attempts(row)
        pause = max(after, min(2.0 ** min(attempts, 6) * 0.5, LAST_RETRY))
        say = log.debug if error == DRAWING else log.warning
        say("a message waits", key=row.key, error=error, seconds=pause)
        if unknown:
            at = self._now() + max(LOOK_AFTER, timedelta(seconds=pause))
            await self._database.write(lambda conn: outbox.unknown(conn, row.id, at=at, error=error))
        else:
            at = self._now() + timedelta(seconds=pause)
            await self._database.write(lambda conn: outbox.retry(conn, row.id, at=at, error=error))

    def _pace(self, channel: str) -> Pace:
        return self._channels.setdefault(channel, Pace(seconds=CHANNEL_SECONDS, burst=1, clock=self._clock))

    # -- without a database ------------------------------------------------------------------------------------

    def _start_unrecorded(self) -> None:
        for message in sorted(self._unrecorded.values(), key=lambda each: each.priority):
            # In the lane of the outbox: of two that bring the same card, one posts it and the other edits it.
            name = message.response_url or message.channel
            if name in self._busy:
                continue
            if message.thread_key is not None and message.thread_key not in self._shown:
                parent = self._unrecorded.get(message.thread_key)
                if parent is not None:
                    continue  # the card first
            del self._unrecorded[message.key]
            self._begin(name, self._bring_unrecorded(message))

    async def _bring_unrecorded(self, message: Owing) -> None:
        if message.response_url is not None:
            await self._poster.respond(message.response_url, message.payload)
            return
        if message.maybe_posted and message.key not in self._shown:  # by a process that died, and left no row
            await self._look_for(message)
        ts = self._shown.get(message.key)
        pace = self._edits if ts else self._pace(message.channel)
        await asyncio.sleep(pace.wait())
        pace.take()
        if ts is not None:
            result = await self._poster.edit(message.channel, ts, message.payload, key=message.key, version=0)
        else:
            thread_ts = self._shown.get(message.thread_key) if message.thread_key else None
            result = await self._poster.post(
                message.channel, message.payload, key=message.key, version=0, thread_ts=thread_ts
            )
        if result.fate is Fate.SENT:
            self._remember(message.key, result.ts)
        elif result.fate is Fate.LATER:
            pace.hold(result.retry_after)
            self._unrecorded.setdefault(message.key, message)
        elif result.fate is Fate.UNKNOWN:
            await self._after_unknown(message)

    def _remember(self, key: str, ts: str | None) -> None:
        """Keep where a message stands, so that it can be edited although the database does not answer."""
        if ts:
            self._shown.pop(key, None)
            self._shown[key] = ts
            if len(self._shown) > REMEMBERED:
                del self._shown[next(iter(self._shown))]

    async def _after_unknown(self, message: Owing) -> None:
        await asyncio.sleep(LOOK_AFTER.total_seconds())
        await self._look_for(message)
        self._unrecorded.setdefault(message.key, message)

    async def _look_for(self, message: Owing) -> None:
        thread_ts = self._shown.get(message.thread_key) if message.thread_key else None
        found = await self._poster.find(
            message.channel, key=message.key, since=self._now().timestamp(), thread_ts=thread_ts
        )
        if found is not None:
            self._remember(message.key, found.ts)


def lane(row: Owed) -> str:
    """What a message waits for: its channel, or its own response_url."""
    return row.response_url or row.channel
