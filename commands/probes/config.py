"""The fleet's configuration files: are they sound, consistent, and as in the last good backup? Blocks: use a thread."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.configuring.checking import EXPECTED, checked
from commands.configuring.comparing import Change, changes, laxer
from commands.configuring.keeping import MANIFEST, MOST_BYTES, MOST_FILES, Backup, content, digest, last_good
from commands.configuring.strict_json import Fault, Parsed, parsed
from commands.masking import masked_text
from commands.probes.files import Unreadable, newest, read_whole, relative
from commands.probes.model import Finding, Places, Verdict
from commands.spec import UserError
from commands.words import cut, listed, visible

MOST_FINDINGS = 40
"""Of one kind; what is behind them is counted."""

MOST_NAMED = 5
_SHOWN = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The directory as it was read: ``raw`` of what could be, ``strange`` why others could not."""

    places: Places
    names: frozenset[str]
    raw: Mapping[str, bytes]
    strange: Mapping[str, str]
    pipes: frozenset[str]  # those of them that no program can read as a file

    def source(self, name: str = "") -> str:
        """What a finding names as its source."""
        return relative(self.places.config / name, self.places.home)


def look(places: Places) -> tuple[Finding, ...]:
    """What can be said of the configuration, worst of each kind first; nothing but reads, and it never raises."""
    try:
        files = _read(places)
    except Unreadable as error:
        return _no_directory(places, error)
    known = {name: parsed(name, raw) for name, raw in files.raw.items()}
    return (*_missing(files), *_broken(files, known), *_checks(files, known), *_compared(files, known))


def _read(places: Places) -> _Files:
    paths, _ = newest(places.config, places.home, suffix=".json", most=MOST_FILES)
    expected = [places.config / name for name in EXPECTED]
    raw: dict[str, bytes] = {}
    strange: dict[str, str] = {}
    pipes: set[str] = set()
    for path in sorted({*paths, *expected}):
        if path.name == MANIFEST:
            continue
        try:
            raw[path.name] = read_whole(path, places.home, most=MOST_BYTES)
        except Unreadable as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                strange[path.name] = str(error)
                if _no_file(path):
                    pipes.add(path.name)
    names = frozenset({*raw, *strange})
    return _Files(places=places, names=names, raw=raw, strange=strange, pipes=frozenset(pipes))


def _no_file(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISLNK(mode)


def _no_directory(places: Places, error: Unreadable) -> tuple[Finding, ...]:
    source = relative(places.config, places.home)
    if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
        text = f"The directory {source} {error}, nor are the fleet's {len(EXPECTED)} files"
        gone = Finding(verdict=Verdict.ILL, text=_line(text), source=source, signs={"files.missing": True})
        return (gone, _unknown("Nothing can be said of the configuration: there is none", source))
    return (_unknown(f"The directory {source} {error}, so nothing can be said of the configuration", source),)


def _missing(files: _Files) -> tuple[Finding, ...]:
    gone = [name for name in EXPECTED if name not in files.names]
    if not gone:
        text = f"All {len(EXPECTED)} expected files are there"
        return (_finding(Verdict.WELL, text, files.source(), "files.missing", seen=False),)
    verb = "is" if len(gone) == 1 else "are"
    text = f"{listed(gone)} {verb} missing in {files.source()}"
    return (_finding(Verdict.ILL, text, files.source(), "files.missing", seen=True),)


def _broken(files: _Files, known: Mapping[str, Parsed]) -> tuple[Finding, ...]:
    found = [
        _finding(Verdict.ILL, each.fault.text, files.source(name), "config.broken", seen=True)
        for name, each in known.items()
        if each.fault is not None
    ]
    for name, why in sorted(files.strange.items(), key=lambda each: each[0] not in files.pipes):
        text = f"{files.source(name)} {why}"
        if name in files.pipes:
            found.append(_finding(Verdict.ILL, text, files.source(name), "config.broken", seen=True))
        else:
            found.append(_unknown(f"{text}, so nothing can be said of what it holds", files.source(name)))
    if not found and known:
        text = f"{_counted(len(known), 'file is', 'files are')} sound JSON"
        found.append(_finding(Verdict.WELL, text, files.source(), "config.broken", seen=False))
    return _capped(found, files)


def _checks(files: _Files, known: Mapping[str, Parsed]) -> tuple[Finding, ...]:
    sound = {name: each for name, each in known.items() if each.fault is None}
    faults = sorted(checked(sound), key=lambda each: not each.serious)
    found = [_fault(each, files.source(each.file)) for each in faults]
    if not any(each.serious for each in faults):
        if set(EXPECTED) <= sound.keys() and not files.strange:
            text = "No setting contradicts another" + (" seriously" if faults else "")
            found.insert(0, _finding(Verdict.WELL, text, files.source(), "config.invalid", seen=False))
        else:
            text = "Whether the settings contradict each other is not known, as not every file could be read"
            found.insert(0, _unknown(text, files.source()))
    return _capped(found, files)


def _fault(fault: Fault, source: str) -> Finding:
    text = (
        f"{fault.file}: {fault.text}" if fault.file and not fault.text.startswith(fault.file) else fault.text
    )
    return (
        _finding(Verdict.ILL, text, source, "config.invalid", seen=True)
        if fault.serious
        else _noted(text, source)
    )


def _compared(files: _Files, known: Mapping[str, Parsed]) -> tuple[Finding, ...]:
    source = files.source()
    try:
        backup = last_good(files.places)
        if backup is None:
            text = "There is no unaltered backup of the configuration to compare it with"
            return (_noted(text, source),)
        return _against(backup, files, known)
    except UserError as error:
        return (_unknown(f"Whether the configuration changed is not known: {error}".rstrip("."), source),)


def _against(backup: Backup, files: _Files, known: Mapping[str, Parsed]) -> tuple[Finding, ...]:
    label = relative(backup.path, files.places.home)
    now = {name: digest(raw) for name, raw in files.raw.items()}
    unread = set(files.strange)
    differing = sorted(
        name for name in {*now, *backup.files} - unread if now.get(name) != backup.files.get(name)
    )
    if not differing and unread:
        return (_unknown(f"What could be read is as in {label}, the rest is not known", files.source()),)
    if not differing:
        text = f"Every file is byte for byte as in {label}"
        return (_finding(Verdict.WELL, text, files.source(), "config.changed", seen=False),)
    found = []
    for name in differing:
        verdict, text = _difference(name, backup, now, known)
        full = f"{name} {text} (compared with {label})"
        found.append(_finding(verdict, full, files.source(name), "config.changed", seen=True))
    return _capped(found, files)


def _difference(
    name: str, backup: Backup, now: Mapping[str, str], known: Mapping[str, Parsed]
) -> tuple[Verdict, str]:
    if name not in now:
        return Verdict.ILL, "is in the backup and not there now"
    if name not in backup.files:
        return Verdict.NOTED, "is not in the backup"
    if known[name].fault is not None:
        return Verdict.ILL, "differs and cannot be compared key by key"
    found = changes(parsed(name, content(backup, name)).data, known[name].data)
    if not found:
        return Verdict.NOTED, "is written differently, but no key differs"
    count = sum(each.count for each in found)
    loose = [each for each in found if laxer(each)]
    text = f"differs in {_counted(count, 'key', 'keys')}"
    if not loose:
        return Verdict.NOTED, f"{text}, none of which loosens a limit as far as we know"
    return Verdict.ILL, f"{text}; laxer: {_named(loose)}"


def _named(loose: Sequence[Change]) -> str:
    more = f"; and {len(loose) - MOST_NAMED} more" if len(loose) > MOST_NAMED else ""
    return "; ".join(each.text for each in loose[:MOST_NAMED]) + more


def _capped(found: Sequence[Finding], files: _Files) -> tuple[Finding, ...]:
    """The first ones and a word on the rest, none of whose signs is lost: they are those of the first."""
    if len(found) <= MOST_FINDINGS:
        return tuple(found)
    text = f"{len(found) - MOST_FINDINGS} more findings of this kind are not shown"
    return (*found[:MOST_FINDINGS], _noted(text, files.source()))


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _finding(verdict: Verdict, text: str, source: str, sign: str, *, seen: bool) -> Finding:
    return Finding(verdict=verdict, text=_line(text), source=source, signs={sign: seen})


def _unknown(text: str, source: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, text=_line(text), source=source)


def _noted(text: str, source: str) -> Finding:
    return Finding(verdict=Verdict.NOTED, text=_line(text), source=source)


def _line(text: str) -> str:
    return cut(masked_text(" ".join(visible(text).split())), _SHOWN)
