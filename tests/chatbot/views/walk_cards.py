"""Data for the tests of guided recovery's messages: one night, one recovery in each of its states."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chatbot.views.blocks import Message
from chatbot.views.walk_state import WalkCard
from commands.walking import stepping
from commands.walking.proposing import Proposal, Reason
from config import runbooks
from config.runbooks import Runbook
from storage.recoveries import RecoveryRow
from storage.walk_steps import OnStep, StepState, WalkStep
from storage.walks import Walk, WalkState

NOW = datetime(2026, 11, 25, 3, 12, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEGAN = NOW - 42 * MINUTE
BOTS = ("ndax", "quantum", "shadowforge")
RUNBOOKS = {
    path.stem: Runbook.model_validate(tomllib.loads(path.read_text("utf-8")))
    for path in sorted(Path(runbooks.OURS).glob("*.toml"))
}
RECORD = "our own record"
RAISED = "What raised risk in the last day (UTC), by person: U0ADMIN1: start ndax at 11-25 01:04"

WALK = Walk(id=3, bot="ndax", lead="U0ADMIN1", opened_by="U0ADMIN1", opened_at=BEGAN)
CHOSEN = replace(
    WALK,
    scenario="crash-loop",
    title="A bot crashes again and again",
    looked_at=NOW - 2 * MINUTE,
    looked=(
        "ndax fell 4 times within an hour (what was seen)",
        "the disk could not be looked at (host)",
        f"{RAISED} ({RECORD})",
    ),
)
CRASH = Proposal(
    scenario="crash-loop",
    title="A bot crashes again and again",
    points=8,
    reasons=(
        Reason(
            why="A bot that falls soon after each start has a cause that one more start does not mend.",
            seen="ndax fell 4 times within an hour",
            source="what was seen",
            weight=6,
        ),
        Reason(
            why="A traceback is written where a program met something it was not made for.",
            seen="3 tracebacks, the last a KeyError",
            source="logs/ndax.log",
            weight=2,
        ),
    ),
    unknown=1,
)
LINE = Proposal(
    scenario="api-connection",
    title="Connections fail",
    points=4,
    reasons=(
        Reason(
            why="The bots themselves tell of time-outs and refused connections.",
            seen="errors of ndax speak of a time-out",
            source="GET /status",
            weight=4,
        ),
    ),
    unknown=0,
)
GENERAL = Proposal(scenario="general", title="General recovery process", points=0, reasons=(), unknown=3)


def step(number: int, phase: str, title: str, **more: Any) -> WalkStep:
    """One step of a recovery, with an id of its own."""
    values: dict[str, Any] = {"id": 100 + number, "walk_id": 3, "name": f"step-{number}", "text": "Do it."}
    return WalkStep(number=number, phase=phase, title=title, **{**values, **more})


def verified(one: WalkStep, ago: timedelta, *seen: str) -> WalkStep:
    """The step as a look verified it."""
    at = NOW - ago
    return replace(one, state=StepState.VERIFIED, by="chatbot", settled_at=at, seen=seen, seen_at=at)


def said(one: WalkStep, state: StepState, by: str, note: str) -> WalkStep:
    """The step as a person settled it, ten minutes ago."""
    return replace(one, state=state, by=by, note=note, settled_at=NOW - 10 * MINUTE)


LOOK = verified(
    step(1, "assess", "See which bot falls", expects={"coordinator.reachable": True}),
    41 * MINUTE,
    "yes: the coordinator answers (GET /status, 02:31:05 UTC)",
)
STOP = verified(
    step(2, "stop", "Keep it down", expects={"fleet.stopped": True}),
    MINUTE / 2,
    "yes: every bot that matters is seen stopped (GET /status, 03:11:35 UTC)",
)
CAUSE = said(
    step(3, "investigate", "Name the cause"), StepState.ASSERTED, "U0ADMIN2", "a KeyError in the feed"
)
EVIDENCE = said(
    step(4, "investigate", "Take the evidence"), StepState.SKIPPED, "U0OPER01", "taken at the last one"
)
MEND = step(
    5,
    "fix",
    "Mend that one thing",
    text="Change what the cause names, and nothing else.",
    commands=("/config diff", "/kill {reason}"),
    record="What was changed.",
)
CHECK = step(
    6,
    "verify",
    "See every address reached",
    text="All addresses have to answer.",
    expects={"network.failing": False, "coordinator.reachable": True},
    skippable=True,
)
START = step(7, "recover", "Start one bot in safe mode", bot="ndax", expects={"bot.running": True})
WATCH = step(8, "recover", "Watch it for 30 minutes", bot="ndax", note="undone by kill-U7F3K2QX")
STEPS = (LOOK, STOP, CAUSE, EVIDENCE, MEND, CHECK, START, WATCH)
PEOPLE = (
    OnStep(walk_id=3, person="U0ADMIN2", number=5, at=NOW),
    OnStep(walk_id=3, person="U0OPER01", number=7, at=NOW),
)


def state(walk: Walk = CHOSEN, steps: Sequence[WalkStep] = STEPS, **more: Any) -> WalkCard:
    """The recovery as it stands now."""
    values: dict[str, Any] = {
        "people": (),
        "proposals": (),
        "now": NOW,
        "fresh_for": 15 * MINUTE,
        "audit": (7, "cd" * 32),
    }
    return WalkCard(walk=walk, steps=steps, **{**values, **more})


LOOKING = state(replace(WALK, opened_at=NOW - MINUTE / 4), ())
PROPOSED = state(
    replace(CHOSEN, scenario="", title="", looked=CHOSEN.looked[:1]), (), proposals=(CRASH, LINE)
)
NOTHING_FITS = state(replace(PROPOSED.walk, bot=None), (), proposals=(GENERAL,))
WALKING = state(people=PEOPLE)
VERIFYING = state(
    steps=(
        LOOK,
        verified(STOP, 40 * MINUTE),
        CAUSE,
        EVIDENCE,
        verified(MEND, 16 * MINUTE),
        CHECK,
        START,
        WATCH,
    )
)
FINISHED = tuple(said(each, StepState.ASSERTED, "U0ADMIN2", "seen") for each in (MEND, CHECK, START, WATCH))
DONE = state(
    replace(CHOSEN, state=WalkState.DONE, ended_at=NOW, ended_by="U0ADMIN2"),
    (LOOK, STOP, CAUSE, EVIDENCE, *FINISHED),
)
ABANDONED = state(
    replace(CHOSEN, state=WalkState.ABANDONED, ended_at=NOW, ended_by="U0ADMIN1", why="it was the feed.")
)
THIRD = state(
    replace(WALK, id=5, different="the memory was doubled last night", action_id="recover-again-7F3K2QXA"),
    (),
)


def fleet(scenario: str, notes: str = "the feed sent stale prices since 02:40", settled: int = 9) -> WalkCard:
    """A recovery of all three bots by one of the real runbooks, as far as ``settled`` steps."""
    laid = stepping.laid_out(RUNBOOKS[scenario], bot=None, bots=BOTS)
    steps = [
        replace(
            each,
            id=each.number,
            **(
                {
                    "state": StepState.ASSERTED,
                    "by": "U0ADMIN2",
                    "note": notes,
                    "settled_at": NOW - 5 * MINUTE,
                }
                if each.number <= settled
                else {}
            ),
        )
        for each in laid
    ]
    walk = replace(CHOSEN, bot=None, scenario=scenario, title=RUNBOOKS[scenario].title)
    return state(walk, steps)


def log(text: str = "the feed sent stale prices", **more: Any) -> RecoveryRow:
    """An earlier recovery's log."""
    values: dict[str, Any] = {
        "id": 2,
        "bot": "ndax",
        "state": "closed",
        "scenario": "crash-loop",
        "began_at": NOW - timedelta(days=9),
        "issue": text,
        "root_cause": text,
        "actions_taken": text,
        "outcome": "success",
        "lessons": text,
        "timeline": [],
        "detect_s": None,
        "stop_s": None,
        "verify_s": None,
        "recover_s": None,
        "people": [],
        "approvals": [],
        "evidence": "",
        "opened_at": NOW,
        "opened_by": "U0ADMIN1",
        "saved_at": NOW,
        "saved_by": "U0ADMIN1",
        "closed_at": NOW,
        "closed_by": "U0ADMIN1",
        "version": 1,
    }
    return RecoveryRow(**{**values, **more})


def buttons(message: Message) -> list[list[str]]:
    """The labels of its buttons, row by row."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [[each["text"]["text"] for each in row] for row in rows]


def markup(message: Message) -> list[str]:
    """What its blocks say in Slack's markup, a section or small print each."""
    found = []
    for block in message.blocks:
        if block["type"] == "section":
            found.append(block["text"]["text"])
        if block["type"] == "context":
            found.append(" · ".join(part["text"] for part in block["elements"]))
    return found
