"""An archive of evidence on this bot's own host, with a manifest that every member can be held against.

Logs stand in it as they are, secrets included: it belongs to its owner alone (0600), stays on the host and is never
sent to any chat. Of configuration files it holds no more than size, time and hash.
"""

import gzip
import hashlib
import json
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from commands.archiving.gathering import add_logs, configuration
from commands.archiving.members import CONFIGURATION, MANIFEST, Members, unique
from commands.probes.model import Places
from commands.spec import UserError
from storage.schema import utc_text

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
        members = Members(tar)
        for part in parts:
            members.add(unique(part.name, members.names), part.content, mtime=now)
        if places is None:
            left_out.append(
                "The fleet's logs and configuration are not on this host, or its home is not set."
            )
        else:
            add_logs(members, places, left_out)
            members.add(CONFIGURATION, _json(configuration(places, left_out)), mtime=now)
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


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode("ascii")
