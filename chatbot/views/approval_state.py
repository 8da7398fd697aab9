"""What is known of one request for approval, as its card and its other copies need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.actions import State
from storage.approvals import Choice, Verdict, Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCard:
    """Everything shown of one request; the lines are markup made when it was asked, times are UTC."""

    id: str
    command: str
    bot: str | None = None
    option: str = ""
    target: str = ""  # a host action, or a file and what is put into it
    reason: str
    by: str
    asked_at: datetime
    expires_at: datetime
    frees_at: datetime | None = None  # solo: it goes then unless somebody cancels
    needed: int
    given: int
    version: int
    verdict: Verdict
    decided_at: datetime | None = None
    decided_by: str | None = None
    why: str = ""
    votes: tuple[Vote, ...] = ()
    action: State  # where the action behind it stands
    finished_at: datetime | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    sends: tuple[str, ...] = ()  # word by word
    effects: tuple[str, ...] = ()  # what it would let trade
    state: tuple[str, ...] = ()  # as things stood when it was asked
    audit: tuple[int, str] | None = None

    @property
    def pending(self) -> bool:
        """True while it can be decided."""
        return self.verdict is Verdict.PENDING

    @property
    def solo(self) -> bool:
        """True where nobody else is asked: it waits in sight of all."""
        return self.frees_at is not None

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved, in the order in which they did."""
        return tuple(vote.person for vote in self.votes if vote.choice is Choice.APPROVE)


def what(card: RequestCard) -> str:
    """What is asked for, in a few words without markup."""
    bot = card.bot or ""
    full = card.option == "full"
    match card.command:
        case "override":
            return "release the kill switch"
        case "force-override":
            return "release the kill switch past the rules"
        case "start":
            return f"start {bot} at full limits" if full else f"start {bot} in safe mode"
        case "start-sequential":
            return "start all bots at full limits" if full else "start all bots in order, in safe mode"
        case "resume":
            return f"resume {bot}"
        case "lockdown":
            return "end the lockdown"
        case "recover":
            return f"recover {bot or 'the fleet'} once more"
        case "config":
            return f"put {card.target.partition(' ')[0]} back from {card.target.split(' ')[1]}"
        case "host":
            return (
                f"run {card.target} on the fleet's host{', past the rules' if card.option == 'force' else ''}"
            )
        case _:
            return f"{card.command} {bot}".strip()
