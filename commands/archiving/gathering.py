"""What an archive of evidence takes of the fleet's own files: the ends of its logs, and how its configuration looks."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from commands.archiving.members import Members, bounded, unique
from commands.probes.files import Unreadable, newest, opened, relative, size_words
from commands.probes.model import Places
from storage.schema import utc_text

LOG_MOST = 20 * 2**20
"""Bytes taken of one log, its last ones."""

LOGS_MOST = 200 * 2**20
"""Bytes taken of all logs together, of those that changed last first."""

LOGS = 1000
CONFIGURATION_FILES = 200
CONFIGURATION_MOST = 16 * 2**20

_SECRET_NAME = re.compile(
    r"secret|credential|passw|token|private|(^|[^a-z])(api)?keys?([^a-z]|$)", re.IGNORECASE
)


def add_logs(members: Members, places: Places, left_out: list[str]) -> None:
    """The fleet's logs as members; ``left_out`` grows by what was not taken."""
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
        members.add(unique(f"logs/{path.name}", members.names), content, mtime=seen.st_mtime, **more)


def _last_bytes(path: Path, home: Path, room: int) -> tuple[bytes, os.stat_result]:
    with _ordinary(path, home) as (file, seen):
        wanted = min(seen.st_size, LOG_MOST)
        if wanted > room:
            raise Unreadable(f"was not taken: the logs take more than {size_words(LOGS_MOST)} together")
        file.seek(seen.st_size - wanted)
        return file.read(wanted), seen  # what is written to it meanwhile does not count


def configuration(places: Places, left_out: list[str]) -> list[Mapping[str, object]]:
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
        "mtime": utc_text(datetime.fromtimestamp(bounded(seen.st_mtime), UTC)),
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
