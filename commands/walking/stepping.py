"""The steps of one recovery: a runbook laid out for the bots it is about, and what was done kept when it changes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from commands.moments import span
from config.runbooks import Runbook, Step
from storage.walk_steps import StepState, WalkStep

_MONITOR = re.compile(r"/monitor \S+ \S+")
CAUSE = "cause"
"""The name of that step in the house's runbooks."""

KEPT = frozenset({"assess", "stop", "investigate"})
"""Phases whose steps say the same in another runbook; what was mended for one trouble mends no other."""


STOPPING = frozenset({"kill", "stop", "pause"})


def laid_out(runbook: Runbook, *, bot: str | None, bots: Sequence[str]) -> tuple[WalkStep, ...]:
    """The steps of a recovery of this bot (``None``: of all, in the order in which they depend)."""
    found: list[WalkStep] = []
    each_bot: list[Step] = []

    def flush() -> None:
        # steps that follow each other and are meant for each bot are walked bot by bot
        for name in (bot,) if bot is not None else bots:
            found.extend(_step(step, name) for step in each_bot)
        each_bot.clear()

    for step in runbook.steps:
        if step.each_bot:
            each_bot.append(step)
            continue
        flush()
        found.append(_step(step, bot))
    flush()
    return tuple(replace(each, number=number) for number, each in enumerate(found, start=1))


def carried(before: Sequence[WalkStep], after: Sequence[WalkStep]) -> tuple[WalkStep, ...]:
    """The steps of another runbook, with what was done of those that are the same in both."""
    done = {(each.name, each.bot, each.phase): each for each in before if each.state != StepState.OPEN}
    found: list[WalkStep] = []
    for each in after:
        same = done.get((each.name, each.bot, each.phase))
        if same is None or same.expects != each.expects or each.phase not in KEPT:
            found.append(each)
            continue
        found.append(
            replace(
                each,
                state=same.state,
                by=same.by,
                note=same.note,
                settled_at=same.settled_at,
                seen=same.seen,
                seen_at=same.seen_at,
            )
        )
    return tuple(found)


def current(steps: Sequence[WalkStep]) -> WalkStep | None:
    """The first step that is not settled."""
    return next((each for each in steps if each.state == StepState.OPEN), None)


def cause_of(steps: Sequence[WalkStep]) -> WalkStep | None:
    """The step in which a person named the cause: that of this name, else the first asserted while investigating."""
    named = [
        each
        for each in steps
        if each.state == StepState.ASSERTED and each.phase == "investigate" and each.note
    ]
    return next((each for each in named if each.name == CAUSE), named[0] if named else None)


def least_window(step: WalkStep) -> timedelta:
    """How long the monitoring window of this step has to be, by the command that it offers; else no time at all."""
    spans = [span(each.split()[2]) for each in step.commands if _MONITOR.match(each)]
    return max((each for each in spans if each is not None), default=timedelta())


def line(command: str, *, bot: str | None, reason: str) -> str:
    """A command of a step as a person would type it; "fleet" where it is for all of them."""
    filled = command.replace("{bot}", bot or "fleet").replace("{reason}", reason)
    return " ".join(filled.split())


def label(command: str, bot: str | None) -> str:
    """The command in short, for its button: without its reason."""
    return line(re.sub(r"\{reason\}", "", command), bot=bot, reason="")


def stop_of(command: str, bot: str | None) -> str | None:
    """The command in short when it stops something, so that its button says by itself what it does; else ``None``."""
    short = label(command, bot)
    return short if short.removeprefix("/").partition(" ")[0] in STOPPING else None


def _step(step: Step, bot: str | None) -> WalkStep:
    return WalkStep(
        number=0,
        name=step.id,
        bot=bot if step.each_bot else None,
        phase=step.phase,
        title=step.title.replace("{bot}", bot or "the fleet"),
        text=step.text.replace("{bot}", bot or "the fleet"),
        commands=tuple(
            each for each in step.commands if "{bot}" not in each or bot is not None or _takes_fleet(each)
        ),
        probes=step.probes,
        expects=dict(step.expects),
        record=step.record,
        skippable=step.skippable,
    )


def _takes_fleet(command: str) -> bool:
    """True for a command that says "fleet" where another names a bot."""
    return command.startswith(("/monitor ", "/recoveries "))
