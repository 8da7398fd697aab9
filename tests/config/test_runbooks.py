"""Runbooks: every mistake of every file at once, and what must hold for the ones that are shipped."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import COMMANDS, find
from commands.masking import masked_text
from commands.parsing import parse
from commands.probes.signs import PROBES, SIGNS
from commands.spec import Risk
from commands.walking.proposing import ENOUGH
from config.runbooks import GENERAL, MOST_BYTES, MOST_FILES, Known, Runbook, RunbookError, Step, load

BOTS = ("ndax", "quantum", "shadowforge")
KNOWN = Known(signs=SIGNS, probes=PROBES, commands={each.name for each in COMMANDS})

IDS = (
    "general",
    "crash-loop",
    "api-connection",
    "configuration",
    "kill-switch",
    "data-loss",
    "security-breach",
    "resources",
)
OURS = load(None, KNOWN)
BY_ID = {each.id: each for each in OURS}
MOVING = {"start", "start-sequential", "resume", "override", "force-override"}
"""Commands that let something trade."""

PLAIN = """
id = "{id}"
number = {number}
title = "Feed is late"
summary = "What to do."

[[symptoms]]
sign = "bot.error"
why = "It is late."

[[steps]]
id = "look"
phase = "assess"
title = "Look"
text = "Look."

[[steps]]
id = "stop"
phase = "stop"
title = "Stop"
text = "Stop."
commands = ["/kill {{reason}}", "/stop {{bot}}"]
expects = {{ "fleet.stopped" = true }}

[[steps]]
id = "cause"
phase = "investigate"
title = "Cause"
text = "Cause."
probes = ["logs"]

[[steps]]
id = "mend"
phase = "fix"
title = "Mend"
text = "Mend."

[[steps]]
id = "check"
phase = "verify"
title = "Check"
text = "Check."

[[steps]]
id = "start"
phase = "recover"
title = "Start"
text = "Start."
each_bot = true

[[steps]]
id = "log"
phase = "document"
title = "Log"
text = "Log."
"""


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    directory = tmp_path / "runbooks"
    directory.mkdir()
    return directory


def put(directory: Path, name: str = "late-feed", *changes: tuple[str, str], number: int = 50) -> Path:
    """A right runbook with these changes made to it."""
    text = PLAIN.format(id=name, number=number)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = directory / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(directory: Path | None, known: Known = KNOWN) -> list[str]:
    with pytest.raises(RunbookError) as caught:
        load(directory, known)
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return list(caught.value.mistakes)


# -- the loader


def test_ours_load_by_their_numbers_the_general_one_first() -> None:
    assert [(each.number, each.id) for each in OURS] == list(enumerate(IDS))


def test_a_runbook_of_the_operator_comes_in_at_its_number(theirs: Path) -> None:
    put(theirs, number=30)
    found = load(theirs, KNOWN)
    assert [each.id for each in found] == [*IDS, "late-feed"]
    added = found[-1]
    assert added.symptoms[0].weight == 1
    assert added.steps[1].expects == {"fleet.stopped": True}
    assert (added.steps[5].each_bot, added.steps[5].skippable) == (True, False)


def test_the_general_one_stays_first_whatever_its_number(theirs: Path) -> None:
    put(theirs, GENERAL, number=99)
    assert [each.id for each in load(theirs, KNOWN)] == list(IDS)


def test_a_file_with_the_name_of_ours_takes_its_place(theirs: Path) -> None:
    put(theirs, "resources", number=7)
    found = {each.id: each for each in load(theirs, KNOWN)}
    assert len(found) == len(IDS)
    assert found["resources"].title == "Feed is late"


def test_every_mistake_in_every_file_is_told_at_once(theirs: Path) -> None:
    wrong = put(
        theirs,
        "wrong",
        ('"bot.error"', '"bot.eror"'),
        ('"/stop {bot}"', '"/stpo {bot}", "restart it", "/status {bots}"'),
        ('"fleet.stopped"', '"fleet.stoped"'),
        ('probes = ["logs"]', 'probes = ["log"]'),
    )
    shape = put(theirs, "shape", ("number = 51", 'number = "many"\ncolour = "red"'), number=51)
    assert mistakes(theirs) == [
        f"{shape}: number: Input should be a valid integer, unable to parse string as an integer.",
        f"{shape}: colour: Extra inputs are not permitted.",
        f"{wrong}: symptoms: there is no sign bot.eror; did you mean bot.error?",
        f"{wrong}: step stop: there is no sign fleet.stoped; did you mean fleet.stopped?",
        f"{wrong}: step stop: there is no command stpo; did you mean stop?",
        f"{wrong}: step stop: 'restart it' is no command; write it as it is typed, such as /status.",
        f"{wrong}: step stop: '{{bots}}' stands for nothing; there are {{bot}} and {{reason}}.",
        f"{wrong}: step cause: there is no probe log; did you mean logs?",
    ]


def test_what_is_like_nothing_known_gets_no_suggestion(theirs: Path) -> None:
    path = put(theirs, "late-feed", ('"bot.error"', '"zzzz.qqqq"'))
    assert mistakes(theirs) == [f"{path}: symptoms: there is no sign zzzz.qqqq."]


def test_phases_out_of_order_are_told_with_the_step(theirs: Path) -> None:
    path = put(theirs, "late-feed", ('phase = "fix"', 'phase = "stop"'))
    told = mistakes(theirs)
    assert len(told) == 1
    assert told[0].startswith(f"{path}: it: has step 4 (mend) in phase stop behind one in investigate;")


@pytest.mark.parametrize(
    ("phase", "instead"),
    [
        ("assess", "stop"),
        ("stop", "assess"),
        ("investigate", "stop"),
        ("fix", "investigate"),
        ("verify", "fix"),
        ("recover", "verify"),
        ("document", "recover"),
    ],
)
def test_every_phase_takes_a_step(theirs: Path, phase: str, instead: str) -> None:
    path = put(theirs, "late-feed", (f'phase = "{phase}"', f'phase = "{instead}"'))
    assert mistakes(theirs) == [f"{path}: it: has no step in phase {phase}; every phase takes one."]


def test_a_step_is_named_once(theirs: Path) -> None:
    path = put(theirs, "late-feed", ('id = "mend"', 'id = "look"'))
    assert mistakes(theirs) == [f"{path}: it: names the step look twice."]


def test_the_id_is_the_name_of_the_file(theirs: Path) -> None:
    path = put(theirs, "late-feed", ('id = "late-feed"', 'id = "late-food"'))
    assert mistakes(theirs) == [f"{path}: its id is late-food; it must be the file's name, late-feed."]


def test_a_number_is_used_once(theirs: Path) -> None:
    put(theirs, "late-feed", number=3)
    assert mistakes(theirs) == [
        "The runbooks configuration and late-feed have the same number 3: change one."
    ]


@pytest.mark.parametrize("weight", ["0", "11", "1.5", '"loud"'])
def test_a_weight_is_a_whole_number_from_1_to_10(theirs: Path, weight: str) -> None:
    path = put(theirs, "late-feed", ('sign = "bot.error"', f'sign = "bot.error"\nweight = {weight}'))
    told = mistakes(theirs)
    assert len(told) == 1
    assert told[0].startswith(f"{path}: symptoms.0.weight: ")


def test_a_large_file_is_not_read_to_its_end(theirs: Path) -> None:
    path = put(theirs)
    fits = path.read_text(encoding="utf-8") + "#"
    path.write_text(fits + "x" * (MOST_BYTES - len(fits)), encoding="utf-8")
    assert len(load(theirs, KNOWN)) == len(IDS) + 1
    path.write_text(fits + "x" * (MOST_BYTES - len(fits) + 1), encoding="utf-8")
    assert mistakes(theirs) == [f"{path}: is larger than 256 KiB."]


def test_too_many_files_are_told_as_one_mistake(theirs: Path) -> None:
    for number in range(MOST_FILES + 1):
        (theirs / f"empty-{number}.toml").touch()
    assert mistakes(theirs) == [f"{theirs} holds 101 runbooks; at most 100 are read."]


@pytest.mark.parametrize(
    "content",
    [b"id = late", b"\x00\x01\x02", b"\xff\xfe\x00id", b'id = "a"\nid = "b"', b"[[steps]"],
    ids=["no quotes", "binary", "other encoding", "a key twice", "cut off"],
)
def test_what_is_no_toml_is_told_with_its_file(theirs: Path, content: bytes) -> None:
    path = theirs / "late-feed.toml"
    path.write_bytes(content)
    told = mistakes(theirs)
    assert len(told) == 1
    assert told[0].startswith(f"{path}: is no TOML: ")


def test_an_empty_file_is_told_what_it_lacks(theirs: Path) -> None:
    path = theirs / "late-feed.toml"
    path.touch()
    assert mistakes(theirs) == [
        f"{path}: {key}: Field required." for key in ("id", "number", "title", "summary", "steps")
    ]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert mistakes(gone) == [f"The directory of runbooks {gone} cannot be read (No such file or directory)."]


def test_a_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "runbooks"
    file.touch()
    assert mistakes(file) == [f"The directory of runbooks {file} cannot be read (Not a directory)."]


def test_other_files_and_directories_beside_are_left_alone(theirs: Path) -> None:
    (theirs / "notes.md").write_text("no runbook", encoding="utf-8")
    (theirs / "old.toml").mkdir()
    assert load(theirs, KNOWN) == OURS


def test_a_link_that_leads_nowhere_is_left_alone(theirs: Path) -> None:
    (theirs / "late-feed.toml").symlink_to(theirs / "gone.toml")
    assert load(theirs, KNOWN) == OURS


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails when it is read")
def test_a_file_that_cannot_be_read_is_told(theirs: Path) -> None:
    path = theirs / "late-feed.toml"
    path.symlink_to("/proc/self/mem")  # permissions do not stop a test that runs as root
    assert mistakes(theirs) == [f"{path}: cannot be read (Input/output error)."]


def test_a_replacement_of_ours_with_a_mistake_is_told_and_ours_not_taken_for_it(theirs: Path) -> None:
    path = put(theirs, "resources", ('"bot.error"', '"bot.eror"'), number=7)
    assert mistakes(theirs) == [f"{path}: symptoms: there is no sign bot.eror; did you mean bot.error?"]


# -- what must hold for ours


def steps() -> Iterator[tuple[Runbook, Step]]:
    for runbook in OURS:
        for step in runbook.steps:
            yield runbook, step


STEPS = tuple(pytest.param(book, step, id=f"{book.id}-{step.id}") for book, step in steps())


def named(command: str) -> str:
    return command[1:].split(maxsplit=1)[0]


def texts(runbook: Runbook) -> Iterator[str]:
    """All that a person reads of a runbook."""
    yield from (runbook.title, runbook.summary)
    yield from (each.why for each in runbook.symptoms)
    for step in runbook.steps:
        yield from (step.title, step.text, step.record, *step.commands)


def sentences(runbook: Runbook) -> Iterator[str]:
    for text in texts(runbook):
        yield from re.split(r"(?<=[.!?:;])\s+", text)


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_a_runbook_of_ours_has_9_to_16_steps(runbook: Runbook) -> None:
    assert 9 <= len(runbook.steps) <= 16


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_what_lets_a_bot_trade_stands_in_phase_recover_alone(runbook: Runbook, step: Step) -> None:
    assert step.phase == "recover" or not MOVING & set(map(named, step.commands))


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_nothing_is_started_at_full_limits_or_in_one_go(runbook: Runbook, step: Step) -> None:
    for command in step.commands:
        assert named(command) not in {"start-sequential", "resume"}
        assert "full" not in command.split()


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_what_is_stopped_proved_or_brought_back_is_looked_at(runbook: Runbook, step: Step) -> None:
    assert step.expects or step.phase not in {"stop", "verify", "recover"}


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_a_text_of_ours_is_one_line_a_phone_can_show(runbook: Runbook, step: Step) -> None:
    for text in (step.title, step.text, step.record):
        assert "  " not in text
        assert "\n" not in text
    assert len(step.text) <= 330
    assert step.text[-1] in ".?!"


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_a_command_of_a_step_is_understood_as_it_is_typed(runbook: Runbook, step: Step) -> None:
    for command in step.commands:
        name, _, rest = command[1:].partition(" ")
        typed = rest.replace("{bot}", "ndax").replace("{reason}", "ndax falls again and again")
        request = parse(name, typed, BOTS)
        assert request.command == name
        if "{reason}" in rest:
            assert request.reason == "ndax falls again and again"


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_nothing_in_a_runbook_destroys_or_betrays(runbook: Runbook) -> None:
    for text in texts(runbook):
        assert not re.search(
            r"\brm\b|\bkill -|pkill|killall|\bsudo\b|ifconfig|\.env\b|\bcurl\b|\bgrep\b|/tmp|~/", text
        )
        assert masked_text(text) == text
    for sentence in sentences(runbook):
        forbids = re.search(r"\b(no|not|none|never|nothing|leave|free of)\b", sentence, re.IGNORECASE)
        if re.search(
            r"\b(delet|eras|remov|wip|throw|overwrit|clear(?!-breaker)|by force)", sentence, re.IGNORECASE
        ):
            assert forbids, sentence
        if re.search(
            r"\b(keys?|secrets?|passwords?)\b.*\b(chat|note|log|channel)\b", sentence, re.IGNORECASE
        ):
            assert forbids, sentence


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_a_kill_is_one_button_away_in_phase_stop_and_raises_nothing(runbook: Runbook) -> None:
    stop = next(each for each in runbook.steps if "fleet.stopped" in each.expects)
    assert (stop.phase, stop.commands[0]) == ("stop", "/kill {reason}")
    for step in runbook.steps:
        if step.phase == "stop":
            offered = [find(named(each)) for each in step.commands]
            assert all(each is None or each.risk is not Risk.RAISE for each in offered)


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_each_bot_is_started_and_watched_before_the_next_and_after_the_release(runbook: Runbook) -> None:
    names = [each.id for each in runbook.steps]
    assert names.index("release") < names.index("start") == names.index("watch") - 1
    release, start, watch = (runbook.steps[names.index(each)] for each in ("release", "start", "watch"))
    assert release.expects == {"switch.active": False, "kill.stands": False}
    assert set(map(named, release.commands)) == {"override", "force-override"}
    assert start.commands == ("/start {bot} {reason}",)
    assert start.expects == {"bot.running": True, "start.safe": True}
    assert watch.expects == {"window.stable": True}
    assert [each.id for each in runbook.steps if each.each_bot] == ["start", "watch"]
    assert not start.skippable
    assert not watch.skippable


def test_what_falls_or_was_broken_into_is_watched_for_an_hour() -> None:
    hours = {each.id: next(step for step in each.steps if step.id == "watch").commands for each in OURS}
    assert {name for name, commands in hours.items() if commands == ("/monitor {bot} 60m",)} == {
        "crash-loop",
        "security-breach",
    }
    assert set(hours.values()) == {("/monitor {bot} 30m",), ("/monitor {bot} 60m",)}


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_a_release_may_be_skipped_only_where_one_bot_can_have_been_stopped(runbook: Runbook) -> None:
    alone = any("/stop {bot}" in each.commands for each in runbook.steps if each.phase == "stop")
    release = next(each for each in runbook.steps if each.id == "release")
    assert release.skippable == alone


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_after_whatever_releases_the_kill_it_is_looked_whether_a_bot_moves(runbook: Runbook) -> None:
    hosts = [number for number, each in enumerate(runbook.steps) if "host" in map(named, each.commands)]
    for number in hosts:
        after = runbook.steps[number + 1]
        assert "host" in map(named, after.commands) or after.expects.get("fleet.stopped") is True
        assert "release" in runbook.steps[number].text


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_evidence_is_taken_before_anything_is_mended(runbook: Runbook) -> None:
    taken = [each for each in runbook.steps if each.expects.get("evidence.taken") is True]
    assert [each.commands for each in taken] == [("/evidence",)]
    assert taken[0].phase in {"stop", "investigate"}


@pytest.mark.parametrize("runbook", OURS, ids=IDS)
def test_the_end_is_a_written_log(runbook: Runbook) -> None:
    last = runbook.steps[-1]
    assert last.commands == ("/recoveries new {bot}",)
    assert last.expects == {"log.written": True}
    assert not last.skippable


def test_a_breach_is_stopped_locked_and_kept_before_anything_is_isolated() -> None:
    breach = BY_ID["security-breach"]
    names = [each.id for each in breach.steps]
    order = [
        "stop",
        "lockdown",
        "evidence",
        "keys",
        "isolate",
        "trace",
        "rebuild",
        "check",
        "unlock",
        "release",
    ]
    assert [each for each in names if each in order] == order
    by_name = dict(zip(names, breach.steps, strict=True))
    assert by_name["lockdown"].commands == ("/lockdown on {reason}",)
    assert by_name["lockdown"].expects == {"lockdown.on": True}
    assert not any(by_name[each].skippable for each in ("stop", "lockdown", "evidence", "keys", "unlock"))
    assert by_name["unlock"].expects == {"lockdown.on": False}
    for before in names[: names.index("evidence")]:
        assert not re.search(r"network|unplug|offline|cut the line", by_name[before].text)


def test_a_lockdown_that_a_runbook_begins_is_ended_before_the_release() -> None:
    for runbook in OURS:
        typed = [command for step in runbook.steps for command in step.commands]
        on, off = "/lockdown on {reason}" in typed, "/lockdown off {reason}" in typed
        assert on == off
        if on:
            assert typed.index("/lockdown off {reason}") < typed.index("/override {reason}")


# -- which runbook is proposed


def points(runbook: Runbook, seen: frozenset[str]) -> int:
    return sum(each.weight for each in runbook.symptoms if each.sign in seen)


FAULTS = {
    "crash-loop": [
        {"bot.crash-loop"},
        {"bot.crash-loop", "errors.crash", "logs.tracebacks", "bot.error", "errors.growing"},
        # a program that cannot read its answer falls with a traceback and names no topic of its own
        {"errors.crash", "logs.tracebacks", "bot.error"},
    ],
    "api-connection": [
        {"network.failing"},
        {"errors.api"},
        {"network.failing", "network.all-failing", "errors.api", "logs.api", "fleet.all-affected"},
        {"errors.api", "logs.api", "bot.error", "logs.tracebacks", "fleet.all-affected", "kill.elsewhere"},
    ],
    "configuration": [
        {"config.broken"},
        {"config.invalid"},
        {"config.broken", "config.changed", "files.missing"},
        # a parser that fails leaves tracebacks, and the bot does not stay up
        {
            "config.broken",
            "errors.config",
            "logs.config",
            "errors.crash",
            "logs.tracebacks",
            "bot.crash-loop",
        },
    ],
    "kill-switch": [
        {"release.refused", "switch.active", "kill.stands"},
        {"breaker.theirs", "kill.stands"},
        {"release.refused", "breaker.theirs", "breaker.ours", "kill.stands", "bot.error"},
    ],
    "data-loss": [
        {"errors.data"},
        {"alerts.data", "alerts.critical"},
        {"errors.data", "alerts.data", "logs.data", "files.missing", "bot.error"},
    ],
    "security-breach": [
        {"errors.security"},
        {"alerts.security", "alerts.critical"},
        {"logs.security", "kill.elsewhere"},
        # an intruder's orders leave positions that do not match
        {"errors.security", "alerts.security", "errors.data", "alerts.data"},
    ],
    "resources": [
        {"host.disk-short"},
        {"host.memory-short", "errors.memory", "logs.memory", "bot.error"},
        {"alerts.resources", "host.cpu-busy"},
        # a bot that is ended for want of memory falls like any other
        {
            "host.memory-short",
            "errors.memory",
            "logs.memory",
            "bot.crash-loop",
            "logs.tracebacks",
            "bot.error",
        },
    ],
    GENERAL: [
        set(),
        {"kill.stands", "switch.active", "fleet.stopped", "kill.verified"},
        {"bot.error", "logs.tracebacks"},
        {"breaker.ours", "kill.stands", "kill.elsewhere"},
        {"host.cpu-busy", "git.dirty", "git.recent", "config.changed", "network.tls-expiring"},
    ],
}


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        pytest.param(name, frozenset(each), id=f"{name}-{at}")
        for name, all_ in FAULTS.items()
        for at, each in enumerate(all_)
    ],
)
def test_the_signs_of_a_fault_speak_for_its_runbook(wanted: str, seen: frozenset[str]) -> None:
    assert seen <= set(SIGNS)
    scores = sorted(((points(each, seen), each.id) for each in OURS), reverse=True)
    if wanted == GENERAL:
        assert scores[0][0] < ENOUGH
    else:
        assert scores[0][1] == wanted
        assert scores[0][0] >= ENOUGH
        assert scores[0][0] > scores[1][0]


def test_the_general_one_waits_for_no_sign_and_every_other_has_some() -> None:
    assert BY_ID[GENERAL].symptoms == ()
    assert all(each.symptoms for each in OURS if each.id != GENERAL)


def test_why_is_one_sentence() -> None:
    for runbook in OURS:
        for each in runbook.symptoms:
            assert re.fullmatch(r"[A-Z][^.!?]*\.", each.why), each.why
