"""The living card of a guided recovery: what is next stands first, then what is known, then every step."""

from collections.abc import Sequence
from datetime import timedelta

from chatbot.views import walk_words as words
from chatbot.views.blocks import (
    SECTION,
    Block,
    Message,
    Style,
    actions,
    button,
    context,
    header,
    message,
    section,
)
from chatbot.views.markup import lasting, outside, person, when
from chatbot.views.walk_state import WalkCard
from commands.walking import judging, stepping
from commands.walking.proposing import Proposal
from commands.walking.watching import long_enough
from storage.walks import WalkState

LOOKED_SHOWN = 6
LOOKED_LINE = 160
REASONS_SHOWN = 4
PROPOSALS_SHOWN = 3
COMMANDS_SHOWN = 8
STEP_TEXT = 600
SECTIONS = 20
LOOK_LASTS = timedelta(seconds=60)
"""A first look that is not back by then has failed; the next one follows by itself."""


def card(state: WalkCard) -> Message:
    """The card: where it stands, who leads, what is next, what is known, and every step."""
    walk = state.walk
    return message(
        header(words.headline(state)),
        *ended_lines(state),
        section(
            f"*Runbook*: {outside(walk.title, 80)}" if walk.title else "*Runbook*: not chosen yet",
            words.who(state),
            different(state),
            words.fleet(state),
        ),
        *_proposed(state),
        *_next(state),
        *_known(state),
        *in_sections(_steps(state)),
        _whole(state),
        context(_small_print(state)),
    )


def in_sections(lines: Sequence[str], most: int = SECTIONS) -> tuple[Block | None, ...]:
    """The lines in as few sections as Slack's length of one allows; what is too much is counted in the last."""
    parts: list[list[str]] = [[]]
    length = 0
    for each in lines:
        if parts[-1] and length + len(each) >= SECTION:
            parts.append([])
            length = 0
        parts[-1].append(each)
        length += len(each) + 1
    left = sum(map(len, parts[most:]))
    return (*(section(*each) for each in parts[:most]), section(f"and {left} more") if left else None)


def different(state: WalkCard) -> str:
    """What is different this time, where that had to be said."""
    walk = state.walk
    return f"*Different this time*: {outside(walk.different, 300)}" if walk.different else ""


def took(state: WalkCard) -> str:
    """How long it took, so far or to its end."""
    return lasting((state.walk.ended_at or state.now) - state.walk.opened_at)


def ended_lines(state: WalkCard) -> tuple[Block | None, ...]:
    """When, by whom and why it ended; nothing while it goes on."""
    walk = state.walk
    if walk.ended_at is None:
        return ()
    word = "ended" if walk.state == WalkState.DONE else "was abandoned"
    by = f" by {person(walk.ended_by or '')}" if walk.ended_by and walk.ended_by != "chatbot" else ""
    why = outside(walk.why, 300).rstrip(".")
    return (
        section(
            f"It {word} {when(walk.ended_at, day=True)}{by}, after {took(state)}{f': {why}' if why else ''}."
        ),
    )


def _proposed(state: WalkCard) -> tuple[Block | None, ...]:
    """What the look proposes, with its evidence, until a person has chosen."""
    if state.walk.scenario or not state.open:
        return ()
    if state.walk.looked_at is None:
        waited = state.now - state.walk.opened_at
        told = (
            "*Looking at everything*: this takes some 12 s at most. A runbook can be chosen meanwhile."
            if waited < LOOK_LASTS
            else f"*Nothing was seen yet* in {lasting(waited)}: it is tried again. Do not wait, choose a runbook."
        )
        return (section(told), actions(_choose(state, "Choose a runbook")))
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


def proposal(each: Proposal, *, first: bool, reasons: int = REASONS_SHOWN) -> tuple[str, ...]:
    """One runbook with what speaks for it, what was seen before why that matters."""
    word, title = "Proposed" if first else "Also fits", outside(each.title, 80)
    unknown = f"{words.counted(each.unknown, 'symptom')} could not be looked for" if each.unknown else ""
    if not each.reasons:
        others = f" {unknown}, so another may fit all the same." if unknown else ""
        return (f"*{word}*: {title}, since nothing that was seen speaks for another runbook.{others}",)
    lines = [f"*{word}*: {title} ({words.counted(each.points, 'point')})"]
    for reason in each.reasons[:reasons]:
        seen = words.found(reason.seen, reason.source, 160).rstrip(".")
        lines.append(f"• {seen} _({outside(reason.source, 60)})_. {outside(reason.why, 160)}")
    more = len(each.reasons) - reasons
    return (*lines, f"• and {more} more" if more > 0 else "", f"• {unknown}" if unknown else "")


def _choose(state: WalkCard, label: str = "Choose another") -> Block:
    return button(label, "walk.pick", value=str(state.walk.id))


def _next(state: WalkCard) -> tuple[Block | None, ...]:
    step = state.current
    if step is None or not state.open:
        return ()
    value = f"{state.walk.id}:{step.id}"
    bot = step.bot or state.walk.bot
    by_itself = judging.seen_all_the_time(step)  # then what is to be pressed is the command, not Check
    waits = state.window is not None and long_enough(state.window, stepping.least_window(step))
    runs = [
        button(
            stepping.label(each, bot),
            f"walk.run.{number}",
            # a stop says by itself what it does: it goes also when nothing can be looked up
            value=f"{value}:{stop}" if (stop := stepping.stop_of(each, bot)) else value,
            style=_style(each, first=by_itself and not waits and not number),
        )
        for number, each in enumerate(step.commands[:COMMANDS_SHOWN])
    ]
    check = bool(step.expects) and not (by_itself and runs)
    return (
        section(
            f"*Next: step {step.number}, {words.titled(step)}*",
            f"*To be done again*: {outside(step.note, words.NOTE_SHOWN)}" if step.note else "",
            words.no_longer_fresh(state),
        ),
        section(outside(step.text, STEP_TEXT)),
        section(f"_{words.expectation(step)}_", words.window(state, step)),
        actions(*runs),
        actions(
            button(
                "Check" if step.expects else "Look",
                "walk.check",
                value=value,
                style="primary" if check else None,
            ),
            button("Done", "walk.done", value=value, style=None if step.expects else "primary"),
            button("Skip", "walk.skip", value=value) if step.skippable else None,
            button("Take", "walk.take", value=value),
        ),
    )


def _style(command: str, *, first: bool) -> Style | None:
    if command.startswith("/kill"):
        return "danger"
    return "primary" if first else None


def _known(state: WalkCard) -> tuple[Block | None, ...]:
    walk = state.walk
    if not walk.looked or walk.looked_at is None or not state.open:
        return ()
    lines = [f"• {words.looked(each, LOOKED_LINE)}" for each in walk.looked[:LOOKED_SHOWN]]
    more = len(walk.looked) - LOOKED_SHOWN
    return in_sections(
        [
            f"*What is known*, seen {words.ago(state.now, walk.looked_at)} ({when(walk.looked_at)}):",
            *lines,
            *([f"• and {more} more: /diagnose tells all"] if more > 0 else []),
        ]
    )


def _steps(state: WalkCard) -> list[str]:
    lines: list[str] = []
    phase = ""
    for step in state.steps:
        if step.phase != phase:
            phase = step.phase
            lines.append(f"*{words.PHASES.get(phase, phase)}*")
        lines.append(words.step_line(state, step))
    return lines


def _whole(state: WalkCard) -> Block | None:
    """What is about the recovery as a whole: far from the buttons that are pressed at each step."""
    if not state.open:
        return None
    value = str(state.walk.id)
    return actions(
        button("Hand over", "walk.hand", value=value),
        _choose(state) if state.walk.scenario else None,
        button("Abandon", "walk.abandon", value=value),
    )


def _small_print(state: WalkCard) -> str:
    walk = state.walk
    parts = [f"recovery #{walk.id}", f"opened {when(walk.opened_at, day=True)} by {person(walk.opened_by)}"]
    if walk.different and walk.action_id is not None:
        parts.append(f"agreed to as {outside(walk.action_id, 40)}")
    if state.steps:
        parts.append(words.LEGEND)
    if state.open:
        parts.append(f"ages as of {when(state.now)}")
    if state.audit is not None:
        parts.append(f"audit #{state.audit[0]} {state.audit[1][:12]}…")
    return " · ".join(parts)
