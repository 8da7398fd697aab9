"""Configuration files out of bytes, read strictly, and where what keeps one from being read stands."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commands.configuring.keys import Keys, dotted
from commands.words import cut

DEEPEST = 100
"""Levels of nesting; the fleet's own programs give up at about a thousand."""

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
