"""GET /status held against what it said before: which bots left running, fail, are ill or gather errors.

The signals are all that is so now. What a status leaves out is unknown: it begins nothing, and ends nothing that is
open. That a bot is not listed says that it left running, and nothing else of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from commands.alerting.model import Kind, Severity, Signal, Source
from commands.coordinator.fields import as_object, count, moment, percentage, text
from commands.coordinator.model import MOVING, STATUS_WORDS, BotStatus, FleetStatus
from commands.words import cut

ERROR_SPAN = timedelta(minutes=5)
"""Length of the windows in which new errors are counted."""

ERROR_LIMIT = 200
"""Characters shown of a bot's latest error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One bot as it was last seen; what a status left out stands as it was said before."""

    status: str | None = None
    ran: bool = False  # seen running, and its leaving was neither told nor excused since
    health: float | None = None
    error: str = ""
    errors: int | None = None  # the newest count
    baseline: int | None = None  # the count when the window began
    since: datetime | None = None  # when that was
    rise: int | None = None  # what was told last


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the next look needs to know of this one, over a restart as well."""

    bots: Mapping[str, Remembered] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        return {
            "bots": {
                name: asdict(bot) | {"since": bot.since.isoformat() if bot.since is not None else None}
                for name, bot in self.bots.items()
            }
        }

    @classmethod
    def from_json(cls, data: object) -> "Memory":
        """What ``as_json`` made; whatever is not as it made it counts as forgotten."""
        listed = as_object(as_object(data).get("bots"))
        return cls(bots={name: _recalled(as_object(bot)) for name, bot in listed.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bot:
    """All that is known of one bot in one look."""

    name: str
    listed: bool
    said: BotStatus
    was: Remembered
    open: frozenset[str]  # kinds
    excused: bool
    killed: bool

    def fires(self, kind: Kind, so: bool | None) -> bool:
        """Whether it is so; where that is unknown, whether it was."""
        return kind in self.open if so is None else so


def look(
    status: FleetStatus,
    memory: Memory,
    *,
    bots: tuple[str, ...],
    still_open: frozenset[tuple[str, str | None]],
    excused: frozenset[str],
    killed: bool,
    health_below: float,
    error_rise: int,
    now: datetime,
) -> tuple[tuple[Signal, ...], Memory]:
    """All that is wrong by this status, and what to remember for the next look.

    ``still_open`` are kind and bot of the alerts of ours that are open, ``excused`` the bots that one of our own
    actions told to change lately; ``killed``: our latch stands.
    """
    signals: list[Signal] = []
    remembered: dict[str, Remembered] = {}
    ran = (name for name, was in memory.bots.items() if was.ran)
    told = sorted({name for _, name in still_open if name is not None})
    for name in dict.fromkeys((*bots, *status.bots, *ran, *told)):
        bot = _Bot(
            name=name,
            listed=name in status.bots,
            said=status.bots.get(name, BotStatus(name=name)),
            was=memory.bots.get(name, Remembered()),
            open=frozenset(kind for kind, whose in still_open if whose == name),
            excused=name in excused,
            killed=killed,
        )
        found, remembered[name] = _one(bot, health_below, error_rise, now)
        signals += found
    open_before = (Kind.BREAKER_OPEN, None) in still_open
    if status.breaker_open or (status.breaker_open is None and open_before):
        signals.append(
            _signal(Kind.BREAKER_OPEN, None, Severity.HIGH, "The coordinator's circuit breaker is open")
        )
    return tuple(signals), Memory(bots=remembered)


def _one(bot: _Bot, below: float, least: int, now: datetime) -> tuple[tuple[Signal, ...], Remembered]:
    left, ran = _left_running(bot)
    rising, counted = _errors(bot, least, now)
    error = _latest_error(bot)
    seen = replace(
        counted,
        status=bot.said.status or bot.was.status,
        ran=ran,
        health=bot.was.health if bot.said.health is None else bot.said.health,
        error=error,
    )
    return (*left, *_failing(bot, error), *_ill(bot, seen.health, below), *rising), seen


def _left_running(bot: _Bot) -> tuple[tuple[Signal, ...], bool]:
    """The signal, and whether the leaving is still to be told once the bot is seen still."""
    word = bot.said.status
    open_before = Kind.BOT_LEFT_RUNNING in bot.open
    ran = word == "running" or bot.was.ran or open_before
    if word in MOVING:
        return (), ran
    if bot.killed or bot.excused:
        return (), False
    if word == "error":
        return (), ran  # told as that; should it be "stopped" next, nobody told it to stop either
    unknown = bot.listed and word is None
    if not (open_before if unknown else ran):
        return (), bot.was.ran
    message = f"{bot.name} was running and {_seen(bot)}, without a command from here"
    signal = _signal(Kind.BOT_LEFT_RUNNING, bot.name, Severity.HIGH, message)
    return (signal,), unknown and bot.was.ran


def _seen(bot: _Bot) -> str:
    word = bot.said.status
    if not bot.listed:
        return "is not listed any more"
    if word is None:
        return "does not say what it does now"
    return f"is {word} now" if word in STATUS_WORDS else f'now says "{cut(word, 40)}"'


def _failing(bot: _Bot, error: str) -> Iterator[Signal]:
    """The states that tell of themselves; an action of ours excuses that they begin, and ends nothing."""
    for kind, word, severity in (
        (Kind.BOT_ERROR, "error", Severity.HIGH),
        (Kind.BOT_RECOVERY, "recovery", Severity.WARNING),
    ):
        so = None if bot.said.status is None else bot.said.status == word
        if bot.fires(kind, so) and (kind in bot.open or not bot.excused):
            message = f"{bot.name} is in {word}"
            yield _signal(kind, bot.name, severity, f"{message}: {error}" if error else message)


def _latest_error(bot: _Bot) -> str:
    """Of the state that the bot is in: an error of long ago is no reason for a new one."""
    if bot.said.latest_errors:
        return cut(" ".join(bot.said.latest_errors[-1].split()), ERROR_LIMIT)
    return bot.was.error if bot.said.status in {None, bot.was.status} else ""


def _ill(bot: _Bot, last: float | None, below: float) -> Iterator[Signal]:
    """Only a bot that runs can be: a stopped one has no health to speak of."""
    word, health = bot.said.status, bot.said.health
    so = None if word is None or health is None else True
    if word not in {"running", None} or (health is not None and health >= below):
        so = False
    if bot.fires(Kind.HEALTH_LOW, so):
        severity = Severity.HIGH if last is not None and last < below / 2 else Severity.WARNING
        message = f"The health of {bot.name} is low"
        yield _signal(Kind.HEALTH_LOW, bot.name, severity, message, value=last, limit=below)


def _errors(bot: _Bot, least: int, now: datetime) -> tuple[tuple[Signal, ...], Remembered]:
    """Windows follow each other, and an alert goes on until a whole one passed with a smaller rise."""
    was, errors = bot.was, bot.said.error_count
    fires = open_before = Kind.ERRORS_RISING in bot.open
    if errors is None:
        seen = was
    elif (
        (was.errors is None or was.baseline is None or was.since is None)
        or errors < was.errors  # a coordinator that began anew
        or now < was.since  # a clock set back
    ):
        seen = replace(was, errors=errors, baseline=errors, since=now)
    else:
        spans = (now - was.since) // ERROR_SPAN
        rise = errors - was.baseline
        # After hours without a look, only so many that some five minutes among them had enough.
        reached = rise >= least * max(1, spans)
        fires = reached or (open_before and spans == 0)
        window = (errors, now) if spans else (was.baseline, was.since)
        told = rise if reached else was.rise
        seen = replace(was, errors=errors, baseline=window[0], since=window[1], rise=told)
    if not fires:
        return (), seen
    message = f"The errors of {bot.name} are rising"
    signal = _signal(Kind.ERRORS_RISING, bot.name, Severity.WARNING, message, value=seen.rise, limit=least)
    return (signal,), seen


def _signal(
    kind: Kind,
    bot: str | None,
    severity: Severity,
    message: str,
    *,
    value: float | None = None,
    limit: float | None = None,
) -> Signal:
    return Signal(
        source=Source.FLEET,
        kind=kind,
        severity=severity,
        message=message,
        bot=bot,
        identity="-",  # the kind and the bot say which alert it is
        value=value,
        limit=limit,
    )


def _recalled(fields: dict[str, object]) -> Remembered:
    return Remembered(
        status=text(fields.get("status")),
        ran=fields.get("ran") is True,
        health=percentage(fields.get("health")),
        error=text(fields.get("error"), ERROR_LIMIT) or "",
        errors=count(fields.get("errors")),
        baseline=count(fields.get("baseline")),
        since=moment(fields.get("since")),
        rise=count(fields.get("rise")),
    )
