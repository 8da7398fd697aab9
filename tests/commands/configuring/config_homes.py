"""A fleet's home with a configuration, and what can go wrong while something is written there."""

import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from commands.probes.files import places
from commands.probes.model import Places
from commands.spec import UserError

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
NAME = "bot-limits.json"
OLD, NEW = b'{"max_daily_loss": 100', b'{"max_daily_loss": 200}\n'


def a_home(directory: Path) -> Places:
    """A fleet's home with two configuration files."""
    home = directory / "fleet"
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


def no_directory(fleet: Places) -> None:
    fleet.config.rename(fleet.home / "elsewhere")


def with_a_small_disk(size: int, action: Callable[[], Any]) -> Any:
    """What it gives where no file may grow beyond ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # Python ignores the signal and gets EFBIG
    try:
        return action()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
