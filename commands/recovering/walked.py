"""What a guided recovery adds to the draft of its log: the scenario, the cause that was named, what was done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from commands.recovering.model import SCENARIOS, Moment
from commands.recovering.telling import FIELD, Incident
from commands.walking.stepping import cause_of
from commands.words import cut
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk

OTHER = "other"
EARLIER = timedelta(hours=6)


def with_walk(found: Incident, walk: Walk, steps: Sequence[WalkStep]) -> Incident:
    """The incident with what the recovery tells; one that began long after the incident tells nothing of it."""
    if walk.opened_at < found.draft.began_at - EARLIER:
        return found
    done = [each for each in steps if each.state != StepState.OPEN]
    lines = [_line(each) for each in done]
    taken = "\n".join(
        (found.draft.actions_taken, f"Recovery #{walk.id}, {walk.title or 'no runbook chosen'}:", *lines)
    ).strip()
    people = dict.fromkeys((*found.people, walk.opened_by, walk.lead, *(each.by or "" for each in done)))
    moments = sorted((*found.timeline, *_moments(walk, done)), key=lambda each: each.at)
    return replace(
        found,
        draft=replace(
            found.draft,
            scenario=_scenario(walk.scenario),
            began_at=min(found.draft.began_at, walk.opened_at),
            root_cause=_cause(steps),
            actions_taken=taken[:FIELD],
        ),
        timeline=tuple(moments),
        people=tuple(each for each in people if each and each != "chatbot"),
    )


def _scenario(scenario: str) -> str:
    return scenario if scenario in SCENARIOS else OTHER if scenario else "unknown"


def _cause(steps: Sequence[WalkStep]) -> str:
    found = cause_of(steps)
    return found.note if found is not None else ""


def _line(step: WalkStep) -> str:
    match step.state:
        case StepState.VERIFIED:
            how = f"verified: {cut('; '.join(step.seen), 160)}"
        case StepState.SKIPPED:
            how = f"skipped: {cut(step.note, 160)}"
        case _:
            how = f"asserted: {cut(step.note, 160)}"
    return f"{step.number}. {cut(step.title, 80)}: {how}"


def _moments(walk: Walk, done: Sequence[WalkStep]) -> Iterator[Moment]:
    yield Moment(at=walk.opened_at, what=f"recovery #{walk.id} opened", who=walk.opened_by, kind="other")
    for step in done:
        if step.settled_at is not None:
            what = f"recovery #{walk.id}, step {step.number} ({cut(step.title, 80)}) {step.state}"
            yield Moment(at=step.settled_at, what=what, who=step.by or "", kind="other")
    if walk.ended_at is not None:
        yield Moment(
            at=walk.ended_at, what=f"recovery #{walk.id} {walk.state}", who=walk.ended_by or "", kind="other"
        )
