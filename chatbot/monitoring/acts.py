"""What people do with windows: open, extend, close, answer an alarm. Each act is one transaction, audited."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.monitoring import drawing
from chatbot.monitoring.book import LOCK, Book
from chatbot.monitoring.opening import open_window
from chatbot.steps import Owing, owe
from chatbot.views import window as view
from chatbot.views.blocks import Message, View
from commands.monitor import MOST
from commands.spec import Request, UserError
from storage import audit, marks, seen, windows
from storage.windows import WindowRow, WindowState

NO_SUCH = "There is no such window, so nothing was changed: /windows lists them."
OVER = "That window is over already. Nothing was changed: /monitor opens a new one."
LISTED, ENDED_LISTED = 10, 5


class WindowActs:
    """Every act of a person on windows; each returns what the person is told."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def open(self, request: Request, *, by: str, key: str) -> Message:
        """Open one; the same delivery twice opens one. UserError when it may not be."""
        desk = self._desk
        every = request.every or timedelta(seconds=desk.poll_seconds)
        if every < timedelta(seconds=desk.poll_seconds):
            raise UserError(
                f"The fleet is looked at every {desk.poll_seconds:g} s, so a window cannot look more often: leave the "
                "second time out. No window was opened."
            )
        now = desk.now()
        row = WindowRow(
            bot=request.bot,
            origin="monitor",
            action_id=f"asked-{key}"[:80] if key else None,
            opened_by=by,
            begun_at=now,
            ends_at=now + (request.span or timedelta()),
            every=every.total_seconds(),
        )
        stored = await self._desk.change(partial(open_window, desk=desk, row=row))
        if stored is None:
            return view.answer("That window is open already: the same request came before.")
        return view.opened(drawing.state_from(desk, stored, (), now), desk.ops)

    async def extend(self, number: int, span: timedelta, *, by: str, key: str = "") -> Message:
        """Make an open one longer."""
        return await self._desk.change(
            partial(_extend, desk=self._desk, number=number, span=span, by=by, key=key)
        )

    async def close(self, number: int, *, by: str, reason: str = "") -> Message:
        """End an open one before its time."""
        return await self._desk.change(partial(_close, desk=self._desk, number=number, by=by, reason=reason))

    async def settle(self, number: int, *, by: str, stopped: str | None) -> bool:
        """Answer the alarm of an unstable one; False when somebody did before."""
        return await self._desk.change(
            partial(_settle, desk=self._desk, number=number, by=by, stopped=stopped)
        )

    async def listed(self, *, may_change: bool) -> Message:
        """The answer to /windows."""
        desk, now = self._desk, self._desk.now()

        def query(conn: Connection) -> Message:
            standing = windows.standing(conn)
            # without their looks: a list of many windows must not read days of them
            shown = [drawing.state_from(desk, each, (), now) for each in standing[-LISTED:][::-1]]
            ended = [drawing.state_from(desk, each, (), now) for each in windows.ended(conn, ENDED_LISTED)]
            return view.listing(shown, ended, total=len(standing), may_change=may_change)

        return await self._desk.ask(query)

    async def get(self, number: int) -> WindowRow:
        """The window of that number; UserError when there is none."""
        row = await self._desk.ask(lambda conn: windows.get(conn, number))
        if row is None:
            raise UserError(NO_SUCH)
        return row

    async def extend_form(self, number: int) -> View:
        """The form behind Extend; UserError when the window is over."""
        row = await self.get(number)
        if row.state != WindowState.OPEN:
            raise UserError(OVER)
        return view.extend_form(drawing.state_from(self._desk, row, (), self._desk.now()))


def _standing(conn: Connection, number: int) -> WindowRow:
    row = windows.get(conn, number)
    if row is None:
        raise UserError(NO_SUCH)
    if row.state != WindowState.OPEN:
        raise UserError(OVER)
    return row


def _extend(conn: Connection, *, desk: Desk, number: int, span: timedelta, by: str, key: str) -> Message:
    now = desk.now()
    book = Book.open(conn, desk, now)
    row = _standing(conn, number)
    if key and not seen.first_time(conn, f"extend/{key}", now):
        return view.answer(f"Window #{number} was extended already by this request.")
    after = replace(row, ends_at=row.ends_at + span)
    if after.ends_at - now > MOST:
        raise UserError(
            f"A window lasts at most {MOST.days} days from now on, so it was not extended: choose a shorter time."
        )
    windows.save(conn, row, after)
    detail = {"until": after.ends_at.isoformat()}
    audit.append(conn, at=now, actor=by, event="window extended", subject=f"window {number}", detail=detail)
    state = drawing.state_from(desk, after, (), now)
    message = view.extended(state, by, span)
    book.reply(drawing.reply(after, f"extended-{after.ends_at.timestamp():.0f}", message, desk))
    book.draw(after)
    return message


def _close(conn: Connection, *, desk: Desk, number: int, by: str, reason: str) -> Message:
    book = Book.open(conn, desk, desk.now())
    row = _standing(conn, number)
    if not book.close(row, by, reason):
        raise UserError(OVER)
    return view.answer(f"Window #{number} is closed. Nothing in the fleet was changed.")


def _settle(conn: Connection, *, desk: Desk, number: int, by: str, stopped: str | None) -> bool:
    now = desk.now()
    marks.lock(conn, LOCK, at=now)
    row = windows.get(conn, number)
    if row is None or not windows.settle(conn, number, by):
        return False
    for other in windows.unsettled(conn, row.begun_at):
        if (other.rule, other.culprit) == (row.rule, row.culprit):  # the same alarm told of them
            windows.settle(conn, other.id, by)
    detail = {"answer": f"stop {stopped}" if stopped else "keep"}
    audit.append(conn, at=now, actor=by, event="window answered", subject=f"window {number}", detail=detail)
    payload = view.settled(by, stopped=stopped).payload()
    alarm = f"{drawing.card_key(row)}/alarm"
    answer = Owing(
        key=f"{alarm}/answer", channel=desk.ops, payload=payload, thread_key=alarm, priority=drawing.REPLY
    )
    owe(conn, (answer,), now)
    return True
