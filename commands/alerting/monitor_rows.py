"""The rows of the monitor's GET /alerts as signals; conditions that only stand ready are none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from commands.alerting.fingerprint import fingerprint
from commands.alerting.model import Kind, Severity, Signal, Source
from commands.coordinator.model import MonitorAlert

_NO_TIME = datetime.min.replace(tzinfo=UTC)
_STOPPED = re.compile(r"kill.?switch|\b(stopp\w*|paus\w*|halt\w*|has lost)\b", re.IGNORECASE)
_TROUBLE = re.compile(r"\b(fail\w*|crash\w*|exception|traceback|could not|cannot|did not)\b", re.IGNORECASE)
_SEVERITIES = {severity.value: severity for severity in Severity}


def signals(rows: tuple[MonitorAlert, ...]) -> tuple[Signal, ...]:
    """One signal for all rows of the same alert, in the order in which their first rows are listed."""
    alike: dict[str, list[MonitorAlert]] = {}
    known: dict[tuple[str, str | None], str] = {}  # the same words again need no second look
    for row in rows:
        if not row.armed:
            words = (row.message, row.bot)
            key = known.get(words) or known.setdefault(words, fingerprint(_signal(row)))
            alike.setdefault(key, []).append(row)
    return tuple(_together(group) for group in alike.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Something that we did to one bot, or (``bot`` is ``None``) to the whole fleet, and how long it explains what is
    said."""

    bot: str | None
    begins: datetime
    ends: datetime


def unexpected(rows: tuple[MonitorAlert, ...], ours: Sequence[Ours]) -> tuple[MonitorAlert, ...]:
    """The rows without those that only say what we did: that a bot stopped when we had stopped it.

    A row without a time explains itself by nothing and stays.
    """
    return tuple(row for row in rows if not any(_explains(act, row) for act in ours))


def _explains(act: Ours, row: MonitorAlert) -> bool:
    if row.at is None or not act.begins <= row.at <= act.ends or _TROUBLE.search(row.message):
        return False
    about = act.bot is None or row.bot == act.bot
    return about and _STOPPED.search(row.message) is not None


def armed(rows: tuple[MonitorAlert, ...]) -> tuple[str, ...]:
    """The conditions that stand ready, by name, each once, as the monitor lists them."""
    names = (row.message.rpartition(":")[2].strip() or row.message for row in rows if row.armed)
    return tuple(dict.fromkeys(names))


def _together(group: Sequence[MonitorAlert]) -> Signal:
    """A row without a time is older than any with one; of two equally old ones the later in the list is newer."""
    newest = max(reversed(group), key=lambda row: row.at or _NO_TIME)
    signal = _signal(newest)
    severity = max((_severity(row) for row in group), key=lambda each: each.rank)
    began_at = min((row.at for row in group if row.at is not None), default=None)
    return replace(signal, severity=severity, began_at=began_at, seen=len(group))


def _signal(row: MonitorAlert) -> Signal:
    return Signal(
        source=Source.MONITOR,
        kind=Kind.MONITOR_ALERT,
        severity=_severity(row),
        message=row.message,
        bot=row.bot,
        began_at=row.at,
    )


def _severity(row: MonitorAlert) -> Severity:
    return _SEVERITIES.get((row.kind or "").strip().lower(), Severity.WARNING)
