"""What the work on alerts needs beside the desk of all runs: the operator's decisions in the rules' own words."""

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from chatbot.desk import Desk
from commands.alerting.model import Severity
from commands.alerting.policy import AlertPolicy, Window, window_of
from config.settings import Alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDesk:
    """The dependencies of everything about alerts; ``channel`` is where they are told."""

    desk: Desk
    channel: str
    settings: Alerts
    policy: AlertPolicy
    windows: tuple[Window, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @classmethod
    def of(cls, desk: Desk, settings: Alerts, channel: str) -> "AlertDesk":
        """The desk that these settings make."""
        windows = (window_of(settings.quiet_hours, settings.zone),) if settings.quiet_hours else ()
        return cls(
            desk=desk,
            channel=channel,
            settings=settings,
            policy=policy_of(settings),
            windows=windows,
            zone=ZoneInfo(settings.zone),
        )


def policy_of(settings: Alerts) -> AlertPolicy:
    """The numbers of the settings as spans."""
    return AlertPolicy(
        group_span=timedelta(seconds=settings.group_seconds),
        group_from=settings.group_from,
        flap_changes=settings.flap_changes,
        flap_span=timedelta(minutes=settings.flap_minutes),
        calls_per_minute=settings.per_minute,
        cards_per_hour=settings.per_hour,
        escalate_after=tuple(timedelta(minutes=each) for each in settings.escalate_minutes),
        escalate_every=timedelta(minutes=settings.escalate_every_minutes),
        ack_lasts=timedelta(minutes=settings.ack_minutes),
        ack_grace=timedelta(minutes=settings.ack_grace_minutes),
        severities={kind: Severity(word) for kind, word in settings.severities.items()},
    )
