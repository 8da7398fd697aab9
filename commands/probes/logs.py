"""The fleet's logs: records out of lines, those alike as one, and what the last day of them speaks of."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from commands.alerting import fingerprint
from commands.coordinator.fields import moment
from commands.coordinator.model import LogLine
from commands.masking import masked_text
from commands.probes import files
from commands.probes.model import Finding, Places, Verdict
from commands.probes.wording import topics
from commands.words import cut, visible

MONITOR = "GET /logs"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SERIOUS = frozenset(LEVELS[2:])
DAY = timedelta(hours=24)

MOST_FILES = 20
MOST_OF_A_FILE = 512 * 1024
MOST_BYTES = 8 * 1024 * 1024
MOST_LINES = 200_000
MOST_JUDGED = 1_500_000
"""Characters of serious records of different shape that are searched and compared: more would take too long."""

LINE_LIMIT = 2000
RECORD_LIMIT = 4 * LINE_LIMIT
EXAMPLE_LIMIT = 200
SHOWN = 5

_NAMES = {"WARN": "WARNING", "FATAL": "CRITICAL", **{each: each for each in LEVELS}}
_NUMBERS = {20: "DEBUG", 30: "INFO", 40: "WARNING", 50: "ERROR", 60: "CRITICAL"}  # of Node's JSON logs
_SIGNS = {f"logs.{each}": each for each in ("security", "data", "memory", "config", "api")}

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
_TRACE = "Traceback (most recent call last)"
_FRAME = re.compile(r"[\s|+]*(File \"[^\"]{1,300}\", line \d{1,9}(?:, in \S{1,100})?)")
_RAISED = re.compile(r"[|\s]*([A-Za-z_][\w.]{0,100})(?::|\s*$)")
_NODE_FRAME = re.compile(r"\s+(at .{1,300}:\d{1,9}:\d{1,9}\)?)\s*$")
_NODE_RAISED = re.compile(r"\b((?:[A-Z]\w{0,60})?(?:Error|Exception))\b")
_QUOTED = re.compile(r"\"[^\"]{0,200}\"|(?<!\w)'[^']{0,200}'(?!\w)")
# In upper case: "kill switch" in lower case is how the coordinator logs a release.
_KILL = re.compile(r"KILL[ _-]SWITCH(?!.{0,20}(?:DEACTIV|RELEAS|OVERRID|RESET|CLEAR))")
_LONG_NUMBER = re.compile(r"\d{3,}")
_CONTROL = bytes(each for each in range(32) if each not in b"\t\n\r\x0b\x0c\x1b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a traceback ends in; ``frame`` is its last call, "" where it was not seen."""

    kind: str  # "ValueError"
    frame: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Records that differ in times, numbers, ids and quoted values alone; ``example`` is the last one, masked."""

    level: str
    count: int
    first: str  # its time as it stands in the log
    last: str
    example: str
    sources: tuple[str, ...]


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


def filtered(records: Iterable[Record], *, bot: str | None, level: str | None, text: str) -> list[Record]:
    """The records that name this bot or lie in its file, are of this level or worse, and hold this text.

    Case does not count, nor do secrets: nobody can search for one. ``level`` is one of LEVELS.
    """
    least = LEVELS.index(level) if level is not None else 0
    wanted = None if level is None else frozenset(LEVELS[least:])
    named = None if bot is None else re.compile(rf"(?<![^\W_]){re.escape(bot)}(?![^\W_])", re.IGNORECASE)
    part = " ".join(text.split()).casefold()
    return [
        each
        for each in records
        if (wanted is None or each.level in wanted)
        and (named is None or named.search(each.file) or (named.search(each.raw) and named.search(each.text)))
        and (not part or (part in " ".join(each.raw.split()).casefold() and part in each.text.casefold()))
    ]


def clusters(records: Iterable[Record], most: int) -> tuple[Cluster, ...]:
    """The records, which are taken to be in the order of their times, put together; the most frequent first."""
    together: dict[tuple[str, str], list[Record]] = {}
    keys: dict[str, str] = {}
    room = MOST_JUDGED
    for each in records:
        shape = _shape(each.raw.partition("\n")[0])
        key = keys.get(shape)
        if key is None:
            room -= len(shape)
            key = fingerprint.masked(_QUOTED.sub("<value>", masked_text(shape))) if room > 0 else shape
            keys[shape] = key
        together.setdefault((each.level, key), []).append(each)
    largest = sorted(together.values(), key=lambda alike: (-len(alike), -_rank(alike[0].level)))
    return tuple(_cluster(alike) for alike in islice(largest, most))


def look(lines: LogLines) -> tuple[Finding, ...]:
    """What the last 24 hours before the newest record speak of, as findings with the signs of the logs."""
    if not lines.records:
        empty = _finding(Verdict.UNKNOWN, "The logs that were read hold no record", _some(lines.sources))
        return (*([empty] if lines.sources else []), *_unread(lines))
    newest = max((each.at for each in lines.records if each.at is not None), default=None)
    recent = [each for each in lines.records if newest is None or each.at is None or each.at > newest - DAY]
    serious = [each for each in recent if each.level in SERIOUS or each.trace]
    traced = [each for each in recent if each.trace]
    spoken, complete = _spoken(serious)
    # What was not searched to its end may speak of more: that is not known, rather than absent.
    signs = {name: False for name, topic in _SIGNS.items() if complete and topic not in spoken}
    if not traced:
        signs["logs.tracebacks"] = False
    return (
        _counted(recent, lines.sources, signs),
        *_traces(traced),
        *(_speaks(name, spoken[topic]) for name, topic in _SIGNS.items() if topic in spoken),
        *map(_alike, clusters(serious, SHOWN)),
        *_unread(lines),
        *_partly(lines, complete),
    )


# -- findings


def _finding(verdict: Verdict, text: str, source: str, signs: Mapping[str, bool] | None = None) -> Finding:
    return Finding(verdict=verdict, text=text, source=source, signs=signs or {})


def _unread(lines: LogLines) -> Iterator[Finding]:
    for source, why in lines.unread[:SHOWN]:
        yield _finding(Verdict.UNKNOWN, f"{source} {why}", source)
    more = lines.unread[SHOWN:]
    if more:
        text = f"{len(more)} more {'log was' if len(more) == 1 else 'logs were'} not read"
        yield _finding(Verdict.UNKNOWN, text, _some([each for each, _ in more]))


def _partly(lines: LogLines, complete: bool) -> Iterator[Finding]:
    if lines.ends:
        yield _finding(Verdict.NOTED, f"Of {_some(lines.ends)} the end alone was read", _some(lines.ends))
    if lines.older:
        logs = (
            "log, which changed before these, was"
            if lines.older == 1
            else "logs, which changed before these, were"
        )
        text = f"{lines.older} more {logs} not read"
        yield _finding(Verdict.NOTED, text, _some(lines.sources))
    if not complete:
        text = "There are too many different errors: only the last were searched for what they speak of"
        yield _finding(Verdict.UNKNOWN, text, _some(lines.sources))


def _counted(recent: Sequence[Record], sources: Sequence[str], signs: Mapping[str, bool]) -> Finding:
    """How many records of each level there are; kills are told apart from what else is critical."""
    counted = Counter(each.level for each in recent)
    parts = [f"{counted[level]} {level}" for level in reversed(LEVELS) if counted[level]]
    if counted[""]:
        parts.append(f"{counted['']} without a level")
    kills = sum(each.level == "CRITICAL" and _KILL.search(each.raw) is not None for each in recent)
    if kills:
        parts.append(f"{kills} of them {'a kill' if kills == 1 else 'kills'}")
    last = next((each.when for each in reversed(recent) if each.when), "")
    text = f"{', '.join(parts)} in the 24 hours up to {last or 'the last record'}"
    ill = counted["CRITICAL"] or counted["ERROR"]
    return _finding(Verdict.ILL if ill else Verdict.WELL, text, _some(sources), signs)


def _traces(traced: Sequence[Record]) -> Iterator[Finding]:
    """The tracebacks that came most often, by what they end in."""
    alike: dict[Trace, list[Record]] = {}
    for each in traced:
        if each.trace is not None:
            alike.setdefault(each.trace, []).append(each)
    for trace, found in islice(sorted(alike.items(), key=lambda item: -len(item[1])), SHOWN):
        where = f" at {cut(masked_text(trace.frame), EXAMPLE_LIMIT)}" if trace.frame else ""
        times = f"{len(found)} tracebacks end" if len(found) > 1 else "A traceback ends"
        text = f"{times} in {trace.kind}{where}"
        yield _finding(Verdict.ILL, text, _sources(found), {"logs.tracebacks": True})


def _spoken(records: Sequence[Record]) -> tuple[dict[str, Record], bool]:
    """The last record that speaks of each topic, and whether all of them were searched."""
    found: dict[str, Record] = {}
    known: set[str] = set()
    room = MOST_JUDGED
    for each in reversed(records):
        shape = _shape(each.raw)
        if shape in known:
            continue
        known.add(shape)
        room -= min(len(shape), 2 * LINE_LIMIT)
        if room < 0:
            return found, False
        speaks = topics(each.raw)
        if len(each.raw) > LINE_LIMIT:
            speaks |= topics(each.raw[-LINE_LIMIT:])  # a long traceback says at its end what it is about
        for topic in speaks:
            found.setdefault(topic, each)
    return found, True


def _shape(text: str) -> str:
    """The text with its long numbers made alike: cheap, so that each shape is searched and masked once."""
    return _LONG_NUMBER.sub(lambda digits: "1" * len(digits[0]), text)


def _speaks(sign: str, record: Record) -> Finding:
    when = f"{record.when}: " if record.when else ""
    return _finding(Verdict.ILL, f"{when}{cut(record.text, EXAMPLE_LIMIT)}", record.source, {sign: True})


def _alike(cluster: Cluster) -> Finding:
    since = f", {cluster.first}" if cluster.first else ""
    until = f" to {cluster.last}" if cluster.last != cluster.first else ""
    text = f"{cluster.count} x {cluster.level or 'no level'}{since}{until}: {cluster.example}"
    verdict = Verdict.ILL if _rank(cluster.level) >= LEVELS.index("ERROR") else Verdict.NOTED
    return _finding(verdict, text, _some(cluster.sources))


def _cluster(alike: Sequence[Record]) -> Cluster:
    times = [each.when for each in alike if each.when]
    return Cluster(
        level=alike[0].level,
        count=len(alike),
        first=times[0] if times else "",
        last=times[-1] if times else "",
        example=cut(alike[-1].text, EXAMPLE_LIMIT),
        sources=tuple(dict.fromkeys(each.source for each in alike)),
    )


def _sources(records: Iterable[Record]) -> str:
    return _some(tuple(dict.fromkeys(each.source for each in records)))


def _some(sources: Sequence[str]) -> str:
    more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
    return ", ".join(sources[:3]) + more


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else -1


def _by_time(records: list[Record]) -> tuple[Record, ...]:
    earliest = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(records, key=lambda each: each.at or earliest))


# -- records out of lines


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
        tracing = _TRACE in line or (tracing and begun is None and line[0] in " |+")
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
        trace=_trace(draft.lines),
    )


def _trace(lines: Sequence[str]) -> Trace | None:
    """What the last traceback in these lines ends in."""
    kind, frame, seen, inside = "", "", False, False
    for before, line in zip(("", *lines), lines, strict=False):
        if _TRACE in line:
            kind, frame, seen, inside = "", "", True, True
        elif inside and (call := _FRAME.match(line)):
            frame = call[1]
        elif inside and line[:1] not in {" ", "+"} and (raised := _RAISED.match(line)):
            kind, inside = raised[1], False
        elif not seen and (call := _NODE_FRAME.match(line[:400])):
            found = _NODE_RAISED.search(before[:LINE_LIMIT])
            kind, frame, seen = found[1] if found else "", call[1], True
    return Trace(kind=kind or "an error that is not named", frame=frame) if seen else None


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
