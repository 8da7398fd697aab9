"""The forms of a guided recovery."""

from collections.abc import Mapping

from chatbot.views.blocks import View, form, person_input, select_input, text_input
from chatbot.views.walk_words import titled
from storage.walk_steps import WalkStep
from storage.walks import Walk

NOTE = 500
OPTIONS = 100  # Slack's most


def done_form(walk: Walk, step: WalkStep, seen: str = "") -> View:
    """Done: what the person says they did; ``seen`` is what the fleet does, where the step is about that."""
    return _note(
        "walk.done",
        walk,
        step,
        title="Done",
        told=f"It is kept as *asserted by* you, for all to read. Only a look makes it verified.\n{seen}".strip(),
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
        told="It is kept as *skipped by* you, for all to read.",
        label="Why does it not apply?",
        submit="Skip",
    )


def _note(name: str, walk: Walk, step: WalkStep, *, title: str, told: str, label: str, submit: str) -> View:
    return form(
        name,
        f"{walk.id}:{step.id}",
        text_input("note", label, most=NOTE, optional=False),
        title=f"{title}: step {step.number}"[:24],
        explanation=f"*{titled(step)}* of recovery #{walk.id}. {told}",
        submit=submit,
    )


def pick_form(walk: Walk, titles: Mapping[str, str]) -> View:
    """Choose: any runbook there is."""
    return form(
        "walk.pick",
        f"{walk.id}:{walk.scenario}",
        select_input(
            "scenario", "Runbook", dict(list(titles.items())[:OPTIONS]), initial=walk.scenario or None
        ),
        title="Choose a runbook",
        explanation="Steps of assessing, stopping and investigating that both runbooks have stay done; all others "
        "begin anew.",
        submit="Choose",
    )


def hand_form(walk: Walk) -> View:
    """Hand over: to whom."""
    return form(
        "walk.hand",
        str(walk.id),
        person_input("person", "Who leads from now on?", optional=False),
        title="Hand over",
        explanation=f"Whoever leads recovery #{walk.id} next gets a summary of it, in its thread and directly.",
        submit="Hand over",
    )


def abandon_form(walk: Walk) -> View:
    """Abandon: why."""
    return form(
        "walk.abandon",
        str(walk.id),
        text_input("note", "Why is it given up?", most=NOTE, optional=False),
        title="Abandon",
        explanation=f"Recovery #{walk.id} ends as abandoned, and nothing in the fleet changes by that: what is stopped "
        "stays stopped, what runs goes on running.",
        submit="Abandon",
    )
