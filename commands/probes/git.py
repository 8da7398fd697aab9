"""The code in the fleet's home as git tells it, and the committed bytes of a file; nothing there is trusted to run.

A repository can name programs that git starts while it merely looks: hooks, monitors of files, filters, external diffs,
checkers of signatures, and the far end that a missing object is fetched from. All are switched off by what is passed to
git. Filters are the exception: they have names that only the repository knows, so its settings are read first, and
where they name one no file is compared.
"""

import asyncio
import os
import re
import signal
from asyncio import StreamReader
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from commands.masking import masked_text
from commands.probes.model import Finding, Places, Verdict
from commands.words import cut, visible

SECONDS = 5.0
"""Seconds that one call of git may take."""

MOST_OUTPUT = 256 * 1024
"""Bytes that are read of what git says."""

MOST_FILE = 1024 * 1024
"""Bytes of the largest file that is taken from a revision."""

RECENT = timedelta(hours=24)
"""How young a commit is recent."""

LOOKED_AT = 200
"""The last commits among which a recent one is looked for."""

SHOWN = 5
"""Names of files that differ and are shown."""

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
_STATUS = (
    *("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames"),
    "--ignore-submodules=dirty",  # else git runs itself in there, under settings that nobody has read
)
_FILTER = re.compile(r"filter\..+\.(clean|smudge|process)", re.IGNORECASE | re.DOTALL)
_HASH = re.compile(r"[0-9a-f]{4,40}")
_NAME = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]{0,199}")


class _GitError(Exception):
    """Why git told nothing, as one sentence."""


async def look(places: Places, *, now: datetime) -> tuple[Finding, ...]:
    """The branch, its last commit and how many files differ; UNKNOWN without signs where git does not tell."""
    try:
        if not await asyncio.to_thread(_is_there, places):
            return (_noted(f"The fleet's home {places.home} is under no git: its code has no history here."),)
        await _git(places, "rev-parse", "--git-dir")  # config would pass over a repository that git refuses
        settings = await _lines(places, "config", "--list", "--name-only", "-z")
    except _GitError as error:
        return (_unknown(str(error)),)
    programs = sorted({each for each in settings if _FILTER.fullmatch(each)})
    found = await asyncio.gather(_commit(places, now), _changes(places, programs), return_exceptions=True)
    return tuple(_told(each) for each in found)


async def revision_of(places: Places, path: str, revision: str) -> bytes:
    """The bytes of a file at a revision, as committed; LookupError with one sentence where there are none.

    ``path`` is relative to the home; ``revision`` is a hash of 4 to 40 digits, or the name of a branch or a tag.
    """
    name = _relative(path)
    if not (_HASH.fullmatch(revision) or (_NAME.fullmatch(revision) and ".." not in revision)):
        raise LookupError(
            f"'{_shown(revision, 40)}' is no revision: give 4 to 40 digits of a commit's hash, a branch or a tag."
        )
    try:
        await _repository(places)
        commit = await _commit_named(places, revision)
        entry = await _lines(places, "ls-tree", "-l", "-z", "--full-tree", commit, "--", name)
        if not entry:
            raise LookupError(f"There is no {_shown(name, 200)} in {_shown(revision, 40)}.")
        mode, kind, blob, size = entry[0].partition("\t")[0].split()
        if kind != "blob" or mode == "120000":
            raise LookupError(f"{_shown(name, 200)} is no file in {_shown(revision, 40)}.")
        if not size.isdecimal():
            raise LookupError(
                f"{_shown(name, 200)} is missing from {_shown(revision, 40)}: the repository is damaged."
            )
        if int(size) > MOST_FILE:
            raise LookupError(f"{_shown(name, 200)} is larger than {MOST_FILE // 1024} KiB there.")
        return (await _git(places, "cat-file", "blob", blob, most=MOST_FILE)).output
    except _GitError as error:
        raise LookupError(str(error)) from error


async def recent(places: Places, path: str, most: int) -> list[tuple[str, datetime, str]]:
    """The last commits that touched a path, newest first: whole hash, time (UTC) and masked subject.

    Empty when none did; LookupError with one sentence when git does not tell.
    """
    name = _relative(path)
    try:
        await _repository(places)
        if (await _git(places, "rev-parse", "--verify", "--quiet", "HEAD", good=(0, 1))).code:
            return []
        return await _log(places, "-n", str(max(1, min(most, 100))), "HEAD", "--", name)
    except _GitError as error:
        raise LookupError(str(error)) from error


async def _commit(places: Places, now: datetime) -> Finding:
    """The branch and its last commit, with git.recent."""
    head = await _git(places, "symbolic-ref", "--quiet", "--short", "HEAD", good=(0, 1))
    branch = f"branch {_shown(_text(head.output), 60)}" if head.code == 0 else "no branch (detached)"
    if (await _git(places, "rev-parse", "--verify", "--quiet", "HEAD", good=(0, 1))).code:
        return Finding(
            verdict=Verdict.NOTED,
            text=f"{branch}: nothing was committed yet",
            source="git log",
            signs={"git.recent": False},
        )
    (commit, at, subject), *_ = await _log(places, "-n", "1", "HEAD")
    # The last commit need not be the youngest, and git's own --since ends at the first old one.
    times = await _lines(places, "log", "-z", "-n", str(LOOKED_AT), "--format=tformat:%ct", "HEAD")
    number = sum(datetime.fromtimestamp(int(each), UTC) >= now - RECENT for each in times)
    told = "none in the last 24 h" if number == 0 else f"{_counted(number, 'commit')} in the last 24 h"
    return Finding(
        verdict=Verdict.NOTED,
        text=f"{branch}: last commit {commit[:10]} {_age(now - at)}, “{subject}”; {told}",
        source="git log",
        signs={"git.recent": number > 0},
    )


async def _changes(places: Places, programs: list[str]) -> Finding:
    """How many files differ from the last commit, with git.dirty."""
    if programs:
        # Whoever can write these settings between that look and this one can run programs here without us: git
        # itself refuses a repository that belongs to somebody else.
        return _unknown(
            "which files differ was not looked at: the repository's settings name a program that git would run "
            f"({_shown(programs[0], 60)})"
        )
    try:
        entries = await _lines(places, *_STATUS)
    except _TooMuchError:
        return Finding(
            verdict=Verdict.ILL,
            text="so many files differ from the last commit that they were not counted",
            source="git status",
            signs={"git.dirty": True},
        )
    names = [_shown(each[3:], 60) for each in entries]
    if not names:
        text = "every file is as in the last commit"
    else:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        differ = "differs" if len(names) == 1 else "differ"
        text = (
            f"{_counted(len(names), 'file')} {differ} from the last commit: {', '.join(names[:SHOWN])}{more}"
        )
    return Finding(
        verdict=Verdict.NOTED if names else Verdict.WELL,
        text=text,
        source="git status",
        signs={"git.dirty": bool(names)},
    )


async def _commit_named(places: Places, revision: str) -> str:
    """The whole hash of the commit."""
    asked = ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    answer = await _git(places, *asked, good=(0, 1, 128))  # 128: a hash so short that several begin with it
    if answer.code != 0:
        raise LookupError(f"There is no one commit {_shown(revision, 40)} in the fleet's home.")
    return _text(answer.output)


async def _log(places: Places, *asked: str) -> list[tuple[str, datetime, str]]:
    words = await _lines(places, "log", "-z", "--encoding=UTF-8", "--format=tformat:%H%x00%ct%x00%s", *asked)
    rows = zip(words[::3], words[1::3], words[2::3], strict=True)
    return [(commit, datetime.fromtimestamp(int(at), UTC), _shown(text, 80)) for commit, at, text in rows]


async def _repository(places: Places) -> None:
    if not await asyncio.to_thread(_is_there, places):
        raise _GitError(f"The fleet's home {places.home} is under no git, so there are no earlier revisions.")


def _is_there(places: Places) -> bool:
    """True when the home is the top of a work tree whose repository lies within it."""
    place = places.home / ".git"
    try:
        if not places.home.is_dir():
            raise _GitError(f"The fleet's home {places.home} is not there.")
        if place.is_symlink() or place.is_file() or (place / "commondir").exists():
            raise _GitError(f"{place} points to a repository elsewhere, which is not followed.")
        return place.is_dir()
    except OSError as error:
        raise _GitError(f"{place} cannot be looked at ({error.strerror}).") from error


def _relative(path: str) -> str:
    """The path as git names it; LookupError when it does not lie inside the home."""
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or not path.isprintable():
        raise LookupError(f"'{_shown(path, 60)}' is no path inside the fleet's home.")
    return str(pure)


# -- running git


class _TooMuchError(_GitError):
    """Git said more than is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    code: int
    output: bytes


async def _lines(places: Places, *asked: str) -> list[str]:
    """What git lists, each entry ended by a zero byte."""
    return _text((await _git(places, *asked)).output).split("\0")[:-1]


async def _git(places: Places, *asked: str, good: tuple[int, ...] = (0,), most: int = MOST_OUTPUT) -> _Answer:
    """What git answers; _GitError when it is not there, too slow, too wordy or ends with a code that is not good."""
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
        raise _GitError("There is no git on this host, so the code was not looked at.") from error
    except OSError as error:
        raise _GitError(f"git cannot be run ({error.strerror}).") from error
    assert process.stdout is not None  # noqa: S101  # both were asked for
    assert process.stderr is not None  # noqa: S101
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await asyncio.gather(
                _read(process.stdout, most), _read(process.stderr, MOST_OUTPUT)
            )
            code = await process.wait()
    except TimeoutError as error:
        raise _GitError(f"git {asked[0]} did not answer in {SECONDS:g} s.") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1)
    if code not in good:
        raise _GitError(_refusal(places, asked[0], _text(errors)))
    return _Answer(code=code, output=output)


async def _read(stream: StreamReader, most: int) -> bytes:
    data = bytearray()
    while piece := await stream.read(65_536):
        data += piece
        if len(data) > most:
            raise _TooMuchError(f"git says more than {most // 1024} KiB, which is not read.")
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
    return f"git {verb} failed; it said: {_shown(said, 160)}."


def _told(found: Finding | BaseException) -> Finding:
    if isinstance(found, Finding):
        return found
    if isinstance(found, _GitError):
        return _unknown(str(found))
    raise found


def _noted(text: str) -> Finding:
    return Finding(verdict=Verdict.NOTED, text=text, source="git")


def _unknown(text: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, text=text, source="git")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\n")


def _shown(text: str, limit: int) -> str:
    # Masked before it is cut: half a secret is not known as one.
    return cut(masked_text(" ".join(visible(text[:4000]).split())), limit)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 0:
        return "dated in the future"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
