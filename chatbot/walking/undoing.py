"""What happens during a recovery and undoes a part of it: a kill, a window that ends unstable, what is no longer so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from chatbot.views import walk as view
from chatbot.walking.book import Book
from storage import actions, walks, windows
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk
from storage.windows import WindowRow, WindowState

BY_A_KILL = frozenset({"stop", "recover", "document"})
GRADUAL = "recover"
DOUBTED = frozenset({"verify"})
"""What is looked at again when a bot that was started did not hold: it was verified of a repair that did not help."""


def take_in(book: Book, now: datetime) -> None:
    """Let whatever happened since the last look count, before anything else is done in the recovery."""
    take_in_kills(book, now)
    take_in_windows(book, now)


def take_in_kills(book: Book, now: datetime) -> None:
    """A kill belongs to every recovery that is open: what it undoes is to be done again."""
    count, last = actions.kills(book.conn), actions.last_kill(book.conn)
    if count == book.walk.kills or last is None:
        return
    if not walks.count_kills(book.conn, book.walk.id, before=book.walk.kills, now=count):
        return
    for each in actions.kills_since(book.conn, book.walk.opened_at)[book.walk.kills - count :]:
        if each.id != last.id:  # with that one it is told what is to be done again
            told = view.killed(each.id, each.requested_by, each.reason)
            book.reply(f"kill-{each.id}", view.undone((), told))
    settled = _settled_before(book.steps, last.accepted_at, now)
    started = any(_is_start(each) for each in settled)
    phases = BY_A_KILL | DOUBTED if started else BY_A_KILL
    book.reopen(
        [each for each in settled if each.phase in phases],
        why=f"the fleet was killed ({last.id})",
        told=view.killed(last.id, last.requested_by, last.reason, started=started),
        name=f"kill-{last.id}",
    )


def take_in_windows(book: Book, now: datetime) -> None:
    """A window that ended unstable undoes the start of its bot and what was verified before it."""
    for window, _ in undone_by_windows(book.conn, book.walk, book.steps, now):
        undone = _undone_by(window, book.steps, now)  # as the one before has left them
        if undone:
            book.reopen(
                undone,
                why=f"window #{window.id} ended unstable",
                told=view.unstable(window),
                name=f"window-{window.id}-{now.timestamp():.0f}",
            )


def undone_by_windows(
    conn: Connection, walk: Walk, steps: Sequence[WalkStep], now: datetime
) -> list[tuple[WindowRow, list[WalkStep]]]:
    """The unstable windows since the recovery began, each with the steps that it undoes; those without any left out."""
    if not any(_is_start(each) and each.state != StepState.OPEN for each in steps):
        return []
    ended = [each for each in windows.since(conn, walk.opened_at) if each.state == WindowState.UNSTABLE]
    found = [(each, _undone_by(each, steps, now)) for each in ended if each.begun_at >= walk.opened_at]
    return [(window, undone) for window, undone in found if undone]


def _undone_by(window: WindowRow, steps: Sequence[WalkStep], now: datetime) -> list[WalkStep]:
    if window.ended_at is None:
        return []
    settled = _settled_before(steps, window.ended_at, now)
    of_it = [each for each in settled if _is_start(each) and window.bot in (None, each.bot)]
    return [*(each for each in settled if each.phase in DOUBTED), *of_it] if of_it else []


def _is_start(step: WalkStep) -> bool:
    return step.phase == GRADUAL and step.bot is not None


def _settled_before(steps: Sequence[WalkStep], moment: datetime, now: datetime) -> list[WalkStep]:
    """Also those of a time that is still to come: the clock was set back since."""
    return [
        each
        for each in steps
        if each.state != StepState.OPEN
        and (each.settled_at is None or each.settled_at < moment or each.settled_at > now)
    ]
