"""Every message of a guided recovery: the living card, what is said in its thread, lists, and the hand-over."""

from collections.abc import Sequence

from chatbot.views import walk_words as words
from chatbot.views.blocks import Block, Message, Style, actions, button, context, header, message, section
from chatbot.views.markup import NAME_SHOWN, channel, lasting, outside, person, when
from chatbot.views.walk_state import WalkCard
from commands.walking import stepping
from commands.walking.proposing import Proposal
from storage.recoveries import RecoveryRow
from storage.walks import StepState, WalkState, WalkStep

LOOKED_SHOWN = 8
REASONS_SHOWN = 4
PROPOSALS_SHOWN = 3
COMMANDS_SHOWN = 8
STEPS_A_SECTION = 14
STEP_TEXT = 600
LISTED = 10


def card(state: WalkCard) -> Message:
    """The card: where it stands, what is known, what is next, who leads."""
    walk = state.walk
    return message(
        header(words.headline(state)),
        section(
            f"*Runbook*: {outside(walk.title, 80)}" if walk.title else "*Runbook*: not chosen yet",
            words.who(state),
            f"*Different this time*: {outside(walk.different, 300)}" if walk.different else "",
        ),
        *_proposed(state),
        *_steps(state),
        *_known(state),
        *_next(state),
        *_ended(state),
        context(_small_print(state)),
    )


def _proposed(state: WalkCard) -> tuple[Block | None, ...]:
    """What the look proposes, with its evidence, until a person has chosen."""
    if state.walk.scenario or not state.open:
        return ()
    if state.walk.looked_at is None:
        return (
            section("*Looking at everything*: this takes up to 20 s. A runbook can be chosen meanwhile."),
            actions(_choose(state)),
        )
    shown = state.proposals[:PROPOSALS_SHOWN]
    buttons = [
        button(
            f"Choose {each.title}",
            f"walk.choose.{number}",
            value=f"{state.walk.id}:{each.scenario}",
            style="primary" if number == 0 else None,
        )
        for number, each in enumerate(shown)
    ]
    return (
        *(section(*proposal(each, first=number == 0)) for number, each in enumerate(shown)),
        actions(*buttons, _choose(state)),
    )


def proposal(each: Proposal, *, first: bool) -> tuple[str, ...]:
    """One runbook with what speaks for it."""
    if not each.reasons:
        unknown = f" {each.unknown} symptoms could not be looked for." if each.unknown else ""
        return (f"*Proposed*: {outside(each.title, 80)}, for nothing that was seen fits another.{unknown}",)
    lines = [f"*{'Proposed' if first else 'Also fits'}*: {outside(each.title, 80)} ({each.points} points)"]
    for reason in each.reasons[:REASONS_SHOWN]:
        source = f" _({outside(reason.source, 60)})_"
        lines.append(f"• {outside(reason.why, 160)} Seen: {outside(reason.seen, 160)}{source}")
    more = len(each.reasons) - REASONS_SHOWN
    return (*lines, f"• and {more} more") if more > 0 else tuple(lines)


def _choose(state: WalkCard) -> Block:
    return button("Choose another", "walk.pick", value=str(state.walk.id))


def _steps(state: WalkCard) -> tuple[Block | None, ...]:
    lines: list[str] = []
    phase = ""
    for step in state.steps:
        if step.phase != phase:
            phase = step.phase
            lines.append(f"*{words.PHASES.get(phase, phase)}*")
        lines.append(words.step_line(state, step))
    return tuple(
        section(*lines[begin : begin + STEPS_A_SECTION]) for begin in range(0, len(lines), STEPS_A_SECTION)
    )


def _known(state: WalkCard) -> tuple[Block | None, ...]:
    walk = state.walk
    if not walk.looked or walk.looked_at is None or not state.open:
        return ()
    lines = [f"• {outside(each, 200)}" for each in walk.looked[:LOOKED_SHOWN]]
    more = len(walk.looked) - LOOKED_SHOWN
    return (
        section(
            f"*What is known*, seen at {when(walk.looked_at)}:",
            *lines,
            f"• and {more} more: /diagnose shows all" if more > 0 else "",
        ),
    )


def _next(state: WalkCard) -> tuple[Block | None, ...]:
    step = state.current
    if step is None or not state.open:
        return ()
    value = f"{state.walk.id}:{step.id}"
    bot = step.bot or state.walk.bot
    runs = [
        button(stepping.label(each, bot), f"walk.run.{number}", value=value, style=_style(each))
        for number, each in enumerate(step.commands[:COMMANDS_SHOWN])
    ]
    return (
        section(
            f"*Next: step {step.number}, {outside(step.title, 80)}*",
            outside(step.text, STEP_TEXT),
            f"_{words.expectation(step)}_",
        ),
        actions(*runs),
        actions(
            button("Check", "walk.check", value=value, style="primary"),
            button("Done", "walk.done", value=value),
            button("Skip", "walk.skip", value=value) if step.skippable else None,
            button("Take", "walk.take", value=value),
            button("Hand over", "walk.hand", value=str(state.walk.id)),
            _choose(state),
            button("Abandon", "walk.abandon", value=str(state.walk.id)),
        ),
    )


def _style(command: str) -> Style | None:
    return "danger" if command.startswith("/kill") else None


def _ended(state: WalkCard) -> tuple[Block | None, ...]:
    walk = state.walk
    if walk.ended_at is None:
        return ()
    word = "ended" if walk.state == WalkState.DONE else "was abandoned"
    by = f" by {person(walk.ended_by or '')}" if walk.ended_by and walk.ended_by != "chatbot" else ""
    why = f": {outside(walk.why, 300)}" if walk.why else ""
    return (section(f"It {word} {when(walk.ended_at, day=True)}{by}, after {_took(state)}{why}."),)


def _took(state: WalkCard) -> str:
    return lasting((state.walk.ended_at or state.now) - state.walk.opened_at)


def _small_print(state: WalkCard) -> str:
    walk = state.walk
    parts = [f"recovery #{walk.id}", f"opened {when(walk.opened_at, day=True)} by {person(walk.opened_by)}"]
    if walk.different and walk.action_id is not None:
        parts.append(f"agreed to as {outside(walk.action_id, 40)}")
    parts.append("✅ was seen by a look, ☑️ is what a person says")
    if state.audit is not None:
        parts.append(f"audit #{state.audit[0]} {state.audit[1][:12]}…")
    return " · ".join(parts)


# -- the thread --------------------------------------------------------------------------------------------------


def opened(state: WalkCard) -> Message:
    """The first reply: what happened to this bot before."""
    if not state.similar:
        return message(
            section(f"No recovery log of {outside(state.what, NAME_SHOWN)} is kept yet: this is the first.")
        )
    lines = [f"• {similar(each)}" for each in state.similar]
    return message(section(f"*The last recoveries of {outside(state.what, NAME_SHOWN)}*:", *lines))


def similar(log: RecoveryRow) -> str:
    """An earlier recovery in one line."""
    cause = outside(log.root_cause, 160) or "no root cause written down"
    return f"#{log.id}, {when(log.began_at, day=True)}, {outside(log.scenario, 40)}: {cause}"


def settled(step: WalkStep) -> Message:
    """How a step was settled, as a reply."""
    title = f"Step {step.number}, {outside(step.title, 80)}"
    match step.state:
        case StepState.VERIFIED:
            lines = [f"• {outside(each, 200)}" for each in step.seen[:LOOKED_SHOWN]]
            return message(section(f"✅ *{title}* is verified.", *lines))
        case StepState.SKIPPED:
            return message(
                section(f"⏭️ *{title}* is skipped by {person(step.by or '')}: {outside(step.note, 400)}")
            )
        case _:
            return message(
                section(f"☑️ *{title}* is asserted by {person(step.by or '')}: {outside(step.note, 400)}")
            )


def chosen(state: WalkCard, by: str) -> Message:
    """That somebody chose a runbook, as a reply."""
    count = len(state.steps)
    return message(section(f"{person(by)} chose *{outside(state.walk.title, 80)}*: {count} steps."))


def undone(steps: Sequence[WalkStep], why: str) -> Message:
    """That settled steps are to be done again, as a reply."""
    names = ", ".join(f"{each.number} ({outside(each.title, 60)})" for each in steps)
    told = f" To be done again: step {names}." if steps else ""
    return message(section(f"⚠️ {why}{told}"))


def killed(action_id: str, by: str, reason: str) -> str:
    """That a kill came during the recovery, in words."""
    why = f": {outside(reason, 200)}" if reason else ""
    return f"*The fleet was killed* by {person(by)} ({outside(action_id, 40)}){why}. It is part of this recovery."


def no_longer(step: WalkStep, lines: Sequence[str]) -> str:
    """That what was verified is no longer so, in words."""
    return f"*Step {step.number} is no longer so*: {outside('; '.join(lines), 400)}."


def handed_over(state: WalkCard, by: str) -> Message:
    """The hand-over: one screen that tells the new lead all."""
    return message(
        section(f"{person(state.walk.lead)}, {person(by)} hands this recovery over to you. You lead it now."),
        *summary(state),
    )


def summary(state: WalkCard) -> tuple[Block | None, ...]:
    """A recovery on one screen: what, since when, what is done, what is known, what is next."""
    walk = state.walk
    done = [words.step_line(state, each) for each in state.steps if each.state != StepState.OPEN]
    left = [each for each in state.steps if each.state == StepState.OPEN]
    upcoming = ", ".join(f"{each.number}. {outside(each.title, 60)}" for each in left[:4])
    known = [f"• {outside(each, 160)}" for each in walk.looked[:4]]
    return (
        section(
            f"*Recovery #{walk.id} of {outside(state.what, NAME_SHOWN)}*, for {_took(state)}: "
            f"{outside(walk.title, 80) or 'no runbook chosen yet'}",
            words.who(state),
        ),
        section("*Done*", *done[-8:]) if done else section("*Done*: nothing yet"),
        section("*Known*", *known) if known else None,
        section(f"*Next*: {upcoming}" if upcoming else ""),
    )


def ended(state: WalkCard) -> Message:
    """How it ended, as a reply."""
    walk = state.walk
    counted = {word: sum(each.state == word for each in state.steps) for word in StepState}
    told = (
        f"{counted[StepState.VERIFIED]} steps verified, {counted[StepState.ASSERTED]} asserted, "
        f"{counted[StepState.SKIPPED]} skipped, {counted[StepState.OPEN]} not done"
    )
    if walk.state == WalkState.DONE:
        return message(section(f"*Recovery #{walk.id} is done* after {_took(state)}: {told}."))
    return message(
        section(
            f"*Recovery #{walk.id} was abandoned* by {person(walk.ended_by or '')}: {outside(walk.why, 400)}. {told}. "
            "Nothing in the fleet was changed by that."
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
    past = [_row(each) for each in over[:LISTED]]
    return message(
        section("*Recoveries under way*", *lines) if lines else section("No recovery is under way."),
        section("*The last that ended*", *past) if past else None,
        context("/recover <bot|fleet> begins one; /recover show 3 tells one on one screen."),
    )


def _row(state: WalkCard) -> str:
    walk, step = state.walk, state.current
    where = f"step {step.number} of {len(state.steps)}" if step is not None else "choosing a runbook"
    if not state.open:
        where = f"{walk.state} after {_took(state)}"
    title = f", {outside(walk.title, 60)}" if walk.title else ""
    return f"• #{walk.id} {outside(state.what, NAME_SHOWN)}{title}: {where}, led by {person(walk.lead)}"


def shown(state: WalkCard) -> Message:
    """The answer to /recover show."""
    return message(*summary(state), *_ended(state))


def answer(text: str) -> Message:
    """One sentence of ours."""
    return message(section(text))
