"""/resume: let a paused bot trade on once a second admin agrees."""

from commands import starting
from commands.spec import Command, Raising, Request, Risk
from commands.standing import Standing, word_of
from commands.words import bot_and_reason


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    bot, reason = bot_and_reason(text, bots, verb="resume", done="resumed", all_with="/start-sequential")
    return Request(command="resume", bot=bot, reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    refused = starting.fleet_objection(standing)
    if refused is not None:
        return refused
    bot = request.bot or ""
    word = word_of(standing.fleet, bot)
    if word == "paused":
        return None
    other = f": to start it, type /start {bot}" if word in starting.STARTABLE else ""
    return f"{bot} is not paused, it is {word}{other}. {starting.NOTHING}"


COMMAND = Command(
    name="resume",
    usage="<bot> [reason]",
    summary="Ask to let a paused bot trade on",
    help=(
        "Asks another admin to let a paused bot trade on, with the limits it had. It counts as resumed once two reads "
        "in a row show it running."
    ),
    risk=Risk.RAISE,
    role=starting.ROLE,
    parse=_parse,
    raising=Raising(options=frozenset({""}), objection=_objection, concerns=starting.with_dependencies),
)
