"""Memory, processor, disk, open files and logs of the fleet's host: what is short, judged by figures alone."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from commands.masking import masked_text
from commands.probes.host_figures import (
    NAME_LIMIT,
    Disk,
    DiskSample,
    Figures,
    Memory,
    Process,
    Processes,
    Processor,
    read,
)
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
_MIB = 1024**2
_GIB = 1024**3


def look(
    places: Places, *, disk_percent: float, memory_percent: float, before: Sequence[DiskSample] = ()
) -> tuple[Finding, ...]:
    """What is short on this host; blocks for up to three seconds, so it belongs in a thread."""
    return judge(read(places, before=before), disk_percent=disk_percent, memory_percent=memory_percent)


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
    return f"{_shown(process.name, NAME_LIMIT)} ({process.pid})"


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
