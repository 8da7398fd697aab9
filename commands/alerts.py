"""/alerts: what goes on that somebody should know of, and what is over."""

import re

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import bare, clean, closest, named, no_such_bot

OPEN = "open"
ALL = "all"
NOTHING = "Nothing was read."

_MEANT = {OPEN: "which shows what goes on now", ALL: "which shows also what is over"}
_NUMBER = re.compile(r"#?([1-9][0-9]{0,8})")


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    chosen: set[str] = set()
    options: set[str] = set()
    numbers: set[int] = set()
    for word in clean(text).split():
        bot = named(word, bots)
        number = _NUMBER.fullmatch(bare(word))
        if bot is not None:
            chosen.add(bot)
        elif number is not None:
            numbers.add(int(number[1]))
        elif bare(word) in _MEANT:
            options.add(bare(word))
        else:
            raise UserError(f"{_not_understood(word, bots)} {NOTHING}")
    if numbers:
        if len(numbers) > 1 or chosen or options:
            raise UserError(f"/alerts takes one number and nothing beside it, as in /alerts 12. {NOTHING}")
        return Request(command="alerts", number=numbers.pop())
    if len(chosen) > 1:
        raise UserError(f"/alerts takes one bot, or none for the whole fleet. {NOTHING}")
    if len(options) > 1:
        raise UserError(f"/alerts takes {OPEN} or {ALL}, not both: {ALL} holds what is open, too. {NOTHING}")
    return Request(command="alerts", bot=next(iter(chosen), None), option=next(iter(options), OPEN))


def _not_understood(word: str, bots: tuple[str, ...]) -> str:
    near = closest(word, (*bots, *_MEANT))
    return f"Did you mean {near}, {_MEANT[near]}?" if near in _MEANT else no_such_bot(word, bots)


COMMAND = Command(
    name="alerts",
    usage="[open|all|bot|number]",
    summary="Show what goes on that somebody should know of",
    help=(
        "Lists the alerts that go on, the worst first. With the name of a bot it lists that bot's; with all, also "
        "those that are over; with a number, as in /alerts 12, it shows that one in full. It tells nobody."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
