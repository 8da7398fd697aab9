"""The host's figures: judged by table, and read once from the machine that the tests run on."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.probes import host, host_figures
from commands.probes.host_figures import Disk, DiskSample, Figures, Memory, Process, Processes, Processor
from commands.probes.model import Finding, Places, Verdict
from commands.probes.signs import SIGNS

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
GIB = 1024**3
MIB = 1024**2
MEMORY, PROCESSOR, DISK, FILES, PROCESSES, LOGS = range(6)


def memory(percent: float) -> Figures:
    return Figures(memory=Memory(percent=percent, available=2 * GIB, swap_used=512 * MIB, swap_total=4 * GIB))


def processor(load: float) -> Figures:
    return Figures(processor=Processor(load=load, percent=37))


def disk(percent: float, inodes: float | None = 12, before: Sequence[DiskSample] = ()) -> Figures:
    return Figures(disk=Disk(percent=percent, free=50 * GIB, inodes=inodes), before=before)


def files(
    system: tuple[int, int] | None, *seen: tuple[int | None, int | None], hidden: int = 0, whole: bool = True
) -> Figures:
    processes = tuple(
        Process(name=f"bot-{number}", pid=number, files=used, limit=limit)
        for number, (used, limit) in enumerate(seen, start=1)
    )
    return Figures(open_files=system, processes=Processes(seen=processes, hidden=hidden, whole=whole))


def judged(figures: Figures) -> tuple[Finding, ...]:
    return host.judge(figures, disk_percent=90, memory_percent=85)


@pytest.mark.parametrize(
    ("figures", "which", "sign", "seen"),
    [
        (memory(84.9), MEMORY, "host.memory-short", False),
        (memory(85), MEMORY, "host.memory-short", True),
        (processor(2.0), PROCESSOR, "host.cpu-busy", False),
        (processor(2.01), PROCESSOR, "host.cpu-busy", True),
        (disk(89.9), DISK, "host.disk-short", False),
        (disk(90), DISK, "host.disk-short", True),
        (disk(10, inodes=94.9), DISK, "host.disk-short", False),
        (disk(10, inodes=95), DISK, "host.disk-short", True),
        (disk(10, inodes=None), DISK, "host.disk-short", False),
        (files((799, 1000), (79, 100)), FILES, "host.files-short", False),
        (files((800, 1000), (1, 100)), FILES, "host.files-short", True),
        (files((1, 1000), (1, 100), (80, 100)), FILES, "host.files-short", True),
        (files(None, (1, 100)), FILES, "host.files-short", False),
        (files((800, 1000)), FILES, "host.files-short", True),
        (files((1, 1000), (80, 100), hidden=3), FILES, "host.files-short", True),
        (files((1, 1000), (80, 100), whole=False), FILES, "host.files-short", True),
    ],
)
def test_what_is_short(figures: Figures, which: int, sign: str, seen: bool) -> None:
    finding = judged(figures)[which]
    assert finding.signs == {sign: seen}
    assert finding.verdict is (Verdict.ILL if seen else Verdict.WELL)
    assert sign in SIGNS


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (files((1, 1000), (1, 100), hidden=3), "3 processes of other users could not be looked at"),
        (files((1, 1000), (1, 100), whole=False), "there was no time for all processes"),
        (files((1, 1000), (None, None), (5, None)), "1 files are open on the host, under 1 % of its limit"),
        (
            Figures(open_files=(20, 1000)),
            "20 files are open on the host, 2 % of its limit; no process could be",
        ),
    ],
)
def test_open_files_that_nobody_saw_are_not_few(figures: Figures, words: str) -> None:
    finding = judged(figures)[FILES]
    assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
    assert words in finding.text


def test_what_cannot_be_read_is_not_known() -> None:
    findings = judged(Figures())
    assert len(findings) == 6
    for finding in findings:
        assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
        assert finding.text.endswith("cannot be read on this host")


def test_the_words_of_each() -> None:
    figures = Figures(
        memory=Memory(percent=71.4, available=int(1.25 * GIB), swap_used=0, swap_total=0),
        processor=Processor(load=0.256, percent=12.5),
        disk=Disk(percent=55, free=20 * GIB, inodes=None),
        processes=Processes(
            seen=(
                Process(name="ndax", pid=10, memory=300 * MIB, files=40, limit=1024),
                Process(name="quantum", pid=11, memory=2 * GIB, files=900, limit=4096),
                Process(name="shadowforge", pid=12, memory=None, files=None, limit=None),
                Process(name="postgres", pid=13, memory=10 * MIB, files=7, limit=1024),
                Process(name="cron", pid=14, memory=1 * MIB, files=3, limit=1024),
            )
        ),
        open_files=(4321, 10_000),
        logs=(("ndax.log", 5 * GIB), ("token=abcdef.log", 1900)),
    )
    assert [each.text for each in judged(figures)] == [
        "memory 71 % in use, 1.2 GiB available; swap: none",
        "load 0.26 per core over 5 min; 12 % in use just now",
        "disk 55 % in use, 20.0 GiB free, no fixed number of inodes; when it is full is not known",
        (
            "4,321 files are open on the host, 43 % of its limit; "
            "nearest to its own limit: quantum (11) with 900 of 4,096 (22 %)"
        ),
        (
            "most memory: quantum (11) 2.0 GiB, ndax (10) 300.0 MiB, postgres (13) 10.0 MiB; "
            "most open files: quantum (11) 900, ndax (10) 40, postgres (13) 7"
        ),
        "largest logs: ndax.log 5.0 GiB, token=*** 2 KiB",
    ]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "when it is full is not known"),
        ([(0, 10.0)], "when it is full is not known"),
        ([(0, 10.0), (9.9, 20.0)], "when it is full is not known"),
        ([(0, 10.0), (10, 10.0)], "when it is full is not known: it did not grow in 10 min"),
        ([(0, 10.0), (60, 9.0)], "when it is full is not known: it did not grow in 60 min"),
        ([(0, 10.0), (10, 60.0)], "full in about 10 min at this pace"),
        ([(60, 20.0), (0, 10.0)], "full in about 5 h at this pace"),
        ([(0, 10.0), (30, 99.0), (60, 20.0)], "full in about 5 h at this pace"),
        ([(0, 10.0), (1440, 20.0)], "full in about 5 days at this pace"),
        ([(0, 10.0), (1440, 10.1)], "at this pace it is not full within a year"),
    ],
)
def test_when_the_disk_is_full(samples: list[tuple[float, float]], words: str) -> None:
    before = [DiskSample(at=NOW + timedelta(minutes=at), used=int(used * GIB)) for at, used in samples]
    text = judged(disk(50, before=before))[DISK].text  # 50 GiB are free
    assert text.partition("; ")[2] == words


def places_of(home: Path) -> Places:
    return Places(home=home, logs=home / "logs", config=home / "config", backups=home / "backups")


def test_this_very_machine(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    begun = time.monotonic()
    findings = host.look(places_of(tmp_path), disk_percent=100, memory_percent=100)
    assert time.monotonic() - begun < 10, "3 s, and as much again on a machine that others use as well"
    assert findings[MEMORY].signs.keys() == {"host.memory-short"}
    assert findings[PROCESSOR].signs.keys() == {"host.cpu-busy"}
    assert findings[DISK].signs.keys() == {"host.disk-short"}
    assert findings[PROCESSES].verdict is Verdict.NOTED
    assert findings[LOGS].text == "there are no logs"
    assert all(len(each.text) < 400 and each.text.isprintable() for each in findings)


def test_this_very_process_is_read_as_it_is(tmp_path: Path) -> None:
    opened = [(tmp_path / f"{number}").open("w") for number in range(20)]
    try:
        figures = host_figures.read(places_of(tmp_path))
    finally:
        for each in opened:
            each.close()
    assert figures.processes is not None
    (mine,) = [each for each in figures.processes.seen if each.pid == os.getpid()]
    assert mine.files is not None
    assert mine.files >= 20
    assert mine.memory is not None
    assert mine.memory > MIB
    assert len(mine.name) <= 15
    if Path("/proc/sys/fs/file-nr").exists():
        assert figures.open_files is not None
        assert mine.limit is not None


def test_a_command_line_never_gets_into_a_name(tmp_path: Path) -> None:
    program = tmp_path / "trading-bot-001"  # so long that psutil completes it from the command line
    shutil.copy(sys.executable, program)
    with subprocess.Popen(
        [f"{program}hunter2", "-c", "input()"],
        executable=program,
        stdin=subprocess.PIPE,
        env={"PYTHONHOME": sys.base_prefix},
    ) as process:
        figures = host_figures.read(places_of(tmp_path))
        process.kill()
    assert figures.processes is not None
    (name,) = [each.name for each in figures.processes.seen if each.pid == process.pid]
    assert name == "trading-bot-001"


def test_the_largest_logs_are_listed_and_no_link_is_followed(tmp_path: Path) -> None:
    places = places_of(tmp_path / "fleet")
    places.logs.mkdir(parents=True)
    outside = tmp_path / "private.key"
    outside.write_bytes(b"x" * 9000)
    (places.logs / "link.log").symlink_to(outside)
    (places.logs / "deeper").mkdir()
    (places.logs / "deeper" / "huge.log").write_bytes(b"x" * 9000)
    os.mkfifo(places.logs / "pipe.log")
    for number in range(1, 8):
        (places.logs / f"{number}.log").write_bytes(b"x" * number)
    (places.logs / "1.log").chmod(0)  # it is never opened
    assert host_figures.read(places).logs == (
        ("7.log", 7),
        ("6.log", 6),
        ("5.log", 5),
        ("4.log", 4),
        ("3.log", 3),
    )


@pytest.mark.parametrize("kind", ["missing", "file", "elsewhere", "circle"])
def test_logs_that_are_not_there_or_not_in_the_home(tmp_path: Path, kind: str) -> None:
    places = places_of(tmp_path / "fleet")
    places.home.mkdir()
    match kind:
        case "file":
            places.logs.write_text("")
        case "elsewhere":
            (tmp_path / "elsewhere").mkdir()
            places.logs.symlink_to(tmp_path / "elsewhere")
        case "circle":
            places.logs.symlink_to(places.logs)
    assert host_figures.read(places).logs is None


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    places = places_of(tmp_path / "nowhere")
    assert host_figures.read(places).disk is None
    with pytest.raises(FileNotFoundError):
        host_figures.sample(places, NOW)


def test_a_sample_of_the_disk(tmp_path: Path) -> None:
    taken = host_figures.sample(places_of(tmp_path), NOW)
    assert taken.at == NOW
    assert taken.used > 0
