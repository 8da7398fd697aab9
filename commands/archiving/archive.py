"""An archive of evidence on this bot's own host, with a manifest that every member can be held against.

Logs stand in it as they are, secrets included: it belongs to its owner alone (0600), stays on the host and is never
sent to any chat. Of configuration files it holds no more than size, time and hash.
"""

import gzip
import hashlib
import io
import json
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from commands.probes.files import Unreadable, newest, opened, relative, size_words
from commands.probes.model import Places
from commands.spec import UserError
from commands.words import cut, visible
from storage.schema import utc_text

LOG_MOST = 20 * 2**20
"""Bytes taken of one log, its last ones."""

LOGS_MOST = 200 * 2**20
"""Bytes taken of all logs together, of those that changed last first."""

LOGS = 1000
CONFIGURATION_FILES = 200
CONFIGURATION_MOST = 16 * 2**20
CONFIGURATION = "configuration.json"
MANIFEST = "manifest.json"

READ_MOST = 2**30
"""Bytes, as they are and unpacked, of an archive that is read back."""

_MANIFEST_MOST = 8 * 2**20
_MEMBERS_MOST = LOGS + 1000
_TOLD = 100  # mismatches; the rest is a number
_LATEST = 8**11 - 1  # seconds that the header of a member has room for
_SECRET_NAME = re.compile(
    r"secret|credential|passw|token|private|(^|[^a-z])(api)?keys?([^a-z]|$)", re.IGNORECASE
)
_NOTE = (
    "Logs stand here as they were written and may hold secrets. Of configuration files there are only size, time "
    "and hash; nothing else of the fleet's files was opened."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that the caller gathered."""

    name: str  # "status.json"
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An archive that is whole on the disk; ``size`` in bytes, ``left_out`` sentences without secrets."""

    path: Path
    sha256: str
    size: int
    members: int  # with its manifest
    left_out: tuple[str, ...]


class _DamagedError(Exception):
    """Why an archive cannot be read on, as a predicate: "ends in the middle"."""


def pack(
    directory: Path, *, number: str, at: datetime, parts: Sequence[Part], places: Places | None, by: str = ""
) -> Packed:
    """The archive ``evidence-YYYYMMDD-HHMMSS-NUMBER.tar.gz`` (UTC) of these parts and of the fleet's logs.

    It has its name only once it is whole on the disk, and never takes the place of another one. UserError when it
    cannot be written; nothing of it is kept then. It reads and writes for seconds: run it in a thread.
    """
    name = f"evidence-{at.astimezone(UTC):%Y%m%d-%H%M%S}-{re.sub('[^A-Za-z0-9._-]', '_', number)[:60]}.tar.gz"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _new_file(directory, name) as file:
            members, left_out = _written(file, number=number, at=at, parts=parts, places=places, by=by)
            file.seek(0)
            digest = hashlib.sha256()  # of what the disk gives back
            while data := file.read(2**20):
                digest.update(data)
            size = file.tell()
    except OSError as error:
        raise UserError(
            f"No evidence was taken: {directory} cannot be written to ({error.strerror}), and nothing half done was "
            "left there; mend that or name another directory in CHATBOT_RECOVERY__EVIDENCE, then take it again."
        ) from error
    return Packed(
        path=directory / name, sha256=digest.hexdigest(), size=size, members=members, left_out=left_out
    )


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


# -- writing


@contextmanager
def _new_file(directory: Path, name: str) -> Iterator[BinaryIO]:
    """A file that is there under its name once all of it is on the disk, and otherwise not at all."""
    above = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    half = f".{name}.part"
    try:
        number = _created(half, above)
        try:
            with os.fdopen(number, "w+b") as file:
                yield file
                file.flush()
                os.fsync(number)
            # Only one can hold the half file of a name, so nobody comes between this look and the renaming.
            _must_be_free(name, above)
            os.rename(half, name, src_dir_fd=above, dst_dir_fd=above)
        except BaseException:
            with suppress(OSError):
                os.unlink(half, dir_fd=above)
            raise
        with suppress(OSError):  # not every file system can, and the file is whole without it
            os.fsync(above)
    finally:
        os.close(above)


def _created(half: str, above: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(half, flags, 0o600, dir_fd=above)
    except FileExistsError as error:
        raise UserError(f"No evidence was taken: {half} is being written already; take it again.") from error


def _must_be_free(name: str, above: int) -> None:
    try:
        os.stat(name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise UserError(f"No evidence was taken: {name} is there already and stays as it is; take it again.")


def _written(
    file: BinaryIO, *, number: str, at: datetime, parts: Sequence[Part], places: Places | None, by: str
) -> tuple[int, tuple[str, ...]]:
    """How many members were written, and what was left out."""
    now = at.timestamp()
    left_out: list[str] = []
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=int(now)) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        members = _Members(tar)
        for part in parts:
            members.add(_unique(part.name, members.names), part.content, mtime=now)
        if places is None:
            left_out.append(
                "The fleet's logs and configuration are not on this host, or its home is not set."
            )
        else:
            _add_logs(members, places, left_out)
            members.add(CONFIGURATION, _json(_configuration(places, left_out)), mtime=now)
        manifest = {
            "number": number,
            "taken_at": utc_text(at),
            "taken_by": by,
            "note": _NOTE,
            "members": members.told,
            "left_out": left_out,
        }
        members.add(MANIFEST, _json(manifest), mtime=now)
    return len(members.told), tuple(left_out)


class _Members:
    """The members of an archive that is being written, and what its manifest will say of them."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.names = {CONFIGURATION, MANIFEST}
        self.told: list[Mapping[str, Any]] = []

    def add(self, name: str, content: bytes, *, mtime: float, **more: object) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mode = 0o600
        info.mtime = int(_bounded(mtime))
        self._tar.addfile(info, io.BytesIO(content))
        self.names.add(name)
        digest = hashlib.sha256(content).hexdigest()
        self.told.append({"name": name, "size": len(content), "sha256": digest, **more})


def _add_logs(members: _Members, places: Places, left_out: list[str]) -> None:
    try:
        logs, counted = newest(places.logs, places.home, suffix=".log", most=LOGS)
    except Unreadable as error:
        left_out.append(f"The fleet's logs: {relative(places.logs, places.home)} {error}.")
        return
    if counted > len(logs):
        left_out.append(f"{counted - len(logs)} logs that did not change lately: there are more than {LOGS}.")
    room = LOGS_MOST
    for path in logs:
        shown = relative(path, places.home)
        try:
            content, seen = _last_bytes(path, places.home, room)
        except Unreadable as error:
            left_out.append(f"{shown} {error}.")
            continue
        room -= len(content)
        more: dict[str, object] = {"source": shown}
        missing = seen.st_size - len(content)
        if missing:
            more["original_size"] = seen.st_size
            last = f"only the last {size_words(LOG_MOST)} are taken"
            why = last if seen.st_size > LOG_MOST else "it was emptied meanwhile"
            left_out.append(f"{shown}: {size_words(missing)} of it; {why}.")
        members.add(_unique(f"logs/{path.name}", members.names), content, mtime=seen.st_mtime, **more)


def _last_bytes(path: Path, home: Path, room: int) -> tuple[bytes, os.stat_result]:
    with _ordinary(path, home) as (file, seen):
        wanted = min(seen.st_size, LOG_MOST)
        if wanted > room:
            raise Unreadable(f"was not taken: the logs take more than {size_words(LOGS_MOST)} together")
        file.seek(seen.st_size - wanted)
        return file.read(wanted), seen  # what is written to it meanwhile does not count


def _configuration(places: Places, left_out: list[str]) -> list[Mapping[str, object]]:
    """What can be said of the configuration files without telling what stands in them."""
    try:
        paths, counted = newest(places.config, places.home, suffix=".json", most=CONFIGURATION_FILES)
    except Unreadable as error:
        left_out.append(f"The configuration: {relative(places.config, places.home)} {error}.")
        return []
    if counted > len(paths):
        left_out.append(
            f"{counted - len(paths)} configuration files: there are more than {CONFIGURATION_FILES}."
        )
    told: list[Mapping[str, object]] = []
    for path in sorted(paths):
        try:
            told.append(_described(path, places.home))
        except Unreadable as error:
            left_out.append(f"{relative(path, places.home)} {error}.")
    return told


def _described(path: Path, home: Path) -> Mapping[str, object]:
    if path.name.startswith(".") or _SECRET_NAME.search(path.name):
        raise Unreadable("was not opened: its name says that it holds secrets")
    with _ordinary(path, home) as (file, seen):
        raw = file.read(CONFIGURATION_MOST + 1)
    if len(raw) > CONFIGURATION_MOST:
        raise Unreadable(f"is larger than {size_words(CONFIGURATION_MOST)}")
    return {
        "name": relative(path, home),
        "size": len(raw),
        "mtime": utc_text(datetime.fromtimestamp(_bounded(seen.st_mtime), UTC)),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


@contextmanager
def _ordinary(path: Path, home: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """The very file of this name, no link to another one; Unreadable for all else, and while it is read."""
    try:
        before = path.lstat()
        if stat.S_ISLNK(before.st_mode):
            raise Unreadable("is a link, which is not followed")
        with opened(path, home) as (file, seen):
            # A link put there since then could lead to a file of secrets inside the home.
            if not os.path.samestat(before, seen):
                raise Unreadable("was replaced while it was opened")
            yield file, seen
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from error


def _unique(name: str, taken: set[str]) -> str:
    """A safe name that no other member has."""
    wanted = _safe(name)
    stem, dot, suffix = wanted.rpartition(".") if "." in wanted else (wanted, "", "")
    found, number = wanted, 2
    while found in taken:
        found, number = f"{stem}-{number}{dot}{suffix}", number + 1
    return found


def _safe(name: str) -> str:
    """The end of a name, short and plain enough for every system and terminal."""
    return _plain(name[-80:]) or "unnamed"


def _plain(name: str) -> str:
    """The name, relative, without steps upwards, and of harmless characters only."""
    pieces = [re.sub(r"[^A-Za-z0-9._@+=-]", "_", each) for each in name.replace("\\", "/").split("/")]
    return "/".join(each for each in pieces if each not in {"", ".", ".."})


def _bounded(mtime: float) -> float:
    """A time that headers and calendars have room for; a file can claim any."""
    return min(max(mtime, 0.0), _LATEST)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode("ascii")


# -- reading back


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
        if info.type != tarfile.REGTYPE or name != _plain(name):
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
