"""Copies of the fleet's configuration: taken whole, told from altered ones, put back. Blocks: use a thread."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from commands.configuring.checking import parsed
from commands.probes.files import Unreadable, newest, read_whole, relative
from commands.probes.model import Places
from commands.spec import UserError
from commands.words import cut, visible

MOST_FILES = 100
MOST_BYTES = 1024 * 1024
MOST_BACKUPS = 200
MANIFEST = "manifest.json"
"""Tells what a backup holds; a configuration file of that name is left out of it."""

CORRUPTED = "corrupted"
"""Where files go that were replaced, below the configuration."""

_MOST_COPIED = (
    64 * MOST_BYTES
)  # what is larger is linked, so that a full disk does not keep it from being replaced
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Standing(StrEnum):
    """How far the files of a backup can be believed."""

    UNALTERED = "unaltered"  # exactly what its manifest says
    ALTERED = "altered"  # something else than its manifest says
    UNMARKED = "without a manifest"  # somebody else's: nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One directory of copies, as it was when it was looked at.

    The manifest guards against accidents, not against somebody who alters it with the files.
    """

    path: Path
    at: datetime  # from the manifest, else when the directory changed last
    by: str  # "" where nobody says
    standing: Standing
    note: str  # why it is not unaltered, as a predicate; else ""
    files: Mapping[str, str]  # name -> sha256 of what is there

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A file that was put back and read back."""

    name: str
    digest: str  # of what is there now
    before: str | None  # the same of what was there before; None: there was nothing, or it could not be read
    kept: Path | None  # where that is now; None: there was nothing


def digest(raw: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


# -- backups


def back_up(places: Places, *, now: datetime, by: str) -> Backup:
    """A new backup of every JSON file of the configuration, on the disk and read back; UserError when there is none.

    It appears whole or not at all, and never in the place of another one.
    """
    files = _present(places)
    said = {name: {"sha256": digest(raw), "bytes": len(raw)} for name, raw in files.items()}
    manifest = {"made_at": now.astimezone(UTC).isoformat(), "made_by": _inline(by), "files": said}
    _must_be_inside(places.backups, places, "No backup was made")
    try:
        places.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=places.backups))
        try:
            for name, raw in files.items():
                _write(made / name, raw)
            _write(made / MANIFEST, json.dumps(manifest, indent=2).encode("ascii") + b"\n")
            _sync(made)
            path = _in_place(made, places.backups, now)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        _sync(places.backups)
    except OSError as error:
        raise UserError(f"No backup was made, because {_reason(error)}. Nothing else was changed.") from error
    backup = _looked_at(_Found(path=path, at=now.astimezone(UTC), raw=_manifest(path)))
    if backup is None or backup.standing is not Standing.UNALTERED:
        raise UserError(
            f"A backup was written to {relative(path, places.home)}, but it does not read back as it was written: "
            "do not rely on it, and look at the disk."
        )
    return backup


def backups(places: Places) -> list[Backup]:
    """The backups that are there, newest first, at most 200; UserError when their directory cannot be read."""
    return list(_backups(places))


def last_good(places: Places) -> Backup | None:
    """The newest unaltered backup whose files are all sound JSON; UserError as in `backups`."""
    whole = (each for each in _backups(places) if each.standing is Standing.UNALTERED)
    return next((each for each in whole if _sound(each)), None)


def content(backup: Backup, name: str) -> bytes:
    """A file of the backup, the same bytes as when the backup was looked at; UserError when they are not there."""
    if name not in backup.files:
        raise UserError(f"The backup {_label(backup.path)} holds no {_inline(name)}.")
    try:
        raw = read_whole(backup.path / name, backup.path, most=MOST_BYTES)
    except Unreadable as error:
        raise UserError(f"{_inline(name)} in the backup {_label(backup.path)} {error}.") from error
    if digest(raw) != backup.files[name]:
        raise UserError(
            f"{name} in the backup {_label(backup.path)} was changed a moment ago: look at it again before it is used."
        )
    return raw


def _present(places: Places) -> dict[str, bytes]:
    """The configuration as it is, all of it, since half a backup is one that somebody relies on."""
    nothing = "No backup was made."
    try:
        paths, _ = newest(places.config, places.home, suffix=".json", most=MOST_FILES + 2)
    except Unreadable as error:
        raise UserError(f"The directory {relative(places.config, places.home)} {error}. {nothing}") from error
    paths = sorted(each for each in paths if each.name != MANIFEST)
    if not paths or len(paths) > MOST_FILES:
        many = f"more than {MOST_FILES}" if paths else "no"
        raise UserError(f"{relative(places.config, places.home)} holds {many} JSON files. {nothing}")
    files = {}
    for path in paths:
        try:
            files[path.name] = read_whole(path, places.home, most=MOST_BYTES)
        except Unreadable as error:
            raise UserError(f"{relative(path, places.home)} {error}. {nothing}") from error
    return files


def _in_place(made: Path, directory: Path, now: datetime) -> Path:
    for number in range(1, 100):
        path = directory / f"config-{_stamp(now)}{f'-{number}' if number > 1 else ''}"
        if os.path.lexists(path):
            continue
        try:
            made.rename(path)  # fails where another backup took the name since; that one holds files
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        else:
            return path
    raise OSError(errno.EEXIST, "there are a hundred backups of this second")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    path: Path
    at: datetime
    raw: bytes | Unreadable | None  # the manifest; None: there is none


def _backups(places: Places) -> Iterator[Backup]:
    try:
        paths, _ = newest(places.backups, places.home, suffix="", most=10 * MOST_BACKUPS)
    except Unreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return
        raise UserError(f"The directory {relative(places.backups, places.home)} {error}.") from error
    # links are left out: what they lead to is listed itself, or is not ours
    folders = [each for each in paths if _is_folder(each)]
    found = [_found(each) for each in folders[:MOST_BACKUPS]]
    found.sort(key=lambda each: (each.at, each.path.name), reverse=True)
    yield from filter(None, map(_looked_at, found))


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode) and not path.name.startswith(".")
    except OSError:  # removed since it was listed
        return False


def _found(path: Path) -> _Found:
    raw = _manifest(path)
    read = _read(raw) if isinstance(raw, bytes) else None
    if read is not None:
        return _Found(path=path, at=read[0], raw=raw)
    try:
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        at = datetime.min.replace(tzinfo=UTC)
    return _Found(path=path, at=at, raw=raw)


def _manifest(path: Path) -> bytes | Unreadable | None:
    if not os.path.lexists(path / MANIFEST):
        return None
    try:
        return read_whole(path / MANIFEST, path, most=MOST_BYTES)
    except Unreadable as error:
        return error


def _read(raw: bytes) -> tuple[datetime, str, dict[str, str]] | None:
    """When, by whom and what, of a manifest that we may have written; ``None`` for anything else."""
    match parsed(MANIFEST, raw).data:
        case {"made_at": str(at), "made_by": str(by), "files": dict(files)}:
            pass
        case _:
            return None
    try:
        moment = datetime.fromisoformat(at)
        said = {str(name): str(each["sha256"]) for name, each in files.items()}
    except (ValueError, TypeError, KeyError):
        return None
    return (moment.astimezone(UTC), _inline(by), said) if moment.tzinfo is not None else None


def _looked_at(found: _Found) -> Backup | None:
    """The backup with the hashes of what is there; ``None`` for a directory that is no backup."""
    files, note = _hashed(found.path)
    by, standing = "", Standing.ALTERED
    if found.raw is None:
        if not files and not note:
            return None
        standing, note = Standing.UNMARKED, note or "has no manifest"
    elif isinstance(found.raw, Unreadable):
        note = f"has a manifest that {found.raw}"
    elif (read := _read(found.raw)) is None:
        note = "has a manifest that is none of ours"
    else:
        _, by, said = read
        odd = sorted(name for name in {*said, *files} if said.get(name) != files.get(name))
        if odd and not note:
            more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
            note = f"differs from its manifest in {_inline(odd[0])}{more}"
        standing = Standing.ALTERED if note else Standing.UNALTERED
    return Backup(path=found.path, at=found.at, by=by, standing=standing, note=note, files=files)


def _hashed(path: Path) -> tuple[dict[str, str], str]:
    """The hash of every JSON file that can be read, and what is odd about the others."""
    try:
        paths, _ = newest(path, path, suffix=".json", most=MOST_FILES + 2)
    except Unreadable as error:
        return {}, str(error)
    files: dict[str, str] = {}
    note = ""
    for each in sorted(path for path in paths if path.name != MANIFEST):
        if len(files) == MOST_FILES:
            return files, f"holds more than {MOST_FILES} files"
        try:
            files[each.name] = digest(read_whole(each, path, most=MOST_BYTES))
        except Unreadable as error:
            note = note or f"holds {relative(each, path)}, which {error}"
    return files, note


def _sound(backup: Backup) -> bool:
    try:
        return all(parsed(name, content(backup, name)).fault is None for name in backup.files)
    except UserError:  # altered since
        return False


# -- putting a file back


def restore(places: Places, name: str, raw: bytes, *, now: datetime) -> Restored:
    """The file holds ``raw``, and what it was is kept aside below the configuration; UserError in one sentence if not.

    A crash at any moment leaves the old file whole or the new one. Mode and owner stay as they were.
    """
    if not _NAME.fullmatch(name) or name == MANIFEST:
        raise UserError(f"'{_inline(name)}' is no name of a configuration file. Nothing was changed.")
    failed = f"{name} was not restored"
    if len(raw) > MOST_BYTES:
        raise UserError(f"{failed}, because what should be in it is larger than 1 MiB. Nothing was changed.")
    target = _target(places, name, failed)
    try:
        with _open(places.config.resolve()) as config, _open(target.parent) as directory:
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
            f"{name} was replaced, but the disk did not confirm it ({_reason(error.error)}): look at it before any "
            f"bot is started; what it was is in {CORRUPTED}."
        ) from error
    except OSError as error:
        raise UserError(f"{failed}, because {_reason(error)}. It is as it was.") from error
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
    _must_be_inside(places.config, places, failed)
    if not os.path.isdir(places.config):  # noqa: PTH112 - False, not an error, where it cannot be looked at
        where = relative(places.config, places.home)
        raise UserError(f"{failed}, because there is no directory {where}. Nothing was changed.")
    path = places.config / name
    _must_be_inside(path, places, failed)
    return path.resolve()


def _must_be_inside(path: Path, places: Places, failed: str) -> None:
    try:
        inside = path.resolve().is_relative_to(places.home.resolve())
    except (OSError, RuntimeError):  # a link that leads in a circle
        inside = False
    if not inside:
        where = relative(path, places.home)
        raise UserError(f"{failed}, because {where} is a link that leads out of the fleet's home.")


def _kept(
    name: str, config: int, source: tuple[str, int], old: os.stat_result | None, now: datetime
) -> tuple[str | None, str | None]:
    """The name below `CORRUPTED` and the hash of what was there; on the disk before anything is replaced."""
    if old is None:
        return None, None
    with suppress(FileExistsError):
        os.mkdir(CORRUPTED, 0o700, dir_fd=config)
        os.fsync(config)
    with _open(CORRUPTED, config) as directory:
        names = (f"{name}.{_stamp(now)}{f'-{number}' if number > 1 else ''}" for number in range(1, 100))
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
    reading = os.open(source[0], _READ, dir_fd=source[1])
    try:
        writing = os.open(copy[0], _NEW, 0o600, dir_fd=copy[1])
        try:
            so_far = hashlib.sha256()
            while piece := os.read(reading, MOST_BYTES):
                so_far.update(piece)
                _write_all(writing, piece)
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
    number = os.open(made, _NEW, 0o600, dir_fd=directory)
    try:
        try:
            _write_all(number, raw)
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
        number = os.open(name, _READ, dir_fd=directory)
        try:
            so_far = hashlib.sha256()
            while piece := os.read(number, MOST_BYTES):
                so_far.update(piece)
        finally:
            os.close(number)
    except OSError as error:
        raise _AfterReplacing(error) from error
    return so_far.hexdigest()


@contextmanager
def _open(path: Path | str, inside: int | None = None) -> Iterator[int]:
    number = os.open(path, _DIRECTORY, dir_fd=inside)
    try:
        yield number
    finally:
        os.close(number)


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


def _write(path: Path, raw: bytes) -> None:
    number = os.open(path, _NEW, 0o600)
    try:
        _write_all(number, raw)
        os.fsync(number)
    finally:
        os.close(number)


def _write_all(number: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(number, view) :]


def _sync(directory: Path) -> None:
    with _open(directory) as number:
        os.fsync(number)


def _stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}"


def _inline(text: str) -> str:
    return cut(" ".join(visible(text).split()), 100)


def _label(path: Path) -> str:
    return relative(path, path.parent)


def _reason(error: OSError) -> str:
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
