"""Which way a limit or a guard of a configuration is looser."""

import math
import re
from collections.abc import Mapping
from enum import Enum

from commands.configuring.keys import BOTS, Keys, snake

_WORDS: Mapping[str, bool | float] = {
    **dict.fromkeys(("true", "yes", "on", "live", "real", "production"), True),
    **dict.fromkeys(
        ("false", "no", "off", "paper", "sandbox", "test", "testnet", "demo", "simulation"), False
    ),
    **dict.fromkeys(("unlimited", "infinite", "infinity", "inf"), math.inf),
}


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


def weight(value: object) -> bool | float | None:
    """What a value weighs as a limit or a flag, ``None`` where it is neither."""
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


def loosened(keys: Keys, old: bool | float | None, new: bool | float | None) -> bool | None:
    """True when going from one weight to the other loosens what these keys limit or guard, False when it tightens.

    ``None`` when it is neither. Where nobody documents which way a limit is safe, every change counts as loosening.
    """
    weights = [each for each in (old, new) if each is not None]
    if not weights:
        return None
    if all(isinstance(each, bool) for each in weights):
        return _guard_gone(keys, old, new)
    way = _way(keys)
    if way is _Way.NONE:
        return None
    before, after = (_limit(each, keys, way) for each in (old, new))
    if before is None or after is None:
        return after is None if before != after else None
    if before == after:
        return None
    return way is _Way.EITHER or (after > before) is (way is _Way.HIGHER)


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


def _guard_gone(keys: Keys, old: bool | float | None, new: bool | float | None) -> bool | None:
    names = [snake(key) for key in keys[-2:]]
    name = names[-1] if names else ""
    switch = re.match(r"(enabled?|active|on)(_|$)", name) is not None
    name = "_".join(names) if switch else name
    if _UNSAFE_ON.search(name):
        unsafe = True
    elif _UNSAFE_OFF.search(name):
        unsafe = False
    else:
        # most of what can be switched off guards something; of what is switched on nobody can tell
        return True if switch and old is True and new is not True else None
    if new is not None:
        return new is unsafe
    return True if old is not unsafe else None
