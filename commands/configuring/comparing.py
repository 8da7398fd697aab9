"""What differs between two configurations, key by key, without a secret, and whether it loosens a limit."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from commands.masking import MASK, kept, masked_text
from commands.words import cut, visible

Keys = tuple[str | int, ...]
"""The way to a value: names of keys, names or numbers of list entries."""

MOST_CHANGES = 200
BOTS = ("ndax", "quantum", "shadowforge")

_NAMES = ("name", "id", "bot")  # what tells the entries of a list apart
_SECRET = re.compile(
    r"(private|access|signing|signature|encryption|hmac)_?key|pass_?phrase|mnemonic|seed_?phrase|webhook|dsn$"
    r"|^pin$|^otp|session_?id|signature|recovery_?code",
    re.IGNORECASE,
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_WORDS: Mapping[str, bool | float] = {
    **dict.fromkeys(("true", "yes", "on", "live", "real", "production"), True),
    **dict.fromkeys(
        ("false", "no", "off", "paper", "sandbox", "test", "testnet", "demo", "simulation"), False
    ),
    **dict.fromkeys(("unlimited", "infinite", "infinity", "inf"), math.inf),
}


class Kind(StrEnum):
    """What became of a key."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REST = "rest"  # more changes than are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that differs; ``where``, ``before`` and ``after`` are for people, masked and short.

    ``old`` and ``new`` are what the values weigh as a limit or a flag, ``None`` where they are neither or secret.
    """

    where: str  # "ndax_bot.max_daily_loss"
    kind: Kind
    before: str = ""
    after: str = ""
    count: int = 1
    keys: Keys = field(default=(), repr=False)
    old: bool | float | None = field(default=None, repr=False)
    new: bool | float | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The change in one line."""
        match self.kind:
            case Kind.REST:
                return f"{self.count:,} more"
            case _ if secret(self.keys):
                return f"{self.where} {self.kind} (secret)"
            case Kind.ADDED:
                return f"{self.where} added: {self.after}"
            case Kind.REMOVED:
                return f"{self.where} removed, was {self.before}"
            case _:
                return f"{self.where} {self.before} → {self.after}"


def changes(before: object, after: object) -> tuple[Change, ...]:
    """Every key that differs, those that loosen a limit first; at most 200, then one that counts the rest."""
    old, new = _filled(dict(leaves(before)), dict(leaves(after)))
    found = [_change(keys, old, new) for keys in (*old, *(keys for keys in new if keys not in old))]
    differing = [each for each in found if each is not None]
    differing.sort(key=lambda each: laxer(each) is not True)  # stable: else in the order of the files
    listed = differing[:MOST_CHANGES]
    if len(differing) > MOST_CHANGES:
        listed.append(Change(where="", kind=Kind.REST, count=len(differing) - MOST_CHANGES))
    return tuple(listed)


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


def _filled(*both: dict[Keys, object]) -> list[dict[Keys, object]]:
    """The same without what is empty on one side and holds something on the other: what it holds tells of that."""
    above = [{keys[:end] for keys in each for end in range(len(keys))} for each in both]
    return [
        {keys: value for keys, value in each.items() if keys not in holding or not _empty(value)}
        for each, holding in zip(both, reversed(above), strict=True)
    ]


def _empty(value: object) -> bool:
    return isinstance(value, Mapping | list) and not value


def _change(keys: Keys, old: Mapping[Keys, object], new: Mapping[Keys, object]) -> Change | None:
    if keys in old and keys in new and _same(old[keys], new[keys]):
        return None
    kind = Kind.ADDED if keys not in old else Kind.REMOVED if keys not in new else Kind.CHANGED
    hidden = secret(keys)
    return Change(
        where=dotted(keys),
        kind=kind,
        before=shown(old[keys], keys) if keys in old else "",
        after=shown(new[keys], keys) if keys in new else "",
        keys=keys,
        old=None if hidden else _weight(old.get(keys)),
        new=None if hidden else _weight(new.get(keys)),
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other  # True == 1 in Python


def _weight(value: object) -> bool | float | None:
    match value:
        case bool():
            return value
        case int() | float():
            return _number(value)
        case str() if len(value) <= 40:
            word = value.strip().lower()
            return _WORDS[word] if word in _WORDS else _number(word)
        case _:
            return None


def _number(value: str | float) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


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


class _Way(Enum):
    """Which direction of a number makes its limit laxer."""

    HIGHER = 1
    LOWER = 2
    EITHER = 3  # nobody documents which: every change is shown to a person
    NONE = 4


_LEAF, _PARENT, _PATH = range(3)
_LIMITS = tuple(
    (scope, re.compile(words), way)
    for scope, words, way in (
        (_LEAF, r"equity_threshold", _Way.EITHER),
        (_LEAF, r"profit|reward|refresh|port$|version|precision|decimals", _Way.NONE),
        (_LEAF, r"(emergency|safety|liquidation).*(distance|buffer|margin)|cool_?down|reduction", _Way.LOWER),
        (_LEAF, r"success_threshold|confirmations|quorum|approvals|approvers", _Way.LOWER),
        (_LEAF, r"^min(imum)?_|_min(imum)?$|floor", _Way.LOWER),
        (_LEAF, r"delay|backoff|(^|_)hold|wait|between", _Way.LOWER),
        (
            _LEAF,
            (
                r"loss|drawdown|exposure|position|leverage|size|slippage|risk|drop|deviation|frequency"
                r"|trades?(_|$)|orders?(_|$)|(^|_)cap$|budget|notional|stake|margin|timeout"
            ),
            _Way.HIGHER,
        ),
        (_PATH, r"alert|notif|rate_limit|aggregat|logging|retention", _Way.NONE),  # limits of messages
        (_PATH, r"conditions\..*window|safe_mode\..*(duration|minutes|hours)|health[^.]*\.min", _Way.LOWER),
        (
            _LEAF,
            (
                r"failures?|retries|attempts|errors?$|interval|max_age|stale|activations|concurrent|threshold"
                r"|^max(imum)?(_|$)|(_|^)max(imum)?$|limit"
            ),
            _Way.HIGHER,
        ),
        (_PARENT, r"cool_?down", _Way.LOWER),
        (_PARENT, r"loss|drawdown|exposure|position|leverage|size|timeout|limit|threshold", _Way.HIGHER),
    )
)
_ZERO_IS_NONE = re.compile(r"timeout|threshold")  # a timeout of zero waits for ever
_UNSAFE_ON = re.compile(
    r"auto_?(recover|restart|resume|start|override|release|deactivat|approv|trad)|disabled?(_|$)"
    r"|^(allow|skip|bypass|ignore|force|unsafe|live)|_(allowed|bypassed|skipped|ignored)$|live_(mode|trading)"
    r"|trading_enabled|enable_(trading|live|margin|leverage)|strateg(y|ies)_enabled|margin|leverage"
    rf"|^({'|'.join(BOTS)}|bot)(_bot)?_(enabled|active)|^(trading_|execution_|run_)?(mode|environment|env)$"
)
_UNSAFE_OFF = re.compile(
    r"kill|circuit|breaker|safe|approv|requir|confirm|verif|validat|dry_?run|paper|sandbox|test_?(mode|net)"
    r"|auto_?(trigger|stop|kill|pause)|stop_on|limit|emergency|reached|guard|protect|monitor|reduced|check"
    r"|mfa|2fa|tls|ssl"
)


def laxer(change: Change) -> bool | None:
    """True when the change loosens a limit or takes a guard away, False when it tightens, ``None`` when it is neither.

    Where nobody documents which way a limit is safe, every change of it counts as loosening.
    """
    weights = [each for each in (change.old, change.new) if each is not None]
    if change.kind is Kind.REST or not weights:
        return None
    if all(isinstance(each, bool) for each in weights):
        return _guard_gone(change)
    way = _way(change.keys)
    if way is _Way.NONE:
        return None
    old, new = (_limit(each, change.keys, way) for each in (change.old, change.new))
    if old is None or new is None:
        return new is None if old != new else None
    if old == new:
        return None
    return way is _Way.EITHER or (new > old) is (way is _Way.HIGHER)


def _way(keys: Keys) -> _Way:
    names = [snake(key) for key in keys[-6:]]
    subjects = (names[-1] if names else "", names[-2] if len(names) > 1 else "", ".".join(names))
    return next((way for scope, words, way in _LIMITS if words.search(subjects[scope])), _Way.NONE)


def _limit(value: bool | float | None, keys: Keys, way: _Way) -> float | None:
    """The number as a limit: below zero, and for some at zero, it commonly means that there is none."""
    if value is None or isinstance(value, bool):
        return None
    unset = value < 0 or (value == 0 and _ZERO_IS_NONE.search(snake(keys[-1])) is not None)
    return math.inf if unset and way is _Way.HIGHER else value


def _guard_gone(change: Change) -> bool | None:
    names = [snake(key) for key in change.keys[-2:]]
    name = names[-1] if names else ""
    switch = re.match(r"(enabled?|active|on)(_|$)", name) is not None
    name = "_".join(names) if switch else name
    if _UNSAFE_ON.search(name):
        unsafe = True
    elif _UNSAFE_OFF.search(name):
        unsafe = False
    else:
        # most of what can be switched off guards something; of what is switched on nobody can tell
        return True if switch and change.old is True and change.new is not True else None
    if change.new is not None:
        return change.new is unsafe
    return True if change.old is not unsafe else None
