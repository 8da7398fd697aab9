"""One transaction over windows: takes a look in, ends what is to end, and owes the messages that follow.

All of them stand in one line (the note "windows" is locked), so that two processes never count a read twice. A few
windows a transaction: a kill that waits for one waits some ten milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.charts import available
from chatbot.desk import Desk
from chatbot.monitoring import drawing
from chatbot.steps import Owing, owe
from chatbot.views import window as view
from commands.alerting.model import Kind
from commands.monitoring.coverage import Coverage
from commands.monitoring.judging import (
    ALARMS,
    Abort,
    Around,
    Burning,
    Done,
    Rule,
    Seen,
    Thresholds,
    judge,
    remember,
    told,
)
from commands.monitoring.look import Look
from storage import actions, alerts, audit, marks, on_call, windows
from storage.actions import Action, State
from storage.alerts import AlertRow
from storage.windows import WindowRow, WindowState

LOCK = "windows"
REDRAW_EVERY = timedelta(seconds=30)
REDRAW_SHARE = timedelta(seconds=6)
"""Between two cards of all windows together: ten edits a minute of the fifty that Slack takes."""

UNREAD = "unread"  # what kept the last look from being a read
TOLD_OTHERWISE = frozenset({Kind.KILL, Kind.WINDOW_UNSTABLE})
"""Critical alerts that end no window: a kill does by itself, and what windows say must not end others."""


@dataclass(slots=True, kw_only=True)
class Book:
    """What one transaction over windows did."""

    conn: Connection
    desk: Desk
    now: datetime
    many: int  # windows that are open
    owed: bool = False
    unstable: list[WindowRow] = field(default_factory=list)

    @classmethod
    def open(cls, conn: Connection, desk: Desk, now: datetime) -> "Book":
        """In line with all others."""
        marks.lock(conn, LOCK, at=now)
        return cls(conn=conn, desk=desk, now=now, many=windows.counted(conn))

    # -- one look ----------------------------------------------------------------------------------------------

    def take(self, row: WindowRow, recent: Sequence[Look], around: Around, why: str) -> None:
        """Take the newest of these looks into a window; ``why`` nothing was read before it."""
        look = recent[-1]
        if look.at < row.begun_at or self._over(row):
            return
        names = drawing.watched_by(row, self.desk)
        seen = Seen.from_json(row.seen)
        within = [each for each in recent if each.at >= row.begun_at]
        abort = judge(names, within, seen, around, limits_of(self.desk))
        known, news = remember(names, look, seen)
        data = known.as_json()
        coverage = drawing.coverage_of(row)
        if coverage.wants(look.at):
            if told(names, look):
                coverage = coverage.read(look.at, str(row.seen.get(UNREAD) or why))
            else:
                data[UNREAD] = "the coordinator did not say what every bot does"
        after = _with(replace(row, seen=data, changes=row.changes + bool(news)), coverage)
        if abort is not None:
            self._end(row, after, WindowState.UNSTABLE, abort)
            return
        if news:
            self._owe(drawing.reply(row, f"change-{after.changes}", view.changed(news, look.at), self.desk))
        self._save(row, after, changed=bool(news) or row.drawn_at is None or row.last_read_at is None)

    def look_again(self, row: WindowRow, around: Around, why: str) -> None:
        """Time has passed without a look: its end may have come, or a kill, a stop or an alert."""
        if self._over(row):
            self._at_its_end(row, why)
            return
        abort = without_look(self.desk, row, around)
        if abort is not None:
            self._end(row, row, WindowState.UNSTABLE, abort)
        elif redraw_due(row, self.now, many=self.many):
            self._save(row, row, changed=True)

    def close(self, row: WindowRow, by: str, reason: str) -> bool:
        """A person ends it before its time."""
        return self._end(row, replace(row, ended_by=by, why=reason), WindowState.CLOSED, None)

    def draw(self, row: WindowRow) -> None:
        """Owe its card as it is now."""
        self._save(row, row, changed=True)

    def reply(self, owing: Owing) -> None:
        """Owe a message."""
        self._owe(owing)

    # ------------------------------------------------------------------------------------------------------------

    def _over(self, row: WindowRow) -> bool:
        return row.ends_at <= self.now

    def _at_its_end(self, row: WindowRow, why: str) -> None:
        coverage = drawing.coverage_of(row).until(row.ends_at, str(row.seen.get(UNREAD) or why))
        after = _with(row, coverage)
        self._end(row, after, WindowState.STABLE if coverage.proves else WindowState.NOT_PROVED, None)

    def _save(self, row: WindowRow, after: WindowRow, *, changed: bool) -> None:
        draw = changed or redraw_due(after, self.now, many=self.many)
        if draw:
            after = replace(after, drawn_at=self.now)
        if windows.save(self.conn, row, after) and draw:
            state = drawing.state_of(self.conn, self.desk, after, self.now)
            self._owe(drawing.card(state, after, self.desk))

    def _end(self, row: WindowRow, after: WindowRow, state: WindowState, abort: Abort | None) -> bool:
        ended_at = (
            min(self.now, row.ends_at) if state in (WindowState.STABLE, WindowState.NOT_PROVED) else self.now
        )
        after = replace(after, state=state, ended_at=ended_at, drawn_at=self.now)
        if abort is not None:
            after = replace(after, rule=abort.rule.value, culprit=abort.culprit, why=abort.why)
            if abort.rule not in ALARMS:
                after = replace(after, settled_by="chatbot")
        if not windows.save(self.conn, row, after):
            return False
        audit.append(
            self.conn,
            at=self.now,
            actor=after.ended_by or "chatbot",
            event=f"window ended {state.value}",
            subject=f"window {row.id}",
            detail={"why": after.why, "reads": after.reads, "missed": after.missed},
        )
        seen = drawing.looks_of(self.conn, after, self.now)
        charted = available() and bool(seen) and state is not WindowState.CLOSED
        shown = drawing.state_from(self.desk, after, seen, self.now, charted=charted)
        self._owe(drawing.card(shown, after, self.desk))
        self._owe(drawing.reply(after, "end", view.summary(shown), self.desk))
        if charted:
            self._owe(drawing.chart(shown, after, seen, self.desk))
        if abort is not None and abort.rule in ALARMS:
            self.unstable.append(after)
        return True

    def finish(self) -> None:
        """Owe one alarm for all windows that the same thing ended."""
        stopping = self.desk.windows.on_unstable == "stop"
        causes: dict[tuple[str, str | None], list[WindowRow]] = {}
        for row in self.unstable:
            causes.setdefault((row.rule, row.culprit), []).append(row)
        duty = on_call.current(self.conn, self.now)
        for rows in causes.values():
            states = [drawing.state_from(self.desk, each, (), self.now) for each in rows]
            moving = stopping and rows[0].rule != Rule.LEFT_RUNNING
            message = view.alarm(
                states,
                on_call=duty.person if duty is not None else None,
                contacts=[each.slack for each in self.desk.contacts if each.slack][:2],
                stopping=moving,
            )
            key = f"{drawing.card_key(rows[0])}/alarm"
            self._owe(Owing(key=key, channel=self.desk.ops, payload=message.payload(), priority=1))

    def _owe(self, owing: Owing) -> None:
        owe(self.conn, (owing,), self.now)
        self.owed = True


def limits_of(desk: Desk) -> Thresholds:
    """The numbers of the rules, as configured."""
    return Thresholds(health_below=desk.windows.health_below, error_rise=desk.windows.error_rise)


def without_look(desk: Desk, row: WindowRow, around: Around) -> Abort | None:
    """Why a window ends although nothing new was read of the fleet."""
    return judge(drawing.watched_by(row, desk), (), Seen.from_json(row.seen), around, limits_of(desk))


def redraw_due(row: WindowRow, now: datetime, *, many: int) -> bool:
    """True when the card is old; with many windows each of them waits longer for its turn."""
    return row.drawn_at is None or now - row.drawn_at >= max(REDRAW_EVERY, REDRAW_SHARE * many)


def is_due(desk: Desk, row: WindowRow, around: Around, now: datetime, *, many: int) -> bool:
    """True when `Book.look_again` would change something."""
    over = row.ends_at <= now
    return over or redraw_due(row, now, many=many) or without_look(desk, row, around) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What happened besides the looks, read once for all windows."""

    kills: Sequence[Action]
    stops: Sequence[Action]
    burning: Sequence[AlertRow]

    @classmethod
    def since(cls, conn: Connection, moment: datetime) -> "Happened":
        """Since then."""
        touching = actions.touching_since(conn, moment)
        return cls(
            kills=actions.kills_since(conn, moment),
            stops=[
                each
                for each in touching
                # what was started again since was stopped before it ran
                if each.command in ("stop", "pause") and not _started_since(each, touching)
            ],
            burning=[
                each
                for each in alerts.firing(conn)
                if each.severity == "critical"
                and each.kind not in TOLD_OTHERWISE
                and each.source != alerts.SUMMARY
            ],
        )

    def around(self, row: WindowRow) -> Around:
        """What of it belongs to this window."""
        since = row.begun_at
        return Around(
            kills=[
                Done(id=each.id, by=each.requested_by) for each in self.kills if each.accepted_at >= since
            ],
            stops=[
                Done(
                    id=each.id,
                    by=each.requested_by,
                    bot=each.bot,
                    told="pause" if each.command == "pause" else "stop",
                )
                for each in self.stops
                if each.accepted_at >= since
            ],
            alerts=[
                Burning(number=each.id, message=each.message, bot=each.bot)
                for each in self.burning
                # by its own time where it tells one: of trouble before the window it may be heard only now
                if (each.source_began_at or each.began_at) >= since
            ],
        )


def _started_since(stop: Action, touching: Sequence[Action]) -> bool:
    return any(
        each.command in actions.STARTS
        and each.state is State.VERIFIED
        and each.bot in (None, stop.bot)
        and each.finished_at is not None
        and each.finished_at > stop.accepted_at
        for each in touching
    )


def _with(row: WindowRow, coverage: Coverage) -> WindowRow:
    return replace(
        row,
        reads=coverage.reads,
        missed=coverage.missed,
        last_read_at=coverage.last_read_at,
        blind=[each.as_json() for each in coverage.blind],
    )
