"""What the last day of the fleet's logs speaks of: records searched, counted, and those alike told as one."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from commands.alerting import fingerprint
from commands.masking import masked_text
from commands.probes.model import Finding, Verdict
from commands.probes.records import LEVELS, LINE_LIMIT, LogLines, Record
from commands.probes.traces import Trace
from commands.probes.wording import topics
from commands.words import cut

SERIOUS = frozenset(LEVELS[2:])
DAY = timedelta(hours=24)

MOST_JUDGED = 1_500_000
"""Characters of serious records of different shape that are searched and compared: more would take too long."""

EXAMPLE_LIMIT = 200
SHOWN = 5

_SIGNS = {f"logs.{each}": each for each in ("security", "data", "memory", "config", "api")}

_QUOTED = re.compile(r"\"[^\"]{0,200}\"|(?<!\w)'[^']{0,200}'(?!\w)")
# In upper case: "kill switch" in lower case is how the coordinator logs a release.
_KILL = re.compile(r"KILL[ _-]SWITCH(?!.{0,20}(?:DEACTIV|RELEAS|OVERRID|RESET|CLEAR))")
_LONG_NUMBER = re.compile(r"\d{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Records that differ in times, numbers, ids and quoted values alone; ``example`` is the last one, masked."""

    level: str
    count: int
    first: str  # its time as it stands in the log
    last: str
    example: str
    sources: tuple[str, ...]


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
