"""Backups appear whole or not at all, and an altered one is known."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from config_homes import (
    NAME,
    NOW,
    a_home,
    at_the_call,
    crashed_at_every_call,
    no_directory,
    said,
    with_a_small_disk,
)

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
from commands.probes.model import Places


@pytest.fixture
def fleet(tmp_path: Path) -> Places:
    return a_home(tmp_path)


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


def test_a_disk_without_room_makes_no_backup(fleet: Places) -> None:
    text = with_a_small_disk(20, lambda: said(lambda: back_up(fleet, now=NOW, by="U1")))

    assert text.startswith("No backup was made, because the system refused it (File too large).")
    assert list(fleet.backups.iterdir()) == []


def test_a_backup_that_does_not_read_back_is_not_called_one(fleet: Places) -> None:
    path = fleet.backups / "config-20261124-031200" / NAME
    text = at_the_call(
        "rename",
        "c_return",
        lambda: path.write_bytes(b"{}"),
        lambda: back_up(fleet, now=NOW, by="U1"),
    )

    assert "does not read back as it was written" in text


def test_a_crash_at_any_moment_leaves_a_whole_backup_or_none(tmp_path: Path) -> None:
    homes = crashed_at_every_call("back_up", tmp_path)

    found = [[each.standing for each in backups(home)] for home in homes]
    turn = found.index([Standing.UNALTERED])
    assert len(homes) > 20
    assert found == [[]] * turn + [[Standing.UNALTERED]] * (len(homes) - turn)
    for home in homes[:turn]:
        assert back_up(home, now=NOW, by="U1").standing is Standing.UNALTERED
