"""/pause: let one bot open nothing new, and what counts as having seen it paused."""

from commands.coordinator.model import FleetStatus
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk
from commands.words import bot_and_reason


def settled(status: FleetStatus, bot: str) -> bool:
    """True when the bot is seen "paused", or "stopped", which is stiller still."""
    seen = status.bots.get(bot)
    return seen is not None and seen.status in {"paused", "stopped"}


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    bot, reason = bot_and_reason(text, bots, verb="pause", done="paused")
    return Request(command="pause", bot=bot, reason=reason)


COMMAND = Command(
    name="pause",
    usage="<bot> [reason]",
    summary="Pause one bot",
    help=(
        "Pauses one bot and reads back that it paused. The bot stays up and keeps its positions; the other "
        "bots go on trading. When in doubt, /stop it."
    ),
    risk=Risk.LOWER,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
)
