"""The forms of recovery logs."""

from collections.abc import Sequence

from chatbot.views.blocks import View, date_input, form, person_input, select_input, text_input
from chatbot.views.markup import outside
from commands.recovering.model import OUTCOMES, SCENARIOS, Draft
from storage.recoveries import Item, RecoveryRow

NOT_YET = "not-yet"
FIELD = 3000
LABELS = {
    "issue": "Issue: what was seen",
    "cause": "Root cause ('unknown' is an answer)",
    "taken": "Actions taken",
    "lessons": "Lessons learned",
}


def log_form(draft: Draft, metadata: str, *, title: str) -> View:
    """The handbook's fields, filled as the draft is."""
    return form(
        "recovery.save",
        metadata,
        text_input(
            "began",
            "Date, in UTC",
            initial=f"{draft.began_at:%Y-%m-%d %H:%M:%S}",
            most=40,
            lines=False,
            optional=False,
        ),
        select_input("scenario", "Scenario", SCENARIOS, initial=draft.scenario),
        text_input("issue", LABELS["issue"], initial=draft.issue, optional=False),
        text_input("cause", LABELS["cause"], initial=draft.root_cause),
        text_input("taken", LABELS["taken"], initial=draft.actions_taken),
        select_input(
            "outcome",
            "Outcome",
            {NOT_YET: "Not known yet", **OUTCOMES},
            initial=draft.outcome or NOT_YET,
        ),
        text_input("lessons", LABELS["lessons"], initial=draft.lessons),
        title=title,
        explanation=(
            f"*{outside(draft.bot or 'the fleet', 60)}*: filled with what was recorded. It can be saved as it is and "
            "edited later; it is closed once it has a root cause and an outcome."
        ),
        submit="Save",
    )


def correct_form(log: RecoveryRow) -> View:
    """What is appended to a closed log."""
    return form(
        "recovery.correct",
        str(log.id),
        text_input("text", "What is to be corrected?", optional=False),
        title=f"Correct #{log.id}",
        explanation="The log itself stays as it was closed; this is appended under your name.",
        submit="Append",
    )


def assign_form(log: RecoveryRow, items: Sequence[Item], reader: str) -> View:
    """Who does one item, and until when."""
    left = {str(each.id): each.title for each in items if each.done_at is None}
    return form(
        "recovery.assign",
        str(log.id),
        select_input("item", "Which?", left or {"0": "Nothing is left"}),
        person_input("owner", "Who?", initial=reader, optional=False),
        date_input("day", "Due on (empty: as it is)"),
        title="Assign",
        explanation=f"One item of the checklist of recovery log #{log.id}.",
        submit="Assign",
    )
