"""The code in the fleet's home as git tells it, and the committed bytes of a file."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from commands.apart import apart
from commands.probes.git_running import GitError, TooMuchError, git, git_lines, shown, text_of
from commands.probes.model import Finding, Places, Verdict

MOST_FILE = 1024 * 1024
"""Bytes of the largest file that is taken from a revision."""

RECENT = timedelta(hours=24)
"""How young a commit is recent."""

LOOKED_AT = 200
"""The last commits among which a recent one is looked for."""

SHOWN = 5
"""Names of files that differ and are shown."""

_STATUS = (
    *("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames"),
    "--ignore-submodules=dirty",  # else git runs itself in there, under settings that nobody has read
)
_FILTER = re.compile(r"filter\..+\.(clean|smudge|process)", re.IGNORECASE | re.DOTALL)
_HASH = re.compile(r"[0-9a-f]{4,40}")
_NAME = re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]{0,199}")


async def look(places: Places, *, now: datetime) -> tuple[Finding, ...]:
    """The branch, its last commit and how many files differ; UNKNOWN without signs where git does not tell."""
    try:
        if not await apart(_is_there, places):
            return (_noted(f"The fleet's home {places.home} is under no git: its code has no history here."),)
        await git(places, "rev-parse", "--git-dir")  # config would pass over a repository that git refuses
        settings = await git_lines(places, "config", "--list", "--name-only", "-z")
    except GitError as error:
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
            f"'{shown(revision, 40)}' is no revision: give 4 to 40 digits of a commit's hash, a branch or a tag."
        )
    try:
        await _repository(places)
        commit = await _commit_named(places, revision)
        entry = await git_lines(places, "ls-tree", "-l", "-z", "--full-tree", commit, "--", name)
        if not entry:
            raise LookupError(f"There is no {shown(name, 200)} in {shown(revision, 40)}.")
        mode, kind, blob, size = entry[0].partition("\t")[0].split()
        if kind != "blob" or mode == "120000":
            raise LookupError(f"{shown(name, 200)} is no file in {shown(revision, 40)}.")
        if not size.isdecimal():
            raise LookupError(
                f"{shown(name, 200)} is missing from {shown(revision, 40)}: the repository is damaged."
            )
        if int(size) > MOST_FILE:
            raise LookupError(f"{shown(name, 200)} is larger than {MOST_FILE // 1024} KiB there.")
        return (await git(places, "cat-file", "blob", blob, most=MOST_FILE)).output
    except GitError as error:
        raise LookupError(str(error)) from error


async def recent(places: Places, path: str, most: int) -> list[tuple[str, datetime, str]]:
    """The last commits that touched a path, newest first: whole hash, time (UTC) and masked subject.

    Empty when none did; LookupError with one sentence when git does not tell.
    """
    name = _relative(path)
    try:
        await _repository(places)
        if (await git(places, "rev-parse", "--verify", "--quiet", "HEAD", good=(0, 1))).code:
            return []
        return await _log(places, "-n", str(max(1, min(most, 100))), "HEAD", "--", name)
    except GitError as error:
        raise LookupError(str(error)) from error


async def _commit(places: Places, now: datetime) -> Finding:
    """The branch and its last commit, with git.recent."""
    head = await git(places, "symbolic-ref", "--quiet", "--short", "HEAD", good=(0, 1))
    branch = f"branch {shown(text_of(head.output), 60)}" if head.code == 0 else "no branch (detached)"
    if (await git(places, "rev-parse", "--verify", "--quiet", "HEAD", good=(0, 1))).code:
        return Finding(
            verdict=Verdict.NOTED,
            text=f"{branch}: nothing was committed yet",
            source="git log",
            signs={"git.recent": False},
        )
    (commit, at, subject), *_ = await _log(places, "-n", "1", "HEAD")
    # The last commit need not be the youngest, and git's own --since ends at the first old one.
    times = await git_lines(places, "log", "-z", "-n", str(LOOKED_AT), "--format=tformat:%ct", "HEAD")
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
            f"({shown(programs[0], 60)})"
        )
    try:
        entries = await git_lines(places, *_STATUS)
    except TooMuchError:
        return Finding(
            verdict=Verdict.ILL,
            text="so many files differ from the last commit that they were not counted",
            source="git status",
            signs={"git.dirty": True},
        )
    names = [shown(each[3:], 60) for each in entries]
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
    answer = await git(places, *asked, good=(0, 1, 128))  # 128: a hash so short that several begin with it
    if answer.code != 0:
        raise LookupError(f"There is no one commit {shown(revision, 40)} in the fleet's home.")
    return text_of(answer.output)


async def _log(places: Places, *asked: str) -> list[tuple[str, datetime, str]]:
    words = await git_lines(
        places, "log", "-z", "--encoding=UTF-8", "--format=tformat:%H%x00%ct%x00%s", *asked
    )
    rows = zip(words[::3], words[1::3], words[2::3], strict=True)
    return [(commit, datetime.fromtimestamp(int(at), UTC), shown(text, 80)) for commit, at, text in rows]


async def _repository(places: Places) -> None:
    if not await apart(_is_there, places):
        raise GitError(f"The fleet's home {places.home} is under no git, so there are no earlier revisions.")


def _is_there(places: Places) -> bool:
    """True when the home is the top of a work tree whose repository lies within it."""
    place = places.home / ".git"
    try:
        if not places.home.is_dir():
            raise GitError(f"The fleet's home {places.home} is not there.")
        if place.is_symlink() or place.is_file() or (place / "commondir").exists():
            raise GitError(f"{place} points to a repository elsewhere, which is not followed.")
        return place.is_dir()
    except OSError as error:
        raise GitError(f"{place} cannot be looked at ({error.strerror}).") from error


def _relative(path: str) -> str:
    """The path as git names it; LookupError when it does not lie inside the home."""
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or not path.isprintable():
        raise LookupError(f"'{shown(path, 60)}' is no path inside the fleet's home.")
    return str(pure)


def _told(found: Finding | BaseException) -> Finding:
    if isinstance(found, Finding):
        return found
    if isinstance(found, GitError):
        return _unknown(str(found))
    raise found


def _noted(text: str) -> Finding:
    return Finding(verdict=Verdict.NOTED, text=text, source="git")


def _unknown(text: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, text=text, source="git")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 0:
        return "dated in the future"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
