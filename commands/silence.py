"""/silence: keep alerts quiet that somebody knows about, for a while and with a reason."""

import re
from datetime import timedelta

from commands.moments import span
from commands.spec import Command, Request, Risk, Role, UserError
from commands.words import REASON_LIMIT, WORD_LIMIT, clean, cut

PATTERN_LIMIT = 100
"""Characters of a pattern; a longer one is refused, for cut it would match something else."""

LEAST_REASON = 3
"""Characters: whoever makes others blind says why."""

LEAST = timedelta(minutes=1)
MOST = timedelta(hours=24)
EVERYTHING = "*"
"""The one pattern of nothing but wildcards: all that is not critical."""

NOTHING = "Nothing was silenced."

_EXAMPLE = 'as in /silence "slippage" 1h known feed problem'
_QUOTES = "\"“”„«»'‘’‚`"
_QUOTED = re.compile(r"""(?:["“”„«»]([^"“”„«»]*)["“”„«»]|['‘’‚`]([^'‘’‚`]*)['‘’‚`])(.*)""")
_SHOWN_STAR = "∗"  # what chat shows for a star, since that one would format the text: people copy it
_MATCHES_ANYTHING = "*? \u200c\u200d"  # wildcards, and what cannot be seen


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    pattern, rest = _pattern(clean(text, limit=REASON_LIMIT + PATTERN_LIMIT + WORD_LIMIT))
    word, _, reason = rest.partition(" ")
    length = _length(word)
    if len(reason) < LEAST_REASON:
        raise UserError(
            f"Say why in at least {LEAST_REASON} characters behind the time, {_EXAMPLE}. {NOTHING}"
        )
    if span(reason.partition(" ")[0]) is not None:
        # Taken as part of the reason, it would leave a person believing in a longer silence.
        raise UserError(f"Write the time as one word, such as 1h30m, and the reason behind it. {NOTHING}")
    return Request(command="silence", pattern=pattern, span=length, reason=cut(reason, REASON_LIMIT))


def _pattern(line: str) -> tuple[str, str]:
    """The pattern and what follows it; UserError when there is none that says what to silence."""
    if line[:1] and line[0] in _QUOTES:
        found = _QUOTED.fullmatch(line)
        if found is None:
            raise UserError(
                f"The quotation marks are not closed: write them on both sides, {_EXAMPLE}. {NOTHING}"
            )
        pattern, rest = (found[1] or found[2] or "").strip(), found[3].strip()
    else:
        pattern, _, rest = line.partition(" ")
        if span(pattern) is not None and span(rest.partition(" ")[0]) is None:
            pattern = ""  # the time came first
    pattern = pattern.replace(_SHOWN_STAR, EVERYTHING)
    if not pattern:
        raise UserError(f"Say what to silence, for how long and why, {_EXAMPLE}. {NOTHING}")
    if pattern != EVERYTHING and not pattern.strip(_MATCHES_ANYTHING):
        raise UserError(
            "A pattern of nothing but wildcards matches anything: write a word beside them, or a single star for "
            f"everything that is not critical. {NOTHING}"
        )
    if len(pattern) > PATTERN_LIMIT:
        raise UserError(
            f"A pattern has at most {PATTERN_LIMIT} characters: write the words that matter, {_EXAMPLE}. {NOTHING}"
        )
    return pattern, rest


def _length(word: str) -> timedelta:
    """How long it lasts; UserError when the word is no time, or one that is too short or too long."""
    length = span(word)
    shown = cut(word, WORD_LIMIT)
    if length is None:
        problem = f"'{shown}' is not a time" if word else "The time is missing"
        raise UserError(
            f"{problem}: say for how long behind the pattern, {_EXAMPLE}; several words need quotation marks. {NOTHING}"
        )
    if not LEAST <= length <= MOST:
        raise UserError(f"A silence lasts at least 1 minute and at most 24 hours, not {shown}. {NOTHING}")
    return length


COMMAND = Command(
    name="silence",
    usage="<pattern> <time> <reason>",
    summary="Keep alerts quiet that are known",
    help=(
        "Keeps alerts that match quiet for everybody, for a time such as 15m, 4h or 1h30m: at least a minute and at "
        "most 24 hours, for a critical one at most an hour. Write several words in quotation marks; a star or a "
        "question mark stands for what varies, a star alone for everything that is not critical. To see what is "
        "quiet, type /silences."
    ),
    risk=Risk.READ,  # the fleet stays as it is
    role=Role.OPERATOR,  # but people see less of it
    parse=_parse,
)
