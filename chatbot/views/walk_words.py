"""The words of a recovery's card: words before marks, and an age beside everything that was seen."""

from chatbot.views.markup import lasting, outside, person, when
from chatbot.views.walk_state import WalkCard
from commands.probes.signs import SIGNS
from commands.walking.judging import fresh
from storage.walks import StepState, WalkState, WalkStep

NOTE_SHOWN = 120
TITLE_SHOWN = 80
PHASES = {
    "assess": "Assess",
    "stop": "Stop",
    "investigate": "Investigate",
    "fix": "Fix",
    "verify": "Verify",
    "recover": "Gradual recovery",
    "document": "Document",
}


def headline(state: WalkCard) -> str:
    """What it is and where it stands, in one line of plain text."""
    walk = state.walk
    name = f"Recovery #{walk.id}: {state.what}"
    if walk.state == WalkState.DONE:
        return f"🧭 {name} (done)"
    if walk.state == WalkState.ABANDONED:
        return f"🧭 {name} (abandoned)"
    step = state.current
    if step is None:
        return f"🧭 {name} (choose a runbook)"
    return f"🧭 {name} (step {step.number} of {len(state.steps)})"


def who(state: WalkCard) -> str:
    """Who leads, and who is on which step."""
    on = [f"{person(each.person)} is on step {each.number}" for each in state.people]
    return " · ".join([f"*Lead*: {person(state.walk.lead)}", *on])


def step_line(state: WalkCard, step: WalkStep) -> str:
    """One step in one line."""
    here = state.current is not None and step.number == state.current.number
    title = outside(step.title, TITLE_SHOWN)
    match step.state:
        case StepState.VERIFIED:
            return f"✅ {step.number}. {title}: {_verified(state, step)}"
        case StepState.ASSERTED:
            return f"☑️ {step.number}. {title}: _asserted by_ {_by(step)}{_note(step)}"
        case StepState.SKIPPED:
            return f"⏭️ {step.number}. {title}: _skipped by_ {_by(step)}{_note(step)}"
        case _:
            undone = f" ({outside(step.note, NOTE_SHOWN)})" if step.note else ""
            return f"▶️ *{step.number}. {title}*: now{undone}" if here else f"◻️ {step.number}. {title}{undone}"


def age(state: WalkCard, step: WalkStep) -> str:
    """How long ago a step was seen to be so."""
    if step.seen_at is None:
        return "at an unknown time"
    passed = state.now - step.seen_at
    return "just now" if passed.total_seconds() < 60 else f"{lasting(passed)} ago"


def _verified(state: WalkCard, step: WalkStep) -> str:
    said = f"*verified* {age(state, step)}"
    needed = step.phase in {"stop", "fix", "verify"} and not _released(state)
    if needed and state.open and not fresh(step, now=state.now, for_=state.fresh_for):
        return f"{said}, *no longer fresh*: Check looks again"
    return said


def _released(state: WalkCard) -> bool:
    return any(each.phase == "recover" and each.state != StepState.OPEN for each in state.steps)


def _by(step: WalkStep) -> str:
    at = f" at {when(step.settled_at)}" if step.settled_at is not None else ""
    return f"{person(step.by or '')}{at}"


def _note(step: WalkStep) -> str:
    return f": {outside(step.note, NOTE_SHOWN)}" if step.note else ""


def expectation(step: WalkStep) -> str:
    """What verifies a step, in words."""
    if not step.expects:
        return "Nothing can verify this step: press Done and say what you did."
    wanted = [SIGNS[name].words if seen else SIGNS[name].absent for name, seen in step.expects.items()]
    return f"Verified once this is seen: {outside('; '.join(wanted), 400)}."
