"""The forms of a guided recovery."""

from collections.abc import Mapping

from chatbot.views.blocks import View, form, person_input, select_input, text_input
from chatbot.views.markup import outside
from storage.walks import Walk, WalkStep

NOTE = 500


def done_form(walk: Walk, step: WalkStep) -> View:
    """Done: what the person says they did."""
    return _note(
        "walk.done",
        walk,
        step,
        title="Done",
        told="This is kept as *asserted by* you: a step is verified only when a look shows it.",
        label=step.record or "What did you do or find?",
        submit="Done",
    )


def skip_form(walk: Walk, step: WalkStep) -> View:
    """Skip: why it does not apply."""
    return _note(
        "walk.skip",
        walk,
        step,
        title="Skip",
        told="The step is kept as skipped by you.",
        label="Why does it not apply?",
        submit="Skip",
    )


def _note(name: str, walk: Walk, step: WalkStep, *, title: str, told: str, label: str, submit: str) -> View:
    return form(
        name,
        f"{walk.id}:{step.id}",
        text_input("note", label, most=NOTE, optional=False),
        title=f"{title}: step {step.number}"[:24],
        explanation=f"*{outside(step.title, 80)}* of recovery #{walk.id}. {told}",
        submit=submit,
    )


def pick_form(walk: Walk, titles: Mapping[str, str]) -> View:
    """Choose: any runbook there is."""
    return form(
        "walk.pick",
        str(walk.id),
        select_input("scenario", "Runbook", titles, initial=walk.scenario or None),
        title="Choose a runbook",
        explanation="What was done of steps that both runbooks begin with stays done; the others are laid out anew.",
        submit="Choose",
    )


def hand_form(walk: Walk) -> View:
    """Hand over: to whom."""
    return form(
        "walk.hand",
        str(walk.id),
        person_input("person", "Who leads from now on?", optional=False),
        title="Hand over",
        explanation=f"Whoever leads recovery #{walk.id} gets a summary of it in its thread.",
        submit="Hand over",
    )


def abandon_form(walk: Walk) -> View:
    """Abandon: why."""
    return form(
        "walk.abandon",
        str(walk.id),
        text_input("note", "Why is it given up?", most=NOTE, optional=False),
        title="Abandon",
        explanation=f"Recovery #{walk.id} ends as abandoned. Nothing in the fleet is changed: what stands still stays.",
        submit="Abandon",
    )
