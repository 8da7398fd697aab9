"""Memory, processor, disk, open files and logs of the fleet's host: read once, then judged by figures alone."""

import os
import stat
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psutil

from commands.masking import masked_text
from commands.probes.model import Finding, Places, Verdict
from commands.words import cut, visible

PACE = timedelta(minutes=10)
"""The shortest time over which the growth of a disk is told."""

BUSY = 2.0
"""Load per core over five minutes above which the processor is busy."""

FILES_PERCENT = 80.0
"""Per cent of a limit of open files from which they are short."""

INODES_PERCENT = 95.0
"""Per cent of a disk's inodes from which it is short."""

_SHOWN = 3  # processes of each kind
_LOGS = 5
_MOST_ENTRIES = 5000  # of the directory of logs that are looked at
_SECONDS = 2.0  # for all processes together
_NAME = 15  # characters of a process's name; beyond these psutil takes them from its command line
_MIB = 1024**2
_GIB = 1024**3
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


def look(
    places: Places, *, disk_percent: float, memory_percent: float, before: Sequence[DiskSample] = ()
) -> tuple[Finding, ...]:
    """What is short on this host; blocks for up to three seconds, so it belongs in a thread."""
    return judge(read(places, before=before), disk_percent=disk_percent, memory_percent=memory_percent)


def sample(places: Places, now: datetime) -> DiskSample:
    """The bytes in use on the home's disk at this time; OSError when they cannot be read."""
    return DiskSample(at=now, used=psutil.disk_usage(str(places.home)).used)


# -- judging


def judge(figures: Figures, *, disk_percent: float, memory_percent: float) -> tuple[Finding, ...]:
    """The findings that these figures make."""
    return (
        _memory(figures.memory, memory_percent),
        _processor(figures.processor),
        _disk(figures.disk, figures.before, disk_percent),
        _files(figures.open_files, figures.processes),
        _largest(figures.processes),
        _logs(figures.logs),
    )


def _memory(memory: Memory | None, limit: float) -> Finding:
    if memory is None:
        return _unknown("memory")
    swap = f"{_size(memory.swap_used)} of {_size(memory.swap_total)} in use" if memory.swap_total else "none"
    text = f"memory {memory.percent:.0f} % in use, {_size(memory.available)} available; swap: {swap}"
    return _judged("memory", text, "host.memory-short", seen=memory.percent >= limit)


def _processor(processor: Processor | None) -> Finding:
    if processor is None:
        return _unknown("processor")
    text = f"load {processor.load:.2f} per core over 5 min; {processor.percent:.0f} % in use just now"
    return _judged("processor", text, "host.cpu-busy", seen=processor.load > BUSY)


def _disk(disk: Disk | None, before: Sequence[DiskSample], limit: float) -> Finding:
    if disk is None:
        return _unknown("disk of the fleet's home")
    inodes = "no fixed number of inodes" if disk.inodes is None else f"{disk.inodes:.0f} % of inodes"
    text = f"disk {disk.percent:.0f} % in use, {_size(disk.free)} free, {inodes}; {_when_full(disk.free, before)}"
    short = disk.percent >= limit or (disk.inodes is not None and disk.inodes >= INODES_PERCENT)
    return _judged("disk of the fleet's home", text, "host.disk-short", seen=short)


def _when_full(free: int, before: Sequence[DiskSample]) -> str:
    if not before:
        return "when it is full is not known"
    first = min(before, key=lambda each: each.at)
    last = max(before, key=lambda each: each.at)
    took = last.at - first.at
    if took < PACE:
        return "when it is full is not known"
    grown = last.used - first.used
    if grown <= 0:
        return f"when it is full is not known: it did not grow in {_about(took.total_seconds())}"
    seconds = free / grown * took.total_seconds()
    if seconds > 365 * 86_400:
        return "at this pace it is not full within a year"
    return f"full in about {_about(seconds)} at this pace"


def _files(system: tuple[int, int] | None, processes: Processes | None) -> Finding:
    source = "open files"
    told: list[str] = []
    shares: list[float] = []
    if system is not None:
        used, limit = system
        share = used / limit * 100
        shares.append(share)
        told.append(
            f"{used:,} files are open on the host, "
            + (f"{share:.0f} % of its limit" if share >= 1 else "under 1 % of its limit")
        )
    near = _nearest(processes)
    if near is not None:
        share, process = near
        shares.append(share)
        told.append(
            f"nearest to its own limit: {_name(process)} with {process.files:,} of {process.limit:,} ({share:.0f} %)"
        )
    if not shares:
        return _unknown(source)
    short = max(shares) >= FILES_PERCENT
    unseen = _unseen(processes)
    if unseen:
        told.append(unseen)
    if not short and (unseen or near is None):
        # The fleet may run as somebody else: what is not seen is not far from its limit.
        return Finding(verdict=Verdict.UNKNOWN, text="; ".join(told), source=source)
    return _judged(source, "; ".join(told), "host.files-short", seen=short)


def _nearest(processes: Processes | None) -> tuple[float, Process] | None:
    """The process nearest to its own limit of open files, and per cent of that limit."""
    shares = [
        (each.files / each.limit * 100, each)
        for each in (processes.seen if processes is not None else ())
        if each.files is not None and each.limit
    ]
    return max(shares, key=lambda each: each[0], default=None)


def _unseen(processes: Processes | None) -> str:
    if processes is None:
        return "no process could be looked at"
    many = "1 process" if processes.hidden == 1 else f"{processes.hidden} processes"
    told = f"{many} of other users could not be looked at" if processes.hidden else ""
    rest = "" if processes.whole else "there was no time for all processes"
    return "; ".join(filter(None, (told, rest)))


def _largest(processes: Processes | None) -> Finding:
    if processes is None:
        return _unknown("processes")
    memory = _most((each.memory, each) for each in processes.seen)
    files = _most((each.files, each) for each in processes.seen)
    by_memory = ", ".join(f"{_name(each)} {_size(amount)}" for amount, each in memory) or "not known"
    by_files = ", ".join(f"{_name(each)} {amount:,}" for amount, each in files) or "not known"
    text = f"most memory: {by_memory}; most open files: {by_files}"
    return Finding(verdict=Verdict.NOTED, text=text, source="processes")


def _most(amounts: Iterable[tuple[int | None, Process]]) -> list[tuple[int, Process]]:
    known = [(amount, each) for amount, each in amounts if amount is not None]
    return sorted(known, key=lambda each: (-each[0], each[1].pid))[:_SHOWN]


def _logs(logs: tuple[tuple[str, int], ...] | None) -> Finding:
    if logs is None:
        return _unknown("fleet's logs")
    shown = ", ".join(f"{_shown(name, 60)} {_size(size)}" for name, size in logs)
    text = f"largest logs: {shown}" if logs else "there are no logs"
    return Finding(verdict=Verdict.NOTED, text=text, source="fleet's logs")


def _judged(source: str, text: str, sign: str, *, seen: bool) -> Finding:
    return Finding(
        verdict=Verdict.ILL if seen else Verdict.WELL, text=text, source=source, signs={sign: seen}
    )


def _unknown(source: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, text=f"{source}: cannot be read on this host", source=source)


def _name(process: Process) -> str:
    return f"{_shown(process.name, _NAME)} ({process.pid})"


def _shown(text: str, limit: int) -> str:
    return cut(masked_text(" ".join(visible(text).split())), limit)


def _size(size: int) -> str:
    if size < _MIB:
        return f"{size / 1024:.0f} KiB"
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / _MIB:.1f} MiB"


def _about(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / 3600)} h" if seconds < 172_800 else f"{round(seconds / 86_400)} days"


# -- reading


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
        name = process.name()[:_NAME]
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
