"""The health monitor's answers as our own words; whatever is missing or of the wrong type is unknown."""

from datetime import datetime

from commands.coordinator.errors import Unintelligible
from commands.coordinator.fields import Json, as_object, count, moment, number, percentage, text
from commands.coordinator.model import LogLine, MonitorAlert, MonitorBot, MonitorMetrics
from commands.coordinator.wire import word

_ARMED = "kill switch condition active:"
_NOT_UNDERSTOOD = "(an alert that could not be understood)"


def alerts(body: Json) -> tuple[MonitorAlert, ...]:
    """GET /alerts in its order; a row of any shape stays a row, since an alert must not be lost."""
    return tuple(_alert(row) for row in _list(body, "alerts"))


def metrics(body: Json, *, observed_at: datetime) -> MonitorMetrics:
    """GET /metrics; Unintelligible when none of its parts is there."""
    if not {"bots", "limits", "system"} & body.keys():
        raise _strange("metrics")
    bots = {}
    for key, value in as_object(body.get("bots")).items():
        name = text(key) or "(no name)"
        bots[name] = _bot(name, value)
    return MonitorMetrics(
        observed_at=observed_at,
        bots=bots,
        limits=_numbers(body.get("limits")),
        system=_numbers(body.get("system")),
    )


def logs(body: Json, *, lines: int) -> tuple[LogLine, ...]:
    """The last ``lines`` of GET /logs, which itself may send more; rows without text are left out."""
    found = []
    for row in _list(body, "logs"):
        line = text(row) or text(as_object(row).get("line"))
        if line is not None:
            found.append(LogLine(file=text(as_object(row).get("file")) or "unknown", line=line))
    return tuple(found[-lines:])


def _alert(row: object) -> MonitorAlert:
    fields = as_object(row)
    kind = text(fields.get("type"))
    message = text(row) or text(fields.get("message")) or _NOT_UNDERSTOOD
    action = text(fields.get("action"))
    # The field's monitor lists the conditions under which it would stop the fleet as if they were alerts, for ever.
    # Only a row that is exactly such a listing is taken for one: any sign of an event makes it an alert.
    listing = kind == "info" and message.lower().startswith(_ARMED) and action is not None
    event = fields.get("bot") is not None or fields.get("timestamp") is not None
    return MonitorAlert(
        kind=kind,
        message=message,
        bot=text(fields.get("bot")),
        at=moment(fields.get("timestamp")),
        action=action,
        armed=listing and not event,
    )


def _bot(name: str, value: object) -> MonitorBot:
    if not isinstance(value, dict):
        return MonitorBot(name=name, status=word(value))
    fields = as_object(value)
    return MonitorBot(
        name=name,
        status=word(fields.get("status")),
        health=percentage(fields.get("health")),
        positions=count(fields.get("positions")),
        pnl_24h=number(fields.get("pnl_24h")),
        trades_24h=count(fields.get("trades_24h")),
        exposure=number(fields.get("exposure")),
        consecutive_losses=count(fields.get("consecutive_losses")),
    )


def _numbers(value: object) -> dict[str, float]:
    found = ((text(key), number(each)) for key, each in as_object(value).items())
    return {key: each for key, each in found if key is not None and each is not None}


def _list(body: Json, key: str) -> list[object]:
    rows = body.get(key)
    if not isinstance(rows, list):
        raise _strange(key)
    return rows


def _strange(what: str) -> Unintelligible:
    return Unintelligible(
        f"What answers at the monitor's address is no health monitor (it sent no {what}), "
        "so its alerts are not known: check the configured URL."
    )
