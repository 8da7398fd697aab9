"""Writing below the fleet's home: whole files, on the disk before it is said, and what kept them from it in words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from commands.probes.files import relative
from commands.probes.model import Places
from commands.spec import UserError
from commands.words import cut, visible

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_directory(path: Path | str, inside: int | None = None) -> Iterator[int]:
    """The number of an open directory, whose name cannot be exchanged for a link any more."""
    number = os.open(path, _DIRECTORY, dir_fd=inside)
    try:
        yield number
    finally:
        os.close(number)


def write(path: Path, raw: bytes) -> None:
    """A new file that is on the disk; OSError where there is one already."""
    number = os.open(path, NEW, 0o600)
    try:
        write_all(number, raw)
        os.fsync(number)
    finally:
        os.close(number)


def write_all(number: int, raw: bytes) -> None:
    """All of these bytes written to an open file."""
    view = memoryview(raw)
    while view:
        view = view[os.write(number, view) :]


def sync(directory: Path) -> None:
    """The names in a directory are on the disk."""
    with open_directory(directory) as number:
        os.fsync(number)


def must_be_inside(path: Path, places: Places, failed: str) -> None:
    """UserError that begins with ``failed`` when links lead from this path out of the fleet's home."""
    try:
        inside = path.resolve().is_relative_to(places.home.resolve())
    except (OSError, RuntimeError):  # a link that leads in a circle
        inside = False
    if not inside:
        where = relative(path, places.home)
        raise UserError(f"{failed}, because {where} is a link that leads out of the fleet's home.")


def stamp(now: datetime) -> str:
    """A time as part of a name: "20261124-031209" (UTC)."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}"


def inline(text: str) -> str:
    """The text on one line of at most 100 characters."""
    return cut(" ".join(visible(text).split()), 100)


def reason_of(error: OSError) -> str:
    """What the system's refusal means, as the end of a sentence."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full"
        case errno.EROFS:
            return "the file system is read-only"
        case errno.EACCES | errno.EPERM:
            return "this bot lacks the permission"
        case errno.ENOENT:
            return "a file or directory vanished meanwhile"
        case _:
            return f"the system refused it ({error.strerror or 'unknown error'})"
