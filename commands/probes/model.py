"""What a probe saw, as data: findings for people, and signs for the rules of runbooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType


class Verdict(StrEnum):
    """What a finding means."""

    WELL = "well"  # it was looked at and is as it should be
    ILL = "ill"  # it was looked at and is not
    UNKNOWN = "unknown"  # it could not be looked at; never the same as well
    NOTED = "noted"  # worth knowing, neither good nor bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was seen.

    ``text`` is one line without secrets, not escaped for any chat. ``signs`` maps names of `signs.SIGNS` to whether
    they were seen; a sign that is not named is not known.
    """

    verdict: Verdict
    text: str
    source: str  # "GET /status", "logs/bot-coordinator.log"
    signs: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one probe saw; ``took`` in seconds."""

    probe: str  # name in `signs.PROBES`
    at: datetime
    took: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The fleet's directories on this host, absolute; nothing outside ``home`` is ever opened."""

    home: Path
    logs: Path
    config: Path
    backups: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Whether a sign was seen, by which finding of which probe, and when."""

    sign: str
    seen: bool
    probe: str
    at: datetime
    text: str
    source: str


def gathered(reports: tuple[Report, ...]) -> Mapping[str, Evidence]:
    """Every sign that is known; where two findings differ, seen wins over not seen."""
    found: dict[str, Evidence] = {}
    for report in reports:
        for each in report.findings:
            for sign, seen in each.signs.items():
                before = found.get(sign)
                if before is None or (seen and not before.seen):
                    found[sign] = Evidence(
                        sign=sign,
                        seen=seen,
                        probe=report.probe,
                        at=report.at,
                        text=each.text,
                        source=each.source,
                    )
    return found
