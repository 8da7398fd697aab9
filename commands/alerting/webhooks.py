"""What other programs post as signals: the coordinator's events, and Alertmanager's webhook of version 4.

Nobody documents the names of the coordinator's events, so they are read by their words:

- of the kill switch: the first word that turns it on (activat-, trigger-, engag-) or off (releas-, deactivat-,
  disengag-, overrid-) decides; what only says that it was tried or refused does neither;
- ``<stem>_recovered``, ``_resolved`` and ``_cleared`` end the alerts of that stem, see ``all_ended``; so do
  ``_started`` and ``_running``, unless the stem is trouble itself (emergency_stop_started);
- anything else is an alert of its own, as bad as the worst word in it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from commands.alerting.model import Severity, Signal, Source
from commands.coordinator.fields import moment, number
from commands.words import REASON_LIMIT, clean, cut

PAST = timedelta(hours=24)
FUTURE = timedelta(hours=15)  # a local time of unknown zone is up to 14 hours ahead when it is taken for UTC
REMEMBERED = PAST + FUTURE
"""How long a replay of an event is believed, and so how long the key of one must be kept."""

MOST_ALERTS = 5_000
KILL_SWITCH = "kill_switch_activated"

_NAME_LIMIT = 80  # as names in GET /status
_KIND_LIMIT = 100
_LINK_LIMIT = 2_000
_STAMP_LIMIT = 64
_LAST_YEAR = 2999  # a later time is a mistake, and sums with it can overflow

_ON = ("activat", "trigger", "engag")
_OFF = ("releas", "deactivat", "disengag", "overrid")  # looked for first: deactivat- holds activat-
_DOUBTFUL = ("fail", "error", "refus", "reject", "deni", "request", "pending", "attempt", "expir", "cancel")
_NEGATIONS = ("not", "cannot", "never")

_OVER = ("recovered", "resolved", "cleared")
_UP = ("started", "running")
_STATES = ("error", "errors", "crash", "crashed", "failed", "stopped", "paused", "reached", "exceeded")
_WORST_FIRST = (
    (Severity.CRITICAL, ("critical", "emergency")),
    (Severity.HIGH, ("crash", "error", "fail")),
    (Severity.WARNING, ("stop", "paus", "limit")),
)

_SEVERITIES = {
    **dict.fromkeys(("critical", "page", "emergency"), Severity.CRITICAL),
    **dict.fromkeys(("high", "error", "major"), Severity.HIGH),
    **dict.fromkeys(("info", "none"), Severity.INFO),
}
"""By the label ``severity`` of Prometheus rules; every other word, and none at all, is a warning."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
_FINGERPRINT = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_LINK = re.compile(r"https?://[^\s<>|\"]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")


class PayloadError(Exception):
    """The body is not as documented; one sentence that names the field and repeats nothing of the body."""


# -- the coordinator ---------------------------------------------------------------------------------------------


def coordinator_event(body: Mapping[str, Any], *, now: datetime) -> Signal:
    """The signal of one event; raises PayloadError, also for one too old, or too far ahead, to be believed.

    Events of one kind and bot are one alert, whatever their reasons: the event that ends it gives another reason.
    """
    event = body.get("event")
    if not isinstance(event, str) or not 0 < len(event) <= _KIND_LIMIT:
        raise PayloadError(f"event must be a string of 1 to {_KIND_LIMIT} characters.")
    name = _NO_WORD.sub("_", _CAMEL.sub("_", event).lower()).strip("_")
    if not name:
        raise PayloadError("event must hold a letter or a digit.")
    bot = _optional(body, "bot", _NAME_LIMIT)
    message = _optional(body, "reason", REASON_LIMIT) or name.replace("_", " ")
    began_at = _event_time(body.get("timestamp"), now)
    active = _kill_switch(name)
    if active is not None:  # it is the fleet's, so whoever lets it go need not know which bot was the cause
        return Signal(
            source=Source.COORDINATOR,
            kind=KILL_SWITCH,
            severity=Severity.HIGH,  # what is critical is decided by our own reading of the fleet
            message=cut(f"{bot}: {message}", REASON_LIMIT) if bot else message,
            identity=KILL_SWITCH,
            began_at=began_at,
            firing=active,
        )
    stem = _ended_stem(name)
    signal = Signal(
        source=Source.COORDINATOR,
        kind="",
        severity=Severity.INFO,
        message=message,
        bot=bot,
        began_at=began_at,
        firing=stem is None,
    )
    return _of_kind(signal, name if stem is None else stem)


def all_ended(signal: Signal) -> tuple[Signal, ...]:
    """The signal; where it ends a stem's alert, also the same for the other kinds that this stem can have.

    "bot_started" ends event_bot, event_bot_crashed, event_bot_stopped and so on, and, since a bot is what events are
    of, event_crashed and event_stopped; "bot_error_cleared" ends event_bot_error alone.
    """
    stem = signal.kind.removeprefix("event_")
    if signal.firing or signal.kind == KILL_SWITCH or stem.rpartition("_")[2] in _STATES:
        return (signal,)
    names = [f"{stem}_{state}" for state in _STATES]
    if stem == "bot":
        names += _STATES
    return (signal, *(_of_kind(signal, name) for name in names))


def _of_kind(signal: Signal, name: str) -> Signal:
    kind = f"event_{name}"[:_KIND_LIMIT]
    return replace(signal, kind=kind, identity=kind, severity=_worst(name))


def _kill_switch(name: str) -> bool | None:
    """Whether the kill switch went on (true) or off (false); ``None`` for an event that says neither."""
    words = name.split("_")
    if not any("kill" in word for word in words):
        return None
    if words[-1] in _OVER:
        return False
    for word in words:
        if any(part in word for part in _OFF):  # an end is believed only where nothing speaks against it
            return None if any(map(_doubtful, words)) else False
        if any(part in word for part in _ON):
            return None if _doubtful(words[-1]) else True
    return None


def _doubtful(word: str) -> bool:
    return word in _NEGATIONS or word.startswith(_DOUBTFUL)


def _ended_stem(name: str) -> str | None:
    """The stem whose alerts this event ends, "bot" where it has none; ``None`` when it ends nothing."""
    stem, _, last = name.rpartition("_")
    calm = _worst(stem) is Severity.INFO and "kill" not in stem
    return stem or "bot" if last in _OVER or (last in _UP and calm) else None


def _worst(name: str) -> Severity:
    return next(
        (severity for severity, parts in _WORST_FIRST if any(part in name for part in parts)), Severity.INFO
    )


def _optional(body: Mapping[str, Any], field: str, limit: int) -> str | None:
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise PayloadError(f"{field} must be a string where it is given.")
    return _line(value, limit)


def _event_time(value: object, now: datetime) -> datetime:
    found = None
    if isinstance(value, str) and len(value) <= _STAMP_LIMIT:
        found = moment(value) or moment(f"{value.strip()}+00:00")
    if found is None:
        raise PayloadError("timestamp must be an ISO 8601 time, such as 2026-11-24T03:12:00Z.")
    if now - found > PAST:
        raise PayloadError("timestamp is more than 24 hours past: it is too old to be believed.")
    if found - now > FUTURE:
        raise PayloadError("timestamp is more than 15 hours ahead: it is too far off to be believed.")
    return found


# -- Alertmanager ------------------------------------------------------------------------------------------------


def alertmanager(body: Mapping[str, Any]) -> tuple[Signal, ...]:
    """A signal for each alert of one message, in its order; raises PayloadError and then takes none of them."""
    if body.get("version") != "4":
        raise PayloadError('version must be "4".')
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        raise PayloadError("alerts must be a list.")
    if len(alerts) > MOST_ALERTS:
        raise PayloadError(f"alerts must be at most {MOST_ALERTS:,}: set max_alerts in the receiver.")
    return tuple(_alert(alert, f"alerts[{place}]") for place, alert in enumerate(alerts))


def _alert(alert: object, where: str) -> Signal:
    if not isinstance(alert, dict):
        raise PayloadError(f"{where} must be an object.")
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise PayloadError(f"{where}.status must be firing or resolved.")
    labels = alert.get("labels")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise PayloadError(f"{where}.labels must be an object of strings.")
    kind = _line(labels.get("alertname"), _KIND_LIMIT)
    if kind is None:
        raise PayloadError(f"{where}.labels.alertname must not be empty.")
    notes = alert.get("annotations")
    if notes is not None and not isinstance(notes, dict):
        raise PayloadError(f"{where}.annotations must be an object.")
    notes = notes or {}
    return Signal(
        source=Source.ALERTMANAGER,
        kind=kind,
        severity=_SEVERITIES.get(labels.get("severity", "").strip().lower(), Severity.WARNING),
        message=next(
            filter(None, (_line(notes.get(key)) for key in ("summary", "description", "message"))), kind
        ),
        bot=_line(labels.get("bot"), _NAME_LIMIT),
        identity=_identity(alert.get("fingerprint"), labels),
        began_at=_starts_at(alert.get("startsAt"), where),
        value=_value(notes.get("value")),
        firing=status == "firing",
        link=_link(alert.get("generatorURL")),
    )


def _starts_at(value: object, where: str) -> datetime:
    found = moment(value) if isinstance(value, str) and len(value) <= _STAMP_LIMIT else None
    if found is None or found.year > _LAST_YEAR:
        raise PayloadError(f"{where}.startsAt must be an RFC 3339 time, such as 2026-11-24T03:12:00Z.")
    return found


def _identity(fingerprint: object, labels: dict[str, str]) -> str:
    if isinstance(fingerprint, str) and _FINGERPRINT.fullmatch(fingerprint):
        return fingerprint
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:32]


def _value(value: object) -> float | None:
    """A finite number, also as text, since Prometheus writes its annotations as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return number(float(value))
    return number(value)


def _link(value: object) -> str:
    if (
        isinstance(value, str)
        and len(value) <= _LINK_LIMIT
        and value.isprintable()
        and _LINK.fullmatch(value)
    ):
        return value
    return ""


def _line(value: object, limit: int = REASON_LIMIT) -> str | None:
    """A string as one clean line, ``None`` when it is blank or no string."""
    return clean(value, limit=limit) or None if isinstance(value, str) else None
