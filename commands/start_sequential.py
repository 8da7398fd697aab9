"""/start-sequential: start all bots in order once a second admin agrees."""

from commands import starting
from commands.spec import Command, Raising, Request, Risk
from commands.standing import Standing, word_of
from commands.words import clean


def to_start(standing: Standing) -> tuple[str, ...]:
    """The bots that are not running yet, in the order in which they are started."""
    return tuple(bot for bot in standing.bots if word_of(standing.fleet, bot) != "running")


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    mode, reason = starting.mode_and_reason(clean(text))
    return Request(command="start-sequential", option=mode, reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    refused = starting.fleet_objection(standing)
    if refused is not None:
        return refused
    waiting = to_start(standing)
    if not waiting:
        return f"Every bot runs already. {starting.NOTHING}"
    return next(filter(None, (starting.bot_objection(standing, bot) for bot in waiting)), None)


def _concerns(request: Request, standing: Standing) -> tuple[str, ...]:
    return standing.bots


COMMAND = Command(
    name="start-sequential",
    usage="[full] [reason]",
    summary="Ask to start all bots, one after another",
    help=(
        "Asks another admin to start every bot that does not run, in the order in which they depend on each other, in "
        "safe mode, each confirmed running by two reads before the next. A failure stops the sequence and says what "
        "runs. With full the coordinator's own sequence is sent instead: it starts all bots at full limits."
    ),
    risk=Risk.RAISE,
    role=starting.ROLE,
    parse=_parse,
    raising=Raising(options=starting.MODES, objection=_objection, concerns=_concerns),
)
