"""What happens during a recovery and undoes a part of it: a kill, or a window in which a bot did not hold.

Both are taken in before anything else is done in the recovery, in the same transaction, so that whatever is settled by
then was settled before: no clock is asked.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from chatbot.views import walk as view
from chatbot.walking.book import Book
from chatbot.walking.showing import card_key
from commands.walking import judging, watching
from commands.walking.judging import GRADUAL
from storage import actions, outbox, walks, windows
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk
from storage.windows import WindowRow

BY_A_KILL = frozenset({"stop", GRADUAL, "document"})
DOUBTED = frozenset({"verify"})
"""What is looked at again when a bot that was started did not hold: it was verified of a repair that did not help."""


def take_in(book: Book) -> bool:
    """Let whatever happened since the last look count, each once; True when something had happened."""
    killed, fallen = _take_in_kills(book), untold(book.conn, book.walk)
    for window in fallen:
        bot = window.culprit or window.bot
        undone = judging.undone_by_fall(book.steps, own=book.walk.bot, bot=bot)
        book.reopen(
            undone,
            why=f"window #{window.id} ended unstable",
            told=view.unstable(window, doubt=bool(undone)),
            name=_name(window),
        )
    return killed or bool(fallen)


def _take_in_kills(book: Book) -> bool:
    """A kill belongs to every recovery that is open: what it undoes is to be done again."""
    before, count = book.walk.kills, actions.kills(book.conn)
    if count == before or not walks.count_kills(book.conn, book.walk.id, before=before, now=count):
        return False
    *earlier, last = actions.newest_kills(book.conn, count - before)
    for each in earlier:
        book.reply(f"kill-{each.id}", view.undone((), view.killed(each.id, each.requested_by, each.reason)))
    settled = _settled(book.steps)
    started = any(judging.is_try(each) for each in settled)
    phases = BY_A_KILL | DOUBTED if started else BY_A_KILL
    book.reopen(
        [each for each in settled if each.phase in phases],
        why=f"the fleet was killed ({last.id})",
        told=view.killed(last.id, last.requested_by, last.reason, started=started),
        name=f"kill-{last.id}",
    )
    return True


def untold(conn: Connection, walk: Walk) -> list[WindowRow]:
    """The windows that show that a bot of this recovery did not hold, and were not told in its thread yet."""
    fallen = [each for each in windows.since(conn, walk.opened_at) if watching.fell(each, walk.bot)]
    return [each for each in fallen if outbox.get(conn, f"{card_key(walk.id)}/{_name(each)}") is None]


def _name(window: WindowRow) -> str:
    return f"window-{window.id}"


def _settled(steps: Sequence[WalkStep]) -> list[WalkStep]:
    return [each for each in steps if each.state != StepState.OPEN]
