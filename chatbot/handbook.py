"""The handbook to read on paper or by day: every runbook as one Markdown document, made from the same data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from commands.probes.signs import PROBES, Sign
from commands.walking.proposing import ENOUGH
from config.runbooks import GENERAL, PHASES, Phase, Runbook, Step

PHASE_TITLES: Mapping[Phase, str] = MappingProxyType(
    {
        "assess": "Look",
        "stop": "Stop",
        "investigate": "Find the cause",
        "fix": "Mend",
        "verify": "Prove it",
        "recover": "Bring back",
        "document": "Write down",
    }
)
"""What a phase is called in it."""

TRAPS: Mapping[str, str] = MappingProxyType(
    {
        "Evidence too late": (
            "A coordinator that was stopped, or a host without a line, tells nothing any more. "
            "Evidence is taken while all still answers."
        ),
        "All bots at once": (
            "The coordinator's own sequence knows no safe mode: it brings every bot up at full limits and starts one "
            "twice. Here each bot is started alone, in safe mode, and watched before the next."
        ),
        "A restart that nobody calls a release": (
            "The coordinator keeps its kill switch in memory, so a restart lets the kill go. "
            "Here it takes what a release takes, and the next step looks whether anything moves."
        ),
        "Success that proves nothing": (
            "An answer that says success was seen while bots went on trading. "
            "A step counts as verified when a new look shows it, and what could not be looked at verifies nothing."
        ),
        "Room made by deleting": (
            "Old logs, temporary files and caches are evidence, or belong to other programs. "
            "Here they are moved where there is room, and none is deleted."
        ),
        "Programs ended by force or by a part of their name": (
            "That loses what they had not written yet, and hits others whose name is alike. "
            "Here a program is ended through its own service, or by an action that the operator named."
        ),
        "Checks that never were": (
            "The coordinator ignores flags for a health check, for verifying data or for reading only, and starts. "
            "Here its state is asked for over HTTP, and files are read."
        ),
        "The wrong lines counted": (
            "Searching the logs for the kill switch in small letters finds releases and misses the kills. "
            "Here kills are counted from our own record."
        ),
        "The cooldown in the wrong file": (
            "It stands in `kill-switch.json` under `recovery.cooldown_period_minutes`, not in `recovery-settings.json`."
        ),
        "Keys in sight": (
            "A file of secrets that is printed to see whether a key is right is a key that is lost. "
            "Keys are looked at where they were issued; neither they nor raw logs come into the chat."
        ),
        "The breaker reset first": (
            "A breaker is open because something killed the fleet several times. Here the cause comes before the reset."
        ),
        "The backup over the only copy": (
            "Restoring at once loses what was there. "
            "Here it is kept aside, compared, and put back one thing after another."
        ),
    }
)
"""What hurried recoveries do wrong, and what is done here instead."""

_INTRODUCTION = f"""\
This is what `/recover` walks through, step by step, for reading before it is needed. It is made from the runbooks \
themselves.

- In doubt type `/kill`. It takes one person and one step; reading on comes after.
- In a command `{{bot}}` stands for the bot that is meant, `{{reason}}` for what the recovery is about. \
Where a step names several commands, choose one.
- Slack keeps `/status` for itself: there it is `/fleet status`.
- *Verified when* is what a new look has to show. Where it cannot be looked at, or nothing is named, \
a person says how it is, with a note.
- Every start and every release takes a second admin. A stop never does.
- The points of a symptom say how loudly it speaks for a runbook; from {ENOUGH} points on the runbook is proposed. \
A person chooses."""

_MARKUP = re.compile(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w))")


def handbook(runbooks: Sequence[Runbook], signs: Mapping[str, Sign]) -> str:
    """All runbooks as Markdown in the order given; every sign they name must be among ``signs``, else KeyError."""
    lines = ["# Recovery handbook", "", _INTRODUCTION, "", "## Contents", ""]
    lines += [f"- [{_heading(each)}](#{each.id})" for each in runbooks]
    lines += ["- [Traps that these runbooks avoid](#traps)", ""]
    for each in runbooks:
        lines += _chapter(each, signs)
    lines += ['<a id="traps"></a>', "", "## Traps that these runbooks avoid", ""]
    lines += [f"- **{name}.** {text}" for name, text in TRAPS.items()]
    return "\n".join(lines) + "\n"


def _chapter(runbook: Runbook, signs: Mapping[str, Sign]) -> Iterator[str]:
    yield from (f'<a id="{runbook.id}"></a>', "", f"## {_heading(runbook)}", "", _plain(runbook.summary), "")
    yield from ("### How it is recognised", "")
    if not runbook.symptoms:
        fits = "it is proposed when no other runbook fits" if runbook.id == GENERAL else "a person chooses it"
        yield f"By nothing of its own: {fits}."
    for each in runbook.symptoms:
        points = "1 point" if each.weight == 1 else f"{each.weight} points"
        yield f"- **{_capital(signs[each.sign].words)}** ({points}). {_plain(each.why)}"
    numbered = tuple(enumerate(runbook.steps, start=1))
    yield ""
    for phase in PHASES:
        yield from (f"### {PHASE_TITLES[phase]}", "")
        for number, step in numbered:
            if step.phase == phase:
                yield from _step(number, step, signs)


def _step(number: int, step: Step, signs: Mapping[str, Sign]) -> Iterator[str]:
    """One item of a numbered list; all that belongs to it is indented by the width of its number."""
    mark = f"{number}. "
    inside = " " * len(mark)
    yield f"{mark}**{_plain(step.title)}**{' (each bot in turn)' if step.each_bot else ''}"
    yield from ("", f"{inside}{_plain(step.text)}", "")
    if step.commands:
        yield f"{inside}- Type {' or '.join(map(_code, step.commands))}"
    if step.expects:
        yield f"{inside}- Verified when:"
        for name, wanted in step.expects.items():
            sign = signs[name]
            yield f"{inside}  - {sign.words if wanted else sign.absent} (looked at: {PROBES[sign.probe]})"
    else:
        yield f"{inside}- Not verified by a look: whoever did it says so, with a note."
    shown = [name for name in step.probes if name not in {signs[each].probe for each in step.expects}]
    if shown:
        yield f"{inside}- Shown with it: {'; '.join(PROBES[name] for name in shown)}"
    if step.record:
        yield f"{inside}- Write down: {_plain(step.record)}"
    if step.skippable:
        yield f"{inside}- May be skipped where it does not apply."
    yield ""


def _heading(runbook: Runbook) -> str:
    return f"{runbook.number}: {_plain(runbook.title)}" if runbook.number else _plain(runbook.title)


def _plain(text: str) -> str:
    """A text of a runbook on one line, with nothing in it that Markdown would take for its own."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _code(command: str) -> str:
    """A command as code, also one that holds backticks itself."""
    line = " ".join(command.split())
    longest = max(map(len, re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{line}{space}{fence}"
