"""An archive of evidence held against its manifest."""

import gzip
import hashlib
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from commands.archiving.gathering import LOGS
from commands.archiving.members import MANIFEST, plain
from commands.probes.files import size_words
from commands.words import cut, visible

READ_MOST = 2**30
"""Bytes, as they are and unpacked, of an archive that is read back."""

_MANIFEST_MOST = 8 * 2**20
_MEMBERS_MOST = LOGS + 1000
_TOLD = 100  # mismatches; the rest is a number


class _DamagedError(Exception):
    """Why an archive cannot be read on, as a predicate: "ends in the middle"."""


def verified(path: Path) -> tuple[str, ...]:
    """Every mismatch of an archive with its manifest, one sentence each; none when it is whole.

    Nothing of it is unpacked to the disk or, but for its manifest, kept in memory.
    """
    try:
        with _read_back(path) as stream:
            found, last, raw = _unpacked(stream)
    except _DamagedError as error:
        return (f"{path.name} {error}.",)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return (f"{path.name} is cut off or damaged.",)
    except OSError as error:
        return (f"{path.name} cannot be read ({error.strerror}).",)
    if last != MANIFEST:
        return (f"{path.name} does not end with its manifest.",)
    del found[MANIFEST]
    told = list(_mismatches(found, raw))
    more = [f"There are {len(told) - _TOLD} more mismatches."] if len(told) > _TOLD else []
    return (*told[:_TOLD], *more)


@contextmanager
def _read_back(path: Path) -> Iterator[gzip.GzipFile]:
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as raw:
        seen = os.fstat(number)
        if not stat.S_ISREG(seen.st_mode):
            raise _DamagedError("is no ordinary file")
        if seen.st_size > READ_MOST:
            raise _DamagedError(f"is larger than {size_words(READ_MOST)}")
        with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
            yield stream


def _unpacked(stream: gzip.GzipFile) -> tuple[dict[str, tuple[int, str]], str, bytes]:
    """Size and hash of each member by its name, the name of the last one, and the manifest.

    It takes only the plain headers that `pack` writes: the longer kinds let a file claim any amount of memory.
    """
    found: dict[str, tuple[int, str]] = {}
    room, name, manifest = READ_MOST, "", b""
    while (info := _header(stream)) is not None:
        name = info.name
        shown = cut(visible(name), 90)
        if info.type != tarfile.REGTYPE or name != plain(name):
            raise _DamagedError(f"holds '{shown}', which is no safe ordinary file")
        if name in found:
            raise _DamagedError(f"holds '{shown}' twice")
        room -= info.size
        if info.size < 0 or room < 0 or len(found) >= _MEMBERS_MOST:
            raise _DamagedError(f"holds more than {size_words(READ_MOST)} or {_MEMBERS_MOST:,} files")
        if name == MANIFEST and info.size > _MANIFEST_MOST:
            raise _DamagedError(f"has a manifest larger than {size_words(_MANIFEST_MOST)}")
        digest, missing = hashlib.sha256(), info.size
        while missing:
            data = stream.read(min(missing, 65_536))
            if not data:
                raise _DamagedError("ends in the middle")
            digest.update(data)
            missing -= len(data)
            if name == MANIFEST:
                manifest += data
        if stream.read(-info.size % tarfile.BLOCKSIZE).strip(b"\0"):
            raise _DamagedError(f"holds something between '{shown}' and what follows it")
        found[name] = (info.size, digest.hexdigest())
    rest = stream.read(tarfile.RECORDSIZE)
    if rest.strip(b"\0") or stream.read(1):
        raise _DamagedError("holds something behind its end")
    return found, name, manifest


def _header(stream: gzip.GzipFile) -> tarfile.TarInfo | None:
    """The next member, ``None`` at the end."""
    raw = stream.read(tarfile.BLOCKSIZE)
    if len(raw) < tarfile.BLOCKSIZE:
        raise _DamagedError("ends in the middle")
    if not raw.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(raw, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise _DamagedError("is no archive of evidence, or is damaged") from error


def _mismatches(found: Mapping[str, tuple[int, str]], raw: bytes) -> Iterator[str]:
    try:
        manifest = json.loads(raw)
        wanted = {str(each["name"]): (each["size"], each["sha256"]) for each in manifest["members"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        yield "Its manifest cannot be read."
        return
    for name in sorted(found.keys() | wanted.keys()):
        shown = cut(visible(name), 90)
        if name not in found:
            yield f"{shown} is missing."
        elif name not in wanted:
            yield f"{shown} is not in the manifest."
        elif found[name] != wanted[name]:
            size, _ = found[name]
            what = "content" if size == wanted[name][0] else f"size ({size:,} bytes)"
            yield f"{shown} has another {what} than the manifest says."
