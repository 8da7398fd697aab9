"""Archives of evidence: what they hold, what they never open, what they do when the disk or the fleet misbehaves."""

import gzip
import hashlib
import io
import json
import os
import resource
import stat
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from commands.archiving.archive import Packed, Part, pack
from commands.archiving.gathering import CONFIGURATION_FILES, CONFIGURATION_MOST, LOG_MOST, LOGS, LOGS_MOST
from commands.archiving.reading_back import verified
from commands.probes.files import places
from commands.probes.model import Places
from commands.spec import UserError
from tests.hostile import NASTY

AT = datetime(2026, 11, 24, 3, 12, 9, tzinfo=UTC)
PARTS = (
    Part(name="status.json", content=b'{"kill_switch_active": true}\n'),
    Part(name="audit.jsonl", content=b'{"n":1}\n{"n":2}\n'),
)
Content = dict[str, bytes]


@pytest.fixture
def fleet(tmp_path: Path) -> Places:
    """A fleet's home with two logs, two configuration files, and things that are nobody's business."""
    home = tmp_path / "fleet"
    for name in ("logs", "config", "backups"):
        (home / name).mkdir(parents=True)
    (home / "logs/bot-coordinator.log").write_bytes(b"first\nsecond\n")
    (home / "logs/ndax.log").write_bytes(b"\xff\x00 as it is, token=abc\n")
    (home / "logs/old.txt").write_text("no log")
    (home / "config/bot-limits.json").write_text('{"limit": "a-secret-in-there"}')
    (home / "config/kill-switch.json").write_text("{}")
    (home / ".env").write_text("KEY=a-secret-in-there")
    (home / "config/.env").write_text("KEY=a-secret-in-there")
    (home / "config/server.pem").write_text("a-secret-in-there")
    return places(str(home), logs="logs", config="config", backups="backups")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "var" / "evidence"


def taken(kept: Path, fleet: Places | None, *, number: str = "7", parts: tuple[Part, ...] = PARTS) -> Packed:
    return pack(kept, number=number, at=AT, parts=parts, places=fleet, by="U0ADMIN1")


def content_of(path: Path) -> Content:
    with tarfile.open(path) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def manifest_of(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(content_of(path)["manifest.json"])
    return told


def told_of(path: Path, name: str) -> dict[str, Any]:
    (found,) = (each for each in manifest_of(path)["members"] if each["name"] == name)
    return dict(found)


# -- what it holds


def test_what_it_holds(kept: Path, fleet: Places) -> None:
    packed = taken(kept, fleet)

    assert packed.path == kept / "evidence-20261124-031209-7.tar.gz"
    content = content_of(packed.path)
    assert content["status.json"] == PARTS[0].content
    assert content["audit.jsonl"] == PARTS[1].content
    assert content["logs/bot-coordinator.log"] == b"first\nsecond\n"
    assert content["logs/ndax.log"] == b"\xff\x00 as it is, token=abc\n"
    assert set(content) == {
        "status.json",
        "audit.jsonl",
        "logs/bot-coordinator.log",
        "logs/ndax.log",
        "configuration.json",
        "manifest.json",
    }
    assert packed.members == 6
    assert packed.left_out == ()
    assert packed.size == packed.path.stat().st_size
    assert packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()
    assert verified(packed.path) == ()


def test_its_manifest_stands_last_and_tells_of_every_other_member(kept: Path, fleet: Places) -> None:
    path = taken(kept, fleet).path

    content = content_of(path)
    assert list(content)[-1] == "manifest.json"
    manifest = manifest_of(path)
    assert manifest["number"] == "7"
    assert manifest["taken_at"] == "2026-11-24T03:12:09.000000+00:00"
    assert manifest["taken_by"] == "U0ADMIN1"
    assert manifest["left_out"] == []
    assert [(each["name"], each["size"], each["sha256"]) for each in manifest["members"]] == [
        (name, len(raw), hashlib.sha256(raw).hexdigest())
        for name, raw in content.items()
        if name != "manifest.json"
    ]


def test_of_configuration_there_is_no_word(kept: Path, fleet: Places) -> None:
    changed = datetime(2026, 11, 1, 12, tzinfo=UTC)
    limits = fleet.config / "bot-limits.json"
    os.utime(limits, (changed.timestamp(), changed.timestamp()))

    path = taken(kept, fleet).path

    first, second = json.loads(content_of(path)["configuration.json"])
    assert first == {
        "name": "config/bot-limits.json",
        "size": limits.stat().st_size,
        "mtime": "2026-11-01T12:00:00.000000+00:00",
        "sha256": hashlib.sha256(limits.read_bytes()).hexdigest(),
    }
    assert second["name"] == "config/kill-switch.json"
    assert b"a-secret-in-there" not in b"".join(content_of(path).values())


@pytest.mark.parametrize(
    "name", ["credentials.json", "api-keys.json", "api_key.json", "my.secret.json", ".x.json"]
)
def test_a_configuration_file_of_secrets_is_not_opened(kept: Path, fleet: Places, name: str) -> None:
    secret = fleet.config / name
    secret.write_text("{}")
    before = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(secret, (before, secret.stat().st_mtime))

    packed = taken(kept, fleet)

    assert packed.left_out == (f"config/{name} was not opened: its name says that it holds secrets.",)
    assert name.encode() not in content_of(packed.path)["configuration.json"]


def test_a_huge_configuration_file_is_left_out(kept: Path, fleet: Places) -> None:
    with (fleet.config / "huge.json").open("wb") as file:
        file.truncate(CONFIGURATION_MOST + 1)

    assert taken(kept, fleet).left_out == ("config/huge.json is larger than 16 MiB.",)


def test_without_a_home_the_parts_are_kept(kept: Path) -> None:
    packed = taken(kept, None)

    assert list(content_of(packed.path)) == ["status.json", "audit.jsonl", "manifest.json"]
    assert packed.left_out == (
        "The fleet's logs and configuration are not on this host, or its home is not set.",
    )
    assert manifest_of(packed.path)["left_out"] == list(packed.left_out)
    assert verified(packed.path) == ()


def test_missing_directories_are_told(kept: Path, tmp_path: Path) -> None:
    home = tmp_path / "empty"
    home.mkdir()

    packed = taken(kept, places(str(home), logs="logs", config="config", backups="backups"))

    assert packed.left_out == (
        "The fleet's logs: logs is not there.",
        "The configuration: config is not there.",
    )
    assert json.loads(content_of(packed.path)["configuration.json"]) == []


# -- what is never opened


def test_links_pipes_and_directories_are_left_out(kept: Path, fleet: Places) -> None:
    (fleet.logs / "env.log").symlink_to(fleet.home / ".env")
    (fleet.logs / "other.log").symlink_to("ndax.log")
    (fleet.logs / "nowhere.log").symlink_to("nowhere")
    (fleet.logs / "passwd.log").symlink_to("/etc/passwd")
    (fleet.logs / "dir.log").mkdir()
    os.mkfifo(fleet.logs / "pipe.log")
    (fleet.config / "env.json").symlink_to("../.env")

    packed = taken(kept, fleet)

    assert set(packed.left_out) == {
        "logs/env.log is a link, which is not followed.",
        "logs/other.log is a link, which is not followed.",
        "logs/nowhere.log is a link, which is not followed.",
        "logs/passwd.log is a link, which is not followed.",
        "logs/dir.log is no ordinary file.",
        "logs/pipe.log is no ordinary file.",
        "config/env.json is a link, which is not followed.",
    }
    assert manifest_of(packed.path)["left_out"] == list(packed.left_out)
    assert [name for name in content_of(packed.path) if name.startswith("logs/")] == [
        f"logs/{each.name}"
        for each in sorted(
            (fleet.logs / "bot-coordinator.log", fleet.logs / "ndax.log"),
            key=lambda path: -path.stat().st_mtime_ns,
        )
    ]
    assert b"a-secret-in-there" not in b"".join(content_of(packed.path).values())
    assert b"root:" not in b"".join(content_of(packed.path).values())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_left_out(kept: Path, fleet: Places) -> None:
    try:
        os.mknod(fleet.logs / "zero.log", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may not make devices")

    assert taken(kept, fleet).left_out == ("logs/zero.log is no ordinary file.",)


@contextmanager
def meanwhile(program: str, *words: object) -> Iterator[None]:
    """Another process runs this Python again and again, as fast as it can; ``turn`` counts up."""
    whole = "import itertools, os, sys\nfor turn in itertools.count():\n" + textwrap.indent(program, "    ")
    whole += "\n    if turn == 1: print(flush=True)"
    command = [sys.executable, "-I", "-c", whole, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()  # it has begun
        try:
            yield
            assert running.poll() is None, "it ended by itself"
        finally:
            running.kill()


def test_a_log_that_turns_into_a_link_is_not_followed(kept: Path, fleet: Places) -> None:
    swap = """
log, secret = sys.argv[1:]
if turn % 2:
    os.symlink(secret, log + "-made")
else:
    open(log + "-made", "w").close()
os.rename(log + "-made", log)
"""
    with meanwhile(swap, fleet.logs / "ndax.log", fleet.home / ".env"):
        packed = [taken(kept, fleet, number=str(number)) for number in range(300)]

    held = [content_of(each.path) for each in packed]
    assert not [each for each in held if b"a-secret-in-there" in each.get("logs/ndax.log", b"")]
    assert any("logs/ndax.log" not in each for each in held)  # it was a link, sometimes


# -- how much of it


def test_of_a_large_log_the_end_is_kept(kept: Path, fleet: Places) -> None:
    with (fleet.logs / "ndax.log").open("wb") as file:
        file.write(b"lost")
        file.seek(LOG_MOST + 1000)
        file.write(b"kept")
    with (fleet.logs / "bot-coordinator.log").open("wb") as file:
        file.write(b"whole")
        file.truncate(LOG_MOST)

    packed = taken(kept, fleet)

    content = content_of(packed.path)
    assert len(content["logs/ndax.log"]) == LOG_MOST
    assert content["logs/ndax.log"].endswith(b"kept")
    assert b"lost" not in content["logs/ndax.log"]
    assert content["logs/bot-coordinator.log"].startswith(b"whole")
    assert told_of(packed.path, "logs/ndax.log")["original_size"] == LOG_MOST + 1004
    assert "original_size" not in told_of(packed.path, "logs/bot-coordinator.log")
    assert packed.left_out == ("logs/ndax.log: 1004 bytes of it; only the last 20 MiB are taken.",)
    assert verified(packed.path) == ()


def test_of_many_large_logs_the_newest_are_kept(kept: Path, fleet: Places) -> None:
    for number in range(LOGS_MOST // LOG_MOST):
        path = fleet.logs / f"large-{number}.log"
        with path.open("wb") as file:
            file.truncate(LOG_MOST + 5)
        os.utime(path, (1_000_000 + number, 1_000_000 + number))

    packed = taken(kept, fleet)

    logs = [name for name in content_of(packed.path) if name.startswith("logs/")]
    assert logs[2:] == [f"logs/large-{number}.log" for number in range(9, 0, -1)]
    assert "logs/large-0.log was not taken: the logs take more than 200 MiB together." in packed.left_out
    assert verified(packed.path) == ()


def test_of_very_many_logs_and_configuration_files_some_are_left_out(kept: Path, fleet: Places) -> None:
    for number in range(LOGS):
        (fleet.logs / f"{number:04}.log").touch()
    for number in range(CONFIGURATION_FILES):
        (fleet.config / f"{number:04}.json").touch()

    packed = taken(kept, fleet)

    assert packed.left_out == (
        "2 logs that did not change lately: there are more than 1000.",
        "2 configuration files: there are more than 200.",
    )
    assert verified(packed.path) == ()


def test_logs_that_are_written_and_emptied_meanwhile_do_no_harm(kept: Path, fleet: Places) -> None:
    write = """
with open(sys.argv[1], "ab") as file:
    file.write(b"a line of a log\\n" * 1000)
    if turn % 50 == 0:
        file.truncate(0)
"""
    with meanwhile(write, fleet.logs / "ndax.log"):
        packed = [taken(kept, fleet, number=str(number)) for number in range(100)]

    assert [verified(each.path) for each in packed] == [()] * 100
    for each in packed:
        told = told_of(each.path, "logs/ndax.log")
        assert told["size"] <= told.get("original_size", told["size"])  # nothing of what came later


# -- its form


def test_it_belongs_to_its_owner_alone(kept: Path, fleet: Places) -> None:
    before = os.umask(0)
    try:
        path = taken(kept, fleet).path
    finally:
        os.umask(before)

    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in kept.iterdir()] == [path.name]


def test_a_directory_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    """Whoever names /tmp must not lose it for everybody else."""
    tmp_path.chmod(0o1777)

    taken(tmp_path, None)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_members_tell_nothing_of_this_host(kept: Path, fleet: Places) -> None:
    os.utime(fleet.logs / "ndax.log", (5, 1_700_000_000.75))

    path = taken(kept, fleet).path

    with tarfile.open(path) as tar:
        members = {each.name: each for each in tar}
    assert {(each.mode, each.uid, each.gid, each.uname, each.gname) for each in members.values()} == {
        (0o600, 0, 0, "", "")
    }
    assert members["logs/ndax.log"].mtime == 1_700_000_000
    assert members["status.json"].mtime == AT.timestamp()
    assert path.read_bytes()[4:8] == int(AT.timestamp()).to_bytes(4, "little")  # of the whole


def test_the_same_evidence_is_the_same_file(tmp_path: Path, fleet: Places) -> None:
    assert taken(tmp_path / "one", fleet).sha256 == taken(tmp_path / "two", fleet).sha256


def test_the_name_tells_the_time_in_utc(kept: Path) -> None:
    at = AT.astimezone(timezone(timedelta(hours=-8)))

    packed = pack(kept, number="../R 1/x", at=at, parts=(), places=None)

    assert packed.path == kept / "evidence-20261124-031209-.._R_1_x.tar.gz"
    assert packed.path.is_file()


@pytest.mark.parametrize("mtime", [-(10**9), 10**11 * 5])
def test_absurd_times_of_files_are_borne(kept: Path, fleet: Places, mtime: int) -> None:
    for path in (fleet.logs / "ndax.log", fleet.config / "kill-switch.json"):
        os.utime(path, (mtime, mtime))

    packed = taken(kept, fleet)

    assert packed.left_out == ()
    assert verified(packed.path) == ()


def test_names_of_members_are_safe_and_unique(kept: Path, fleet: Places) -> None:
    names = (
        "/etc/passwd",
        "../../x.json",
        "..\\y.json",
        "status.json",
        "status.json",
        "manifest.json",
        "configuration.json",
        "logs/ndax.log",
        "a\nb\x1b[31m.json",
        "a../" + "y" * 77,  # cut where it becomes a step upwards
        *["z" * 300] * 12,
        *NASTY,
    )
    for name in ("-rf .log", "new\nline.log", "ünï.log", "\udcff.log", "x" * 250 + ".log"):
        (fleet.logs / name).touch()

    packed = taken(kept, fleet, parts=tuple(Part(name=name, content=b"x") for name in names))

    with tarfile.open(packed.path) as tar:
        held = [each.name for each in tar]
    assert len(set(held)) == len(held) == len(names) + 2 + 5 + 2
    for name in held:
        assert name.isascii()
        assert name.isprintable()
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert len(name) < 100
    assert {"etc/passwd", "x.json", "y.json", "status.json", "status-2.json", "manifest-2.json"} <= set(held)
    assert {"logs/ndax.log", "logs/ndax-2.log", "logs/-rf_.log", "logs/new_line.log"} <= set(held)
    assert told_of(packed.path, "logs/new_line.log")["source"] == "logs/new line.log"
    assert verified(packed.path) == ()


# -- when it cannot be written


def test_nothing_is_overwritten(kept: Path) -> None:
    first = taken(kept, None)
    before = first.path.read_bytes()

    with pytest.raises(UserError, match=r"^No evidence was taken: .* is there already and stays as it is"):
        taken(kept, None, parts=())

    assert first.path.read_bytes() == before
    assert [each.name for each in kept.iterdir()] == [first.path.name]


def test_a_link_with_its_name_is_not_written_through(kept: Path, tmp_path: Path) -> None:
    kept.mkdir(parents=True)
    for name in ("evidence-20261124-031209-7.tar.gz", ".evidence-20261124-031209-8.tar.gz.part"):
        (kept / name).symlink_to(tmp_path / "elsewhere")

    for number in ("7", "8"):
        with pytest.raises(UserError):
            taken(kept, None, number=number)

    assert not (tmp_path / "elsewhere").exists()
    assert len(list(kept.iterdir())) == 2


def test_two_at_the_same_moment_do_not_mix(kept: Path) -> None:
    """Each either made the file or is told that it did not."""
    came: list[Packed | UserError] = []
    together = threading.Barrier(4)

    def take(content: bytes) -> None:
        together.wait()
        try:
            came.append(taken(kept, None, parts=(Part(name="x", content=content),)))
        except UserError as error:
            came.append(error)

    threads = [threading.Thread(target=take, args=(os.urandom(300_000),)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    made = [each for each in came if isinstance(each, Packed)]
    assert len(came) == 4
    assert len(made) == 1
    assert made[0].sha256 == hashlib.sha256(made[0].path.read_bytes()).hexdigest()
    assert verified(made[0].path) == ()
    assert len(list(kept.iterdir())) == 1


def test_a_disk_that_takes_no_more_keeps_no_half_file(kept: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(UserError) as told:
            taken(kept, None, parts=(Part(name="large", content=os.urandom(1_000_000)),))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(told.value) == (
        f"No evidence was taken: {kept} cannot be written to (File too large), and nothing half done was left there; "
        "mend that or name another directory in CHATBOT_RECOVERY__EVIDENCE, then take it again."
    )
    assert list(kept.iterdir()) == []
    assert verified(taken(kept, None).path) == ()  # and the next one goes well


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match=r"^No evidence was taken: .* cannot be written to"):
            taken(directory, None)


def test_nothing_stays_open(kept: Path, fleet: Places) -> None:
    (fleet.logs / "env.log").symlink_to(fleet.home / ".env")
    before = set(Path("/proc/self/fd").iterdir())

    verified(taken(kept, fleet).path)
    with pytest.raises(UserError):
        taken(kept, fleet)

    assert set(Path("/proc/self/fd").iterdir()) == before


# -- reading it back


def rebuilt(path: Path, *members: tuple[str, bytes] | tarfile.TarInfo, after: bytes = b"") -> Path:
    """An archive of these members, in the place of the one that was there."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in members:
            if isinstance(each, tarfile.TarInfo):
                tar.addfile(each)
                continue
            name, content = each
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(raw.getvalue() + after, 1))
    return path


@pytest.fixture
def whole(kept: Path, fleet: Places) -> tuple[Path, Content]:
    path = taken(kept, fleet).path
    return path, content_of(path)


def test_a_rebuilt_one_is_whole_too(whole: tuple[Path, Content]) -> None:
    path, content = whole

    assert verified(rebuilt(path, *content.items())) == ()


def test_every_change_is_found(whole: tuple[Path, Content]) -> None:
    path, content = whole
    changed = {
        **content,
        "status.json": b'{"kill_switch_active": null}\n',
        "logs/ndax.log": b"short",
        "added.json": b"{}",
    }
    assert len(changed["status.json"]) == len(content["status.json"])
    del changed["audit.jsonl"]
    manifest = changed.pop("manifest.json")

    assert verified(rebuilt(path, *changed.items(), ("manifest.json", manifest))) == (
        "added.json is not in the manifest.",
        "audit.jsonl is missing.",
        "logs/ndax.log has another size (5 bytes) than the manifest says.",
        "status.json has another content than the manifest says.",
    )


def test_very_many_mismatches_are_counted(whole: tuple[Path, Content]) -> None:
    path, content = whole

    told = verified(
        rebuilt(
            path, *[(f"{each:03}", b"") for each in range(150)], ("manifest.json", content["manifest.json"])
        )
    )

    assert len(told) == 101
    assert told[-1] == "There are 55 more mismatches."


def test_a_byte_that_turned_is_found_wherever_it_is(whole: tuple[Path, Content]) -> None:
    path, content = whole
    raw = path.read_bytes()

    for place in range(10, len(raw)):  # before it the header of gzip, which tells of nothing that is held
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x20]) + raw[place + 1 :])
        # some bits of a packed stream mean nothing: only then is it still whole
        assert verified(path) or content_of(path) == content, place


def test_one_that_is_cut_off_is_found_wherever_it_is(whole: tuple[Path, Content]) -> None:
    path, _ = whole
    raw = path.read_bytes()

    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        (told,) = verified(path)
        assert told.startswith("evidence-20261124-031209-7.tar.gz "), told


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (_special("x", tarfile.SYMTYPE, "/etc/passwd"), "holds 'x', which is no safe ordinary file"),
        (_special("x", tarfile.LNKTYPE, "status.json"), "holds 'x', which is no safe ordinary file"),
        (_special("x", tarfile.FIFOTYPE), "holds 'x', which is no safe ordinary file"),
        (_special("x", tarfile.CHRTYPE), "holds 'x', which is no safe ordinary file"),
        (_special("x", tarfile.DIRTYPE), "holds 'x', which is no safe ordinary file"),
        (("/etc/passwd", b""), "holds '/etc/passwd', which is no safe ordinary file"),
        (("../x", b""), "holds '../x', which is no safe ordinary file"),
        (("a\x1b[31m", b""), "holds 'a[31m', which is no safe ordinary file"),
        (("status.json", b"x"), "holds 'status.json' twice"),
        (("long" * 80, b""), "holds '././@PaxHeader', which is no safe ordinary file"),
        (("ü", b""), "holds '././@PaxHeader', which is no safe ordinary file"),
    ],
)
def test_members_that_are_never_ours(
    whole: tuple[Path, Content], member: tuple[str, bytes] | tarfile.TarInfo, why: str
) -> None:
    path, content = whole

    assert verified(rebuilt(path, *content.items(), member)) == (f"{path.name} {why}.",)


def test_something_behind_the_end(whole: tuple[Path, Content]) -> None:
    path, content = whole
    raw = path.read_bytes()

    for after in (b"x", b"\0" * 20_000):
        assert verified(rebuilt(path, *content.items(), after=after)) == (
            f"{path.name} holds something behind its end.",
        )
    path.write_bytes(raw + b"x")
    assert verified(path) == (f"{path.name} is cut off or damaged.",)
    path.write_bytes(raw + gzip.compress(b"x"))
    assert verified(path) == (f"{path.name} holds something behind its end.",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"members": 1}',
        b'{"members": [1]}',
        b'{"members": [{"name": "x"}]}',
        b"\xff",
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
def test_a_manifest_that_is_none(whole: tuple[Path, Content], raw: bytes) -> None:
    path, content = whole

    assert verified(rebuilt(path, *{**content, "manifest.json": raw}.items())) == (
        "Its manifest cannot be read.",
    )


def test_a_manifest_that_is_not_there_or_not_last(whole: tuple[Path, Content]) -> None:
    path, content = whole
    manifest = content.pop("manifest.json")

    for members in ((*content.items(),), (("manifest.json", manifest), *content.items()), ()):
        assert verified(rebuilt(path, *members)) == (f"{path.name} does not end with its manifest.",)


def header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def test_something_between_two_members(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress(header("status.json", 1) + b"x" + bytes(510) + b"y" + bytes(10_240)))

    assert verified(path) == ("x.tar.gz holds something between 'status.json' and what follows it.",)


@pytest.mark.parametrize("size", [2**30 + 1, 2**62, -1])
def test_a_member_that_claims_too_much(tmp_path: Path, size: int) -> None:
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(header("x", size)))

    assert verified(path) == ("bomb.tar.gz holds more than 1 GiB or 2,000 files.",)


def test_members_that_are_too_much_together(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    piece = gzip.compress(bytes(60 * 2**20), 1)
    member = gzip.compress(header("x", 600 * 2**20))
    path.write_bytes(member + piece * 10 + gzip.compress(header("y", 600 * 2**20)))

    assert verified(path) == ("bomb.tar.gz holds more than 1 GiB or 2,000 files.",)


def test_too_many_members(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(b"".join(header(str(each), 0) for each in range(2001))))

    assert verified(path) == ("bomb.tar.gz holds more than 1 GiB or 2,000 files.",)


def test_a_manifest_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(header("manifest.json", 8 * 2**20 + 1)))

    assert verified(path) == ("bomb.tar.gz has a manifest larger than 8 MiB.",)


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    assert verified(path) == ("x.tar.gz cannot be read (No such file or directory).",)
    path.write_bytes(b"plain text")
    assert verified(path) == ("x.tar.gz is cut off or damaged.",)
    path.write_bytes(gzip.compress(b"plain text" * 100))
    assert verified(path) == ("x.tar.gz is no archive of evidence, or is damaged.",)
    with path.open("wb") as file:
        file.truncate(2**30 + 1)
    assert verified(path) == ("x.tar.gz is larger than 1 GiB.",)
    path.unlink()
    os.mkfifo(path)
    assert verified(path) == ("x.tar.gz is no ordinary file.",)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert verified(path) == ("x.tar.gz cannot be read (Too many levels of symbolic links).",)
