"""Records out of the lines of the fleet's logs, read from its files or sent by its monitor."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from commands.coordinator.fields import moment
from commands.coordinator.model import LogLine
from commands.masking import masked_text
from commands.probes import files
from commands.probes.model import Places
from commands.probes.traces import HEAD, Trace, last_trace
from commands.words import cut, visible

MONITOR = "GET /logs"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

MOST_FILES = 20
MOST_OF_A_FILE = 512 * 1024
MOST_BYTES = 8 * 1024 * 1024
MOST_LINES = 200_000

LINE_LIMIT = 2000
RECORD_LIMIT = 4 * LINE_LIMIT

_NAMES = {"WARN": "WARNING", "FATAL": "CRITICAL", **{each: each for each in LEVELS}}
_NUMBERS = {20: "DEBUG", 30: "INFO", 40: "WARNING", 50: "ERROR", 60: "CRITICAL"}  # of Node's JSON logs

_WORD = "DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL"
_STAMP = re.compile(
    r"[\[(<]?("
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z| ?UTC| ?[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r")(?!\d)[\])>]?[\s|:,-]*"
)
_LEVEL = re.compile(
    rf"(?<![\w/.])({_WORD})(?![\w/])|\[((?i:{_WORD}))\]|\b(?:level|lvl|severity)=\"?((?i:{_WORD}))\b"
)
_EARLY = 120  # characters in which a level stands
_WITHOUT_STAMP = re.compile(
    rf"[\[(<]?(?:{_WORD})[\])>]?(?:[:|\s]|$)|\S{{1,60}}[ |]+[\[(<]?(?:{_WORD})[\])>]?(?:[:|]| [-|])"
    rf"|\[(?i:{_WORD})\]|(?:level|lvl|severity)="
)
_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_CONTROL = bytes(each for each in range(32) if each not in b"\t\n\r\x0b\x0c\x1b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a log; ``at`` is that of the record before where it bears no time."""

    source: str  # as in Finding
    file: str
    level: str  # one of LEVELS, "" where it names none
    when: str  # as it stands in the log, "" where it bears none
    at: datetime | None
    raw: str  # what follows the time, all its lines, with whatever secrets are in them: never shown
    trace: Trace | None

    @property
    def text(self) -> str:
        """What it says, on one line of at most 2,000 characters, without secrets."""
        return cut(" ".join(masked_text(self.raw).split()), LINE_LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """What was read: ``records`` by their time, out of ``sources``."""

    records: tuple[Record, ...] = ()
    sources: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()  # those of the sources of which the end alone was read
    unread: tuple[tuple[str, str], ...] = ()  # a source and why, as a predicate
    older: int = 0  # logs that were not opened, since enough others changed after them


def from_files(places: Places) -> LogLines:
    """The ends of the logs that changed last, at most 20 of them and 8 MiB."""
    try:
        paths, counted = files.newest(places.logs, places.home, suffix=".log", most=MOST_FILES)
    except files.Unreadable as error:
        return LogLines(unread=((files.relative(places.logs, places.home), str(error)),))
    records: list[Record] = []
    sources: dict[str, str] = {}  # by the file that is really read: a link to a log beside it counts once
    ends, unread = [], []
    room, lines_left = MOST_BYTES, MOST_LINES
    for waiting, path in zip(range(len(paths), 0, -1), paths, strict=True):
        source = files.relative(path, places.home)
        most = min(MOST_OF_A_FILE, room // waiting)
        try:
            raw, size = files.tail(path, places.home, most=most)
        except files.Unreadable as error:
            unread.append((source, str(error)))
            continue
        real = os.path.realpath(path)
        if real in sources:
            continue
        if size and not _is_text(raw):
            lacks = "is no text" if raw else f"holds no full line in its last {files.size_words(most)}"
            unread.append((source, lacks))
            continue
        sources[real] = source
        found = raw.lstrip(b"\0").decode("utf-8", "replace").split("\n")
        lines = found[-(lines_left // waiting) :]
        room, lines_left = room - len(raw), lines_left - len(lines)
        if len(raw) < size or len(lines) < len(found):
            ends.append(source)
        records += _records(lines, source, source)
    if not paths:
        unread.append((files.relative(places.logs, places.home), "holds no file named *.log"))
    return LogLines(
        records=_by_time(records),
        sources=tuple(sources.values()),
        ends=tuple(ends),
        unread=tuple(unread),
        older=counted - len(paths),
    )


def from_monitor(lines: Sequence[LogLine]) -> LogLines:
    """The records in the lines that the monitor sent, at most 200,000 of them and 8 MiB, the last."""
    by_file: dict[str, list[str]] = {}
    room, taken = MOST_BYTES, 0
    for each in reversed(lines):
        room -= len(each.line)
        if room < 0 or taken >= MOST_LINES:
            break
        taken += 1
        by_file.setdefault(each.file, []).append(each.line)
    records: list[Record] = []
    for file, found in by_file.items():
        name = cut(masked_text(" ".join(visible(file[:1000]).split())), 80)
        records += _records([part for line in reversed(found) for part in line.split("\n")], MONITOR, name)
    return LogLines(
        records=_by_time(records),
        sources=(MONITOR,) if taken else (),
        ends=(MONITOR,) if 0 < taken < len(lines) else (),
        unread=() if taken else ((MONITOR, "brought no line"),),
    )


def level_named(word: str) -> str | None:
    """The level of LEVELS that this word names in any case, ``None`` for no level; WARN and FATAL are known."""
    return _NAMES.get(word.strip().upper())


def _by_time(records: list[Record]) -> tuple[Record, ...]:
    earliest = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(records, key=lambda each: each.at or earliest))


@dataclass(slots=True, kw_only=True)
class _Draft:
    level: str = ""
    when: str = ""
    at: datetime | None = None
    shaped: bool = False  # it begins as a record does, so that lines of no shape are part of it
    lines: list[str]


def _records(lines: Iterable[str], source: str, file: str) -> Iterator[Record]:
    draft: _Draft | None = None
    at: datetime | None = None
    tracing = False  # between the head of a traceback and the exception that ends it
    for each in lines:
        line = _clean(each)
        if not line.strip():
            continue
        begun = None if line[0].isspace() and draft else _begun(line, tracing)
        if begun is None and (draft is None or not (draft.shaped or tracing or line[0].isspace())):
            begun = _Draft(lines=[line])
        if begun is not None:
            if draft is not None:
                yield _record(draft, at, source, file)
            draft, at = begun, begun.at or at
        elif draft is not None:
            draft.lines.append(line)
        tracing = HEAD in line or (tracing and begun is None and line[0] in " |+")
    if draft is not None:
        yield _record(draft, at, source, file)


def _begun(line: str, tracing: bool) -> _Draft | None:
    """The record that begins with this line; inside a traceback only one that bears a time does."""
    if line[0] == "{":
        return _from_json(line)
    stamp = _STAMP.match(line)
    if stamp is None and (tracing or not _WITHOUT_STAMP.match(line)):
        return None
    rest = line[stamp.end() :] if stamp else line
    level = _LEVEL.search(rest, 0, _EARLY)
    when = stamp[1] if stamp else ""
    return _Draft(
        level=_NAMES[(level[1] or level[2] or level[3]).upper()] if level else "",
        when=when,
        at=_moment(when),
        shaped=True,
        lines=[rest],
    )


def _from_json(line: str) -> _Draft | None:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    level = _first(data, "level", "levelname", "severity", "lvl")
    message = _first(data, "message", "msg", "event")
    time = _first(data, "timestamp", "time", "ts", "asctime", "@timestamp")
    if level is None and (message is None or time is None):
        return None  # part of the record before, such as the answer of an exchange
    at = _moment(time) if isinstance(time, str) else moment(time)
    when = time if isinstance(time, str) else at.isoformat(" ", "seconds") if at else ""
    trace = _first(data, "exc_info", "exception", "traceback", "stack", "stacktrace")
    said = [each for each in (message, trace) if isinstance(each, str)] or [line]
    return _Draft(
        level=_level(level),
        when=cut(masked_text(" ".join(visible(when).split())), 40),
        at=at,
        shaped=True,
        lines=[_clean(part) for each in said for part in each.split("\n") if part.strip()],
    )


def _level(value: object) -> str:
    if isinstance(value, int):
        return _NUMBERS.get(value, "")
    return (level_named(value) or "") if isinstance(value, str) else ""


def _first(data: Mapping[str, object], *names: str) -> object:
    return next((data[name] for name in names if data.get(name) is not None), None)


def _record(draft: _Draft, at: datetime | None, source: str, file: str) -> Record:
    raw = "\n".join(draft.lines)
    if len(raw) > RECORD_LIMIT or any(len(each) > LINE_LIMIT for each in draft.lines):
        # Masked before it is cut: half a secret is not known for one.
        raw = "\n".join(cut(each, LINE_LIMIT) for each in masked_text(raw).split("\n"))
    if len(raw) > RECORD_LIMIT:
        raw = f"{raw[: RECORD_LIMIT // 2]}…\n{raw[-RECORD_LIMIT // 2 :]}"  # a traceback says at its end what it is
    return Record(
        source=source,
        file=file,
        level=draft.level,
        when=draft.when,
        at=at,
        raw=raw,
        trace=last_trace(draft.lines),
    )


def _moment(when: str) -> datetime | None:
    text = when.replace("/", "-").replace(",", ".").replace(" UTC", "Z").replace("UTC", "Z")
    try:
        found = datetime.fromisoformat(re.sub(r" (?=[+-])", "", text))
        # Without a zone it is local to a machine whose zone we do not know: hours count little in a day's look.
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _clean(line: str) -> str:
    """The line without colours and control characters, its indentation in spaces."""
    return line if line.isprintable() else visible(_COLOUR.sub("", line.replace("\t", "    "))).rstrip()


def _is_text(raw: bytes) -> bool:
    """Whether there is something to read in it; a log that was cut under its writer may begin with zeros."""
    body = raw.lstrip(b"\0")
    return bool(body) and (len(body) - len(body.translate(None, _CONTROL))) * 20 <= len(body)
