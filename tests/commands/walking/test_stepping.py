"""A runbook becomes the steps of one recovery, and what was done is kept when another runbook is chosen."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from commands import COMMANDS
from commands.parsing import parse
from commands.probes.signs import PROBES, SIGNS
from commands.walking.stepping import KEPT, carried, current, label, laid_out, line
from config.runbooks import PHASES, Known, Phase, Runbook, Step, load
from storage.walk_steps import StepState, WalkStep

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
BOTS = ("ndax", "quantum", "shadowforge")
OURS = load(None, Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS}))


def a_step(name: str, phase: Phase, *, each_bot: bool = False, commands: tuple[str, ...] = ()) -> Step:
    return Step(
        id=name,
        phase=phase,
        title=f"{name} {{bot}}",
        text=f"Do {name} to {{bot}}, then {{bot}} again.",
        each_bot=each_bot,
        commands=commands,
        probes=("logs",),
        expects={"fleet.stopped": True},
        record="What was it?",
        skippable=each_bot,
    )


BOOK = Runbook(
    id="crash",
    number=1,
    title="Crash",
    summary="It fell.",
    steps=(
        a_step("look", "assess", commands=("/diagnose",)),
        a_step("stop", "stop", commands=("/kill {reason}", "/stop {bot}")),
        a_step("read", "investigate", each_bot=True, commands=("/logs {bot} error",)),
        a_step("mend", "fix"),
        a_step("check", "verify"),
        a_step("start", "recover", each_bot=True, commands=("/start {bot}",)),
        a_step("watch", "recover", each_bot=True, commands=("/monitor {bot} 30m",)),
        a_step("watch-all", "recover", commands=("/monitor {bot} 24h",)),
        a_step("write", "document", commands=("/recoveries new {bot}",)),
    ),
)


def placed(steps: tuple[WalkStep, ...]) -> list[tuple[int, str, str | None]]:
    return [(each.number, each.name, each.bot) for each in steps]


def by_name(steps: tuple[WalkStep, ...], name: str) -> WalkStep:
    return next(each for each in steps if each.name == name)


def test_for_the_fleet_steps_that_follow_each_other_are_walked_bot_by_bot() -> None:
    assert placed(laid_out(BOOK, bot=None, bots=BOTS)) == [
        (1, "look", None),
        (2, "stop", None),
        (3, "read", "ndax"),
        (4, "read", "quantum"),
        (5, "read", "shadowforge"),
        (6, "mend", None),
        (7, "check", None),
        (8, "start", "ndax"),
        (9, "watch", "ndax"),
        (10, "start", "quantum"),
        (11, "watch", "quantum"),
        (12, "start", "shadowforge"),
        (13, "watch", "shadowforge"),
        (14, "watch-all", None),
        (15, "write", None),
    ]


def test_for_one_bot_each_step_comes_once_and_is_about_it_where_it_is_about_one() -> None:
    found = laid_out(BOOK, bot="quantum", bots=BOTS)
    assert [each.number for each in found] == list(range(1, 10))
    assert {each.name: each.bot for each in found} == {
        step.id: "quantum" if step.each_bot else None for step in BOOK.steps
    }


def test_steps_for_each_bot_at_the_end_of_a_runbook_are_not_lost() -> None:
    book = BOOK.model_copy(update={"steps": (*BOOK.steps, a_step("last", "document", each_bot=True))})
    assert [each[1:] for each in placed(laid_out(book, bot=None, bots=BOTS))[-3:]] == [
        ("last", name) for name in BOTS
    ]


def test_titles_and_texts_name_the_bot_or_the_fleet() -> None:
    fleet, one = laid_out(BOOK, bot=None, bots=BOTS), laid_out(BOOK, bot="ndax", bots=BOTS)
    assert by_name(fleet, "stop").title == "stop the fleet"
    assert by_name(fleet, "stop").text == "Do stop to the fleet, then the fleet again."
    assert by_name(fleet, "start").title == "start ndax"
    assert by_name(one, "stop").title == "stop ndax"


def test_a_step_keeps_what_its_runbook_says() -> None:
    found = by_name(laid_out(BOOK, bot="ndax", bots=BOTS), "start")
    assert (found.phase, found.probes, found.expects) == ("recover", ("logs",), {"fleet.stopped": True})
    assert (found.record, found.skippable, found.state) == ("What was it?", True, StepState.OPEN)
    assert not by_name(laid_out(BOOK, bot="ndax", bots=BOTS), "mend").skippable


def test_a_command_that_needs_a_bot_is_left_out_where_there_is_none() -> None:
    fleet = laid_out(BOOK, bot=None, bots=BOTS)
    assert by_name(fleet, "stop").commands == ("/kill {reason}",)
    assert by_name(fleet, "start").commands == ("/start {bot}",)
    assert by_name(fleet, "watch-all").commands == ("/monitor {bot} 24h",)
    assert by_name(fleet, "write").commands == ("/recoveries new {bot}",)
    one = laid_out(BOOK, bot="ndax", bots=BOTS)
    assert by_name(one, "stop").commands == ("/kill {reason}", "/stop {bot}")


@pytest.mark.parametrize("runbook", OURS, ids=lambda each: each.id)
@pytest.mark.parametrize("bot", [None, "ndax"])
def test_every_command_of_ours_is_one_that_could_be_typed(runbook: Runbook, bot: str | None) -> None:
    for step in laid_out(runbook, bot=bot, bots=BOTS):
        for each in step.commands:
            typed = line(each, bot=step.bot or bot, reason="the memory was doubled")
            name, _, text = typed.removeprefix("/").partition(" ")
            assert "{" not in typed
            request = parse(name, text, BOTS)
            if "{bot}" in each:
                assert (request.bot or request.pattern) == (step.bot or bot or "")
                assert step.bot or bot or "fleet" in typed


@pytest.mark.parametrize(
    ("command", "bot", "reason", "typed", "shown"),
    [
        ("/start {bot}", "ndax", "r", "/start ndax", "/start ndax"),
        ("/monitor {bot} 24h", None, "r", "/monitor fleet 24h", "/monitor fleet 24h"),
        ("/kill {reason}", None, "bad\n fills", "/kill bad fills", "/kill"),
        ("/kill {reason}", "ndax", "", "/kill", "/kill"),
        ("/stop {bot} {reason} now", "ndax", "a  b", "/stop ndax a b now", "/stop ndax now"),
        ("/kill {reason}", "ndax", "{bot} {reason}", "/kill {bot} {reason}", "/kill"),
    ],
)
def test_a_command_is_filled_and_its_button_is_without_the_reason(
    command: str, bot: str | None, reason: str, typed: str, shown: str
) -> None:
    assert line(command, bot=bot, reason=reason) == typed
    assert label(command, bot) == shown


def test_the_current_step_is_the_first_that_is_open() -> None:
    steps = laid_out(BOOK, bot="ndax", bots=BOTS)
    assert current(steps) == steps[0]
    settled = [replace(each, state=StepState.SKIPPED) for each in steps]
    assert current((*settled[:2], steps[2], settled[3])) == steps[2]
    assert current((steps[0], *settled[1:])) == steps[0]
    assert current(settled) is None
    assert current(()) is None


def done(step: WalkStep, **changes: object) -> WalkStep:
    values: dict[str, object] = {
        "id": 7,
        "state": StepState.VERIFIED,
        "by": "U1",
        "note": "seen",
        "settled_at": NOW,
        "seen": ("yes: it is so",),
        "seen_at": NOW,
    }
    return replace(step, **{**values, **changes})  # type: ignore[arg-type]


def test_what_was_done_is_kept_where_the_other_runbook_says_the_same() -> None:
    steps = laid_out(BOOK, bot=None, bots=BOTS)
    found = carried([done(each) for each in steps], steps)
    assert [each.number for each in found] == [each.number for each in steps]
    for before, after in zip(steps, found, strict=True):
        assert after == (done(before, id=0) if before.phase in KEPT else before)


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_is_kept_or_done_again(phase: Phase) -> None:
    step = WalkStep(number=1, name="it", phase=phase, title="it", text="it")
    (found,) = carried([done(step, number=4)], [step])
    assert (found.state == StepState.VERIFIED) is (phase in {"assess", "stop", "investigate"})
    assert found.number == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"bot": "quantum"},
        {"phase": "assess"},
        {"expects": {"fleet.stopped": False}},
        {"expects": {}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_what_differs_is_done_again(changes: dict[str, object]) -> None:
    step = WalkStep(
        number=1, name="it", bot="ndax", phase="stop", title="it", text="it", expects={"fleet.stopped": True}
    )
    after = replace(step, **changes)  # type: ignore[arg-type]
    assert carried([done(step)], [after]) == (after,)


def test_words_may_differ_and_an_open_step_gives_nothing() -> None:
    step = WalkStep(number=1, name="it", phase="stop", title="it", text="it")
    (found,) = carried([done(step)], [replace(step, title="that", text="that")])
    assert (found.title, found.state, found.by) == ("that", StepState.VERIFIED, "U1")
    undone = replace(step, note="it is no longer so")
    assert carried([undone], [step]) == (step,)
