"""What a check of the doctor's found, and how bad it is."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"  # the bot works, but less well than it could
    FAILED = "failed"  # the bot will not do what it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found; ``what`` is one sentence that also says what to do."""

    level: Level
    what: str


def ok(what: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, what=what)


def warning(what: str) -> Finding:
    """Worth a look."""
    return Finding(level=Level.WARNING, what=what)


def failed(what: str) -> Finding:
    """In the way."""
    return Finding(level=Level.FAILED, what=what)
