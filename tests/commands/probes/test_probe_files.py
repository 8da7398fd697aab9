"""Nothing outside the fleet's home is read, nothing hangs, and no file costs more than was asked for."""

import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from commands.probes import files
from commands.probes.files import Unreadable

HUGE = 10 * 1024**3
MIB = 1024 * 1024
OUTSIDE = b"root:x:0:0\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "fleet"
    (home / "logs").mkdir(parents=True)
    (home / "config").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "passwd").write_bytes(OUTSIDE)
    return home


def why(act: Callable[[], object]) -> str:
    """The predicate with which it is refused, within ten seconds."""
    with pytest.raises(Unreadable) as caught:
        within(10, act)
    return str(caught.value)


def within(seconds: float, act: Callable[[], object]) -> object:
    """What it gives; a call that hangs is left to a thread that dies with the tests."""
    done: Future[object] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result(timeout=seconds)


def whole(path: Path, home: Path) -> bytes:
    return files.read_whole(path, home, most=MIB)


# -- the directories


def test_the_directories_are_resolved_from_the_home(home: Path) -> None:
    (home / "new-logs").symlink_to(home / "logs")

    found = files.places(str(home), logs="new-logs", config=str(home / "config"), backups="backups")

    assert (found.home, found.logs) == (home, home / "logs")
    assert (found.config, found.backups) == (home / "config", home / "backups")


@pytest.mark.parametrize("logs", ["../outside", "/var/log", "linked", "linked/deeper"])
def test_a_directory_outside_the_home_is_refused(home: Path, logs: str) -> None:
    (home / "linked").symlink_to(home.parent / "outside")

    with pytest.raises(
        ValueError, match=r"^The directory for logs, /.*, lies outside the fleet's home /.*\.$"
    ):
        files.places(str(home), logs=logs, config="config", backups="backups")


def test_a_sister_with_a_longer_name_is_outside(home: Path) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        files.places(str(home), logs=f"{home}-old", config="config", backups="backups")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "The fleet's home is empty: name its directory."),
        ("/", "The fleet's home must not be /, which is the whole disk."),
        ("/x\0y", "The fleet's home, /xy, is no path that can be followed."),
    ],
)
def test_a_home_that_is_none_is_refused_in_a_sentence(given: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        files.places(given, logs="logs", config="config", backups="backups")

    assert str(caught.value) == says


# -- what is opened


def test_a_file_is_read_as_it_is(home: Path) -> None:
    (home / "config" / "limits.json").write_bytes(b"{}\r\n\xff")

    with files.opened(home / "config" / "limits.json", home) as (file, seen):
        assert (file.read(), seen.st_size) == (b"{}\r\n\xff", 5)


def test_links_are_followed_while_they_stay_inside(home: Path) -> None:
    (home / "logs" / "ndax-1.log").write_bytes(b"one\n")
    (home / "logs" / "ndax.log").symlink_to("ndax-1.log")
    (home / "current").symlink_to(home / "logs")

    assert whole(home / "current" / "ndax.log", home) == b"one\n"


def test_a_home_that_is_itself_a_link_is_read(home: Path) -> None:
    (home / "a.json").write_bytes(b"{}")
    (home.parent / "live").symlink_to(home)

    assert whole(home.parent / "live" / "a.json", home.parent / "live") == b"{}"


@pytest.mark.parametrize("path", ["link.log", "deep/link.log", "dir/passwd", "chain.log", "logs/../link.log"])
def test_no_link_leads_out_of_the_home(home: Path, path: str) -> None:
    (home / "deep").mkdir()
    (home / "link.log").symlink_to(home.parent / "outside" / "passwd")
    (home / "deep" / "link.log").symlink_to("../../outside/passwd")
    (home / "dir").symlink_to(home.parent / "outside")
    (home / "chain.log").symlink_to("link.log")

    for read in (lambda: whole(home / path, home), lambda: files.tail(home / path, home, most=MIB)):
        assert why(read) == "is a link that leads out of the fleet's home"


def test_dots_do_not_lead_out_of_the_home(home: Path) -> None:
    assert why(lambda: whole(home / ".." / "outside" / "passwd", home)) == "lies outside the fleet's home"
    assert why(lambda: whole(Path("/etc/passwd"), home)) == "lies outside the fleet's home"


class Swapped(type(Path())):  # type: ignore[misc]  # the class of paths on this system
    """A path of which a part is exchanged for a link out of the home, right after it was found to lie inside."""

    part: Path
    target: Path

    def resolve(self, strict: bool = False) -> Path:
        found = Path(self).resolve(strict)
        self.part.rename(self.part.with_name("aside"))
        self.part.symlink_to(self.target)
        return found


@pytest.mark.parametrize(
    ("part", "target", "says"),
    [
        ("deep", ".", "cannot be read (Not a directory)"),
        ("deep/er", "er", "cannot be read (Not a directory)"),
        ("deep/er/passwd", "er/passwd", "is no ordinary file"),
    ],
)
def test_a_link_put_in_place_between_looking_and_opening_gives_nothing(
    home: Path, part: str, target: str, says: str
) -> None:
    (home / "deep" / "er").mkdir(parents=True)
    (home / "deep" / "er" / "passwd").touch()
    (home.parent / "outside" / "er").mkdir()
    (home.parent / "outside" / "er" / "passwd").write_bytes(OUTSIDE)
    path = Swapped(home / "deep" / "er" / "passwd")
    path.part, path.target = home / part, home.parent / "outside" / target

    assert why(lambda: whole(path, home)) == says
    assert Path(path).read_bytes() == OUTSIDE  # as anybody reads it who trusts the look before


def test_what_is_no_ordinary_file_is_not_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(home / "pipe.log")
    (home / "dir.log").mkdir()
    (home / "to-pipe.log").symlink_to("pipe.log")
    monkeypatch.chdir(home)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.log")
        for name in ("pipe.log", "dir.log", "to-pipe.log", "socket.log", "."):
            assert why(lambda name=name: whole(home / name, home)) == "is no ordinary file"
            assert why(lambda name=name: files.tail(home / name, home, most=9)) == "is no ordinary file"


def test_a_device_is_not_opened(home: Path) -> None:
    try:
        os.mknod(home / "null.log", 0o666 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices, and not everywhere")

    assert why(lambda: whole(home / "null.log", home)) == "is no ordinary file"


def test_what_is_missing_is_said_to_be(home: Path) -> None:
    (home / "file").touch()
    (home / "dangling").symlink_to("nowhere")
    (home / "round").symlink_to("round")

    for name in ("none.log", "none/none.log", "file/none.log", "dangling"):
        assert why(lambda name=name: whole(home / name, home)) == "is not there"
    assert why(lambda: whole(home / "round", home)) == "is a link that leads in a circle"
    assert why(lambda: whole(home / "a\0b", home)) == "has a name that no file can have"
    assert why(lambda: whole(home / ("n" * 300), home)) == "cannot be read (File name too long)"
    assert why(lambda: files.listing(home / "file", home, most=9)) == "is no directory"
    assert why(lambda: files.listing(home / "none", home, most=9)) == "is not there"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_says_so(home: Path) -> None:
    (home / "a.log").touch(mode=0)
    (home / "shut").mkdir(mode=0)

    assert why(lambda: whole(home / "a.log", home)) == "cannot be read (Permission denied)"
    assert why(lambda: whole(home / "shut" / "a.log", home)) == "cannot be read (Permission denied)"
    assert why(lambda: files.listing(home / "shut", home, most=9)) == "cannot be read (Permission denied)"


def test_an_error_of_whoever_reads_stays_theirs(home: Path) -> None:
    (home / "a").touch()

    with pytest.raises(OSError, match="No space left"), files.opened(home / "a", home):
        raise OSError(28, "No space left on device")


def test_no_descriptor_is_left_open(home: Path) -> None:
    (home / "logs" / "a.log").write_bytes(b"x\n")
    os.mkfifo(home / "logs" / "b.log")
    (home / "logs" / "c.log").symlink_to("/etc/passwd")
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - no Path: it opens one itself

    for name in ("a.log", "b.log", "c.log", "d.log", "a.log/x"):
        try:
            files.tail(home / "logs" / name, home, most=1)
            files.read_whole(home / "logs" / name, home, most=1)
        except Unreadable:
            files.listing(home / "logs", home, most=1)

    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - as above


# -- how much is read


def test_a_file_of_just_the_size_is_read_and_a_larger_one_is_not(home: Path) -> None:
    (home / "a").write_bytes(b"x" * 1024)

    assert files.read_whole(home / "a", home, most=1024) == b"x" * 1024
    assert why(lambda: files.read_whole(home / "a", home, most=1023)) == "is larger than 1023 bytes"


@pytest.mark.parametrize(
    ("most", "tail"),
    [
        (100, b"one\ntwo\nthree\n"),
        (14, b"one\ntwo\nthree\n"),
        (13, b"two\nthree\n"),
        (10, b"two\nthree\n"),
        (9, b"three\n"),
        (6, b"three\n"),
        (5, b""),
    ],
)
def test_a_tail_begins_with_a_full_line(home: Path, most: int, tail: bytes) -> None:
    (home / "a.log").write_bytes(b"one\ntwo\nthree\n")

    assert files.tail(home / "a.log", home, most=most) == (tail, 14)


def test_a_file_of_ten_gigabytes_costs_what_was_asked_for(home: Path) -> None:
    with (home / "huge.log").open("wb") as file:
        file.truncate(HUGE)
        file.seek(HUGE)
        file.write(b"\nlast\n")

    tracemalloc.start()
    begun = time.perf_counter()
    try:
        found = files.tail(home / "huge.log", home, most=512 * 1024)
        refused = why(lambda: whole(home / "huge.log", home))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == (b"last\n", HUGE + 6)
    assert refused == "is larger than 1 MiB"
    assert peak < 3 * MIB
    assert time.perf_counter() - begun < 5


def test_a_file_that_is_cut_and_grows_while_it_is_read_gives_what_is_left(home: Path) -> None:
    log = home / "logs" / "a.log"
    line = b"x" * 99 + b"\n"
    log.write_bytes(line * 100)
    over = threading.Event()

    def rotate() -> None:
        while not over.is_set():
            os.truncate(log, 0)
            with log.open("ab") as file:
                file.write(line * 100)

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        for _ in range(1000):
            found, _size = files.tail(log, home, most=2000)
            assert len(found) <= 2000
            assert set(found) <= set(line)
    finally:
        over.set()
        thread.join()


# -- lists


def test_a_listing_has_the_ordinary_files_alone_by_name(home: Path) -> None:
    for name in ("c.json", "a.json", "b.json"):
        (home / "config" / name).touch()
    (home / "config" / "deeper").mkdir()
    (home / "config" / "link.json").symlink_to("a.json")
    os.mkfifo(home / "config" / "pipe.json")

    names = [each.name for each in files.listing(home / "config", home, most=9)]
    assert names == ["a.json", "b.json", "c.json"]
    assert [each.name for each in files.listing(home / "config", home, most=2)] == ["a.json", "b.json"]


def test_a_directory_that_leads_out_is_not_listed(home: Path) -> None:
    (home / "linked").symlink_to(home.parent / "outside")

    for read in (
        lambda: files.listing(home / "linked", home, most=9),
        lambda: files.newest(home / "linked", home, suffix="", most=9),
    ):
        assert why(read) == "is a link that leads out of the fleet's home"


def test_the_newest_are_those_that_changed_last_and_the_rest_is_counted(home: Path) -> None:
    for age, name in enumerate(("b.log", "a.log", "c.log", "c.log.1")):
        (home / "logs" / name).touch()
        os.utime(home / "logs" / name, (10_000 - age, 10_000 - age))
    (home / "logs" / "link.log").symlink_to("/etc/passwd")

    found, counted = files.newest(home / "logs", home, suffix=".log", most=3)

    assert [each.name for each in found] == ["link.log", "b.log", "a.log"]
    assert counted == 4


# -- words


def test_a_path_is_shown_from_the_home_on_without_secrets(home: Path) -> None:
    assert files.relative(home / "logs" / "a.log", home) == "logs/a.log"
    assert files.relative(home / "logs" / "a\n\x1b[1mb.log", home) == "logs/a [1mb.log"
    assert files.relative(home / "logs" / "xoxb-12345-abc.log", home) == "logs/xoxb-***"
    assert files.relative(home / os.fsdecode(b"\xff.log"), home) == "�.log"
    assert files.relative(Path("/etc/passwd"), home) == "/etc/passwd"


def test_sizes_are_in_words() -> None:
    sizes = (900, 512 * 1024, MIB, HUGE, 1536)
    assert [files.size_words(each) for each in sizes] == [
        "900 bytes",
        "512 KiB",
        "1 MiB",
        "10 GiB",
        "1.5 KiB",
    ]
