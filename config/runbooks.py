"""Runbooks as data: how each kind of trouble is known, looked into and mended, step by step.

Ours lie in ``config/runbooks``; the operator's directory adds more, and a file there with the name of one of ours
takes its place. Every mistake in every file is found at once, before the bot begins to serve.
"""

import itertools
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

OURS = Path(__file__).with_suffix("")
GENERAL = "general"
"""The runbook for what no other one fits."""

MOST_BYTES = 256 * 1024
MOST_FILES = 100
PLACES = frozenset({"bot", "reason"})
"""What a command of a step may leave open: the bot of the step, and what the recovery is about."""

Phase = Literal["assess", "stop", "investigate", "fix", "verify", "recover", "document"]
PHASES: tuple[Phase, ...] = ("assess", "stop", "investigate", "fix", "verify", "recover", "document")
"""The handbook's seven steps, in their order."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Sign = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z-]+$")]
Words = Annotated[str, Field(min_length=1, max_length=600)]
Title = Annotated[str, Field(min_length=1, max_length=80)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Symptom(_Part):
    """A sign that speaks for this runbook; ``weight`` says how loudly."""

    sign: Sign
    weight: int = Field(default=1, ge=1, le=10)
    why: Words


class Step(_Part):
    """One step; it is verified when every sign in ``expects`` is as said there, else a person can only assert it."""

    id: Name
    phase: Phase
    title: Title
    text: Words
    each_bot: bool = False  # once for every bot of the recovery, in the order in which they depend
    commands: tuple[Words, ...] = ()  # "/start {bot}": what a person could type, no more
    probes: tuple[Name, ...] = ()  # that are shown with it, besides those of its signs
    expects: Mapping[Sign, bool] = Field(default_factory=dict)
    record: str = Field(default="", max_length=300)  # what whoever ticks it is asked to write down
    skippable: bool = False  # a person may say that it does not apply


class Runbook(_Part):
    """One scenario of the handbook."""

    id: Name
    number: int = Field(ge=0, le=999)  # its place in lists; 0 is the general process
    title: Title
    summary: Words
    symptoms: tuple[Symptom, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _in_order(self) -> "Runbook":
        ids = [each.id for each in self.steps]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"names the step {twice[0]} twice")
        places = [PHASES.index(each.phase) for each in self.steps]
        for number, (before, after) in enumerate(itertools.pairwise(places), start=2):
            if after < before:
                raise ValueError(
                    f"has step {number} ({self.steps[number - 1].id}) in phase {PHASES[after]} behind one in "
                    f"{PHASES[before]}; the phases are {', '.join(PHASES)}, in that order"
                )
        missing = [each for each in PHASES if each not in {step.phase for step in self.steps}]
        if missing:
            raise ValueError(f"has no step in phase {missing[0]}; every phase takes one")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names a runbook may use; ``commands`` are those of the command table."""

    signs: Collection[str]
    probes: Collection[str]
    commands: Collection[str]


class RunbookError(Exception):
    """Every mistake in every runbook, one sentence each."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def load(theirs: Path | None, known: Known) -> tuple[Runbook, ...]:
    """All runbooks by their numbers, the general one first; RunbookError with every mistake there is."""
    found: dict[str, Runbook] = {}
    mistakes: list[str] = []
    for directory in (OURS, *([theirs] if theirs is not None else [])):
        for path in _files(directory, mistakes):
            runbook = _read(path, known, mistakes)
            if runbook is not None:
                found[runbook.id] = runbook
    numbers: dict[int, str] = {}
    for each in found.values():
        other = numbers.setdefault(each.number, each.id)
        if other != each.id:
            mistakes.append(
                f"The runbooks {other} and {each.id} have the same number {each.number}: change one."
            )
    if GENERAL not in found and not mistakes:
        mistakes.append(f"There is no runbook named {GENERAL}.")
    if mistakes:
        raise RunbookError(tuple(mistakes))
    return tuple(sorted(found.values(), key=lambda each: (each.id != GENERAL, each.number)))


def _files(directory: Path, mistakes: list[str]) -> list[Path]:
    try:
        found = sorted(each for each in directory.iterdir() if each.suffix == ".toml" and each.is_file())
    except OSError as error:
        mistakes.append(f"The directory of runbooks {directory} cannot be read ({error.strerror}).")
        return []
    if len(found) > MOST_FILES:
        mistakes.append(f"{directory} holds {len(found)} runbooks; at most {MOST_FILES} are read.")
        return []
    return found


def _read(path: Path, known: Known, mistakes: list[str]) -> Runbook | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            mistakes.append(f"{path}: is larger than {MOST_BYTES // 1024} KiB.")
            return None
        data: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
        runbook = Runbook.model_validate(data)
    except OSError as error:
        mistakes.append(f"{path}: cannot be read ({error.strerror}).")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: is no TOML: {error}.")
    except ValidationError as error:
        mistakes.extend(
            f"{path}: {'.'.join(map(str, each['loc'])) or 'it'}: {each['msg'].removeprefix('Value error, ')}."
            for each in error.errors(include_url=False, include_input=False)
        )
    else:
        if runbook.id != path.stem:
            mistakes.append(f"{path}: its id is {runbook.id}; it must be the file's name, {path.stem}.")
        before = len(mistakes)
        mistakes.extend(f"{path}: {each}" for each in _unknown(runbook, known))
        return runbook if len(mistakes) == before else None
    return None


def _unknown(runbook: Runbook, known: Known) -> Iterator[str]:
    """What it names and nobody knows."""
    for symptom in runbook.symptoms:
        yield from _named("symptoms", symptom.sign, known.signs, "sign")
    for step in runbook.steps:
        where = f"step {step.id}"
        for sign in step.expects:
            yield from _named(where, sign, known.signs, "sign")
        for probe in step.probes:
            yield from _named(where, probe, known.probes, "probe")
        for command in step.commands:
            if not command.startswith("/"):
                yield f"{where}: '{command}' is no command; write it as it is typed, such as /status."
                continue
            name = command[1:].split(maxsplit=1)[0]
            yield from _named(where, name, known.commands, "command")
            for place in re.findall(r"\{(.*?)\}", command):
                if place not in PLACES:
                    yield f"{where}: '{{{place}}}' stands for nothing; there are {{bot}} and {{reason}}."


def _named(where: str, name: str, names: Collection[str], what: str) -> Iterator[str]:
    if name in names:
        return
    near = get_close_matches(name, list(names), n=1)
    yield f"{where}: there is no {what} {name}{f'; did you mean {near[0]}?' if near else '.'}"
