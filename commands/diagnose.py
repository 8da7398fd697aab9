"""/diagnose: look at everything that can be looked at, and change nothing."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import WORD_LIMIT, bare, clean, cut, named, no_such_bot

SHARE = frozenset({"public", "share"})
FLEET = frozenset({"fleet", "all", "everything"})


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    public = bool(words) and bare(words[-1]) in SHARE
    rest = words[:-1] if public else words
    if len(rest) > 1:
        raise UserError(
            f"'{cut(' '.join(rest), WORD_LIMIT)}' is more than one bot: name one, or none for the whole fleet. "
            "Nothing was looked at."
        )
    bot = None
    if rest and bare(rest[0]) not in FLEET:
        bot = named(rest[0], bots)
        if bot is None:
            raise UserError(f"{no_such_bot(rest[0], bots)} Nothing was looked at.")
    return Request(command="diagnose", bot=bot, public=public)


COMMAND = Command(
    name="diagnose",
    usage="[bot] [public]",
    summary="Look at the fleet, its logs, network, files and host",
    help=(
        "Runs every probe: the coordinator, the monitor, our own record, the past hours, logs, the addresses the fleet "
        "needs, its configuration, its host and its code. It changes nothing, tells what could not be looked at, and "
        "names the scenarios of the handbook that fit. With public everybody in the channel sees it."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
"""Its findings are counted and clustered lines without secrets."""
