"""The numbers by which alerts are told; lengths of time are spans, so that no rule knows a unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from commands.alerting.model import BORN_CRITICAL, POLLED, Severity, Source

CRITICAL_SILENCE = timedelta(hours=1)
"""Nothing makes a critical alert quiet for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of every day, possibly over midnight, in which what can wait waits."""

    begins: time
    ends: time
    zone: ZoneInfo

    def end_of(self, now: datetime) -> datetime | None:
        """When the window that holds ``now`` ends, ``None`` when none holds it."""
        here = now.astimezone(self.zone)
        at = here.time()
        over_midnight = self.begins > self.ends
        inside = (at >= self.begins or at < self.ends) if over_midnight else (self.begins <= at < self.ends)
        if not inside:
            return None
        day = here.date() + timedelta(days=1) if over_midnight and at >= self.begins else here.date()
        end = datetime.combine(day, self.ends, tzinfo=self.zone).astimezone(now.tzinfo)
        return end if end > now else now + timedelta(minutes=1)  # an hour that the clocks repeat or skip


def window_of(hours: str, zone: str) -> Window:
    """The window that is written "22:00-07:00"."""
    begins, ends = (datetime.strptime(each, "%H:%M").time() for each in hours.split("-"))  # noqa: DTZ007 - no date
    return Window(begins=begins, ends=ends, zone=ZoneInfo(zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """What the operator decided about alerts; calls are calls of Slack."""

    group_span: timedelta = timedelta(seconds=300)
    group_from: int = 3
    flap_changes: int = 4
    flap_span: timedelta = timedelta(minutes=10)
    calls_per_minute: int = 10
    cards_per_hour: int = 100
    escalate_after: tuple[timedelta, ...] = (timedelta(minutes=2), timedelta(minutes=5))
    escalate_every: timedelta = timedelta(minutes=10)
    ack_lasts: timedelta = timedelta(minutes=30)
    ack_grace: timedelta = timedelta(minutes=10)
    redraw_every: timedelta = timedelta(
        seconds=20
    )  # of a message of several; of one alert's card three times that
    severities: Mapping[str, Severity] = field(default_factory=dict)

    def severity(self, kind: str, said: Severity, source: Source) -> Severity:
        """The severity that counts: the operator's for this kind, else the source's; some of ours are born critical."""
        if kind in BORN_CRITICAL and source in POLLED:
            return Severity.CRITICAL
        return self.severities.get(kind, said)
