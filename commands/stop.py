"""/stop: stop one bot, and what counts as having seen it stopped."""

from commands.coordinator.model import FleetStatus
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk
from commands.words import bot_and_reason


def settled(status: FleetStatus, bot: str) -> bool:
    """True only when the bot is seen "stopped": paused or failed is still, but not what was asked for."""
    seen = status.bots.get(bot)
    return seen is not None and seen.status == "stopped"


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    bot, reason = bot_and_reason(text, bots, verb="stop", done="stopped")
    return Request(command="stop", bot=bot, reason=reason)


COMMAND = Command(
    name="stop",
    usage="<bot> [reason]",
    summary="Stop one bot",
    help=(
        "Stops one bot and reads back that it stopped. The other bots go on trading, also those that work "
        "with it. When the bot is not seen stopped within a minute you are told so: then use /kill."
    ),
    risk=Risk.LOWER,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
)
