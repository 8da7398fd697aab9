"""/monitor: watch one bot or the fleet for a while, with a card that shows it and an end that says what was proved."""

import re
from datetime import timedelta

from commands.moments import span
from commands.spec import Command, Request, Risk, Role, UserError
from commands.words import WORD_LIMIT, bare, clean, cut, named, no_such_bot

LEAST = timedelta(minutes=1)
MOST = timedelta(days=7)
LEAST_READS = 3
"""A window with fewer reads proves nothing."""

FLEET = "fleet"
NOTHING = "No window was opened."

_WHOLE_FLEET = frozenset({"fleet", "all", "everything", "bots", "*"})
_SECONDS = re.compile(r"([0-9]{1,6})s(?:ec|econds)?")
_EXAMPLE = "as in /monitor ndax 30m, or /monitor fleet 24h 1m"


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = [word for word in clean(text).split() if bare(word) != "every"]
    if not words:
        raise UserError(f"Say what to watch and for how long, {_EXAMPLE}. {NOTHING}")
    whole = words[0] == "*" or bare(words[0]) in _WHOLE_FLEET
    bot = None if whole else named(words[0], bots)
    if not whole and bot is None:
        raise UserError(f"{no_such_bot(words[0], bots)} For all of them write fleet. {NOTHING}")
    if len(words) < 2:
        raise UserError(f"Say for how long, {_EXAMPLE}. {NOTHING}")
    length = length_of(words[1])
    every = None
    if len(words) > 2:
        every = _seconds(words[2]) or span(words[2])
        if every is None or every <= timedelta():
            raise UserError(
                f"'{cut(words[2], WORD_LIMIT)}' does not say how often to look: write 30s, 1m or 5m behind the length, "
                f"or nothing. {NOTHING}"
            )
        if length < LEAST_READS * every:
            raise UserError(
                f"That would be fewer than {LEAST_READS} looks, which prove nothing: look more often or watch longer. "
                f"{NOTHING}"
            )
    if len(words) > 3:
        raise UserError(f"/monitor takes what, how long and how often, {_EXAMPLE}. {NOTHING}")
    return Request(command="monitor", bot=bot, span=length, every=every)


def length_of(word: str, nothing: str = NOTHING) -> timedelta:
    """The length of a window; UserError when the word is none, or one that is too short or too long."""
    length = span(word)
    if length is None:
        raise UserError(f"'{cut(word, WORD_LIMIT)}' is not a length: write 30m, 1h30m, 24h or 2d. {nothing}")
    if not LEAST <= length <= MOST:
        raise UserError(f"A window lasts between 1 minute and {MOST.days} days. {nothing}")
    return length


def _seconds(word: str) -> timedelta | None:
    found = _SECONDS.fullmatch(bare(word))
    return None if found is None else timedelta(seconds=int(found[1]))


COMMAND = Command(
    name="monitor",
    usage="<bot|fleet> <time> [every]",
    summary="Watch a bot or the fleet for a while",
    help=(
        "Opens a monitoring window: one card shows what is seen, and at its end it is stable, unstable, or not proved "
        "because too little could be read. A bot that leaves running, low health, rising errors, a critical alert or a "
        "kill end it at once. It costs no request of its own; /windows lists, extends and closes. It changes nothing "
        "in the fleet."
    ),
    risk=Risk.READ,
    role=Role.OPERATOR,
    parse=_parse,
)
