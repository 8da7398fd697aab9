"""The handbook is what the runbooks say, all of it, and the copy in the documentation is that."""

import re
from pathlib import Path

import pytest

from chatbot.handbook import TRAPS, handbook
from commands import COMMANDS
from commands.probes.signs import PROBES, SIGNS
from config.runbooks import PHASES, Known, Runbook, Step, Symptom, load

WRITTEN = Path(__file__).parents[2] / "docs" / "handbook.md"
OURS = load(None, Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS}))
TEXT = handbook(OURS, SIGNS)
LINES = TEXT.splitlines()
IDS = [each.id for each in OURS]


def chapter(runbook: Runbook) -> str:
    """What stands between its anchor and the next one."""
    return TEXT.split(f'<a id="{runbook.id}"></a>')[1].split("<a id=")[0]


def test_the_copy_in_the_documentation_is_made_from_the_runbooks() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == TEXT, "write handbook(...) of the shipped runbooks to it"


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_all_of_a_runbook_stands_in_its_chapter(runbook: Runbook) -> None:
    told = chapter(runbook)
    assert runbook.summary in told
    for symptom in runbook.symptoms:
        sign = SIGNS[symptom.sign].words
        assert re.search(
            rf"^- \*\*(?i:{re.escape(sign)})\*\* \({symptom.weight} points?\)\. ", told, re.MULTILINE
        )
        assert symptom.why in told
    for number, step in enumerate(runbook.steps, start=1):
        assert f"\n{number}. **{step.title}**" in told
        item = told.split(f"\n{number}. **")[1].split("\n\n###")[0].split(f"\n{number + 1}. **")[0]
        assert step.text in item
        assert f"Write down: {step.record}" in item or not step.record
        assert all(f"`{command}`" in item for command in step.commands)
        for name, wanted in step.expects.items():
            words = SIGNS[name].words if wanted else SIGNS[name].absent
            assert f"- {words} (looked at: {PROBES[SIGNS[name].probe]})" in item
        assert ("Not verified by a look" in item) == (not step.expects)
        assert ("May be skipped" in item) == step.skippable
        assert ("(each bot in turn)" in item) == step.each_bot
        assert all(PROBES[probe] in item for probe in step.probes)


def test_the_contents_lead_to_every_chapter_and_nowhere_else() -> None:
    leads = re.findall(r"^- \[.*\]\(#(.*)\)$", TEXT, re.MULTILINE)
    assert leads == [*IDS, "traps"]
    assert re.findall(r'^<a id="(.*)"></a>$', TEXT, re.MULTILINE) == leads
    assert "- [3: The configuration is broken](#configuration)" in LINES
    assert "- [General recovery](#general)" in LINES


def test_what_belongs_to_a_step_is_indented_by_the_width_of_its_number() -> None:
    width = 0
    for line in LINES:
        if found := re.match(r"\d+\. ", line):
            width = found.end()
        elif line.startswith(("#", "<a id=")):
            width = 0
        elif width and line:
            assert line.startswith(" " * width), line
            assert not line.startswith(" " * (width + 1)) or line.startswith(" " * (width + 2) + "- ")


def test_it_ends_with_the_traps_and_holds_no_date() -> None:
    assert TEXT.endswith("\n")
    assert LINES[-len(TRAPS) :] == [f"- **{name}.** {text}" for name, text in TRAPS.items()]
    assert not re.search(r"\b(19|20)\d\d\b|\bJanuary|\bMonday", TEXT)


def test_what_people_wrote_makes_no_markup_of_its_own() -> None:
    hostile = Step(
        id="look",
        phase="assess",
        title="[Press](http://x) *now*\n# Done",
        text="1. <b>bold</b> _so_ it `is`\n\n## Not a heading | at all \\",
        record="<!--",
        commands=("/kill `fence` ``two``",),
        expects={"switch.active": False},
    )
    others = tuple(
        Step(id=phase, phase=phase, title="Go", text="Go on.") for phase in PHASES if phase != hostile.phase
    )
    runbook = Runbook(
        id="odd",
        number=9,
        title="Odd <i>",
        summary="kill_switch.json stays as it is",
        symptoms=(Symptom(sign="bot.error", why="*Loud*."),),
        steps=(hostile, *others),
    )
    told = handbook((runbook,), SIGNS).splitlines()
    assert "## 9: Odd \\<i\\>" in told
    assert "kill_switch.json stays as it is" in told
    assert "- **A bot is in error** (1 point). \\*Loud\\*." in told
    assert "1. **\\[Press\\](http://x) \\*now\\* # Done**" in told
    assert "   1. \\<b\\>bold\\</b\\> \\_so\\_ it \\`is\\` ## Not a heading \\| at all \\\\" in told
    assert "   - Write down: \\<!--" in told
    assert "   - Type ``` /kill `fence` ``two`` ```" in told
    assert "     - the kill switch is inactive (looked at: the coordinator's word on the fleet)" in told


def test_no_runbook_that_is_not_general_claims_to_be_the_last_resort() -> None:
    alone = OURS[1].model_copy(update={"symptoms": ()})
    told = handbook((OURS[0], alone), SIGNS)
    assert told.count("it is proposed when no other runbook fits") == 1
    assert told.count("By nothing of its own: a person chooses it.") == 1


def test_a_sign_that_nobody_knows_is_an_error_and_no_gap() -> None:
    with pytest.raises(KeyError, match=r"fleet\.stopped|coordinator\.reachable"):
        handbook(OURS, {})
