"""Files inside the fleet's home, read without ever leaving it, hanging on one or reading more than asked."""

import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from commands.masking import masked_text
from commands.probes.model import Places
from commands.words import visible

MOST_ENTRIES = 100_000
"""Entries of a directory that are looked at; what lies behind them is not seen."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a FIFO waits for somebody who writes to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Unreadable(Exception):  # noqa: N818 - named for what happened, as an except clause reads it
    """Why a file or directory was not read, as a predicate: "is not there", "is larger than 1 MiB"."""


def places(home: str, *, logs: str, config: str, backups: str) -> Places:
    """The directories, resolved, those in ``home`` relative to it; ValueError with a sentence for one outside."""
    if not home.strip():
        raise ValueError("The fleet's home is empty: name its directory.")
    root = _resolved(Path(home), "The fleet's home", home)
    if root == Path(root.anchor):
        raise ValueError(f"The fleet's home must not be {root}, which is the whole disk.")
    found = {}
    for name, given in (("logs", logs), ("config", config), ("backups", backups)):
        path = _resolved(root / Path(given), f"The directory for {name}", given)
        if not path.is_relative_to(root):
            raise ValueError(f"The directory for {name}, {path}, lies outside the fleet's home {root}.")
        found[name] = path
    return Places(home=root, **found)


@contextmanager
def opened(path: Path, home: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """An ordinary file inside ``home``, open for reading, and what it was like then; Unreadable for all others.

    Links are followed where they stay inside. An OSError while it is read is the caller's.
    """
    with _descriptor(path, home) as number, os.fdopen(number, "rb", closefd=False) as file:
        yield file, os.fstat(number)


def read_whole(path: Path, home: Path, *, most: int) -> bytes:
    """All of a file of at most ``most`` bytes; Unreadable when it is larger."""
    try:
        with opened(path, home) as (file, seen):
            raw = b"" if seen.st_size > most else file.read(most + 1)
    except OSError as error:
        raise _unreadable(error) from error
    if seen.st_size > most or len(raw) > most:
        raise Unreadable(f"is larger than {size_words(most)}")
    return raw


def tail(path: Path, home: Path, *, most: int) -> tuple[bytes, int]:
    """The last bytes of a file, at most ``most`` and beginning with a full line, and the size of the whole file.

    Nothing comes of a file whose last line is longer than that. A file that shrinks meanwhile gives what is left.
    """
    try:
        with opened(path, home) as (file, seen):
            begin = max(seen.st_size - most, 0)
            # One byte more tells whether a line begins exactly there.
            file.seek(max(begin - 1, 0))
            raw = file.read(most + 1 if begin else most)
    except OSError as error:
        raise _unreadable(error) from error
    return (raw.partition(b"\n")[2] if begin else raw), seen.st_size


def listing(directory: Path, home: Path, *, most: int) -> list[Path]:
    """The first ``most`` ordinary files directly in a directory, by name; no links.

    Ask for one more than you take to learn whether there are more.
    """
    with _scanned(directory, home) as entries:
        names = (each.name for each in entries if each.is_file(follow_symlinks=False))
        return [directory / name for name in heapq.nsmallest(most, names)]


def newest(directory: Path, home: Path, *, suffix: str, most: int) -> tuple[list[Path], int]:
    """What changed last directly in a directory and is named so, newest first, and how many there are in all.

    These may be links, directories or pipes; `opened` tells which of them are files.
    """
    counted = 0

    def dated(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
        nonlocal counted
        for each in entries:
            if each.name.endswith(suffix):
                counted += 1
                yield _changed(each), each.name

    with _scanned(directory, home) as entries:
        found = heapq.nlargest(most, dated(entries))
    return [directory / name for _, name in found], counted


def relative(path: Path, home: Path) -> str:
    """The path as people are shown it: from ``home`` on, on one line, without secrets."""
    inside = path.relative_to(home) if path.is_relative_to(home) else path
    return masked_text(" ".join(visible(os.fsencode(inside).decode("utf-8", "replace")).split()))


def size_words(size: int) -> str:
    """A number of bytes for people: "512 KiB", "1 MiB", "9.3 GiB"."""
    value, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def _resolved(path: Path, what: str, given: str) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{what}, {visible(given)}, is no path that can be followed.") from error


def _inside(path: Path, home: Path) -> tuple[Path, tuple[str, ...]]:
    """The home and the names that lead from it, both without links."""
    try:
        root = home.resolve(strict=True)
        real = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unreadable("is not there") from error
    except OSError as error:
        raise _unreadable(error) from error
    except RuntimeError as error:
        raise Unreadable("is a link that leads in a circle") from error
    except ValueError as error:
        raise Unreadable("has a name that no file can have") from error
    if not real.is_relative_to(root):
        leads = "is a link that leads out of" if _named_inside(path, home) else "lies outside"
        raise Unreadable(f"{leads} the fleet's home")
    return root, real.relative_to(root).parts


def _named_inside(path: Path, home: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(home))


@contextmanager
def _walked(root: Path, names: tuple[str, ...]) -> Iterator[int]:
    """The directory at the end of these names.

    Each name is opened inside the directory before it and never as a link: whoever puts a link in the place of one
    that was just resolved gets an error, not a file elsewhere.
    """
    number = os.open(root, _DIRECTORY)
    try:
        for name in names:
            deeper = os.open(name, _DIRECTORY, dir_fd=number)
            os.close(number)
            number = deeper
        yield number
    finally:
        os.close(number)


@contextmanager
def _descriptor(path: Path, home: Path) -> Iterator[int]:
    root, names = _inside(path, home)
    if not names:
        raise Unreadable("is no ordinary file")
    try:
        with _walked(root, names[:-1]) as above:
            # Looked at first because the mere opening of some devices does something.
            _must_be_file(os.stat(names[-1], dir_fd=above, follow_symlinks=False))
            number = os.open(names[-1], _FILE, dir_fd=above)
    except OSError as error:
        raise _unreadable(error) from error
    try:
        _must_be_file(os.fstat(number))
        yield number
    finally:
        os.close(number)


def _must_be_file(seen: os.stat_result) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise Unreadable("is no ordinary file")


@contextmanager
def _scanned(directory: Path, home: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    root, names = _inside(directory, home)
    try:
        with _walked(root, names) as number, os.scandir(number) as entries:
            yield (each for _, each in zip(range(MOST_ENTRIES), entries, strict=False))
    except NotADirectoryError as error:
        raise Unreadable("is no directory") from error
    except OSError as error:
        raise _unreadable(error) from error


def _changed(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except OSError:  # removed since it was listed
        return 0


def _unreadable(error: OSError) -> Unreadable:
    if isinstance(error, FileNotFoundError):
        return Unreadable("is not there")
    return Unreadable(f"cannot be read ({error.strerror})")
