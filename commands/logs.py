"""/logs: what the fleet's logs say, counted and clustered, without secrets."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk
from commands.words import bare, clean, named

LEVELS = {
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "errors": "ERROR",
    "critical": "CRITICAL",
    "fatal": "CRITICAL",
}
"""What a person types -> the least level that is shown."""


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    bot, level = None, ""
    if words and (found := named(words[0], bots)) is not None:
        bot, words = found, words[1:]
    if words and bare(words[0]) in LEVELS:
        level, words = LEVELS[bare(words[0])], words[1:]
    return Request(command="logs", bot=bot, option=level, pattern=" ".join(words))


COMMAND = Command(
    name="logs",
    usage="[bot] [level] [text]",
    summary="Show what the fleet's logs say, similar lines as one",
    help=(
        "Counts the records by level, shows similar ones as one with how often it came, and the newest that match: of "
        "one bot, of a level or worse, or with a text in it. Secrets are masked. The lines come from the fleet's log "
        "files where the bot runs on its host, else from the health monitor."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.LOWER],  # raw words of programs: not for everybody who may look
    parse=_parse,
)
