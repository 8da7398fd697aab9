"""A file is put back so that a crash leaves the old one or the new one."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from config_homes import (
    NAME,
    NEW,
    NOW,
    OLD,
    a_home,
    at_the_call,
    crashed_at_every_call,
    no_directory,
    said,
    tree,
    with_a_small_disk,
)

from commands.configuring.keeping import MANIFEST, digest
from commands.configuring.restoring import CORRUPTED, restore
from commands.probes.model import Places


@pytest.fixture
def fleet(tmp_path: Path) -> Places:
    return a_home(tmp_path)


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_is_said(fleet: Places) -> None:
    fleet.config.chmod(0o500)
    try:
        assert "this bot lacks the permission" in said(lambda: restore(fleet, NAME, NEW, now=NOW))
    finally:
        fleet.config.chmod(0o700)


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
