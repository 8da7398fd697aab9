"""Configuration files as bytes: read strictly, then checked for what contradicts itself. Pure: no file is opened."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from commands.configuring.comparing import BOTS, Keys, dotted, leaves, plain, secret, shown, snake
from commands.words import cut

EXPECTED = (
    "bot-limits.json",
    "kill-switch.json",
    "recovery-settings.json",
    "api-endpoints.json",
    "notification-config.json",
)
"""The files without which the fleet is not whole; there may be others."""

DEEPEST = 100
"""Levels of nesting; the fleet's own programs give up at about a thousand."""

MOST_FAULTS = 100
LIMITS, SWITCH, RECOVERY = EXPECTED[:3]

_BOM = b"\xef\xbb\xbf"
# a text runs to its closing quote or to the end, so that no bracket in it counts and the scan stays linear
_TOKEN = re.compile(r'"(?:[^"\\]|\\(?:.|\Z))*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_MEANINGS = (
    ("Expecting property name", "a key in double quotes should stand"),
    ("Expecting ':'", "a colon should stand"),
    ("Expecting ','", "a comma or a closing bracket should stand"),
    ("Expecting value", "a value should stand"),
    ("Extra data", "the file should have ended"),
    ("Unterminated string", "a text begins that no quote ends"),
    ("Invalid control character", "a text may not hold a line break or another control character"),
    ("Invalid \\", "a text may not hold this backslash"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong in one file, in one sentence without secrets; ``serious``: the fleet should not run with it."""

    file: str
    where: str  # the keys that lead to it with dots, or "line:column", both from 1; "" for the whole file
    text: str
    serious: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What one file holds; ``data`` counts only where there is no ``fault``."""

    name: str
    data: object = None
    fault: Fault | None = None


class _Twice(dict[str, object]):
    """An object in which a key stands twice."""

    __slots__ = ("key",)

    def __init__(self, pairs: Sequence[tuple[str, object]], key: str) -> None:
        super().__init__(pairs)
        self.key = key


@dataclass(frozen=True, slots=True)
class _NoNumber:
    """What stands where a number should, and is none in JSON or none that a program can hold."""

    text: str


def parsed(name: str, raw: bytes) -> Parsed:
    """The file's data, or what keeps it from being read and where; stricter than most programs, so that all agree."""
    if not raw.strip():
        return _broken(name, "", "is empty")
    if raw.startswith(_BOM):
        return _broken(name, "1:1", "begins with a byte order mark, at which the fleet's programs stop")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        where = _place(raw[: error.start].decode("utf-8"))
        bad = f"is no valid UTF-8 at byte {error.start + 1:,} (0x{raw[error.start]:02X})"
        return _broken(name, where, f"{bad}, {_said(where)}")
    deep = _too_deep(text)
    if deep is not None:
        where = _place(text[:deep])
        return _broken(name, where, f"is nested more than {DEEPEST} levels deep {_said(where)}")
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_NoNumber,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        where = _place(text[: error.pos])
        return _broken(name, where, f"is no valid JSON {_said(where)}: {_meaning(error, text)}")
    return _odd(name, data) or Parsed(name=name, data=data)


def _broken(name: str, where: str, text: str) -> Parsed:
    return Parsed(name=name, fault=Fault(file=name, where=where, text=f"{name} {text}", serious=True))


def _place(before: str) -> str:
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _said(where: str) -> str:
    line, _, column = where.partition(":")
    return f"at line {line}, column {column}"


def _too_deep(text: str) -> int | None:
    """Where the nesting grows too deep: found before a parser that recurses gets there."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("{", "["):
            depth += 1
            if depth > DEEPEST:
                return token.start()
        elif token[0] in ("}", "]"):
            depth -= 1
    return None


def _meaning(error: json.JSONDecodeError, text: str) -> str:
    rest = text[error.pos : error.pos + 2]
    if rest in ("//", "/*") or rest[:1] == "#":
        return "a comment begins, and JSON has none"
    if rest[:1] == "'":
        return "a single quote stands, and JSON takes only double ones"
    char = _character(rest[:1]) if rest else "the end of the file"
    here = f"{char} stands" if rest else "the file ends"
    meant = next((words for start, words in _MEANINGS if error.msg.startswith(start)), "something is wrong")
    if meant.startswith("a text"):
        return f"{meant} (here: {char})"
    if rest[:1] in ("}", "]") and re.search(r",\s*\Z", text[max(0, error.pos - 200) : error.pos]):
        return f"{here} right behind a comma that is one too many"
    return f"{here} where {meant.removesuffix(' stand')}{' stand' if meant.endswith(' stand') else ''}"


def _character(char: str) -> str:
    return f"'{char}'" if char.isprintable() and char != " " else f"the character U+{ord(char):04X}"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Twice(pairs, key)
        seen.add(key)
    return found


def _finite(digits: str) -> object:
    number = float(digits)
    return number if math.isfinite(number) else _NoNumber(digits)


def _whole(digits: str) -> object:
    return int(digits) if len(digits) <= 300 else _NoNumber(digits)  # Python refuses to read very long ones


def _odd(name: str, data: object) -> Parsed | None:
    """The first thing in it that programs read differently from each other, in the order of the file."""
    waiting: list[tuple[Keys, object]] = [((), data)]
    while waiting:
        keys, value = waiting.pop()
        if isinstance(value, _Twice):
            where = dotted((*keys, value.key))
            return _broken(name, where, f"has the key {where} twice in one object: programs take either")
        if isinstance(value, _NoNumber):
            where = dotted(keys)
            at = f" at {where}" if where else ""
            return _broken(
                name, where, f"has {cut(value.text, 20)}{at}, which not every program reads as a number"
            )
        if isinstance(value, Mapping):
            waiting += [((*keys, key), each) for key, each in reversed(list(value.items()))]
        elif isinstance(value, list):
            waiting += [((*keys, number), each) for number, each in reversed(list(enumerate(value)))]
    return None


# -- what the files say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    file: str
    keys: Keys
    value: object

    @property
    def name(self) -> str:
        return snake(self.keys[-1]) if self.keys else ""

    @property
    def number(self) -> float | None:
        """The number it is, ``None`` for anything else; true and false are none."""
        known = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return self.value if known else None  # type: ignore[return-value]  # known to be one

    def fault(self, text: str, *, serious: bool) -> Fault:
        where = dotted(self.keys)
        return Fault(file=self.file, where=where, text=f"{where} {text}", serious=serious)


_TOTAL_LOSS, _TOTAL_EXPOSURE, _EMERGENCY = "total_max_daily_loss", "total_max_exposure", "emergency_stop_loss"
_LOSS = frozenset(
    {
        "max_daily_loss",
        "daily_loss_limit",
        "daily_max_loss",
        "max_loss_per_day",
        "max_loss_daily",
        "daily_loss",
    }
)
_EXPOSURE = frozenset(
    {"max_exposure", "exposure_limit", "max_total_exposure", "maximum_exposure", "exposure"}
)
_NUMBERS = (
    _LOSS
    | _EXPOSURE
    | {
        _TOTAL_LOSS,
        _TOTAL_EXPOSURE,
        _EMERGENCY,
        "consecutive_loss_limit",
        "account_equity_threshold",
        "max_position_size",
        "max_leverage",
        "max_daily_trades",
        "max_concurrent_positions",
        "cooldown_period_minutes",
        "timeout_seconds",
        "failure_threshold",
        "success_threshold",
    }
)
_LIKELY_NUMBER = re.compile(
    r"^(?!.*(enable|require|allow|notif|send|^use_|^is_|^auto))"
    r".*(loss|exposure|limit|threshold|timeout|leverage|cooldown|percent|percentage|pct"
    r"|seconds|minutes|hours|retries|attempts)$"
)
_PERCENT = re.compile(r"(^|_)(percent|percentage|pct)(_|$)|^account_equity_threshold$")
_BOOLEAN = re.compile(
    r"(^|_)enabled$|^(enable|require|requires)_|_(required|allowed)$|^(auto_recovery|manual_approval)$"
    r"|^(dry_run|paper_mode|paper_trading|sandbox)$"
)
_BOOLEAN_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "0", "1"})
_ADDRESS = re.compile(r"(http|ws|ftp)://", re.IGNORECASE)


def checked(files: Mapping[str, Parsed]) -> tuple[Fault, ...]:
    """What is wrong in the files and between them, at most 100 and one that counts the rest.

    Keys are known by name at any depth. What a file that could not be read would say is not checked; its own fault
    comes first.
    """
    faults = [each.fault for each in files.values() if each.fault is not None]
    sound = [each for each in files.values() if each.fault is None]
    for each in sound:
        if not isinstance(each.data, Mapping):
            text = f"{each.name} holds no object of keys and values"
            faults.append(Fault(file=each.name, where="", text=text, serious=True))
    sound.sort(key=lambda each: each.name != LIMITS)  # where a limit stands twice, that file's counts
    found = [
        _Leaf(file=each.name, keys=keys, value=value) for each in sound for keys, value in leaves(each.data)
    ]
    faults += [fault for leaf in found for fault in _types(leaf)]
    faults += [fault for leaf in found for fault in _values(leaf)]
    faults += [*_totals(found), *_pairs(found), *_cooldown(found, sound)]
    if len(faults) <= MOST_FAULTS:
        return tuple(faults)
    rest = faults[MOST_FAULTS:]
    text = f"There are {len(rest):,} more faults than are listed"
    last = Fault(file="", where="", text=text, serious=any(each.serious for each in rest))
    return (*faults[:MOST_FAULTS], last)


def _types(leaf: _Leaf) -> Iterator[Fault]:
    value, name = leaf.value, leaf.name
    known = name in _NUMBERS
    if (known or _LIKELY_NUMBER.search(name)) and leaf.number is None:
        yield leaf.fault(f"is {shown(value, leaf.keys)} where a number is meant", serious=known)
    elif _BOOLEAN.search(name) and not isinstance(value, bool):
        if isinstance(value, str) and value.strip().lower() in _BOOLEAN_WORDS:
            said = f"is the text {shown(value, leaf.keys)}, which most programs take for true"
            yield leaf.fault(f"{said}: write true or false without quotes", serious=True)
        else:
            yield leaf.fault(f"is {shown(value, leaf.keys)} where true or false is meant", serious=False)


def _values(leaf: _Leaf) -> Iterator[Fault]:
    number, name, known = leaf.number, leaf.name, leaf.name in _NUMBERS
    if isinstance(leaf.value, str | list):
        yield from _addresses(leaf)
    if number is None or secret(leaf.keys):
        return
    if number < 0 and (known or _LIKELY_NUMBER.search(name)):
        yield leaf.fault(f"is {_figure(number)}, and less than zero means nothing here", serious=known)
    elif number > 100 and _PERCENT.search(name):
        yield leaf.fault(f"is {_figure(number)}, and a share is at most 100 per cent", serious=True)
    elif number == 0 and "timeout" in name:
        yield leaf.fault("is zero, which many programs take for no timeout at all", serious=True)
    elif number == 0 and name.endswith("threshold"):
        yield leaf.fault("is zero, so it is reached always or never", serious=known)
    elif number == 0 and name.startswith("cooldown"):
        yield leaf.fault("is zero, so nothing holds back a release after a kill", serious=True)


def _addresses(leaf: _Leaf) -> Iterator[Fault]:
    for each in leaf.value if isinstance(leaf.value, list) else (leaf.value,):
        address = each.strip() if isinstance(each, str) else ""
        found = _ADDRESS.match(address)
        if found is None:
            continue
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            host = ""
        inside = _inside(host)
        if inside is None:
            continue
        who = f" to {cut(plain(host), 60)}" if host else ""
        text = f"is {found[1].lower()}{who} and no https, so what comes back can be forged"
        yield leaf.fault(text, serious=not inside)


def _inside(host: str) -> bool | None:
    """Whether that host is in the own network; ``None`` for this very machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return None
    try:
        address = ip_address(name)
    except ValueError:
        return name != "" and ("." not in name or name.endswith((".local", ".internal", ".lan")))
    return None if address.is_loopback else address.is_private


def _totals(found: Sequence[_Leaf]) -> Iterator[Fault]:
    total = _first(found, _TOTAL_LOSS)
    losses, exposures = _by_bot(found, _LOSS), _by_bot(found, _EXPOSURE)
    if total is not None:
        limit = total.number or 0.0
        for bot, leaf in losses.items():
            if (leaf.number or 0.0) > limit:
                yield _above(leaf, total, bot)
        together = sum(leaf.number or 0.0 for leaf in losses.values())
        more = together > limit and not math.isclose(together, limit)
        if more and all((leaf.number or 0.0) <= limit for leaf in losses.values()):
            # not serious: the total still ends the day first, and so the fleet's own example is written
            yield total.fault(
                f"is {_figure(limit)}, less than the {_figure(together)} that the daily limits of "
                f"{len(losses)} bots add up to: it ends their day first",
                serious=False,
            )
        stop = _first(found, _EMERGENCY)
        if stop is not None and (stop.number or 0.0) < limit:
            yield stop.fault(
                f"is {_figure(stop.number)}, less than {_TOTAL_LOSS} ({_figure(limit)}), which is suspicious: "
                "the emergency stop comes before the daily limit",
                serious=False,
            )
    most = _first(found, _TOTAL_EXPOSURE)
    if most is not None:
        for bot, leaf in exposures.items():
            if (leaf.number or 0.0) > (most.number or 0.0):
                yield _above(leaf, most, bot)


def _above(leaf: _Leaf, total: _Leaf, bot: str) -> Fault:
    said = f"is {_figure(leaf.number)}, more than {total.name} ({_figure(total.number)}) for the whole fleet"
    return leaf.fault(f"{said}: {bot} alone may use up more than all may", serious=True)


def _first(found: Sequence[_Leaf], name: str) -> _Leaf | None:
    return next((leaf for leaf in found if leaf.name == name and leaf.number is not None), None)


def _by_bot(found: Sequence[_Leaf], names: frozenset[str]) -> dict[str, _Leaf]:
    """Each bot's own limit: the outermost in the first file that has one."""
    own: dict[str, _Leaf] = {}
    for leaf in found:
        bot = _bot(leaf.keys)
        if bot is None or leaf.name not in names or leaf.number is None:
            continue
        before = own.get(bot)
        if before is None or (leaf.file == before.file and len(leaf.keys) < len(before.keys)):
            own[bot] = leaf
    return own


def _bot(keys: Keys) -> str | None:
    """Whose limit it is: the known bot that is named on the way, or what stands below "bots"."""
    for number, key in enumerate(keys[:-1]):
        words = snake(key).split("_")
        bot = next((each for each in BOTS if each in words), None)
        if bot is not None:
            return bot
        if number and snake(keys[number - 1]) == "bots":
            return dotted((key,))
    return None


def _pairs(found: Sequence[_Leaf]) -> Iterator[Fault]:
    """Backups that are what they should replace."""
    primaries = {(leaf.file, leaf.keys[:-1]): leaf for leaf in found if leaf.name == "primary"}
    for leaf in found:
        first = primaries.get((leaf.file, leaf.keys[:-1])) if leaf.name == "backup" else None
        if first is not None and leaf.value and _bare(first.value) == _bare(leaf.value):
            yield leaf.fault("is the same as primary, so there is nothing to fall back to", serious=False)


def _bare(value: object) -> object:
    return value.strip().rstrip("/").lower() if isinstance(value, str) else value


def _cooldown(found: Sequence[_Leaf], sound: Sequence[Parsed]) -> Iterator[Fault]:
    """A kill switch without a cooldown; that of a circuit breaker is another one."""
    if all(each.name != SWITCH or not isinstance(each.data, Mapping) for each in sound):
        return
    own = [
        leaf
        for leaf in found
        if leaf.name.startswith("cooldown") and not any("breaker" in snake(key) for key in leaf.keys)
    ]
    if any(leaf.file == SWITCH for leaf in own):
        return
    elsewhere = next((leaf for leaf in own if leaf.file == RECOVERY), None)
    text = f"{SWITCH} has no recovery.cooldown_period_minutes, so nothing holds back a release after a kill"
    if elsewhere is not None:
        text += f": {dotted(elsewhere.keys)} in {RECOVERY} is not where it is looked for"
    yield Fault(file=SWITCH, where="recovery.cooldown_period_minutes", text=text, serious=True)


def _figure(number: float | None) -> str:
    return f"{number:,.10g}" if number is not None else "unknown"
