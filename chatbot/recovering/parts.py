"""The composition of everything about recovery logs, for the composition root."""

from dataclasses import dataclass

from chatbot.admission import Admission
from chatbot.desk import Desk
from chatbot.identity import People
from chatbot.jobs import Job
from chatbot.posting import Poster
from chatbot.recovering.acts import RecoveryActs
from chatbot.recovering.answering import RecoveryAnswering
from chatbot.recovering.pressing import RecoveryPressing
from chatbot.recovering.reminding import LOOK_SECONDS, Reminders
from chatbot.replies import Replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovering:
    """Every part about recovery logs of one serving process."""

    answering: RecoveryAnswering
    pressing: RecoveryPressing
    reminders: Reminders

    def jobs(self) -> tuple[Job, ...]:
        """The ticks of these parts."""
        return (
            Job(name="remind of checklists", seconds=LOOK_SECONDS, run=self.reminders.look, at_once=True),
        )


def build(
    *, desk: Desk, people: People, admission: Admission, poster: Poster, replies: Replies
) -> Recovering:
    """The parts, built once."""
    acts = RecoveryActs(desk=desk)
    pressing = RecoveryPressing(
        desk=desk, people=people, admission=admission, acts=acts, poster=poster, replies=replies
    )
    return Recovering(
        answering=RecoveryAnswering(acts=acts, pressing=pressing),
        pressing=pressing,
        reminders=Reminders(desk=desk),
    )
