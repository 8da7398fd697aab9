"""Running git on the fleet's home, where nothing is trusted to run.

A repository can name programs that git starts while it merely looks: hooks, monitors of files, filters, external diffs,
checkers of signatures, and the far end that a missing object is fetched from. All are switched off by what is passed to
git. Filters are the exception: they have names that only the repository knows, so its settings are read first, and
where they name one no file is compared.
"""

import asyncio
import os
import signal
from asyncio import StreamReader
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from commands.masking import masked_text
from commands.probes.model import Places
from commands.words import cut, visible

SECONDS = 5.0
"""Seconds that one call of git may take."""

MOST_OUTPUT = 256 * 1024
"""Bytes that are read of what git says."""

_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",  # what is shown is what was committed
    *("-c", "core.fsmonitor="),  # empty is off in every version; "false" was once the name of a program
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.excludesFile=/dev/null"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "diff.external="),
    *("-c", "log.showSignature=false"),
    *("-c", "log.mailmap=false"),
)


class GitError(Exception):
    """Why git told nothing, as one sentence."""


class TooMuchError(GitError):
    """Git said more than is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The code that git ended with, and what it said."""

    code: int
    output: bytes


async def git(places: Places, *asked: str, good: tuple[int, ...] = (0,), most: int = MOST_OUTPUT) -> Answer:
    """What git answers; GitError when it is not there, too slow, too wordy or ends with a code that is not good."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *_OPTIONS,
            *asked,
            cwd=places.home,
            env=_environment(places),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise GitError("There is no git on this host, so the code was not looked at.") from error
    except OSError as error:
        raise GitError(f"git cannot be run ({error.strerror}).") from error
    assert process.stdout is not None  # noqa: S101  # both were asked for
    assert process.stderr is not None  # noqa: S101
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await asyncio.gather(
                _read(process.stdout, most), _read(process.stderr, MOST_OUTPUT)
            )
            code = await process.wait()
    except TimeoutError as error:
        raise GitError(f"git {asked[0]} did not answer in {SECONDS:g} s.") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1)
    if code not in good:
        raise GitError(_refusal(places, asked[0], text_of(errors)))
    return Answer(code=code, output=output)


async def git_lines(places: Places, *asked: str) -> list[str]:
    """What git lists, each entry ended by a zero byte."""
    return text_of((await git(places, *asked)).output).split("\0")[:-1]


async def _read(stream: StreamReader, most: int) -> bytes:
    data = bytearray()
    while piece := await stream.read(65_536):
        data += piece
        if len(data) > most:
            raise TooMuchError(f"git says more than {most // 1024} KiB, which is not read.")
    return bytes(data)


def _environment(places: Places) -> Mapping[str, str]:
    """What git gets to know: none of this bot's variables, which hold tokens, and nobody's settings."""
    path = [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if each.startswith("/")]
    return {
        "PATH": os.pathsep.join(path),
        "LC_ALL": "C",
        "HOME": "/dev/null",
        "XDG_CONFIG_HOME": "/dev/null",
        "GIT_ALLOW_PROTOCOL": "none",  # a missing object is fetched from nowhere
        "GIT_CEILING_DIRECTORIES": str(places.home.parent),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_WORK_TREE": str(places.home),  # whatever core.worktree says
    }


def _refusal(places: Places, verb: str, errors: str) -> str:
    if "dubious ownership" in errors or "unsafe repository" in errors:
        return (
            f"git refuses {places.home}, since it belongs to another user than the one this bot runs as: let the bot "
            "run as the owner of the fleet's home."
        )
    lines = errors.splitlines()
    said = next((each for each in lines if each.startswith(("fatal:", "error:"))), "nothing")
    return f"git {verb} failed; it said: {shown(said, 160)}."


def text_of(raw: bytes) -> str:
    """What git said, as text without its last line breaks."""
    return raw.decode("utf-8", "replace").rstrip("\n")


def shown(text: str, limit: int) -> str:
    """Words out of a repository on one line, without secrets and cut."""
    # Masked before it is cut: half a secret is not known as one.
    return cut(masked_text(" ".join(visible(text[:4000]).split())), limit)
