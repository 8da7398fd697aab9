"""The composition of everything about recoveries and what looks closer, for the composition root."""

from dataclasses import dataclass

from chatbot.admission import Admission
from chatbot.alerting.lead import Lead
from chatbot.desk import Desk
from chatbot.diagnosing.answering import DiagnosisAnswering
from chatbot.diagnosing.configuring import Configuring
from chatbot.diagnosing.evidencing import Evidencing
from chatbot.diagnosing.hosting import Hosting
from chatbot.diagnosing.reporting import Reporting
from chatbot.identity import People
from chatbot.intake import Intake
from chatbot.jobs import PRUNE_SECONDS, Job
from chatbot.posting import Poster
from chatbot.replies import Replies
from chatbot.walking.acts import WalkActs
from chatbot.walking.answering import WalkAnswering
from chatbot.walking.desk import WalkDesk
from chatbot.walking.pressing import WalkPressing
from chatbot.walking.probing import Prober
from chatbot.walking.sighting import Sightings
from chatbot.walking.tending import TICK_SECONDS, WalkTending
from commands.coordinator.monitor import Monitor
from config.settings import Alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Walking:
    """Every part about recoveries of one serving process."""

    answering: WalkAnswering
    diagnosis: DiagnosisAnswering
    pressing: WalkPressing
    tending: WalkTending
    sightings: Sightings

    def jobs(self) -> tuple[Job, ...]:
        """The ticks of these parts."""
        return (
            Job(name="look after recoveries", seconds=TICK_SECONDS, run=self.tending.look, at_once=True),
            Job(name="forget old sightings", seconds=PRUNE_SECONDS, run=self.sightings.prune),
        )


def build(
    *,
    desk: Desk,
    monitor: Monitor | None,
    alerts: Alerts,
    lead: Lead,
    people: People,
    admission: Admission,
    intake: Intake,
    poster: Poster,
    replies: Replies,
) -> Walking:
    """The parts, built once."""
    walk_desk = WalkDesk(desk=desk)
    prober = Prober(
        desk=walk_desk,
        monitor=monitor,
        health_below=alerts.health_below,
        approaching_percent=alerts.approaching_percent,
    )
    acts = WalkActs(desk=walk_desk, prober=prober)
    return Walking(
        answering=WalkAnswering(acts=acts, role_of=people.role),
        diagnosis=DiagnosisAnswering(
            reporting=Reporting(desk=walk_desk, prober=prober),
            configuring=Configuring(desk=walk_desk),
            evidencing=Evidencing(desk=walk_desk, monitor=monitor, prober=prober),
            hosting=Hosting(desk=desk),
        ),
        pressing=WalkPressing(
            desk=desk,
            people=people,
            admission=admission,
            intake=intake,
            acts=acts,
            poster=poster,
            replies=replies,
        ),
        tending=WalkTending(desk=walk_desk, prober=prober, acts=acts, lead=lead),
        sightings=Sightings(desk=walk_desk),
    )
