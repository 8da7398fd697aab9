"""What /start, /start-sequential and /resume share: when bots may be let trade at all."""

from commands.coordinator.model import MOVING, STATUS_WORDS, FleetStatus
from commands.policy import ROLE_FOR
from commands.spec import Request, Risk
from commands.standing import Standing, word_of
from commands.words import bare, bot_and_reason

NOTHING = "Nothing was asked or started."
ROLE = ROLE_FOR[Risk.RAISE]
MODES = frozenset({"safe", "full"})
STARTABLE = frozenset({"stopped", "error"})


def running(status: FleetStatus, bot: str) -> bool:
    """True only when the bot is seen "running"."""
    seen = status.bots.get(bot)
    return seen is not None and seen.status == "running"


def mode_and_reason(text: str) -> tuple[str, str]:
    """The mode and the reason of "[full] [reason]"; safe mode unless told otherwise."""
    first, _, rest = text.partition(" ")
    return (bare(first), rest.strip()) if bare(first) in MODES else ("safe", text)


def bot_mode_and_reason(text: str, bots: tuple[str, ...], *, verb: str, done: str) -> tuple[str, str, str]:
    """The bot, the mode and the reason of "<bot> [full] [reason]"; raises UserError when the bot is not clear."""
    bot, rest = bot_and_reason(text, bots, verb=verb, done=done, all_with="/start-sequential")
    return bot, *mode_and_reason(rest)


def fleet_objection(standing: Standing) -> str | None:
    """Why nothing may be started at all as things stand, or ``None``."""
    if standing.latch is not None:
        return f"The fleet is killed by our record: release it first, with /override and a reason. {NOTHING}"
    switch = standing.fleet.kill_switch_active if standing.fleet is not None else None
    if switch is None:
        return f"The coordinator does not say whether its kill switch is active: look at it, then ask again. {NOTHING}"
    if switch:
        return f"The coordinator says that the fleet is killed: release it first, with /override. {NOTHING}"
    return None


def bot_objection(standing: Standing, bot: str) -> str | None:
    """Why this bot cannot be started as things stand, or ``None``."""
    word = word_of(standing.fleet, bot)
    if word in STARTABLE:
        return None
    if word in MOVING:
        return f"{bot} is {word} already. {NOTHING}"
    if word == "paused":
        return f"{bot} is paused: /resume {bot} lets it trade on, /stop {bot} stops it. {NOTHING}"
    known = f"is {word}" if word in STATUS_WORDS else f"is not known to be stopped ({word})"
    return f"{bot} {known}, so starting it may start it twice: look at it first. {NOTHING}"


def with_dependencies(request: Request, standing: Standing) -> tuple[str, ...]:
    """The bot and those it depends on: all that stand before it in the configured order."""
    bot = request.bot or ""
    before = standing.bots[: standing.bots.index(bot)] if bot in standing.bots else ()
    return (*before, bot)


def missing(request: Request, standing: Standing) -> tuple[str, ...]:
    """The bots that stand before this one and are not seen running: the coordinator may refuse it."""
    *before, _ = with_dependencies(request, standing)
    return tuple(bot for bot in before if word_of(standing.fleet, bot) != "running")
