"""/recoveries: what happened and what was learned, written down, found again and counted."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import bare, clean, named, no_such_bot

LIST, SHOW, NEW, TRENDS = "list", "show", "new", "trends"
NOTHING = "Nothing was written."

_WHOLE_FLEET = frozenset({"fleet", "all", "everything", "bots", "*"})


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    line = clean(text)
    first, _, rest = line.partition(" ")
    match bare(first):
        case "":
            return Request(command="recoveries", option=LIST)
        case "new":
            return Request(command="recoveries", option=NEW, bot=_bot(rest, bots))
        case "trends" if not rest:
            return Request(command="recoveries", option=TRENDS)
    number = bare(first).removeprefix("#")
    if number.isascii() and number.isdecimal() and not rest and len(number) <= 9:
        return Request(command="recoveries", option=SHOW, number=int(number))
    bot = named(first, bots) if not rest else None
    if bot is not None:
        return Request(command="recoveries", option=LIST, bot=bot)
    return Request(command="recoveries", option=LIST, pattern=line)


def _bot(rest: str, bots: tuple[str, ...]) -> str | None:
    """Which bot the log is about, ``None`` for the fleet; UserError when that is not clear."""
    word = rest.strip()
    if not word:
        raise UserError(
            f"Say what it is about, as in /recoveries new ndax, or /recoveries new fleet. {NOTHING}"
        )
    if word == "*" or bare(word) in _WHOLE_FLEET:
        return None
    bot = named(word, bots)
    if bot is None:
        raise UserError(f"{no_such_bot(word, bots)} For all of them write fleet. {NOTHING}")
    return bot


COMMAND = Command(
    name="recoveries",
    usage="[new <bot|fleet>|trends|number|bot|text]",
    summary="Write, find and count recovery logs",
    help=(
        "Lists the recovery logs, those of one bot, or those that hold a text; with a number it shows one in full; "
        "trends counts them. With new an operator writes one: the form is filled with what was recorded since the "
        "first alert or kill. A log is closed once it has a root cause and an outcome, and never changed after."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],  # to look; whoever lets in what writes asks for an operator
    parse=_parse,
)
