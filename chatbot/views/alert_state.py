"""What the messages about alerts show: the facts before any wording; times are aware and in UTC."""

from dataclasses import dataclass
from datetime import datetime

from commands.alerting.model import Severity, Source
from config.settings import Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceShown:
    """One silence; ``pattern`` is outside text, ``owner`` a Slack user id."""

    number: int
    pattern: str
    owner: str
    reason: str
    begun_at: datetime
    ends_at: datetime
    until_resolved: bool = False  # it also ends with the alert it is about
    ended_at: datetime | None = None
    ended_by: str | None = None  # a person who ended it before its time
    matching: int = 0  # alerts that fire and are kept quiet by it
    title: str = ""  # of the one alert it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One alert within a message that tells several."""

    number: int
    severity: Severity
    bot: str | None
    message: str
    began_at: datetime
    count: int
    firing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """One alert as its card shows it; all texts but ids come from outside.

    ``members`` are the newest alerts of a message that tells several (then ``source`` is SUMMARY), with how many
    there are in all (``count``) and how many of them still fire (``firing_members``).
    """

    number: int
    source: Source
    kind: str
    bot: str | None
    severity: Severity
    message: str
    firing: bool
    began_at: datetime
    last_at: datetime
    now: datetime
    count: int = 1  # how often it was seen
    ended_at: datetime | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    link: str = ""
    logs: tuple[str, ...] = ()  # the last lines, masked
    owner: str | None = None
    owned_at: datetime | None = None
    silence: SilenceShown | None = None  # what keeps it quiet now
    was_silenced: SilenceShown | None = None  # what kept it quiet until now
    flapping: bool = False
    changes: int = 0  # in the window of flapping
    flap_minutes: float = 10
    calls: int = 0  # escalations made
    next_call_at: datetime | None = None
    storm: bool = False  # a summary of what came too fast for messages of its own
    members: tuple[Member, ...] = ()
    firing_members: int = 0
    by_bot: tuple[tuple[str, int], ...] = ()  # of a summary: bot or "-" -> alerts, most first
    handbook_url: str = ""
    by: str | None = None  # who made the kill that it is about
    drill: bool = False
    unheard: bool = False  # it is over only because its source did not say it again: nobody saw it end


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOut:
    """One escalation: whom it mentions and why."""

    step: int  # 0: the on-call person; 1: the second contact and everybody here; later: all of them again
    waited_seconds: float  # since it was told, unowned
    on_call: str | None  # a Slack user id
    contacts: tuple[Contact, ...] = ()
    here: bool = False  # mention everybody in the channel
    lapsed_owner: str | None = None  # who took it and did not answer when asked again
    next_in_minutes: float = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which the fleet was not watched."""

    begins: datetime
    ends: datetime
    why: str  # in our words: "the coordinator could not be read", "this bot was not running", "this process slept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What the daily digest tells of the 24 hours before ``now``."""

    now: datetime
    zone: str
    open_alerts: tuple[Member, ...]
    open_count: int
    began: int  # alerts that began
    ended: int
    held: int  # occurrences that were kept from being messages of their own
    kills: tuple[tuple[datetime, str, str], ...]  # (when, who, reason)
    approvals: tuple[tuple[str, str, str], ...]  # (title, verdict in words, who)
    recoveries: tuple[str, ...]  # bots that were seen running again, in our words
    gaps: tuple[Gap, ...]
    silences: tuple[SilenceShown, ...]
    on_call: str | None
    undelivered: int  # messages that Slack refused
    waiting: int  # messages still owed
    audit_seq: int
    audit_hash: str
