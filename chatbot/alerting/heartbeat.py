"""Whether the fleet is being watched: a note of each good poll, a word about each gap, a ping for who watches us.

A gap is told first thing after waking, whatever made it: a coordinator that could not be read, a bot that did not
run, a machine that slept. The kernel's clock that goes on through sleep tells a sleep from a clock that was set, and
the ticks that did not come tell it from a coordinator whose answer was awaited when this process fell asleep.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.alerting.desk import AlertDesk
from chatbot.steps import Owing, owe
from chatbot.views import alert_news as view
from chatbot.views.alert_state import Gap
from storage import audit, gaps, marks
from storage.database import StorageError

WATCH = "watched"
SLACK_SECONDS = 20.0
CLOCK_SET = timedelta(seconds=30)
"""A wall clock that moved so much more or less than the kernel's was set by somebody."""

log = structlog.get_logger(__name__)


def awake() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps, where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(slots=True)
class _Moment:
    wall: datetime
    kernel: float


class Heartbeat:
    """Told of every poll of the coordinator."""

    def __init__(
        self,
        *,
        desk: AlertDesk,
        poll_seconds: float,
        kernel: Callable[[], float] = awake,
    ) -> None:
        self._desk = desk
        self._kernel = kernel
        self._last: _Moment | None = None
        self._seen: datetime | None = None  # the newest good read that was noted
        self._why = ""
        self._ticked: float | None = None  # when this process was last known to run
        self._stood_still = 0.0  # seconds, the longest time in which it did not
        self.clock_was_set = False
        failures = desk.settings.failure_threshold
        self.longest = timedelta(seconds=max(failures * poll_seconds, poll_seconds + SLACK_SECONDS))

    def failed(self, why: str) -> None:
        """A poll told nothing."""
        self._runs()
        self._why = why

    async def look(self) -> None:
        """A tick: while a kill is going on nobody polls, and its own looks at the coordinator count instead."""
        self._runs()
        desk = self._desk.desk
        seen = desk.metrics.last_good_poll
        if seen is not None and seen != self._seen:
            await self.good_poll(seen)
        elif not desk.coordinator.calm:
            self._why = self._why or "a kill was going on and did not reach it"

    async def good_poll(self, at: datetime) -> None:
        """A poll was good: note it, and tell of the time before it in which there was none."""
        self._runs()
        seen = self._desk.desk.metrics.last_good_poll
        moment, last = _Moment(self._desk.desk.now(), self._kernel()), self._last
        shift = timedelta()
        if last is not None:
            shift = (moment.wall - last.wall) - timedelta(seconds=moment.kernel - last.kernel)
        was_set = abs(shift) > CLOCK_SET
        if was_set:
            log.warning("the clock of this machine was set", seconds=round(shift.total_seconds()))
        else:
            shift = timedelta()
        note = partial(self._note, at=at, ran=last is not None, shift=shift)
        told = await self._desk.desk.database.write(note)
        # Only now: what could not be written down is still to be told by the next one.
        self._last, self._seen, self._why, self.clock_was_set = moment, seen, "", was_set
        self._stood_still = 0.0
        if told:
            self._desk.desk.sender.wake()

    def _runs(self) -> None:
        now = self._kernel()
        if self._ticked is not None:
            self._stood_still = max(self._stood_still, now - self._ticked)
        self._ticked = now

    def _note(self, conn: Connection, *, at: datetime, ran: bool, shift: timedelta) -> bool:
        mark = marks.lock(conn, WATCH, at=at)
        begins = mark.at
        # A clock that was set makes no gap, and hides none: what it moved is taken off.
        length = at - begins - shift
        marks.put(conn, WATCH, at=at)
        if length <= self.longest:
            return False
        reason = "this process slept" if ran else "this bot was not running"
        if self._why and self._stood_still < length.total_seconds() / 2:
            reason = f"the coordinator could not be read ({self._why})"
        gap = Gap(begins=at - length, ends=at, why=reason)
        gaps.record(conn, begins=gap.begins, ends=gap.ends, why=gap.why)
        audit.append(
            conn,
            at=at,
            actor="chatbot",
            event="fleet was unwatched",
            subject="fleet",
            detail={"from": gap.begins.isoformat(), "to": gap.ends.isoformat(), "why": gap.why},
        )
        key = f"unwatched/{int(at.timestamp())}"
        message = view.unwatched(gap, at)
        owe(conn, (Owing(key=key, channel=self._desk.channel, payload=message.payload(), priority=1),), at)
        return True

    async def last_good(self) -> datetime | None:
        """When the fleet was last seen, by whichever process."""
        try:
            mark = await self._desk.desk.database.read(lambda conn: marks.get(conn, WATCH))
        except StorageError:
            return self._last.wall if self._last is not None else None
        return mark.at if mark is not None else None
