"""What is known of one kill, as its card and its messages need it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commands.coordinator.model import BotStatus
from commands.kill import Doubt
from config.settings import Contact


class Phase(StrEnum):
    """Where a kill stands for the people who watch it."""

    SENDING = "sending"  # accepted, not yet answered
    SENT = "sent"  # the coordinator answered, not yet seen stopped
    VERIFIED = "verified"  # every condition was read back
    NOT_CONFIRMED = "not_confirmed"  # a warning time passed without
    CLOSED = "closed"  # a person says that it was stopped by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A further kill that joined the one under way."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KillCard:
    """Everything shown of one kill; times are UTC, ``now`` is the time of drawing."""

    id: str
    by: str  # a Slack user id, "terminal:<name>" or "chatbot"
    reason: str
    accepted_at: datetime
    phase: Phase
    now: datetime
    sent_at: datetime | None = None  # when the coordinator answered first
    verified_at: datetime | None = None
    seen_at: datetime | None = None  # when the fleet was last read
    doubts: tuple[Doubt, ...] = ()
    bots: tuple[BotStatus, ...] = ()
    attempts: int = 0
    last_error: str | None = None
    joined: tuple[Joined, ...] = ()
    returned: tuple[str, ...] = ()  # bots that came back and were stopped again
    switch_lost: int = 0  # how often the coordinator forgot the kill and was sent it again
    watching_until: datetime | None = None
    recorded: bool = True  # False: in the journal file, not yet in the database
    audit: tuple[int, str] | None = None  # number and hash of its newest audit entry
    closed_by: str | None = None
    close_reason: str | None = None
    released_at: datetime | None = None  # when two people let the fleet trade again
    released_by: str = ""  # the request by which they did
    coordinator_url: str
    contacts: tuple[Contact, ...]
    warn_after: float | None = None  # seconds of the warning that was reached
    warn_levels: tuple[float, ...] = (3.0, 10.0, 30.0)  # seconds: alarm, contacts shown, contacts mentioned

    @property
    def shows_contacts(self) -> bool:
        """True from the second warning on: the card lists whom to call."""
        return self._level() >= min(2, len(self.warn_levels))

    @property
    def mentions_contacts(self) -> bool:
        """True at the last warning: the contacts are notified."""
        return self._level() >= len(self.warn_levels)

    def _level(self) -> int:
        """How many warning times have passed; 0 before the first."""
        reached = self.warn_after
        return 0 if reached is None else max(1, sum(level <= reached for level in self.warn_levels))
