"""Which runbook fits what was seen, and why: a person chooses, this only proposes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commands.probes.model import Evidence
from config.runbooks import GENERAL, Runbook

ENOUGH = 4
"""Points from which a runbook is proposed; below that the general process is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One symptom that was seen: why it speaks for the runbook, and what showed it."""

    why: str
    seen: str
    source: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One runbook with all that speaks for it; ``points`` is the sum of the weights."""

    scenario: str
    title: str
    points: int
    reasons: tuple[Reason, ...]
    unknown: int  # symptoms that could not be looked for

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        return {
            "scenario": self.scenario,
            "title": self.title,
            "points": self.points,
            "unknown": self.unknown,
            "reasons": [
                {"why": each.why, "seen": each.seen, "source": each.source, "weight": each.weight}
                for each in self.reasons
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Proposal":
        """What ``as_json`` made."""
        return cls(**{**stored, "reasons": tuple(Reason(**each) for each in stored["reasons"])})


def propose(runbooks: Sequence[Runbook], evidence: Mapping[str, Evidence]) -> tuple[Proposal, ...]:
    """Those with enough points, the most first; the general process alone when none has enough."""
    found = [_held(each, evidence) for each in runbooks if each.symptoms]
    enough = sorted(
        (each for each in found if each.points >= ENOUGH), key=lambda each: -each.points
    )  # stable: of equal ones the handbook's order decides
    if enough:
        return tuple(enough)
    general = next(each for each in runbooks if each.id == GENERAL)
    unknown = sum(each.unknown for each in found)
    return (Proposal(scenario=general.id, title=general.title, points=0, reasons=(), unknown=unknown),)


def _held(runbook: Runbook, evidence: Mapping[str, Evidence]) -> Proposal:
    reasons, unknown = [], 0
    for symptom in runbook.symptoms:
        found = evidence.get(symptom.sign)
        if found is None:
            unknown += 1
        elif found.seen:
            reasons.append(
                Reason(why=symptom.why, seen=found.text, source=found.source, weight=symptom.weight)
            )
    reasons.sort(key=lambda each: -each.weight)
    return Proposal(
        scenario=runbook.id,
        title=runbook.title,
        points=sum(each.weight for each in reasons),
        reasons=tuple(reasons),
        unknown=unknown,
    )
