"""What is said about a guided recovery: its card, the replies in its thread, the hand-over, and lists."""

from collections.abc import Sequence

from chatbot.views import walk_words as words
from chatbot.views.blocks import Block, Message, context, message, section
from chatbot.views.markup import NAME_SHOWN, channel, escape, outside, person, when
from chatbot.views.walk_card import (
    COMMANDS_SHOWN,
    LOOKED_LINE,
    PROPOSALS_SHOWN,
    STEP_TEXT,
    card,
    different,
    ended_lines,
    in_sections,
    proposal,
    took,
)
from chatbot.views.walk_state import WalkCard
from commands.walking import judging
from storage.recoveries import RecoveryRow
from storage.walk_steps import StepState, WalkStep
from storage.walks import WalkState
from storage.windows import WindowRow

__all__ = [
    "COMMANDS_SHOWN",
    "PROPOSALS_SHOWN",
    "answer",
    "begun",
    "card",
    "chosen",
    "ended",
    "handed_over",
    "killed",
    "listing",
    "no_longer",
    "opened",
    "proposal",
    "settled",
    "shown",
    "similar",
    "summary",
    "undone",
]

LISTED = 10
NOTE = 400
DONE_SHOWN = 8
KNOWN_SHOWN = 4
THEN_SHOWN = 3
TITLE = 60


# -- the thread --------------------------------------------------------------------------------------------------


def opened(state: WalkCard) -> Message:
    """The first reply: what happened to this bot before."""
    if not state.similar:
        return message(
            section(f"No recovery log of {outside(state.what, NAME_SHOWN)} is kept yet: this is the first.")
        )
    lines = [f"• {similar(each)}" for each in state.similar]
    return message(
        section(f"*The last recovery logs of {outside(state.what, NAME_SHOWN)}*:", *lines),
        context(f"/recoveries {state.similar[0].id} tells the first of them in full"),
    )


def similar(log: RecoveryRow) -> str:
    """An earlier recovery in one line."""
    cause = outside(log.root_cause, 160) or "no root cause written down"
    return f"#{log.id}, {when(log.began_at, day=True)}, {outside(log.scenario, 40)}: {cause}"


def settled(step: WalkStep) -> Message:
    """How a step was settled, as a reply."""
    title = f"Step {step.number}, {words.titled(step)}"
    by, note = person(step.by or ""), words.note(step, NOTE)
    match step.state:
        case StepState.VERIFIED:
            lines = [f"• {words.looked(each, 200)}" for each in step.seen]
            return message(*in_sections([f"✅ *{title}* is verified.", *lines], most=1))
        case StepState.SKIPPED:
            return message(section(f"⏭️ *{title}* is skipped by {by}{note}"))
        case _:
            return message(section(f"☑️ *{title}* is asserted by {by}{note}"))


def chosen(state: WalkCard, by: str) -> Message:
    """That somebody chose a runbook, as a reply."""
    done = sum(each.state != StepState.OPEN for each in state.steps)
    kept = f", of which {done} stay done" if done > 1 else ", of which one stays done" if done else ""
    count = words.counted(len(state.steps), "step")
    return message(section(f"{person(by)} chose *{outside(state.walk.title, 80)}*: {count}{kept}."))


DOUBT = (
    " Before anything is started again see whether the cause that was named is the right one: Choose another lays the "
    "repairs out anew."
)
STOP_FIRST = " Stop what fell before you go on: /stop and its name, or /kill."


def undone(steps: Sequence[WalkStep], why: str) -> Message:
    """That settled steps are to be done again, as a reply."""
    names = ", ".join(f"{each.number}. {words.titled(each, TITLE)}" for each in steps)
    told = f" To be done again: {names}." if steps else ""
    return message(section(f"⚠️ {why}{told}"))


def killed(action_id: str, by: str, reason: str, *, started: bool = False) -> str:
    """That a kill came during the recovery, in words."""
    why = outside(reason, 200).rstrip(".")
    return (
        f"*The fleet was killed* by {person(by)} ({outside(action_id, 40)}){f': {why}' if why else ''}. "
        f"It is part of this recovery.{DOUBT if started else ''}"
    )


def unstable(window: WindowRow, *, doubt: bool) -> str:
    """That a window during the recovery did not hold, in words; ``doubt``: it undoes something."""
    why = outside(window.why, 200).rstrip(".")
    what = outside(window.bot or "the fleet", NAME_SHOWN)
    told = f"*Window #{window.id} over {what} ended unstable*{f': {why}' if why else ''}."
    return f"{told}{STOP_FIRST}{DOUBT}" if doubt else told


UNSTEADY = " It goes back and forth: it ticks itself again once it has held for a minute. /kill or /stop keeps it so."


def no_longer(step: WalkStep, lines: Sequence[str], *, unsteady: bool = False, lead: str = "") -> str:
    """That what was verified is no longer so, in words; ``unsteady``: not for the first time.

    Whoever leads is called where something may trade that was to stand still.
    """
    fell = judging.is_try(step)
    called = f"{person(lead)}: " if lead and (fell or "fleet.stopped" in step.expects) else ""
    after = f"{STOP_FIRST}{DOUBT}" if fell else UNSTEADY if unsteady else ""
    told = outside("; ".join(lines), 400).rstrip(".")
    return f"{called}*Step {step.number} is no longer so*: {told}.{after}"


def handed_over(state: WalkCard, by: str, before: str) -> Message:
    """The hand-over: one screen that tells the new lead all; ``before`` led it until now."""
    whose = "this recovery" if by == before else f"this recovery, which {person(before)} led,"
    lead = state.walk.lead
    told = f"{person(by)} takes {whose} over." if by == lead else f"{person(by)} hands {whose} over to you."
    return message(
        section(
            f"{told} {person(lead)} leads it now."
            if by == lead
            else f"{person(lead)}, {told} You lead it now."
        ),
        *summary(state),
    )


def summary(state: WalkCard) -> tuple[Block | None, ...]:
    """A recovery on one screen: what, since when, what is next, what is known, what is done."""
    walk = state.walk
    return (
        section(
            f"*Recovery #{walk.id} of {outside(state.what, NAME_SHOWN)}*, for {took(state)}: "
            f"{outside(walk.title, 80) or 'no runbook chosen yet'}",
            words.who(state),
            different(state),
            words.fleet(state),
            words.cause(state),
        ),
        *ended_lines(state),
        *_to_do(state),
        *_known(state),
        *in_sections(_done(state)),
    )


def _to_do(state: WalkCard) -> tuple[Block | None, ...]:
    left = [each for each in state.steps if each.state == StepState.OPEN]
    names = [f"{each.number}. {words.titled(each, TITLE)}" for each in left]
    if not state.open:
        return (section(f"*Never done*: {', '.join(names)}") if names else None,)
    if not left:
        return (section("*Next*: choose a runbook on its card."),)
    here, more = left[0], len(left) - 1 - THEN_SHOWN
    return (
        section(
            f"*Next: step {here.number} of {len(state.steps)}, {words.titled(here)}*",
            f"*To be done again*: {outside(here.note, words.NOTE_SHOWN)}" if here.note else "",
            words.no_longer_fresh(state),
        ),
        section(outside(here.text, STEP_TEXT)),
        section(
            f"*Then*: {', '.join(names[1 : 1 + THEN_SHOWN])}{f', and {more} more' if more > 0 else ''}"
            if names[1:]
            else ""
        ),
    )


def _known(state: WalkCard) -> tuple[Block | None, ...]:
    walk = state.walk
    if not walk.looked or walk.looked_at is None:
        return ()
    lines = [f"• {words.looked(each, LOOKED_LINE)}" for each in walk.looked[:KNOWN_SHOWN]]
    more = len(walk.looked) - KNOWN_SHOWN
    seen = f"*What is known*, seen at {when(walk.looked_at)}:"
    return in_sections([seen, *lines, *([f"• and {more} more"] if more > 0 else [])])


def _done(state: WalkCard) -> list[str]:
    lines = [words.step_line(state, each) for each in state.steps if each.state != StepState.OPEN]
    if not lines:
        return ["*Done*: nothing yet"]
    many = f", the last {DONE_SHOWN} of {len(lines)}" if len(lines) > DONE_SHOWN else ""
    return [f"*Done*{many}", *lines[-DONE_SHOWN:]]


def ended(state: WalkCard) -> Message:
    """How it ended, as a reply."""
    walk = state.walk
    counted = {word: sum(each.state == word for each in state.steps) for word in StepState}
    told = (
        f"{words.counted(len(state.steps), 'step')}: {counted[StepState.VERIFIED]} verified, "
        f"{counted[StepState.ASSERTED]} asserted, {counted[StepState.SKIPPED]} skipped, "
        f"{counted[StepState.OPEN]} not done"
    )
    if walk.state == WalkState.DONE:
        return message(
            section(f"*Recovery #{walk.id} is done* after {took(state)}. {told}.", words.last_read(state))
        )
    why = outside(walk.why, NOTE).rstrip(".")
    return message(
        section(
            f"*Recovery #{walk.id} was abandoned* by {person(walk.ended_by or '')}{f': {why}' if why else ''}. "
            f"{told if state.steps else 'No runbook was chosen'}. Nothing in the fleet was changed by that."
        )
    )


# -- for one person ----------------------------------------------------------------------------------------------


def begun(state: WalkCard, ops: str) -> Message:
    """The answer to /recover."""
    return message(
        section(
            f"Recovery #{state.walk.id} of {outside(state.what, NAME_SHOWN)} is open in {channel(ops)}, and you lead "
            "it. Nothing in the fleet was changed by that."
        )
    )


def listing(standing: Sequence[WalkCard], over: Sequence[WalkCard]) -> Message:
    """The answer to /recover list."""
    lines = [_row(each) for each in standing[:LISTED]]
    more = len(standing) - LISTED
    past = [_row(each) for each in over[:LISTED]]
    return message(
        *in_sections(
            ["*Recoveries under way*", *lines, *([f"• and {more} more"] if more > 0 else [])]
            if lines
            else ["No recovery is under way."]
        ),
        *in_sections(["*The last that ended*", *past] if past else []),
        context(escape("/recover <bot|fleet> begins one; /recover show 3 tells one on one screen.")),
    )


def _row(state: WalkCard) -> str:
    walk, step = state.walk, state.current
    where = f"step {step.number} of {len(state.steps)}" if step is not None else "choosing a runbook"
    if not state.open:
        where = f"{walk.state} after {took(state)}"
    title = f", {outside(walk.title, TITLE)}" if walk.title else ""
    return f"• #{walk.id} {outside(state.what, NAME_SHOWN)}{title}: {where}, led by {person(walk.lead)}"


def shown(state: WalkCard) -> Message:
    """The answer to /recover show."""
    return message(*summary(state))


def answer(text: str) -> Message:
    """One sentence of ours, in plain words: no markup is read in it."""
    return message(section(escape(text)))
