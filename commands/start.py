"""/start: start one bot once a second admin agrees."""

from commands import starting
from commands.spec import Command, Raising, Request, Risk
from commands.standing import Standing


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    bot, mode, reason = starting.bot_mode_and_reason(text, bots, verb="start", done="started")
    return Request(command="start", bot=bot, option=mode, reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    return starting.fleet_objection(standing) or starting.bot_objection(standing, request.bot or "")


COMMAND = Command(
    name="start",
    usage="<bot> [full] [reason]",
    summary="Ask to start one bot",
    help=(
        "Asks another admin to start one bot, in safe mode (half the size and frequency for 120 minutes) unless you "
        "write full. It counts as started once two reads in a row show it running."
    ),
    risk=Risk.RAISE,
    role=starting.ROLE,
    parse=_parse,
    raising=Raising(options=starting.MODES, objection=_objection, concerns=starting.with_dependencies),
)
