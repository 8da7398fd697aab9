"""What a recovery log holds: its tables and its rows as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata, utc_text

OPEN, CLOSED = "open", "closed"

recoveries = sa.Table(
    "recoveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot", PlainText),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("scenario", PlainText, nullable=False),
    sa.Column("began_at", UtcDateTime, nullable=False),
    sa.Column("issue", PlainText, nullable=False),
    sa.Column("root_cause", PlainText, nullable=False),
    sa.Column("actions_taken", PlainText, nullable=False),
    sa.Column("outcome", PlainText, nullable=False),
    sa.Column("lessons", PlainText, nullable=False),
    sa.Column("timeline", sa.JSON, nullable=False),
    sa.Column("detect_s", sa.Float),
    sa.Column("stop_s", sa.Float),
    sa.Column("verify_s", sa.Float),
    sa.Column("recover_s", sa.Float),
    sa.Column("people", sa.JSON, nullable=False),
    sa.Column("approvals", sa.JSON, nullable=False),
    sa.Column("evidence", sa.String(64), nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("opened_by", PlainText, nullable=False),
    sa.Column("saved_at", UtcDateTime, nullable=False),
    sa.Column("saved_by", PlainText, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("closed_by", PlainText),
    sa.Column("version", sa.Integer, nullable=False),
)
recovery_corrections = sa.Table(
    "recovery_corrections",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("log_id", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", PlainText, nullable=False),
    sa.Column("text", PlainText, nullable=False),
    sa.Index("ix_recovery_corrections_log_id", "log_id"),
)
recovery_items = sa.Table(
    "recovery_items",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("log_id", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("title", PlainText, nullable=False),
    sa.Column("owner", PlainText, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("remind_at", UtcDateTime),
    sa.Column("done_at", UtcDateTime),
    sa.Column("done_by", PlainText),
    sa.UniqueConstraint("log_id", "number"),
    sa.Index("ix_recovery_items_done_at_remind_at", "done_at", "remind_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    what: str
    who: str = ""
    kind: str = ""  # alert, kill, stop, release, start, approval, window or other

    def as_json(self) -> dict[str, str]:
        """The moment as it is stored; ValueError for a time without a zone."""
        return {"at": utc_text(self.at), "what": self.what, "who": self.who, "kind": self.kind}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Moment":
        """The moment that ``as_json`` gave."""
        return cls(
            at=datetime.fromisoformat(stored["at"]),
            what=str(stored["what"]),
            who=str(stored.get("who", "")),
            kind=str(stored.get("kind", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long an incident took, in seconds; ``None`` where it is not known.

    It begins with its first alert, or with its first kill or stop if that came earlier.
    ``detect``: from the source's own time of the first alert to when we recorded it.
    ``stop``: from the beginning to when the first kill or stop was sent.
    ``verify``: from the acceptance of that one to its verification.
    ``recover``: from the beginning to the end of the last verified start or resume after it.
    """

    detect: float | None = None
    stop: float | None = None
    verify: float | None = None
    recover: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What people write in a log; an empty outcome is not filled in yet."""

    bot: str | None  # None: the whole fleet
    scenario: str = "unknown"
    began_at: datetime
    issue: str = ""
    root_cause: str = ""
    actions_taken: str = ""
    outcome: str = ""
    lessons: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One item of the checklist after a recovery, and how long after the opening of the log it is due."""

    number: int
    title: str
    due: timedelta


_DAY, _TWO_DAYS, _WEEK = timedelta(hours=24), timedelta(hours=48), timedelta(days=7)
CHECKLIST: tuple[Check, ...] = tuple(
    Check(number=number, title=title, due=due)
    for number, (title, due) in enumerate(
        (
            ("Document what happened", _DAY),
            ("Update the runbook if needed", _TWO_DAYS),
            ("Review and adjust limits", _TWO_DAYS),
            ("Test the kill switch", _DAY),
            ("Monitor for 24-48 hours", _TWO_DAYS),
            ("Hold the follow-up review", _WEEK),
            ("Update security measures", _TWO_DAYS),
            ("Back up the configuration", _DAY),
            ("Review the logs for patterns", _TWO_DAYS),
            ("Train the team on what was learned", _WEEK),
        ),
        start=1,
    )
)
"""The handbook's ten items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRow:
    """One log; ``evidence`` is the SHA-256 of the timeline's canonical JSON, ``version`` grows with each save."""

    id: int
    bot: str | None
    state: str  # open or closed
    scenario: str
    began_at: datetime
    issue: str
    root_cause: str
    actions_taken: str
    outcome: str
    lessons: str
    timeline: list[dict[str, Any]]  # as Moment.from_json takes them
    detect_s: float | None
    stop_s: float | None
    verify_s: float | None
    recover_s: float | None
    people: list[str]
    approvals: list[str]
    evidence: str
    opened_at: datetime
    opened_by: str
    saved_at: datetime
    saved_by: str
    closed_at: datetime | None
    closed_by: str | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What somebody added to a closed log."""

    id: int
    log_id: int
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a log's checklist; without ``remind_at`` nobody is reminded again."""

    id: int
    log_id: int
    number: int
    title: str
    owner: str
    due_at: datetime
    remind_at: datetime | None
    done_at: datetime | None
    done_by: str | None
