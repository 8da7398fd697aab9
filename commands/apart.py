"""Work that may hang on a disk or a name server, each in a thread of its own that nothing else ever waits for.

The threads that asyncio shares out also look up the coordinator's name for a stop, and a program does not end before
they do: a few looks at a disk that hangs would hold up both for ever.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from commands.spec import UserError

MOST = 64
"""Threads at a time, those that hang among them."""

P = ParamSpec("P")
T = TypeVar("T")

_room = threading.BoundedSemaphore(MOST)


async def apart(work: Callable[P, T], /, *given: P.args, **named: P.kwargs) -> T:
    """What the work returns; whoever is cancelled leaves it behind. UserError while too much hangs already."""
    if not _room.acquire(blocking=False):
        raise UserError(
            f"{MOST} earlier looks at the disk or at names have not come back, so nothing more is looked at: see "
            "whether the disk of the fleet's home hangs."
        )
    loop, context = asyncio.get_running_loop(), copy_context()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            settle = _result(future, context.run(work, *given, **named))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            settle = _error(future, error)
        finally:
            _room.release()
        with suppress(RuntimeError):  # the caller's loop is closed
            loop.call_soon_threadsafe(settle)

    try:
        # A daemon: the end of the program does not wait for it.
        threading.Thread(target=run, name="apart", daemon=True).start()
    except RuntimeError as error:
        _room.release()
        raise UserError("This host starts no more threads, so nothing was looked at: try again.") from error
    return await future


def _result(future: asyncio.Future[T], result: T) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(result)


def _error(future: asyncio.Future[T], error: BaseException) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_exception(error)
