"""When a step is verified: every sign it expects was seen as expected, by looks that are fresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from commands.probes.model import Evidence
from commands.probes.signs import SIGNS
from storage.walk_steps import StepState, WalkStep

CHEAP = frozenset({"fleet", "record", "history"})
"""Probes that ask for nothing that is not read anyway: what they tell is looked at all the time."""

GRADUAL = "recover"
"""The phase in which the fleet is released and its bots are started, one after the other."""

HOLDING = frozenset({"stop", "fix", "verify"})
"""Phases of which what was verified has to hold until the fleet is released."""

RUNNING = "bot.running"
PREPARES = frozenset({"lockdown.on", "cooldown.over", "breaker.ours", "breaker.theirs"})
"""Signs of steps of the gradual recovery that let nothing trade yet."""

TRIES = frozenset({"bot.running", "window.stable"})
_DONE = frozenset({StepState.VERIFIED, StepState.ASSERTED})
FLAPS = 2
"""So often a step may be no longer so before it has to hold for a while until it verifies itself again."""

STEADY_AFTER = timedelta(seconds=60)

_WORDS = {True: "yes", False: "no", None: "not known"}
ANSWERS = tuple(f"{word}: " for word in _WORDS.values())
"""How a line begins that answers to a step."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One sign of a step: as expected (True), not (False), or not known (``None``)."""

    sign: str
    passed: bool | None
    text: str  # what was seen, or that it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All signs of a step; it has passed when there are some and each of them has."""

    checks: tuple[Check, ...]
    at: datetime | None = None  # of the oldest look that it rests on

    @property
    def passed(self) -> bool:
        """True when the step is verified by this."""
        return bool(self.checks) and all(each.passed for each in self.checks)

    @property
    def refuted(self) -> bool:
        """True when something was seen that is not as expected."""
        return any(each.passed is False for each in self.checks)

    def lines(self) -> tuple[str, ...]:
        """One line for each sign."""
        return tuple(f"{_WORDS[each.passed]}: {each.text}" for each in self.checks)


def judge(expects: Mapping[str, bool], evidence: Mapping[str, Evidence]) -> Judgement:
    """The signs held against what was seen."""
    checks = []
    for name, wanted in expects.items():
        found, sign = evidence.get(name), SIGNS.get(name)
        if sign is None:  # a step that was laid out by an older version
            checks.append(Check(sign=name, passed=None, text=f"nothing tells {name} any more"))
        elif found is None:
            words = sign.words if wanted else sign.absent
            checks.append(Check(sign=name, passed=None, text=f"whether {words} could not be seen"))
        else:
            passed = found.seen is wanted
            words = sign.words if found.seen else sign.absent
            told = words if passed or not found.text else f"{words}: {found.text.rstrip('.')}"
            text = f"{told} ({found.source}, {found.at:%H:%M:%S} UTC)"
            checks.append(Check(sign=name, passed=passed, text=text))
    looks = [evidence[name].at for name in expects if name in evidence]
    return Judgement(checks=tuple(checks), at=min(looks, default=None))


def moment_of(
    steps: Sequence[WalkStep], *, opened: datetime, killed: datetime | None, now: datetime
) -> datetime:
    """From when on a look tells of the step that is next: the last that a person did, a kill or the opening.

    A moment that is still to come, by a clock that was set back, tells nothing.
    """
    said = (each.settled_at for each in steps if each.state in {StepState.ASSERTED, StepState.SKIPPED})
    moments = (opened, killed, *said)
    return max((each for each in moments if each is not None and each <= now), default=_LONG_AGO)


def looked_since(evidence: Mapping[str, Evidence], moment: datetime) -> Mapping[str, Evidence]:
    """What was seen by looks that began at that moment or later."""
    return {name: each for name, each in evidence.items() if each.at >= moment}


def probes_of(steps: Sequence[WalkStep]) -> tuple[str, ...]:
    """The probes that tell the signs of these steps, and those that are shown with them."""
    named = [name for step in steps for name in (*map(_probe, step.expects), *step.probes)]
    return tuple(name for name in dict.fromkeys(named) if name)


def seen_all_the_time(step: WalkStep) -> bool:
    """True when the step verifies itself: what it expects is looked at anyway."""
    return bool(step.expects) and all(_probe(each) in CHEAP for each in step.expects)


def _probe(sign: str) -> str:
    """Which probe tells the sign; "" for one that no probe tells any more."""
    found = SIGNS.get(sign)
    return found.probe if found is not None else ""


def fresh(step: WalkStep, *, now: datetime, for_: timedelta) -> bool:
    """True for a verified step whose look is not older than that; a clock set back makes nothing fresh."""
    if step.state != StepState.VERIFIED or step.seen_at is None:
        return False
    return timedelta(seconds=-60) <= now - step.seen_at <= for_


def stale(steps: Sequence[WalkStep], *, now: datetime, for_: timedelta) -> tuple[WalkStep, ...]:
    """Verified steps that have to hold before the fleet is released, and were looked at too long ago."""
    return tuple(each for each in have_to_hold(steps) if not fresh(each, now=now, for_=for_))


def have_to_hold(steps: Sequence[WalkStep]) -> tuple[WalkStep, ...]:
    """Verified steps that must still be so when the fleet is released, with those signs that must; none after that.

    What a later step ended on purpose, such as a lockdown, need not be so any more.
    """
    if released(steps):
        return ()
    ended = {
        sign: seen
        for each in steps
        if each.phase == GRADUAL and each.state != StepState.OPEN
        for sign, seen in each.expects.items()
    }
    found = []
    for each in steps:
        if each.state == StepState.VERIFIED and each.phase in HOLDING:
            expects = {sign: seen for sign, seen in each.expects.items() if ended.get(sign, seen) is seen}
            if expects or not each.expects:
                found.append(replace(each, expects=expects))
    return tuple(found)


def have_to_run(steps: Sequence[WalkStep]) -> tuple[WalkStep, ...]:
    """Verified starts, each with the sign that its bot runs: so it has to be until the recovery ends."""
    return tuple(
        replace(each, expects={RUNNING: True})
        for each in steps
        if each.phase == GRADUAL and each.state == StepState.VERIFIED and each.expects.get(RUNNING)
    )


def steady(times: int, last: datetime, *, killed: datetime | None, now: datetime) -> bool:
    """False for a step that went back and forth and has neither held for a while since nor been killed for.

    ``times`` is how often it was no longer so, ``last`` when that was seen last.
    """
    if times < FLAPS or (killed is not None and killed >= last):
        return True
    return not timedelta() <= now - last < STEADY_AFTER


def released(steps: Sequence[WalkStep]) -> bool:
    """True once a step of the gradual recovery was done that lets something trade; one that was skipped does not."""
    done = [each for each in steps if each.phase == GRADUAL and each.state in _DONE]
    return any(each.bot is not None or not each.expects or set(each.expects) - PREPARES for each in done)


def undone_by_fall(steps: Sequence[WalkStep], *, own: str | None, bot: str | None) -> tuple[WalkStep, ...]:
    """What a bot that did not hold undoes: its start and watching, what was verified before, and that it is stopped.

    ``own`` is the bot of the recovery; in one of the fleet (``None``) others may run by now, so there nobody is told to
    stop them all. ``bot`` is who fell, ``None`` where it may be any.
    """
    return tuple(
        each
        for each in steps
        if each.state != StepState.OPEN
        and (
            each.phase == "verify"
            or (own is not None and "fleet.stopped" in each.expects)
            or (is_try(each) and bot in (None, each.bot or own or bot))
        )
    )


def tried(steps: Sequence[WalkStep]) -> bool:
    """True once a bot was started, as far as the steps tell."""
    return any(is_try(each) and each.state in _DONE for each in steps)


def is_try(step: WalkStep) -> bool:
    """True for a step in which a bot trades again."""
    return step.phase == GRADUAL and (step.bot is not None or bool(TRIES & step.expects.keys()))


def no_longer_so(step: WalkStep, evidence: Mapping[str, Evidence], *, now: datetime) -> tuple[str, ...]:
    """What a look that is newer than the one that verified the step shows against it.

    A look that is still to come, by a clock that was set back, is older than every other.
    """
    before = step.seen_at if step.seen_at is not None and step.seen_at <= now else _LONG_AGO
    judged = judge(step.expects, looked_since(evidence, before))
    return tuple(each.text for each in judged.checks if each.passed is False)
