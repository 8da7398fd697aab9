"""/status: what the fleet does, as the coordinator says it and as our own record says it."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import bare, clean, closest, named, no_such_bot

PUBLIC = "public"
_NOTHING = frozenset({"", "all", "fleet", "everything", "bots"})


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    bot: str | None = None
    public = False
    for word in clean(text).split():
        found = named(word, bots)
        if found is not None and bot not in (None, found):
            raise UserError("/status takes one bot, or none for the whole fleet. Nothing was read.")
        if found is not None:
            bot = found
        elif bare(word) == PUBLIC:
            public = True
        elif bare(word) not in _NOTHING:
            if closest(word, (*bots, PUBLIC)) == PUBLIC:
                raise UserError(
                    f"Did you mean {PUBLIC}, which shows the answer to everybody here? Nothing was read."
                )
            raise UserError(f"{no_such_bot(word, bots)} Nothing was read.")
    return Request(command="status", bot=bot, public=public)


COMMAND = Command(
    name="status",
    usage="[bot] [public]",
    summary="Show the kill switch, the bots and how fresh that is",
    help=(
        "Shows the kill switch as the coordinator says it and as our own record says it, the cooldown, the "
        "circuit breaker, and each bot with its health and latest error. What is not known is called "
        "unknown. Only you see the answer; add the word public to show it to everybody in the channel."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
