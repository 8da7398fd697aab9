"""Host actions: real programs that end, fail, shout, hang, and leave others behind."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands.host_actions import GRACE, KEPT, Outcome, run
from config.settings import HostAction

Written = Callable[..., HostAction]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Makes the action whose program is a script of these lines."""

    def write(*lines: str, timeout: float = 30, words: tuple[str, ...] = ()) -> HostAction:
        program = tmp_path / "program"
        program.write_text("\n".join(("#!/bin/sh", *lines, "")))
        program.chmod(0o700)
        return HostAction(
            name="restart-coordinator",
            argv=(str(program), *words),
            timeout_seconds=timeout,
            summary="Restarts the coordinator.",
        )

    return write


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Path]:
    """A file for the number of a process that outlives its parent; whatever still runs at the end is killed."""
    path = tmp_path / "pid"
    yield path
    if path.exists() and alive(path):
        os.kill(int(path.read_text()), signal.SIGKILL)


def alive(path: Path) -> bool:
    try:
        state = Path(f"/proc/{int(path.read_text())}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def seen(condition: Callable[[], bool]) -> None:
    """Returns when it holds; TimeoutError after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it looks at other processes
            await asyncio.sleep(0.01)


def open_files() -> set[Path]:
    return set(Path("/proc/self/fd").iterdir())


def number_in(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text().strip() != ""


@pytest.mark.parametrize("code", [0, 1, 42])
async def test_how_it_ended(written: Written, code: int) -> None:
    came = await run(written("echo done", "echo badly >&2", f"exit {code}"), home=None)

    assert came == Outcome(
        code=code, timed_out=False, took=came.took, output="done\nbadly", sentence=came.sentence
    )
    assert came.sentence == f"restart-coordinator ended with {code} after {came.took:.1f} s."
    assert 0 < came.took < 30


async def test_a_signal_is_named(written: Written) -> None:
    came = await run(written("kill -KILL $$"), home=None)

    assert came.code == -9
    assert came.sentence.startswith("restart-coordinator was ended by SIGKILL after ")


async def test_its_words_reach_it_as_they_stand(written: Written) -> None:
    hostile = ("$(reboot)", "`id`", "; echo two", "a b", "", "*", "-n")

    came = await run(written("""printf '<%s>' "$@" """, words=hostile), home=None)

    assert came.output == "".join(f"<{each}>" for each in hostile)


async def test_where_it_runs(written: Written, tmp_path: Path) -> None:
    home = tmp_path / "fleet"
    home.mkdir()

    assert (await run(written("pwd"), home=home)).output == str(home)
    assert (await run(written("pwd"), home=None)).output == "/"


async def test_it_reads_nothing_of_what_this_bot_may_read(written: Written) -> None:
    own, (reader, writer) = os.dup(0), os.pipe()
    os.dup2(reader, 0)
    try:
        came = await run(written("cat", "echo done", timeout=5), home=None)
    finally:
        os.dup2(own, 0)
        for each in (own, reader, writer):
            os.close(each)

    assert came.output == "done"
    assert not came.timed_out


async def test_it_gets_nothing_of_ours(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CHATBOT_COORDINATOR__TOKEN", "LD_PRELOAD_X", "PS4"):
        monkeypatch.setenv(name, "of-ours")
    monkeypatch.setenv("HOME", "/home/of-the-bot")

    came = await run(written("env"), home=None)

    told = dict(line.split("=", 1) for line in came.output.splitlines())
    assert {name: told[name] for name in ("PATH", "LANG", "HOME")} == {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/home/of-the-bot",
    }
    assert set(told) - {"PATH", "LANG", "HOME"} <= {"PWD", "OLDPWD", "SHLVL", "_"}  # the shell's own
    assert "of-ours" not in came.output


async def test_no_file_of_ours_is_open_in_it(written: Written, tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)

        came = await run(written("ls -l /proc/$$/fd"), home=None)

    assert "/dev/null" in came.output
    assert str(tmp_path / "ours") not in came.output


async def test_of_much_output_the_first_and_the_last_lines_are_kept(written: Written) -> None:
    came = await run(written("seq 1 200000"), home=None)

    before, gap, after = came.output.partition("… ")
    assert before.startswith("1\n2\n3\n")
    assert after.endswith("199999\n200000")
    assert "bytes left out …" in gap + after
    assert len(came.output.encode()) < 2 * KEPT + 100
    kept = [line for line in came.output.splitlines() if "left out" not in line]
    assert {int(line) for line in kept} <= set(range(1, 200_001))  # no half line
    size = len("".join(f"{each}\n" for each in range(1, 200_001)))
    left_out = size - len("".join(f"{line}\n" for line in kept))
    assert f"… {left_out:,} bytes left out …" in came.output


async def test_what_just_fits_is_kept_whole(written: Written) -> None:
    came = await run(written(f"head -c {2 * KEPT} /dev/zero | tr '\\0' x"), home=None)

    assert came.output == "x" * 2 * KEPT


async def test_endless_output_does_not_block_and_ends_in_time(written: Written) -> None:
    came = await run(
        written("echo first", "exec yes 0123456789012345678901234567890", timeout=0.5), home=None
    )

    assert came.timed_out
    assert came.code is None
    assert came.output.startswith("first\n")
    assert len(came.output) < 2 * KEPT + 100
    assert came.took < 0.5 + GRACE
    assert came.sentence == (
        "restart-coordinator did not end in 0.5 s and was stopped; what it did until then stands."
    )


async def test_who_ends_well_when_asked_is_asked(written: Written) -> None:
    tidy = ("trap 'echo tidied; exit 0' TERM", "echo ready", "while :; do sleep 0.05; done")

    came = await run(written(*tidy, timeout=2), home=None)

    assert came.output.startswith("ready")
    assert came.output.endswith("tidied")
    assert came.timed_out
    assert came.code is None  # it ended with 0, but did not do what it was to do
    assert came.took < 2 + GRACE


async def test_who_does_not_listen_is_killed_with_its_children(written: Written, left: Path) -> None:
    deaf = ("trap '' TERM", f"sleep 600 & echo $! >{left}", "echo deaf", "while :; do sleep 600; done")

    came = await run(written(*deaf, timeout=1), home=None)

    assert came.timed_out
    assert came.output == "deaf"
    assert GRACE < came.took < GRACE + 5
    await seen(lambda: not alive(left))


async def test_a_child_of_one_that_ended_when_asked_has_time_to_end_well(
    written: Written, tmp_path: Path
) -> None:
    tidied = tmp_path / "tidied"
    child = f"sh -c \"trap 'sleep 0.5; echo well >{tidied}; exit' TERM; while :; do sleep 0.05; done\" &"

    came = await run(written(child, "exec sleep 600", timeout=2), home=None)

    assert came.timed_out
    assert tidied.exists()
    assert came.took < 2 + GRACE


async def test_a_child_that_outlives_the_signal_is_killed(written: Written, left: Path) -> None:
    child = f"sh -c \"trap '' TERM; echo \\$\\$ >{left}; while :; do sleep 600; done\" &"

    came = await run(written(child, "exec sleep 600", timeout=1), home=None)

    assert came.timed_out
    await seen(lambda: not alive(left))


async def test_who_holds_the_output_holds_nothing_up(written: Written, left: Path) -> None:
    came = await run(written(f"sleep 600 & echo $! >{left}", "echo started"), home=None)

    assert came.code == 0
    assert came.output == "started"
    assert came.took < 10
    assert came.sentence.endswith(" s; something it started still runs.")
    assert alive(left)


async def test_what_was_started_may_go_on_to_write(written: Written, left: Path, tmp_path: Path) -> None:
    """A restarted coordinator that inherits the output must not die of its next line, nor wait for a reader."""
    wrote = tmp_path / "wrote"
    service = f"(while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; seq 1 100000 && echo well >{wrote}; exec sleep 600)"

    came = await run(written(f"{service} & echo $! >{left}"), home=None)
    (tmp_path / "go").touch()

    assert came.code == 0
    await seen(number_in(wrote))
    assert alive(left)


async def test_the_cancelled_leave_nothing_running(written: Written, left: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    action = written("trap '' TERM", f"sleep 600 & echo $! >{left}", f"echo $$ >{own}", "sleep 600")
    task = asyncio.create_task(run(action, home=None))
    await seen(number_in(own))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await seen(lambda: not alive(left) and not alive(own))


async def test_a_cancelled_wait_for_output_kills_no_restarted_service(
    written: Written, left: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    action = written(f"sleep 600 & echo $! >{left}", f"echo $$ >{own}")
    task = asyncio.create_task(run(action, home=None))
    await seen(lambda: number_in(own)() and not alive(own))
    await asyncio.sleep(0.1)  # it ended; now the rest of its output is awaited, for a second

    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert alive(left)


async def test_no_secret_is_told(written: Written) -> None:
    came = await run(
        written(
            "echo SLACK_BOT_TOKEN=xoxb-1234-abcdefgh",
            "printf '\\033[31mpassword\\033[0m=hunter2\\n'",
            "printf 'pass\\000word: hunter3\\n'",
            "echo postgresql://bot:hunter4@db/fleet >&2",
        ),
        home=None,
    )

    assert "hunter" not in came.output
    assert "abcdefgh" not in came.output
    assert came.output.splitlines() == [
        "SLACK_BOT_TOKEN=***",
        "password=***",
        "password: ***",
        "postgresql://***@db/fleet",
    ]


async def test_a_secret_cut_by_the_gap_is_not_told(written: Written) -> None:
    """The end of the beginning and the beginning of the end hold halves that no mask knows."""
    first = f"head -c {KEPT - 20} /dev/zero | tr '\\0' x; echo; echo postgresql://bot:hunter2hunter2@db/fleet"
    middle = "head -c 100000 /dev/zero | tr '\\0' y; echo"
    last = f"printf password=hunter3hunter3; echo; head -c {KEPT - 9} /dev/zero | tr '\\0' z; echo"

    came = await run(written(first, middle, last), home=None)

    assert "hunter" not in came.output
    assert "bot:" not in came.output
    assert came.output.startswith("xxx")
    assert came.output.endswith("zzz")


async def test_one_endless_line_is_left_out_whole(written: Written) -> None:
    came = await run(written("head -c 100000 /dev/zero | tr '\\0' x"), home=None)

    assert came.output == "… 100,000 bytes left out …"


async def test_bytes_that_are_no_text(written: Written) -> None:
    came = await run(
        written("printf 'a\\377\\376b\\033]0;title\\007\\r\\nc\\342\\200\\256d\\n10%%\\r20%%\\n'"), home=None
    )

    assert came.output == "a��b\ncd\n10%\n20%"


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    action = HostAction(name="restart-coordinator", argv=(str(tmp_path / "none"),), summary="Restarts it.")

    came = await run(action, home=None)

    assert came == Outcome(
        code=None,
        timed_out=False,
        took=0.0,
        output="",
        sentence=f"restart-coordinator did not start: there is no program {tmp_path}/none, or what runs it is missing. "
        "Nothing was changed.",
    )


async def test_a_program_that_may_not_be_run(written: Written, tmp_path: Path) -> None:
    action = written("echo never")
    (tmp_path / "program").chmod(0o600)

    came = await run(action, home=None)

    assert came.code is None
    assert (
        came.sentence
        == f"restart-coordinator did not start: this bot may not run {action.argv[0]}. Nothing was changed."
    )


async def test_a_program_that_is_none(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF and nothing more")
    program.chmod(0o700)

    came = await run(HostAction(name="restart-bot", argv=(str(program),), summary="Restarts it."), home=None)

    assert came.code is None
    assert came.sentence == (
        "restart-bot did not start: the host refused (Exec format error). Nothing was changed."
    )


async def test_a_home_that_is_not_there(written: Written, tmp_path: Path) -> None:
    came = await run(written("echo never"), home=tmp_path / "gone")

    assert came.code is None
    assert came.sentence == (
        f"restart-coordinator did not start: the fleet's home {tmp_path}/gone cannot be entered "
        "(No such file or directory). Nothing was changed."
    )


async def test_nothing_stays_open(written: Written) -> None:
    action = written("echo done")
    await run(action, home=None)  # the loop's own machinery is there after the first
    before = open_files()

    for _ in range(3):
        await run(action, home=None)
        await run(HostAction(name="none", argv=("/none",), summary="Nothing."), home=None)

    await seen(lambda: open_files() == before)
