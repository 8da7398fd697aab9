"""A file of the fleet's configuration put back, and what it was kept aside. Blocks: use a thread."""

import errno
import hashlib
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from commands.configuring.keeping import MANIFEST, MOST_BYTES, digest
from commands.configuring.writing import (
    NEW,
    READ,
    inline,
    must_be_inside,
    open_directory,
    reason_of,
    stamp,
    write_all,
)
from commands.probes.files import relative
from commands.probes.model import Places
from commands.spec import UserError

CORRUPTED = "corrupted"
"""Where files go that were replaced, below the configuration."""

# what is larger is linked, so that a full disk does not keep it from being replaced
_MOST_COPIED = 64 * MOST_BYTES
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A file that was put back and read back."""

    name: str
    digest: str  # of what is there now
    before: str | None  # the same of what was there before; None: there was nothing, or it could not be read
    kept: Path | None  # where that is now; None: there was nothing


def restore(places: Places, name: str, raw: bytes, *, now: datetime) -> Restored:
    """The file holds ``raw``, and what it was is kept aside below the configuration; UserError in one sentence if not.

    A crash at any moment leaves the old file whole or the new one. Mode and owner stay as they were.
    """
    if not _NAME.fullmatch(name) or name == MANIFEST:
        raise UserError(f"'{inline(name)}' is no name of a configuration file. Nothing was changed.")
    failed = f"{name} was not restored"
    if len(raw) > MOST_BYTES:
        raise UserError(f"{failed}, because what should be in it is larger than 1 MiB. Nothing was changed.")
    target = _target(places, name, failed)
    try:
        with open_directory(places.config.resolve()) as config, open_directory(target.parent) as directory:
            old = _seen(target.name, directory)
            if old is not None and stat.S_ISDIR(old.st_mode):
                raise UserError(f"{failed}, because a directory is in its place. Nothing was changed.")
            kept, before = _kept(name, config, (target.name, directory), old, now)
            _put(raw, (target.name, directory), old)
            replaced = _back(target.name, directory)
    except _Changed as error:
        raise UserError(f"{failed}, because somebody else changed it meanwhile. Theirs stands.") from error
    except _OthersFile as error:
        raise UserError(
            f"{failed}, because it belongs to another user, who could not read it then. It is as it was."
        ) from error
    except _AfterReplacing as error:
        raise UserError(
            f"{name} was replaced, but the disk did not confirm it ({reason_of(error.error)}): look at it before any "
            f"bot is started; what it was is in {CORRUPTED}."
        ) from error
    except OSError as error:
        raise UserError(f"{failed}, because {reason_of(error)}. It is as it was.") from error
    if replaced != digest(raw):
        raise UserError(
            f"{name} was replaced, but does not read back as it was written: look at it before any bot is started; "
            f"what it was is in {CORRUPTED}."
        )
    aside = places.config / CORRUPTED / kept if kept is not None else None
    return Restored(name=name, digest=replaced, before=before, kept=aside)


class _Changed(Exception):  # noqa: N818 - what happened, on its way to a sentence
    """Somebody else wrote the file meanwhile."""


class _OthersFile(Exception):  # noqa: N818 - likewise
    """The owner of the file cannot be kept."""


class _AfterReplacing(Exception):  # noqa: N818 - likewise
    """The file was replaced, and what came then failed."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _target(places: Places, name: str, failed: str) -> Path:
    """The file itself, behind links that stay inside the fleet's home."""
    must_be_inside(places.config, places, failed)
    if not os.path.isdir(places.config):  # noqa: PTH112 - False, not an error, where it cannot be looked at
        where = relative(places.config, places.home)
        raise UserError(f"{failed}, because there is no directory {where}. Nothing was changed.")
    path = places.config / name
    must_be_inside(path, places, failed)
    return path.resolve()


def _kept(
    name: str, config: int, source: tuple[str, int], old: os.stat_result | None, now: datetime
) -> tuple[str | None, str | None]:
    """The name below `CORRUPTED` and the hash of what was there; on the disk before anything is replaced."""
    if old is None:
        return None, None
    with suppress(FileExistsError):
        os.mkdir(CORRUPTED, 0o700, dir_fd=config)
        os.fsync(config)
    with open_directory(CORRUPTED, config) as directory:
        names = (f"{name}.{stamp(now)}{f'-{number}' if number > 1 else ''}" for number in range(1, 100))
        for each in names:
            try:
                before = _copied(source, (each, directory), old)
            except FileExistsError:
                continue
            os.fsync(directory)
            return each, before
    raise OSError(errno.EEXIST, "there are a hundred copies of this second")


def _copied(source: tuple[str, int], copy: tuple[str, int], old: os.stat_result) -> str | None:
    """Its hash; what cannot be copied is linked and has none."""
    if not stat.S_ISREG(old.st_mode) or old.st_size > _MOST_COPIED:
        os.link(source[0], copy[0], src_dir_fd=source[1], dst_dir_fd=copy[1], follow_symlinks=False)
        return None
    # a copy, not a link: a program that writes into the file after a crash here would change both
    reading = os.open(source[0], READ, dir_fd=source[1])
    try:
        writing = os.open(copy[0], NEW, 0o600, dir_fd=copy[1])
        try:
            so_far = hashlib.sha256()
            while piece := os.read(reading, MOST_BYTES):
                so_far.update(piece)
                write_all(writing, piece)
            os.fsync(writing)
        except BaseException:
            os.unlink(copy[0], dir_fd=copy[1])
            raise
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return so_far.hexdigest()


def _put(raw: bytes, target: tuple[str, int], old: os.stat_result | None) -> None:
    name, directory = target
    made = f".{name}.{secrets.token_hex(6)}.new"
    number = os.open(made, NEW, 0o600, dir_fd=directory)
    try:
        try:
            write_all(number, raw)
            _like(number, old if old is not None else os.fstat(directory))
            os.fsync(number)
        finally:
            os.close(number)
        _must_be_as_it_was(name, directory, old)
        os.replace(made, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(made, dir_fd=directory)
        raise


def _like(number: int, model: os.stat_result) -> None:
    """Mode and owner of the old file, or as open as the directory where there is none."""
    mine = os.fstat(number)
    if (mine.st_uid, mine.st_gid) != (model.st_uid, model.st_gid):
        try:
            os.fchown(number, model.st_uid, model.st_gid)
        except PermissionError as error:
            raise _OthersFile from error
    os.fchmod(number, model.st_mode & 0o666)


def _back(name: str, directory: int) -> str:
    """The hash of what is there after it was replaced."""
    try:
        os.fsync(directory)
        number = os.open(name, READ, dir_fd=directory)
        try:
            so_far = hashlib.sha256()
            while piece := os.read(number, MOST_BYTES):
                so_far.update(piece)
        finally:
            os.close(number)
    except OSError as error:
        raise _AfterReplacing(error) from error
    return so_far.hexdigest()


def _seen(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _must_be_as_it_was(name: str, directory: int, old: os.stat_result | None) -> None:
    # what somebody else wrote since it was kept aside would be lost
    if _marks(_seen(name, directory)) != _marks(old):
        raise _Changed


def _marks(seen: os.stat_result | None) -> tuple[int, ...]:
    return () if seen is None else (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
