"""Whether the fleet is being watched: a note of each good poll, a word about each gap, a ping for who watches us.

A gap is told first thing after waking, whatever made it: a coordinator that could not be read, a bot that did not
run, a machine that slept. The kernel's clock that goes on through sleep tells a sleep from a clock that was set.
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
        self._began = _Moment(desk.desk.now(), kernel())
        self._last: _Moment | None = None
        self._why = ""
        self.clock_was_set = False
        failures = desk.settings.failure_threshold
        self.longest = timedelta(seconds=max(failures * poll_seconds, poll_seconds + SLACK_SECONDS))

    def failed(self, why: str) -> None:
        """A poll told nothing."""
        self._why = why

    async def good_poll(self, at: datetime) -> None:
        """A poll was good: note it, and tell of the time before it in which there was none."""
        kernel = self._kernel()
        last, self._last = self._last, _Moment(at, kernel)
        why, self._why = self._why, ""
        shift = timedelta()
        if last is not None:
            shift = (at - last.wall) - timedelta(seconds=kernel - last.kernel)
            self.clock_was_set = abs(shift) > CLOCK_SET
            if self.clock_was_set:
                log.warning("the clock of this machine was set", seconds=round(shift.total_seconds()))
        note = partial(self._note, at=at, slept=last is not None, why=why, shift=shift)
        if await self._desk.desk.database.write(note):
            self._desk.desk.sender.wake()

    def _note(self, conn: Connection, *, at: datetime, slept: bool, why: str, shift: timedelta) -> bool:
        mark = marks.lock(conn, WATCH, at=at)
        begins = mark.at
        # A clock that was set makes no gap, and hides none: what it moved is taken off.
        length = at - begins - (shift if self.clock_was_set else timedelta())
        marks.put(conn, WATCH, at=at)
        if length <= self.longest:
            return False
        reason = why or ("this process slept" if slept else "this bot was not running")
        if why:
            reason = f"the coordinator could not be read ({why})"
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
