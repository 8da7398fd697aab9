"""/help: what can be typed, and what it does."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk
from commands.words import bare, clean


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    return Request(command="help", topic=bare(words[0]) or None if words else None)


COMMAND = Command(
    name="help",
    usage="[command]",
    summary="Show the commands, or one of them in full",
    help="Lists the commands with what they are for. With the name of a command it tells all about that one.",
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
