"""Programs on the fleet's host that the operator named: run with exactly their words, bounded in time and output."""

import asyncio
import errno
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commands.apart import apart
from commands.masking import masked_text
from commands.words import visible
from config.settings import HostAction

KEPT = 4096
"""Bytes kept of the beginning of an output, and as many of its end."""

DISK_SECONDS = 5.0
"""Seconds in which the disk of the home and of the program has to answer before one is started."""

GRACE = 5.0
"""Seconds between asking a program to end and killing it."""

_SETTLE = (
    1.0  # seconds after its end in which the rest of its output is read, and a killed program is waited for
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a host action went.

    ``code`` is its exit code, negative for a signal, and ``None`` when it did not start or did not end by itself in
    time: only 0 is a success. ``took`` is in seconds. ``output`` is what it said, both streams as one, without
    secrets, not escaped for any chat.
    """

    code: int | None
    timed_out: bool
    took: float
    output: str
    sentence: str


async def run(action: HostAction, *, home: Path | None) -> Outcome:
    """What came of the program, run without a shell in ``home``, with none of this bot's own variables.

    It and all that it started in its process group end when its time is over, and when the caller is cancelled. What
    it leaves running after it ended by itself goes on, with its output read and dropped for as long as this bot runs.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    if not await _answers(home or "/", action.argv[0]):
        return _not_started(action, home, OSError(errno.EIO, "its disk does not answer"))
    try:
        output = _Output(loop)
        process = await _started(action, home, output)
    except OSError as error:
        return _not_started(action, home, error)
    try:
        timed_out = not await _ended(process, action.timeout_seconds)
        dead = await _stopped(process) if timed_out else True
    except asyncio.CancelledError:
        _signal(process, signal.SIGKILL)
        await _ended(process, _SETTLE)
        raise
    alone = await output.ended(_SETTLE)
    took = loop.time() - begun
    return Outcome(
        code=None if timed_out else process.returncode,
        timed_out=timed_out,
        took=took,
        output=output.text(),
        sentence=_sentence(
            action, process.returncode, timed_out=timed_out, took=took, rest=not (dead and alone)
        ),
    )


class _Output:
    """A pipe of which the first and the last bytes are kept and everything is read.

    It is no pipe of asyncio's process: that one would be closed at the end, and break whatever still writes to it,
    such as the coordinator that a restart has just started.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._size = 0
        self._head = bytearray()
        self._tail = bytearray()
        self._end = asyncio.Event()
        loop.add_reader(self._reader, self._read)

    def close_writer(self) -> None:
        os.close(self.writer)

    async def ended(self, seconds: float) -> bool:
        """True when everybody who could write has closed it within these seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._end.wait()
        return self._end.is_set()

    def text(self) -> str:
        """What was kept, shown and masked."""
        left_out = self._size - len(self._head) - len(self._tail)
        if left_out <= 0:
            return _shown(bytes(self._head + self._tail))
        # A secret that is cut in two is not known as one: only whole lines may stand beside the gap.
        head = self._head[: max(self._head.rfind(b"\n"), self._head.rfind(b"\r")) + 1]
        _, _, tail = self._tail.replace(b"\r", b"\n").partition(b"\n")
        left_out = self._size - len(head) - len(tail)
        return _shown(bytes(head) + f"… {left_out:,} bytes left out …\n".encode() + bytes(tail))

    def _read(self) -> None:
        try:
            data = os.read(self._reader, 65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._end.set()
            return
        self._size += len(data)
        room = KEPT - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        del self._tail[:-KEPT]


async def _answers(*paths: Path | str) -> bool:
    """False when the disk of one of them hangs.

    This whole process stands still while a program is started, until the child has entered its directory and was
    loaded: on such a disk for ever, and no stop would go out.
    """
    try:
        async with asyncio.timeout(DISK_SECONDS):
            for each in paths:
                await apart(_touched, each)
    except TimeoutError:
        return False
    return True


def _touched(path: Path | str) -> None:
    with suppress(OSError, ValueError):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))


async def _started(action: HostAction, home: Path | None, output: _Output) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *action.argv,
            cwd=home if home is not None else "/",
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.writer,
            stderr=output.writer,
            start_new_session=True,
        )
    finally:
        output.close_writer()  # else there is no end of output while this process lives


def _environment() -> dict[str, str]:
    """What a program gets to know; ours hold tokens."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/"),
    }


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """True when it ended within these seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
    return process.returncode is not None


async def _stopped(process: asyncio.subprocess.Process) -> bool:
    """True when nothing of its group is left: asked to end, and killed if it does not listen."""
    loop = asyncio.get_running_loop()
    _signal(process, signal.SIGTERM)
    until = loop.time() + GRACE
    while _signal(process, 0) and loop.time() < until:  # noqa: ASYNC110 - nobody tells when a group is empty
        await asyncio.sleep(0.05)
    _signal(process, signal.SIGKILL)
    return await _ended(process, _SETTLE)


def _signal(process: asyncio.subprocess.Process, number: int) -> bool:
    """True when something of its group is there and may be signalled by us."""
    # The number of a group is given to nobody else while anything of it lives.
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _shown(raw: bytes) -> str:
    """Without colours and control characters first, since these would hide a secret from the mask."""
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace")).replace("\r\n", "\n").replace("\r", "\n")
    return masked_text(visible(text)).strip()


def _not_started(action: HostAction, home: Path | None, error: OSError) -> Outcome:
    if home is not None and str(error.filename) == str(home):
        why = f"the fleet's home {home} cannot be entered ({error.strerror})"
    elif isinstance(error, FileNotFoundError):
        why = f"there is no program {action.argv[0]}, or what runs it is missing"
    elif isinstance(error, PermissionError):
        why = f"this bot may not run {action.argv[0]}"
    else:
        why = f"the host refused ({error.strerror})"
    return Outcome(
        code=None,
        timed_out=False,
        took=0.0,
        output="",
        sentence=f"{action.name} did not start: {why}. Nothing was changed.",
    )


def _sentence(action: HostAction, code: int | None, *, timed_out: bool, took: float, rest: bool) -> str:
    if timed_out:
        told = f"{action.name} did not end in {action.timeout_seconds:g} s and was stopped"
        return f"{told}; what it did until then stands{', and something of it still runs' if rest else ''}."
    if code is not None and code < 0:
        told = f"{action.name} was ended by {_signal_name(-code)} after {took:.1f} s"
    else:
        told = f"{action.name} ended with {code} after {took:.1f} s"
    return told + ("; something it started still runs." if rest else ".")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
