"""The composition of everything about windows, for the composition root."""

from dataclasses import dataclass

from chatbot.admission import Admission
from chatbot.alerting.lead import Lead
from chatbot.approvals.asking import Asking
from chatbot.desk import Desk
from chatbot.intake import Intake
from chatbot.jobs import PRUNE_SECONDS, Job
from chatbot.monitoring.acts import WindowActs
from chatbot.monitoring.answering import WindowAnswering
from chatbot.monitoring.pressing import WindowPressing
from chatbot.monitoring.watching import TICK_SECONDS, Windows
from chatbot.posting import Poster
from chatbot.replies import Replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Every part about windows of one serving process."""

    windows: Windows
    answering: WindowAnswering
    pressing: WindowPressing

    def jobs(self) -> tuple[Job, ...]:
        """The ticks of these parts."""
        return (
            Job(name="look after windows", seconds=TICK_SECONDS, run=self.windows.look, at_once=True),
            Job(name="forget old looks", seconds=PRUNE_SECONDS, run=self.windows.prune),
        )


def build(
    *,
    desk: Desk,
    lead: Lead,
    intake: Intake,
    asking: Asking,
    admission: Admission,
    poster: Poster,
    replies: Replies,
) -> Monitoring:
    """The parts, built once."""
    acts = WindowActs(desk=desk)
    return Monitoring(
        windows=Windows(desk=desk, intake=intake, lead=lead),
        answering=WindowAnswering(acts=acts),
        pressing=WindowPressing(
            desk=desk,
            admission=admission,
            intake=intake,
            asking=asking,
            acts=acts,
            poster=poster,
            replies=replies,
        ),
    )
