"""Memory, processor, disk, open files and logs of the fleet's host, as figures."""

import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from commands.probes.model import Places

_LOGS = 5
_MOST_ENTRIES = 5000  # of the directory of logs that are looked at
_SECONDS = 2.0  # for all processes together
NAME_LIMIT = 15  # characters of a process's name; beyond these psutil takes them from its command line
_PROC_FILES = Path("/proc/sys/fs/file-nr")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSample:
    """How many bytes of the home's disk were in use at a time."""

    at: datetime
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory in use; bytes but for the per cent."""

    percent: float
    available: int
    swap_used: int
    swap_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """Load per core over five minutes, and per cent in use just now."""

    load: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk of the home; ``inodes`` is per cent in use, ``None`` on a file system without a fixed number."""

    percent: float
    free: int
    inodes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process by its name and number; what cannot be read of it is ``None``."""

    name: str
    pid: int
    memory: int | None = None  # bytes
    files: int | None = None
    limit: int | None = None  # of its open files; None: none, or not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """The processes that were looked at; ``hidden`` is how many belong to others and did not show their files."""

    seen: tuple[Process, ...]
    hidden: int = 0
    whole: bool = True  # there was time for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was read of the host; ``None`` is what could not be read."""

    memory: Memory | None = None
    processor: Processor | None = None
    disk: Disk | None = None
    processes: Processes | None = None
    open_files: tuple[int, int] | None = None  # of the whole system: in use, and their limit
    logs: tuple[tuple[str, int], ...] | None = None  # name and bytes, the largest first
    before: Sequence[DiskSample] = field(default=())


def sample(places: Places, now: datetime) -> DiskSample:
    """The bytes in use on the home's disk at this time; OSError when they cannot be read."""
    return DiskSample(at=now, used=psutil.disk_usage(str(places.home)).used)


def read(places: Places, *, before: Sequence[DiskSample] = ()) -> Figures:
    """The figures of this host, as far as they can be read."""
    return Figures(
        memory=_read_memory(),
        processor=_read_processor(),
        disk=_read_disk(places.home),
        processes=_read_processes(),
        open_files=_read_open_files(),
        logs=_read_logs(places),
        before=before,
    )


def _read_memory() -> Memory | None:
    try:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    except (OSError, RuntimeError, psutil.Error):
        return None
    return Memory(
        percent=memory.percent, available=memory.available, swap_used=swap.used, swap_total=swap.total
    )


def _read_processor() -> Processor | None:
    try:
        _, load, _ = psutil.getloadavg()
        cores = psutil.cpu_count() or 1
        return Processor(load=load / cores, percent=psutil.cpu_percent(interval=0.3))
    except (OSError, psutil.Error):
        return None


def _read_disk(home: Path) -> Disk | None:
    try:
        usage, nodes = psutil.disk_usage(str(home)), os.statvfs(home)
    except OSError:
        return None
    inodes = (nodes.f_files - nodes.f_favail) / nodes.f_files * 100 if nodes.f_files else None
    return Disk(percent=usage.percent, free=usage.free, inodes=inodes)


def _read_processes() -> Processes | None:
    until = time.monotonic() + _SECONDS
    seen: list[Process] = []
    hidden = 0
    whole = True
    try:
        for each in psutil.process_iter():
            if time.monotonic() > until:
                whole = False
                break
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                process, denied = _read_process(each)
                seen.append(process)
                hidden += denied
    except (OSError, psutil.Error):
        return None
    return Processes(seen=tuple(seen), hidden=hidden, whole=whole)


def _read_process(process: psutil.Process) -> tuple[Process, bool]:
    """The process, and whether somebody but the system hides its files from us; NoSuchProcess when it is gone."""
    name = "?"
    memory = files = limit = None
    denied = False
    with suppress(psutil.AccessDenied):
        name = process.name()[:NAME_LIMIT]
    with suppress(psutil.AccessDenied):
        memory = process.memory_info().rss
    try:
        files = process.num_fds()
        soft, _ = process.rlimit(psutil.RLIMIT_NOFILE)
        limit = soft if soft > 0 else None
    except psutil.AccessDenied:
        with suppress(psutil.AccessDenied):
            denied = process.uids().real != 0
    except AttributeError:  # only Linux tells the limits of others
        pass
    return Process(name=name, pid=process.pid, memory=memory, files=files, limit=limit), denied


def _read_open_files() -> tuple[int, int] | None:
    try:
        used, _, limit = (int(each) for each in _PROC_FILES.read_text("ascii").split())
    except (OSError, ValueError):
        return None
    return (used, limit) if limit > 0 else None


def _read_logs(places: Places) -> tuple[tuple[str, int], ...] | None:
    """The largest files of the directory of logs itself, without opening any; links are not followed."""
    found: list[tuple[str, int]] = []
    try:
        if not places.logs.resolve().is_relative_to(places.home.resolve()):
            return None
        with os.scandir(places.logs) as entries:
            for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
                with suppress(FileNotFoundError):  # it was rotated away
                    what = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(what.st_mode):
                        found.append((entry.name, what.st_size))
    except (OSError, RuntimeError):  # RuntimeError: links that lead in a circle
        return None
    return tuple(sorted(found, key=lambda each: (-each[1], each[0]))[:_LOGS])
