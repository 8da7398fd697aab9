"""The coordinator's answers as our own words; whatever is missing or of the wrong type is unknown, never false."""

from collections.abc import Iterator
from datetime import datetime

from commands.coordinator.errors import Unintelligible
from commands.coordinator.fields import (
    Json,
    agreed,
    amount,
    as_object,
    count,
    flag,
    moment,
    number,
    percentage,
    text,
)
from commands.coordinator.model import (
    MOVING,
    STATUS_WORDS,
    Answer,
    BotStatus,
    FleetStatus,
    Health,
    Metrics,
)

LONE_BOT = "bot"
"""The name of the one bot of a back end that reports itself and has no name for it."""

_KILL_SWITCH = (
    ("kill_switch_active",),
    ("kill_switch", "active"),
    ("killSwitch", "active"),
    ("state", "killSwitch", "active"),
)
_TRADING = ("state", "trading", "active")
_LATEST_ERRORS = 3
_LONGEST_NAME = 80

_OPEN = frozenset({"open", "opened", "half_open", "tripped", "triggered", "active", "engaged", "on", "true"})
"""Words of a breaker that holds trading back; half open still does."""

_CLOSED = frozenset({"closed", "inactive", "ok", "normal", "healthy", "reset", "ready", "off", "false"})
_OPEN_KEYS = ("open", "is_open", "isOpen", "active", "tripped", "triggered", "engaged")
_CLOSED_KEYS = ("closed", "is_closed", "isClosed")
_WORD_KEYS = ("state", "status")


def fleet_status(body: Json, *, observed_at: datetime) -> FleetStatus:
    """GET /status; Unintelligible when it has neither a kill switch nor bots, the marks of a coordinator."""
    switch = [found for path in _KILL_SWITCH for found in _at(body, path)]
    trading = list(_at(body, _TRADING))
    if not switch and not trading and "bots" not in body:
        raise Unintelligible(
            "What answers at the coordinator's address is no coordinator (its status has no kill switch and no bots), "
            "so nothing is known of the fleet: check the configured URL."
        )
    bots = _bots(as_object(body.get("bots")))
    if trading and "bots" not in body:
        bots = {LONE_BOT: _bot(LONE_BOT, {"state": body["state"]})}
    breaker_open, breaker = _breaker(body.get("circuit_breaker"))
    return FleetStatus(
        observed_at=observed_at,
        reported_at=moment(body.get("timestamp")),
        kill_switch_active=agreed(switch),
        breaker_open=breaker_open,
        breaker=breaker,
        bots=bots,
        metrics=_metrics(as_object(body.get("metrics"))),
    )


def health(body: Json, *, observed_at: datetime) -> Health:
    """GET /health of any program; it proves little, since unrelated programs answer it too."""
    uptime = body["uptime"] if "uptime" in body else as_object(body.get("health")).get("uptime")
    return Health(
        observed_at=observed_at,
        status=text(body.get("status")),
        uptime=amount(uptime),
        version=text(body.get("version")),
    )


def answer(body: Json, *, at: datetime) -> Answer:
    """The answer to any write."""
    return Answer(at=at, success=flag(body.get("success")), message=text(body.get("message")))


def word(value: object) -> str | None:
    """A status word: one of the contract in its own spelling, any other as it came.

    It is compared before it is cleaned, so that no cleaning ever turns something else into "stopped".
    """
    if isinstance(value, str) and (known := value.strip().lower()) in STATUS_WORDS:
        return known
    return text(value)


def _at(body: Json, path: tuple[str, ...]) -> Iterator[object]:
    """The value at the end of a path of keys, if it is there."""
    *way, last = path
    for key in way:
        body = as_object(body.get(key))
    if last in body:
        yield body[last]


def _bots(listed: Json) -> dict[str, BotStatus]:
    bots: dict[str, BotStatus] = {}
    for key, value in listed.items():
        bot = _bot(text(key, _LONGEST_NAME) or "(no name)", value)
        other = bots.get(bot.name)
        # Two keys may look the same once cleaned and cut; what the two do not both say is then unknown.
        bots[bot.name] = bot if other is None else _either(other, bot)
    return bots


def _either(one: BotStatus, other: BotStatus) -> BotStatus:
    moving = next((bot.status for bot in (one, other) if bot.status in MOVING), None)
    return BotStatus(name=one.name, status=one.status if one.status == other.status else moving)


def _bot(name: str, value: object) -> BotStatus:
    if not isinstance(value, dict):
        return BotStatus(name=name, status=word(value))
    fields = as_object(value)
    return BotStatus(
        name=name,
        status=_status(fields),
        health=percentage(fields.get("health")),
        error_count=count(fields.get("error_count")),
        latest_errors=_errors(fields.get("latest_errors")),
    )


def _status(fields: Json) -> str | None:
    """The status word of a bot; "trading" beats a word that says it is still."""
    said = word(fields.get("status"))
    trading = agreed(_at(fields, _TRADING))
    if trading is True:
        return said if said in MOVING else "running"
    if trading is False and "status" not in fields:
        return "stopped"
    return said


def _errors(value: object) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else [value]
    found = (
        text(row) or text(as_object(row).get("message")) or text(as_object(row).get("error")) for row in rows
    )
    return tuple(row for row in found if row)[:_LATEST_ERRORS]


def _metrics(fields: Json) -> Metrics:
    return Metrics(
        total_trades=count(fields.get("total_trades")),
        total_profit_loss=number(fields.get("total_profit_loss")),
        bots_started=count(fields.get("bots_started")),
        errors_handled=count(fields.get("errors_handled")),
        kill_switches_triggered=count(fields.get("kill_switches_triggered")),
        recoveries_attempted=count(fields.get("recoveries_attempted")),
        recoveries_succeeded=count(fields.get("recoveries_succeeded")),
    )


def _breaker(value: object) -> tuple[bool | None, str | None]:
    """Whether the circuit breaker is open and its own word for it, from a bool, a word or an object.

    Of an object these keys are read: open, is_open, active, tripped, triggered, engaged (bool), closed, is_closed
    (bool, the other way round), state and status (word). Signs that contradict each other leave it unknown.
    """
    if not isinstance(value, dict):
        return (_breaker_sign(value), text(value))
    fields = as_object(value)
    signs: list[object] = [flag(fields.get(key)) for key in _OPEN_KEYS]
    signs += [not fields[key] for key in _CLOSED_KEYS if isinstance(fields.get(key), bool)]
    signs += [_breaker_sign(fields.get(key)) for key in _WORD_KEYS]
    words = (text(fields.get(key)) for key in (*_WORD_KEYS, "reason"))
    return agreed(signs), next((each for each in words if each), None)


def _breaker_sign(value: object) -> bool | None:
    if not isinstance(value, str):
        return flag(value)
    spelled = value.strip().lower().replace("-", "_").replace(" ", "_")
    return True if spelled in _OPEN else False if spelled in _CLOSED else None
