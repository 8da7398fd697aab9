"""The words of a recovery's card: words before marks, and a time and an age beside everything that was seen."""

from datetime import datetime, timedelta

from chatbot.views.markup import NAME_SHOWN, lasting, outside, person, when, with_people
from chatbot.views.walk_state import WalkCard
from commands.coordinator.model import MOVING, FleetStatus
from commands.probes.record import SOURCE
from commands.probes.signs import SIGNS
from commands.walking.judging import GRADUAL, HOLDING, fresh, released, seen_all_the_time, stale, tried
from commands.walking.stepping import cause_of, least_window
from commands.walking.watching import long_enough
from commands.words import listed
from storage.walk_steps import StepState, WalkStep
from storage.walks import WalkState

NOTE_SHOWN = 120
TITLE_SHOWN = 80
PEOPLE_SHOWN = 8
BOTS_SHOWN = 12
OLD = timedelta(seconds=90)
"""From this age on a read of the fleet is told as old."""

PHASES = {
    "assess": "Assess",
    "stop": "Stop",
    "investigate": "Investigate",
    "fix": "Fix",
    "verify": "Verify",
    "recover": "Gradual recovery",
    "document": "Document",
}
LEGEND = "✅ was seen by a look, ☑️ is what a person says, ◻️ is not done yet"

# Whole words alone: "kill-U7F3K2QX" names an action, and what ends in "…" may be the beginning of another id.


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
    """Who leads, and on a line of its own who is on which step."""
    on = [f"{person(each.person)} is on step {each.number}" for each in state.people[:PEOPLE_SHOWN]]
    more = len(state.people) - PEOPLE_SHOWN
    others = ", ".join([*on, *([f"and {more} more"] if more > 0 else [])])
    return f"*Lead*: {person(state.walk.lead)}" + (f"\n{others}" if others else "")


def fleet(state: WalkCard) -> str:
    """What the bots do by the newest read, with a warning where one trades that was to be kept still."""
    line, seen = last_read(state), state.fleet
    if seen is None or not state.open:
        return ""
    moving = [name for name in state.kept_down if name in seen.bots and seen.bots[name].status in MOVING]
    if not moving or not _to_be_still(state) or _is_old(state, seen):
        return line
    warned = f"⚠️ *{outside(listed(moving), 200)} may trade*, and this recovery keeps it stopped: type /kill or /stop."
    return f"{warned} {line}"


def last_read(state: WalkCard) -> str:
    """What the bots did when they were read last; "" where they never were."""
    seen = state.fleet
    if seen is None:
        return ""
    bots = [
        f"{outside(name, NAME_SHOWN)} {outside(bot.status or 'unknown', 20)}"
        for name, bot in seen.bots.items()
    ]
    switch = {True: "active", False: "inactive", None: "unknown"}[seen.kill_switch_active]
    shown = ", ".join(bots[:BOTS_SHOWN]) or "no bot is listed"
    told = f"{shown}; kill switch {switch}"
    if _is_old(state, seen):
        read = f"*The fleet* was not read here since {when(seen.observed_at)}"
        return f"{read}, so what it does now is not known. Then: {told}"
    return f"*The fleet* at {when(seen.observed_at)}: {told}"


def _is_old(state: WalkCard, seen: FleetStatus) -> bool:
    return not timedelta(seconds=-60) <= state.now - seen.observed_at <= OLD


def _to_be_still(state: WalkCard) -> bool:
    """True once the stop was settled, also where it was undone since, and before anything is started again."""
    stop = [each for each in state.steps if each.phase == "stop"]
    return any(each.state != StepState.OPEN or each.note for each in stop) and not tried(state.steps)


def cause(state: WalkCard) -> str:
    """The cause that somebody named, and who; "" before that."""
    found = cause_of(state.steps)
    return f"*Cause*: {outside(found.note, 300)} (_asserted by_ {_by(found)})" if found is not None else ""


def titled(step: WalkStep, limit: int = TITLE_SHOWN) -> str:
    """The title of a step, with its bot where the title does not name it."""
    bot = f" ({outside(step.bot, NAME_SHOWN)})" if step.bot and step.bot not in step.title else ""
    return outside(step.title, limit) + bot


def step_line(state: WalkCard, step: WalkStep) -> str:
    """One step in one line."""
    here = state.open and state.current is not None and step.number == state.current.number
    title = titled(step)
    match step.state:
        case StepState.VERIFIED:
            return f"✅ {step.number}. {title}: {_verified(state, step)}"
        case StepState.ASSERTED:
            return f"☑️ {step.number}. {title}: _asserted by_ {_by(step)}{note(step)}"
        case StepState.SKIPPED:
            return f"⏭️ {step.number}. {title}: _skipped by_ {_by(step)}{note(step)}"
        case _:
            line = f"▶️ *{step.number}. {title}*: next" if here else f"◻️ {step.number}. {title}"
            return f"{line}{note(step)}"


def age(state: WalkCard, step: WalkStep) -> str:
    """How long ago a step was seen to be so."""
    return "at an unknown time" if step.seen_at is None else ago(state.now, step.seen_at)


def ago(now: datetime, at: datetime) -> str:
    """How long before ``now`` something was."""
    passed = now - at
    if passed < timedelta(seconds=-60):
        return "by a clock that was ahead"
    return "just now" if passed < timedelta(seconds=60) else f"{lasting(passed)} ago"


def _verified(state: WalkCard, step: WalkStep) -> str:
    if step.seen_at is None:
        said = "*verified* at an unknown time"
    elif not state.open:  # nobody draws it again, so that an age would soon be false
        said = f"*verified* at {when(step.seen_at)}"
    else:
        said = f"*verified* {age(state, step)} ({when(step.seen_at)})"
    needed = step.phase in HOLDING and not released(state.steps)
    if needed and state.open and not fresh(step, now=state.now, for_=state.fresh_for):
        return f"{said}, *no longer fresh*: press Check to look again"
    return said


def no_longer_fresh(state: WalkCard) -> str:
    """Before the fleet is released: what was verified too long ago to be relied on; "" when there is nothing."""
    step = state.current
    if step is None or step.phase != GRADUAL:
        return ""
    old = stale(state.steps, now=state.now, for_=state.fresh_for)
    numbers = [f"{each.number} ({titled(each, 40)}, {age(state, each)})" for each in old]
    if not numbers:
        return ""
    which = "step" if len(numbers) == 1 else "steps"
    return f"⚠️ *No longer fresh*: {which} {listed(numbers)}. Press Check before you go on."


def _by(step: WalkStep) -> str:
    at = f" at {when(step.settled_at)}" if step.settled_at is not None else ""
    return f"{person(step.by or '')}{at}"


def note(step: WalkStep, limit: int = NOTE_SHOWN) -> str:
    """What a person wrote beside a step, behind a colon; "" when nothing is to be seen of it."""
    shown = outside(step.note, limit)
    return f": {shown}" if shown else ""


def _wanted(sign: str, *, seen: bool) -> str:
    known = SIGNS.get(sign)
    if known is None:
        return f"{sign}, which nothing tells any more"
    return known.words if seen else known.absent


def window(state: WalkCard, step: WalkStep) -> str:
    """The window that is open already, for a step that waits for one: whether it is long enough."""
    found = state.window
    if found is None:
        return ""
    told = f"*Window #{found.id}* of {lasting(found.ends_at - found.begun_at)} is open until {when(found.ends_at)}: "
    if not long_enough(found, least_window(step)):
        return f"{told}too short for this step, which takes {lasting(least_window(step))}."
    return f"{told}this step is verified when it ends stable, so there is nothing to press until then."


def expectation(step: WalkStep) -> str:
    """What verifies a step, in words."""
    if not step.expects:
        return "No look can verify this step: do it, then press Done and say what you did."
    wanted = [_wanted(name, seen=seen) for name, seen in step.expects.items()]
    how = "Ticks itself" if seen_all_the_time(step) else "Press Check: it is verified"
    return f"{how} once this is seen: {outside('; '.join(wanted), 400)}."


def found(text: str, source: str, limit: int) -> str:
    """What was seen, as markup; the ids of people become mentions where our own record names them."""
    shown = outside(text, limit)
    return with_people(shown) if source == SOURCE else shown


def looked(line: str, limit: int) -> str:
    """A line of what a look showed, which ends in its source in brackets, as markup."""
    return found(line, SOURCE if line.endswith(f" ({SOURCE})") else "", limit)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 step", "2 steps"."""
    return f"{number} {one if number == 1 else many or one + 's'}"
