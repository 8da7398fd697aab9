"""Copies of the fleet's configuration: taken whole, and told from altered ones. Blocks: use a thread."""

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from commands.configuring.strict_json import parsed
from commands.configuring.writing import inline, must_be_inside, reason_of, stamp, sync, write
from commands.probes.files import Unreadable, newest, read_whole, relative
from commands.probes.model import Places
from commands.spec import UserError
from commands.words import closest

MOST_FILES = 100
MOST_BYTES = 1024 * 1024
MOST_BACKUPS = 200
MANIFEST = "manifest.json"
"""Tells what a backup holds; a configuration file of that name is left out of it."""


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


def digest(raw: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


def back_up(places: Places, *, now: datetime, by: str) -> Backup:
    """A new backup of every JSON file of the configuration, on the disk and read back; UserError when there is none.

    It appears whole or not at all, and never in the place of another one.
    """
    files = _present(places)
    said = {name: {"sha256": digest(raw), "bytes": len(raw)} for name, raw in files.items()}
    manifest = {"made_at": now.astimezone(UTC).isoformat(), "made_by": inline(by), "files": said}
    must_be_inside(places.backups, places, "No backup was made")
    try:
        places.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=places.backups))
        try:
            for name, raw in files.items():
                write(made / name, raw)
            write(made / MANIFEST, json.dumps(manifest, indent=2).encode("ascii") + b"\n")
            sync(made)
            path = _in_place(made, places.backups, now)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        sync(places.backups)
    except OSError as error:
        raise UserError(
            f"No backup was made, because {reason_of(error)}. Nothing else was changed."
        ) from error
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
        near = closest(name, backup.files)
        hint = f" Did you mean {near}?" if near else ""
        raise UserError(
            f"The backup {_label(backup.path)} holds no {inline(name)}, so nothing was done.{hint}"
        )
    try:
        raw = read_whole(backup.path / name, backup.path, most=MOST_BYTES)
    except Unreadable as error:
        raise UserError(f"{inline(name)} in the backup {_label(backup.path)} {error}.") from error
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
        path = directory / f"config-{stamp(now)}{f'-{number}' if number > 1 else ''}"
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
    return (moment.astimezone(UTC), inline(by), said) if moment.tzinfo is not None else None


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
            note = f"differs from its manifest in {inline(odd[0])}{more}"
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


def _label(path: Path) -> str:
    return relative(path, path.parent)
