"""The journal: where a kill is written down when the database cannot take it, to be imported later."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """One file of JSON lines, safe for several processes; the caller gets the disk's OSError."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    @property
    def pending(self) -> bool:
        """True when something waits to be imported; False also when the disk does not tell.

        What cannot be read must not keep anything out of a database that works.
        """
        try:
            return self._path.stat().st_size > 0
        except OSError:
            return False

    def append(self, record: Mapping[str, Any]) -> None:
        """Return when the record is on the disk; after an OSError it is not in the journal."""
        line = json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(os.O_RDWR | os.O_CREAT) as file:
            end = os.fstat(file).st_size
            if end and os.pread(file, 1, end - 1) != b"\n":  # a crash tore the last line: keep it apart
                line = b"\n" + line
            try:
                _write(file, line, end)
                os.fsync(file)
            except OSError:
                os.ftruncate(
                    file, end
                )  # half a line must not stay; the disk has just proved to be unreliable
                raise
            if end == 0:
                self._sync_directory()

    def read(self) -> list[dict[str, Any]]:
        """The records, oldest first; a line torn by a crash was never acknowledged and is left out."""
        try:
            with self._locked(os.O_RDWR) as file:
                return _records(file)
        except FileNotFoundError:
            return []

    def clear(self, records: Sequence[Mapping[str, Any]]) -> bool:
        """True when the journal held exactly these records and is now ``<path>.imported-<UTC time>``.

        False, and nothing changed, when something was appended since ``read``: read and import again.
        """
        try:
            with self._locked(os.O_RDWR) as file:
                if _records(file) != list(records):
                    return False
                self._path.rename(self._free_name())
                self._sync_directory()
                return True
        except FileNotFoundError:
            return not records

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        while True:
            file = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if self._is_current(file):
                    yield file
                    return
            finally:
                os.close(file)

    def _is_current(self, file: int) -> bool:
        # between open and lock another process may have put the file aside: a line in it would be lost
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def _free_name(self) -> Path:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return self._path.with_name(f"{self._path.name}.imported-{stamp}")

    def _sync_directory(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _write(file: int, line: bytes, offset: int) -> None:
    while line:
        written = os.pwrite(file, line, offset)
        line, offset = line[written:], offset + written


def _records(file: int) -> list[dict[str, Any]]:
    text = os.pread(file, os.fstat(file).st_size, 0)
    found = []
    for line in text.split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found
