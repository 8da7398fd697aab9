"""What our own record says that must not be overlooked: a kill that stands, a stop that was not seen to work."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from chatbot.alerting.arrivals import Arrivals
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.watching import FLEET
from commands.alerting.changes import Memory
from commands.alerting.model import Kind, Severity, Signal, Source
from commands.coordinator.model import MOVING, STATUS_WORDS
from commands.monitoring.judging import Rule
from storage import actions, latch, marks, windows
from storage.actions import OPEN

LOOK_SECONDS = 2.0
LOOK_BACK = timedelta(hours=24)
UNCONFIRMED_AFTER = timedelta(seconds=30)
_TOLD = {"pause": "pause"}


class RecordEyes:
    """Looks at our own record; a tick calls `look`."""

    def __init__(self, *, desk: AlertDesk, arrivals: Arrivals) -> None:
        self._desk = desk
        self._arrivals = arrivals

    async def look(self) -> None:
        """One look."""
        desk = self._desk.desk
        found = await desk.database.read(partial(signals, now=desk.now()))
        await self._arrivals.observe(Source.RECORD, found, settled=1)


def signals(conn: Connection, *, now: datetime) -> tuple[Signal, ...]:
    """What is so now: the kill that stands, and every stop whose effect was not seen and still is not."""
    found = []
    held = latch.current(conn)
    if held is not None:
        why = "It was made elsewhere, not through this bot" if held.by == "elsewhere" else held.reason
        said = why or "No reason was given yet"
        found.append(_critical(Kind.KILL, said, identity=f"latch-{held.id}", at=held.engaged_at))
    mark = marks.get(conn, FLEET)
    memory = Memory.from_json(mark.data if mark is not None else {})
    for action in actions.unverified(conn, now - LOOK_BACK):
        if action.state in OPEN and (
            action.command != "kill" or now - action.accepted_at <= UNCONFIRMED_AFTER
        ):
            continue  # it is being worked on, and its card says how far it is
        seen = memory.bots.get(action.bot or "")
        looked = mark is not None and action.finished_at is not None and mark.at > action.finished_at
        still = looked and seen is not None and seen.status in STATUS_WORDS and seen.status not in MOVING
        if still or actions.verified_later(conn, action):
            continue
        what = "the whole fleet" if action.bot is None else action.bot
        said = f"{action.id}: {what} was told to {_TOLD.get(action.command, 'stop')} and was not seen to"
        found.append(
            _critical(Kind.STOP_NOT_VERIFIED, said, identity=action.id, at=action.accepted_at, bot=action.bot)
        )
    found += _unstable(conn, memory, mark.at if mark is not None else None, now=now)
    return tuple(found)


def _unstable(conn: Connection, memory: Memory, looked: datetime | None, *, now: datetime) -> list[Signal]:
    """Windows that health or errors ended, that nobody has answered, and whose bot still moves."""
    found: dict[str, Signal] = {}
    for row in windows.unsettled(conn, now - LOOK_BACK):
        target = row.culprit or row.bot
        seen = memory.bots.get(target or "")
        fresh = looked is not None and row.ended_at is not None and looked > row.ended_at
        still = seen is not None and seen.status in STATUS_WORDS and seen.status not in MOVING
        if row.rule not in (Rule.HEALTH, Rule.ERRORS) or (fresh and still):
            continue
        said = f"Window #{row.id} is unstable: {row.why}"
        name = target or "fleet"
        signal = _critical(Kind.WINDOW_UNSTABLE, said, identity=f"window-{name}", at=row.begun_at, bot=target)
        found.setdefault(name, signal)
    return list(found.values())


def _critical(kind: Kind, message: str, *, identity: str, at: datetime, bot: str | None = None) -> Signal:
    return Signal(
        source=Source.RECORD,
        kind=kind,
        severity=Severity.CRITICAL,
        message=message,
        identity=identity,
        began_at=at,
        bot=bot,
    )
