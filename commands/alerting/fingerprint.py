"""Which signals are the same alert: source, kind, bot and the message with everything that varies masked."""

import hashlib
import re

from commands.alerting.model import Signal

MASKED_LIMIT = 300
"""Characters of a message that count; what follows is taken for detail."""

_BEGIN, _END = r"(?<![^\W_])", r"(?![^\W_])"  # no letter and no digit beside it

_VARIES = (
    # the longest shapes first, for each would leave pieces of them behind
    (
        re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:z|[+-]\d{2}:?\d{2})?)?"),
        "<time>",
    ),
    (re.compile(r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\b"), "<time>"),
    (re.compile(rf"{_BEGIN}[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{_END}"), "<id>"),
    (re.compile(rf"{_BEGIN}0x[0-9a-f]+{_END}"), "<id>"),
    (re.compile(rf"{_BEGIN}(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{{8,}}{_END}"), "<id>"),
    # Letters between digits make an id; digits at one place alone do not: "max_loss_24h" is the name of a limit.
    (re.compile(rf"{_BEGIN}(?=[a-z\d]{{8,}}{_END})[a-z]*\d+[a-z]+\d[a-z\d]*"), "<id>"),
)
_NAME_OR_NUMBER = re.compile(
    rf"({_BEGIN}[^\W\d_]+[-_]?\d{{1,2}}{_END}(?![.,]\d))|\d+(?:[.,'’]\d+)*(?:e[+-]?\d+{_END})?"
)
"""One or two digits at the end of a word belong to a name, such as "btc2" or "grid-2"; all others are a number."""


def masked(message: str) -> str:
    """The message in lower case with times, ids and numbers replaced, white space folded.

    Where in doubt a thing counts as a name: two alerts for one are grouped, one for two would hide the second.
    """
    text = " ".join(message.split())[: 4 * MASKED_LIMIT].lower()
    for pattern, mask in _VARIES:
        text = pattern.sub(mask, text)
    return _NAME_OR_NUMBER.sub(lambda found: found[1] or "<n>", text)[:MASKED_LIMIT]


def fingerprint(signal: Signal) -> str:
    """16 hex digits that are the same for every signal of one alert."""
    what = f"={signal.identity}" if signal.identity else masked(signal.message)
    parts = (signal.source.value, signal.kind, signal.bot or "", what)
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
