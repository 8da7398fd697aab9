"""Backups appear whole or not at all, and a file is put back so that a crash leaves the old one or the new one."""

import hashlib
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from commands.configuring.keeping import (
    MANIFEST,
    MOST_FILES,
    Backup,
    Standing,
    back_up,
    backups,
    content,
    digest,
    last_good,
)
from commands.configuring.restoring import CORRUPTED, restore
from commands.probes.files import places
from commands.probes.model import Places
from commands.spec import UserError

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
NAME = "bot-limits.json"
OLD, NEW = b'{"max_daily_loss": 100', b'{"max_daily_loss": 200}\n'


@pytest.fixture
def fleet(tmp_path: Path) -> Places:
    home = tmp_path / "fleet"
    (home / "config").mkdir(parents=True)
    (home / "config" / NAME).write_bytes(b'{"a": 1}')
    (home / "config" / "kill-switch.json").write_bytes(b'{"b": 2}')
    return places(str(home), logs="logs", config="config", backups="backups")


def said(action: Callable[[], object]) -> str:
    """The one sentence with which it is refused."""
    with pytest.raises(UserError) as refused:
        action()
    text = str(refused.value)
    assert len(text.splitlines()) == 1
    return text


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below it with its bytes."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


# -- backups


def test_a_backup_holds_every_file_and_says_who_made_it_when(fleet: Places) -> None:
    backup = back_up(fleet, now=NOW, by="U0ADMIN1")

    assert backup.path == fleet.backups / "config-20261124-031200"
    assert (backup.standing, backup.at, backup.by) == (Standing.UNALTERED, NOW, "U0ADMIN1")
    assert backup.files == {NAME: digest(b'{"a": 1}'), "kill-switch.json": digest(b'{"b": 2}')}
    assert content(backup, NAME) == b'{"a": 1}'
    manifest = json.loads((backup.path / MANIFEST).read_bytes())
    assert manifest["files"][NAME] == {"sha256": hashlib.sha256(b'{"a": 1}').hexdigest(), "bytes": 8}
    assert manifest["made_by"] == "U0ADMIN1"
    assert datetime.fromisoformat(manifest["made_at"]) == NOW
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in backup.path.iterdir()} == {0o600}
    assert [path.name for path in fleet.backups.iterdir()] == [backup.name]


def test_a_second_backup_of_the_same_second_takes_another_name(fleet: Places) -> None:
    (fleet.backups / "config-20261124-031200").mkdir(parents=True)  # empty: a rename would take its place

    first, second = (back_up(fleet, now=NOW, by="U1") for _ in range(2))

    assert (first.name, second.name) == ("config-20261124-031200-2", "config-20261124-031200-3")
    assert list((fleet.backups / "config-20261124-031200").iterdir()) == []


def test_files_are_kept_byte_for_byte_however_broken(fleet: Places) -> None:
    (fleet.config / NAME).write_bytes(b"\xff\x00 {{{")

    backup = back_up(fleet, now=NOW, by="U1")

    assert content(backup, NAME) == b"\xff\x00 {{{"
    assert backup.standing is Standing.UNALTERED
    assert last_good(fleet) is None  # unaltered, and no good


def test_the_newest_backup_comes_first(fleet: Places) -> None:
    made = [back_up(fleet, now=NOW + timedelta(hours=hours), by="U1").name for hours in (5, 1, 3)]

    assert [each.name for each in backups(fleet)] == [made[0], made[2], made[1]]
    good = last_good(fleet)
    assert good is not None
    assert good.name == made[0]


def alter_file(backup: Backup) -> None:
    (backup.path / NAME).write_bytes(b'{"a": 9}')


def alter_manifest(backup: Backup) -> None:
    (backup.path / MANIFEST).write_bytes(b"not a manifest")


def foreign_manifest(backup: Backup) -> None:
    (backup.path / MANIFEST).write_bytes(b'{"files": ["a"], "made_at": 3, "made_by": null}')


def lose_file(backup: Backup) -> None:
    (backup.path / NAME).unlink()


def add_file(backup: Backup) -> None:
    (backup.path / "more.json").write_bytes(b"{}")


def put_pipe(backup: Backup) -> None:
    (backup.path / NAME).unlink()
    os.mkfifo(backup.path / NAME)


def put_pipe_for_manifest(backup: Backup) -> None:
    (backup.path / MANIFEST).unlink()
    os.mkfifo(backup.path / MANIFEST)


def put_link(backup: Backup) -> None:
    (backup.path / NAME).unlink()
    (backup.path / NAME).symlink_to("/etc/hostname")


def grow_file(backup: Backup) -> None:
    (backup.path / NAME).write_bytes(b" " * 10_000_000)


@pytest.mark.parametrize(
    "harm",
    [
        alter_file,
        alter_manifest,
        foreign_manifest,
        lose_file,
        add_file,
        put_pipe,
        put_pipe_for_manifest,
        put_link,
        grow_file,
    ],
)
def test_an_altered_backup_is_known_and_never_the_last_good_one(
    fleet: Places, harm: Callable[[Backup], None]
) -> None:
    good = back_up(fleet, now=NOW, by="U1")
    newer = back_up(fleet, now=NOW + timedelta(hours=1), by="U1")
    harm(newer)

    standing = {each.name: each.standing for each in backups(fleet)}

    assert standing == {good.name: Standing.UNALTERED, newer.name: Standing.ALTERED}
    assert next(each.note for each in backups(fleet) if each.name == newer.name)
    found = last_good(fleet)
    assert found is not None
    assert found.name == good.name


def test_what_others_copied_there_is_listed_as_theirs(fleet: Places) -> None:
    theirs = fleet.backups / "config-latest"
    theirs.mkdir(parents=True)
    (theirs / NAME).write_bytes(b"{}")
    (fleet.backups / "notes").mkdir()
    (fleet.backups / "link").symlink_to(theirs)
    (fleet.backups / "backup-latest.tar.gz").write_bytes(b"")
    (fleet.backups / ".making-x").mkdir()
    (fleet.backups / ".making-x" / NAME).write_bytes(b"{}")

    (backup,) = backups(fleet)

    assert (backup.name, backup.standing) == ("config-latest", Standing.UNMARKED)
    assert content(backup, NAME) == b"{}"
    assert last_good(fleet) is None


def test_content_that_changed_since_it_was_looked_at_is_not_given_out(fleet: Places) -> None:
    backup = back_up(fleet, now=NOW, by="U1")
    alter_file(backup)

    assert "was changed a moment ago" in said(lambda: content(backup, NAME))
    assert "holds no ../x" in said(lambda: content(backup, "../x"))


def test_a_manifest_among_the_files_is_left_out(fleet: Places) -> None:
    (fleet.config / MANIFEST).write_bytes(b"{}")

    assert sorted(back_up(fleet, now=NOW, by="U1").files) == [NAME, "kill-switch.json"]


def test_a_link_inside_the_home_is_followed(fleet: Places) -> None:
    (fleet.home / "shared.json").write_bytes(b'{"c": 3}')
    (fleet.config / "c.json").symlink_to("../shared.json")

    assert content(back_up(fleet, now=NOW, by="U1"), "c.json") == b'{"c": 3}'


def pipe(fleet: Places) -> None:
    os.mkfifo(fleet.config / "pipe.json")


def link_out(fleet: Places) -> None:
    (fleet.config / "out.json").symlink_to("/etc/hostname")


def huge(fleet: Places) -> None:
    (fleet.config / "huge.json").write_bytes(b" " * 10_000_000)


def many(fleet: Places) -> None:
    for number in range(MOST_FILES):
        (fleet.config / f"{number}.json").write_bytes(b"{}")


def none(fleet: Places) -> None:
    for path in fleet.config.iterdir():
        path.unlink()


def no_directory(fleet: Places) -> None:
    fleet.config.rename(fleet.home / "elsewhere")


def file_for_backups(fleet: Places) -> None:
    fleet.backups.write_bytes(b"")


def backups_lead_out(fleet: Places) -> None:
    fleet.backups.symlink_to("/tmp")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (pipe, "config/pipe.json is no ordinary file. No backup was made."),
        (link_out, "config/out.json is a link that leads out of the fleet's home. No backup was made."),
        (huge, "config/huge.json is larger than 1 MiB. No backup was made."),
        (many, "config holds more than 100 JSON files. No backup was made."),
        (none, "config holds no JSON files. No backup was made."),
        (no_directory, "The directory config is not there. No backup was made."),
        (file_for_backups, "No backup was made, because the system refused it (File exists)."),
        (
            backups_lead_out,
            "No backup was made, because backups is a link that leads out of the fleet's home.",
        ),
    ],
)
def test_a_backup_that_would_not_be_whole_is_refused(
    fleet: Places, harm: Callable[[Places], None], words: str
) -> None:
    harm(fleet)

    assert said(lambda: back_up(fleet, now=NOW, by="U1")).startswith(words)
    assert not fleet.backups.is_dir() or fleet.backups.is_symlink()


def test_no_backups_are_no_mistake_but_a_place_that_cannot_be_read_is(fleet: Places) -> None:
    assert backups(fleet) == []
    assert last_good(fleet) is None
    file_for_backups(fleet)

    assert said(lambda: backups(fleet)) == "The directory backups is no directory."


# -- putting back


def test_a_file_is_put_back_and_what_it_was_is_kept(fleet: Places) -> None:
    path = fleet.config / NAME
    path.write_bytes(OLD)
    path.chmod(0o640)

    done = restore(fleet, NAME, NEW, now=NOW)

    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (done.digest, done.before) == (digest(NEW), digest(OLD))
    assert done.kept == fleet.config / CORRUPTED / "bot-limits.json.20261124-031200"
    assert done.kept.read_bytes() == OLD
    assert sorted(tree(fleet.config)) == [NAME, f"{CORRUPTED}/{done.kept.name}", "kill-switch.json"]


def test_what_was_kept_aside_is_never_overwritten(fleet: Places) -> None:
    for number in range(3):
        restore(fleet, NAME, b"%d" % number, now=NOW)

    assert tree(fleet.config / CORRUPTED) == {
        "bot-limits.json.20261124-031200": b'{"a": 1}',
        "bot-limits.json.20261124-031200-2": b"0",
        "bot-limits.json.20261124-031200-3": b"1",
    }


def test_a_file_that_was_not_there_is_as_open_as_its_directory(fleet: Places) -> None:
    fleet.config.chmod(0o750)

    done = restore(fleet, "api-endpoints.json", NEW, now=NOW)

    assert (done.before, done.kept) == (None, None)
    assert stat.S_IMODE((fleet.config / "api-endpoints.json").stat().st_mode) == 0o640
    assert not (fleet.config / CORRUPTED).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to another user")
def test_the_owner_stays_the_owner(fleet: Places) -> None:
    os.chown(fleet.config / NAME, 1234, 4321)

    restore(fleet, NAME, NEW, now=NOW)

    seen = (fleet.config / NAME).stat()
    assert (seen.st_uid, seen.st_gid) == (1234, 4321)


def test_a_huge_file_is_kept_whole(fleet: Places) -> None:
    (fleet.config / NAME).write_bytes(b"x" * 10_000_000)

    done = restore(fleet, NAME, NEW, now=NOW)

    assert done.kept is not None
    assert digest(done.kept.read_bytes()) == done.before == digest(b"x" * 10_000_000)


def test_what_is_too_large_to_copy_is_linked_and_stays_whole(fleet: Places) -> None:
    with (fleet.config / NAME).open("wb") as file:
        file.truncate(65 * 1024 * 1024)  # a sparse file: takes no room
    number = (fleet.config / NAME).stat().st_ino

    done = restore(fleet, NAME, NEW, now=NOW)

    assert done.kept is not None
    assert (done.kept.stat().st_ino, done.before) == (number, None)


def test_a_pipe_is_kept_as_a_pipe_and_nobody_waits_for_it(fleet: Places) -> None:
    (fleet.config / NAME).unlink()
    os.mkfifo(fleet.config / NAME)

    done = restore(fleet, NAME, NEW, now=NOW)

    assert (fleet.config / NAME).read_bytes() == NEW
    assert done.kept is not None
    assert stat.S_ISFIFO(done.kept.stat().st_mode)


def test_a_link_inside_the_home_stays_one_and_its_file_is_replaced(fleet: Places) -> None:
    (fleet.home / "shared").mkdir()
    (fleet.config / NAME).rename(fleet.home / "shared" / "real.json")
    (fleet.config / NAME).symlink_to("../shared/real.json")

    done = restore(fleet, NAME, NEW, now=NOW)

    assert (fleet.config / NAME).is_symlink()
    assert tree(fleet.home / "shared") == {"real.json": NEW}
    assert done.kept is not None
    assert done.kept.read_bytes() == b'{"a": 1}'


@pytest.mark.parametrize(
    "name", ["../x.json", "a/b.json", "", ".json", "x.toml", ".hidden.json", MANIFEST, "a\n.json", "\0.json"]
)
def test_only_names_of_configuration_files_are_taken(fleet: Places, name: str) -> None:
    before = tree(fleet.home)

    assert said(lambda: restore(fleet, name, NEW, now=NOW)).endswith(
        "is no name of a configuration file. Nothing was changed."
    )
    assert tree(fleet.home) == before


def file_leads_out(fleet: Places) -> None:
    outside = fleet.home.parent / "outside.json"
    outside.write_bytes(b"theirs")
    (fleet.config / NAME).unlink()
    (fleet.config / NAME).symlink_to(outside)


def directory_leads_out(fleet: Places) -> None:
    fleet.config.rename(fleet.home.parent / "away")
    fleet.config.symlink_to(fleet.home.parent / "away")


def circle(fleet: Places) -> None:
    (fleet.config / NAME).unlink()
    (fleet.config / NAME).symlink_to(NAME)


def directory_in_place(fleet: Places) -> None:
    (fleet.config / NAME).unlink()
    (fleet.config / NAME).mkdir()


def file_for_corrupted(fleet: Places) -> None:
    (fleet.config / CORRUPTED).write_bytes(b"")


def corrupted_leads_out(fleet: Places) -> None:
    (fleet.home.parent / "away").mkdir()
    (fleet.config / CORRUPTED).symlink_to(fleet.home.parent / "away")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (file_leads_out, "config/bot-limits.json is a link that leads out of the fleet's home"),
        (directory_leads_out, "config is a link that leads out of the fleet's home"),
        (circle, "config/bot-limits.json is a link that leads out of the fleet's home"),
        (no_directory, "there is no directory config"),
        (directory_in_place, "a directory is in its place"),
        (file_for_corrupted, "the system refused it (Not a directory)"),
        (corrupted_leads_out, "the system refused it (Not a directory)"),
    ],
)
def test_what_cannot_be_put_back_safely_is_not(
    fleet: Places, harm: Callable[[Places], None], words: str
) -> None:
    harm(fleet)
    before = tree(fleet.home.parent)

    text = said(lambda: restore(fleet, NAME, NEW, now=NOW))

    assert text.startswith(f"{NAME} was not restored, because {words}.")
    assert tree(fleet.home.parent) == before


def test_no_file_grows_beyond_what_is_read(fleet: Places) -> None:
    assert "larger than 1 MiB" in said(lambda: restore(fleet, NAME, b" " * 1_048_577, now=NOW))


def with_a_small_disk(size: int, action: Callable[[], Any]) -> Any:
    """What it gives where no file may grow beyond ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # Python ignores the signal and gets EFBIG
    try:
        return action()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_leaves_the_old_file_and_nothing_half_written(fleet: Places) -> None:
    text = with_a_small_disk(10, lambda: said(lambda: restore(fleet, NAME, NEW, now=NOW)))

    assert (
        text == f"{NAME} was not restored, because the system refused it (File too large). It is as it was."
    )
    assert (fleet.config / NAME).read_bytes() == b'{"a": 1}'
    assert [path.name for path in fleet.config.iterdir() if path.name.startswith(".")] == []

    (fleet.config / NAME).write_bytes(OLD)  # and it cannot even be kept aside
    before = tree(fleet.config)
    assert (
        before[f"{CORRUPTED}/{NAME}.20261124-031200"] == b'{"a": 1}'
    )  # a copy: writing into the file left it alone
    with_a_small_disk(10, lambda: said(lambda: restore(fleet, NAME, b"{}", now=NOW)))
    assert tree(fleet.config) == before


def test_a_disk_without_room_makes_no_backup(fleet: Places) -> None:
    text = with_a_small_disk(20, lambda: said(lambda: back_up(fleet, now=NOW, by="U1")))

    assert text.startswith("No backup was made, because the system refused it (File too large).")
    assert list(fleet.backups.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_is_said(fleet: Places) -> None:
    fleet.config.chmod(0o500)
    try:
        assert "this bot lacks the permission" in said(lambda: restore(fleet, NAME, NEW, now=NOW))
    finally:
        fleet.config.chmod(0o700)


# -- others who write at the same time


def at_the_call(name: str, event: str, action: Callable[[], object], run: Callable[[], object]) -> str:
    """What ``run`` is refused with when somebody does ``action`` right before or after its first such system call."""
    done = False

    def watch(_frame: FrameType, seen: str, function: Any) -> None:
        nonlocal done
        if seen == event and function.__name__ == name and not done:
            done = True
            action()

    sys.setprofile(watch)
    try:
        return said(run)
    finally:
        sys.setprofile(None)
        assert done


def test_what_somebody_else_wrote_meanwhile_is_not_lost(fleet: Places) -> None:
    text = at_the_call(
        "fchmod",
        "c_call",
        lambda: (fleet.config / NAME).write_bytes(b"theirs, newer"),
        lambda: restore(fleet, NAME, NEW, now=NOW),
    )

    assert text == f"{NAME} was not restored, because somebody else changed it meanwhile. Theirs stands."
    assert (fleet.config / NAME).read_bytes() == b"theirs, newer"
    assert [path.name for path in fleet.config.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_does_not_read_back_is_not_called_restored(fleet: Places) -> None:
    text = at_the_call(
        "replace",
        "c_return",
        lambda: (fleet.config / NAME).write_bytes(b"theirs"),
        lambda: restore(fleet, NAME, NEW, now=NOW),
    )

    assert text.startswith(
        f"{NAME} was replaced, but does not read back as it was written: look at it before"
    )
    assert tree(fleet.config / CORRUPTED) == {f"{NAME}.20261124-031200": b'{"a": 1}'}


def test_a_file_that_cannot_be_read_back_is_not_called_restored(fleet: Places) -> None:
    text = at_the_call(
        "replace",
        "c_return",
        (fleet.config / NAME).unlink,
        lambda: restore(fleet, NAME, NEW, now=NOW),
    )

    assert text.startswith(
        f"{NAME} was replaced, but the disk did not confirm it (a file or directory vanished"
    )


def test_a_backup_that_does_not_read_back_is_not_called_one(fleet: Places) -> None:
    path = fleet.backups / "config-20261124-031200" / NAME
    text = at_the_call(
        "rename",
        "c_return",
        lambda: path.write_bytes(b"{}"),
        lambda: back_up(fleet, now=NOW, by="U1"),
    )

    assert "does not read back as it was written" in text


# -- crashes

DRIVER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from commands.configuring.keeping import back_up
from commands.configuring.restoring import restore
from commands.probes.files import places

what, root = sys.argv[1], Path(sys.argv[2])
NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
for number in range(1, 1000):
    home = root / str(number)
    (home / "config").mkdir(parents=True)
    (home / "config" / "bot-limits.json").write_bytes(bytes.fromhex(sys.argv[3]))
    fleet = places(str(home), logs="logs", config="config", backups="backups")
    child = os.fork()
    if child == 0:
        left = number
        def before_each_system_call(frame, event, function):
            global left
            if event == "c_call" and getattr(function, "__module__", "") == "posix":
                left -= 1
                if left == 0:
                    os._exit(9)
        sys.setprofile(before_each_system_call)
        if what == "restore":
            restore(fleet, "bot-limits.json", bytes.fromhex(sys.argv[4]), now=NOW)
        else:
            back_up(fleet, now=NOW, by="U1")
        sys.setprofile(None)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended != 9:
        print(number, ended)
        break
"""


def crashed_at_every_call(what: str, root: Path) -> list[Places]:
    """The homes of as many processes, the first killed before its first system call, the last one not killed."""
    run = [sys.executable, "-c", DRIVER, what, str(root), OLD.hex(), NEW.hex()]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=300)
    last, ended = map(int, done.stdout.split())
    assert (done.stderr, ended) == ("", 0)
    return [
        places(str(root / str(number)), logs="logs", config="config", backups="backups")
        for number in range(1, last + 1)
    ]


def test_a_crash_at_any_moment_leaves_the_old_file_or_the_new_one_whole(tmp_path: Path) -> None:
    homes = crashed_at_every_call("restore", tmp_path)

    found = [(home.config / NAME).read_bytes() for home in homes]
    turn = found.index(NEW)
    assert len(homes) > 20
    assert found == [OLD] * turn + [NEW] * (len(homes) - turn)
    assert 5 < turn < len(homes) - 2
    for home in homes[turn:]:  # what was replaced is safe by then
        assert tree(home.config / CORRUPTED) == {f"{NAME}.20261124-031200": OLD}
    for home in homes[:turn]:  # and whatever a crash left behind is in nobody's way
        assert restore(home, NAME, NEW, now=NOW).digest == digest(NEW)
        kept = tree(home.config / CORRUPTED).values()
        assert OLD in kept
        assert all(OLD.startswith(each) for each in kept)


def test_a_crash_at_any_moment_leaves_a_whole_backup_or_none(tmp_path: Path) -> None:
    homes = crashed_at_every_call("back_up", tmp_path)

    found = [[each.standing for each in backups(home)] for home in homes]
    turn = found.index([Standing.UNALTERED])
    assert len(homes) > 20
    assert found == [[]] * turn + [[Standing.UNALTERED]] * (len(homes) - turn)
    for home in homes[:turn]:
        assert back_up(home, now=NOW, by="U1").standing is Standing.UNALTERED
