"""The keys and values of a configuration: the way to each, names in one spelling, and texts without a secret."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from commands.masking import MASK, kept, masked_text
from commands.words import cut, visible

Keys = tuple[str | int, ...]
"""The way to a value: names of keys, names or numbers of list entries."""
BOTS = ("ndax", "quantum", "shadowforge")

_NAMES = ("name", "id", "bot")  # what tells the entries of a list apart
_SECRET = re.compile(
    r"(private|access|signing|signature|encryption|hmac)_?key|pass_?phrase|mnemonic|seed_?phrase|webhook|dsn$"
    r"|^pin$|^otp|session_?id|signature|recovery_?code",
    re.IGNORECASE,
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def leaves(data: object) -> Iterator[tuple[Keys, object]]:
    """Every value that holds no others, in the order of the file; a list of plain values is one of them."""
    waiting: list[tuple[Keys, object]] = [((), data)]
    while waiting:
        keys, value = waiting.pop()
        inner: list[tuple[str | int, object]] = []
        if isinstance(value, Mapping):
            inner = [(str(key), each) for key, each in value.items()]
        elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
            inner = list(zip(_entries(value), value, strict=True))
        if not inner:
            yield keys, value
        waiting += [((*keys, key), each) for key, each in reversed(inner)]


def listed(data: object) -> tuple[str, ...]:
    """Every key with its value in a line, in the order of the file, masked."""
    return tuple(f"{dotted(keys)}: {shown(value, keys)}" for keys, value in leaves(data))


def dotted(keys: Keys) -> str:
    """The way to a value as people write it, on one line, masked and at most 200 characters."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
            continue
        word = cut(plain(key[:1000]), 40)
        simple = word and not re.search(r"[.\[\]\"]", word)
        text += f"{'.' if text else ''}{word}" if simple else f"[{json.dumps(word, ensure_ascii=False)}]"
    return text if len(text) <= 200 else f"…{text[-199:]}"


def plain(text: str) -> str:
    """The text on one line, with what is a secret or looks like one masked."""
    return " ".join(visible(_masked(text)).split())


def snake(key: str | int) -> str:
    """A key in one spelling: maxDailyLoss, max-daily-loss and MAX_DAILY_LOSS are all max_daily_loss."""
    return _HUMP.sub("_", str(key)[:100]).strip("_").lower()


def secret(keys: Keys) -> bool:
    """True when a key on the way names a secret."""
    names = [key for key in keys if isinstance(key, str)]
    return any(_SECRET.search(snake(name)) or kept(name, "", 0) == MASK for name in names)


def shown(value: object, keys: Keys = ()) -> str:
    """A value as compact JSON, masked and cut at 60 characters."""
    if secret(keys):
        return "(secret)"
    match value:
        case str():
            told: object = _masked(value[:1000])
        case list():
            told = [_masked(each[:1000]) if isinstance(each, str) else each for each in value[:60]]
        case _:
            told = value
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return cut(" ".join(visible(text).split()), 60)


def _entries(items: Sequence[object]) -> list[str | int]:
    """How the entries of a list are told apart: by their names where each has one of its own, else by number."""
    for name in _NAMES:
        names = [each.get(name) if isinstance(each, Mapping) else None for each in items]
        words = [each for each in names if isinstance(each, str) and each]
        if len(set(words)) == len(items):
            return list(words)
    return list(range(len(items)))


def _masked(text: str) -> str:
    return _RUN.sub(lambda run: MASK if _random(run[0]) else run[0], masked_text(text))


def _random(run: str) -> bool:
    """True for what looks more like a key than like a word; a word too many is masked rather than a key too few."""
    digits = sum(char.isdigit() for char in run)
    lower, upper = any(map(str.islower, run)), any(map(str.isupper, run))
    if lower and upper and (digits or len(run) >= 24):
        return True
    if digits and run.isalnum():
        return True
    return digits * 7 >= len(run) or (len(run) >= 24 and run.isalpha())
