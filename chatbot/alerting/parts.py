"""The composition of everything about alerts, for the composition root."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chatbot.admission import Admission
from chatbot.alerting.acts import Acts
from chatbot.alerting.answering import Answering
from chatbot.alerting.arrivals import Arrivals
from chatbot.alerting.delivery import PROBE_SECONDS, Delivery
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.digest import Digests
from chatbot.alerting.heartbeat import Heartbeat
from chatbot.alerting.lead import RENEW_SECONDS, Lead
from chatbot.alerting.looking import Looking
from chatbot.alerting.ping import PING_SECONDS, Ping
from chatbot.alerting.pressing import Pressing
from chatbot.alerting.record import LOOK_SECONDS, RecordEyes
from chatbot.alerting.tending import AlertTending
from chatbot.alerting.watching import FleetEyes, MonitorEyes
from chatbot.channels import Channels
from chatbot.desk import Desk
from chatbot.hooks import Hooks
from chatbot.identity import People
from chatbot.intake import Intake
from chatbot.jobs import Job
from chatbot.posting import Poster
from chatbot.replies import Replies
from commands.coordinator.monitor import Monitor
from config.settings import Settings

DIGEST_LOOK_SECONDS = 5.0
HEARTBEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Every part about alerts of one serving process."""

    desk: AlertDesk
    lead: Lead
    arrivals: Arrivals
    tending: AlertTending
    heartbeat: Heartbeat
    fleet: FleetEyes
    monitor: MonitorEyes | None
    record: RecordEyes
    delivery: Delivery
    digests: Digests
    ping: Ping
    answering: Answering
    pressing: Pressing
    hooks: Hooks

    def jobs(self) -> tuple[Job, ...]:
        """The ticks of these parts."""
        return (
            Job(name="hold or take the lead", seconds=RENEW_SECONDS, run=self.lead.renew),
            Job(name="look at our own record", seconds=LOOK_SECONDS, run=self.record.look),
            Job(name="count the looks of a kill", seconds=HEARTBEAT_SECONDS, run=self.heartbeat.look),
            Job(name="look at our channels", seconds=PROBE_SECONDS, run=self.delivery.probe, at_once=True),
            Job(name="the daily digest", seconds=DIGEST_LOOK_SECONDS, run=self.digests.look, at_once=True),
            Job(name="tell who watches us that all is well", seconds=PING_SECONDS, run=self.ping.look),
        )


def build(
    settings: Settings,
    *,
    desk: Desk,
    monitor: Monitor | None,
    channels: Channels,
    people: People,
    admission: Admission,
    intake: Intake,
    poster: Poster,
    replies: Replies,
    owner: str,
    clock: Callable[[], float] = time.monotonic,
) -> Alerting:
    """The parts, built once."""
    places = settings.channels
    alert_desk = AlertDesk.of(desk, settings.alerts, places.alerts or places.ops or "")
    lead = Lead(database=desk.database, owner=owner, now=desk.now)
    tending = AlertTending(desk=alert_desk)
    arrivals = Arrivals(desk=alert_desk, monitor=monitor, wake=tending.wake, clock=clock)
    heartbeat = Heartbeat(desk=alert_desk, poll_seconds=settings.coordinator.poll_seconds)
    eyes = (
        MonitorEyes(
            desk=alert_desk,
            monitor=monitor,
            arrivals=arrivals,
            lead=lead,
            calm=lambda: desk.coordinator.calm,
        )
        if monitor is not None
        else None
    )
    acts = Acts(desk=alert_desk, wake=tending.wake)
    looking = Looking(desk=alert_desk)
    secrets = settings.hooks
    return Alerting(
        desk=alert_desk,
        lead=lead,
        arrivals=arrivals,
        tending=tending,
        heartbeat=heartbeat,
        fleet=FleetEyes(desk=alert_desk, arrivals=arrivals, heartbeat=heartbeat, tending=tending),
        monitor=eyes,
        record=RecordEyes(desk=alert_desk, arrivals=arrivals),
        delivery=Delivery(desk=desk, channels=channels, ours=(desk.ops, alert_desk.channel, desk.approvals)),
        digests=Digests(desk=alert_desk),
        ping=Ping(desk=alert_desk, heartbeat=heartbeat, monitor=eyes, lead=lead),
        answering=Answering(
            desk=alert_desk,
            people=people,
            acts=acts,
            looking=looking,
            armed=lambda: eyes.armed if eyes is not None else (),
        ),
        pressing=Pressing(
            desk=desk,
            admission=admission,
            intake=intake,
            acts=acts,
            looking=looking,
            poster=poster,
            replies=replies,
        ),
        hooks=Hooks(
            coordinator_secret=secrets.coordinator_secret.get_secret_value()
            if secrets.coordinator_secret
            else None,
            alertmanager_token=secrets.alertmanager_token.get_secret_value()
            if secrets.alertmanager_token
            else None,
            take=arrivals.deliver,
            refused=desk.metrics.refused,
            now=desk.now,
        ),
    )
