"""What a command is, as data: adding one is adding a file and a line in the table."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

KEPT_BY_CHAT = frozenset({"status"})
"""Our commands whose names the chat keeps for itself: typed as "/status" they never arrive."""


class Risk(StrEnum):
    """What a command can do to the fleet."""

    READ = "read"  # changes nothing
    LOWER = "lower"  # stops or slows trading: one person, one step
    RAISE = "raise"  # lets trading begin or grow: two people and a reason


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class UserError(Exception):
    """The only exception whose words reach a person: what happened, what did not, what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A parsed command line: normalised arguments only."""

    command: str  # name in the table
    bot: str | None = None  # None: the whole fleet
    reason: str = ""
    public: bool = False
    topic: str | None = None  # /help kill


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One row of the command table."""

    name: str
    usage: str  # the arguments alone: "<bot> [reason]"
    summary: str  # one line for /help and the manifest
    help: str  # a few sentences: what it does, what it does not, what comes next
    risk: Risk
    role: Role
    parse: Callable[[str, tuple[str, ...]], Request]
    """(text, names of the bots) -> Request; raises UserError with one helpful sentence."""

    def typed(self, root: str) -> str:
        """How a person types it: "/kill", and "/fleet status" where its own name never arrives."""
        return f"{root} {self.name}" if self.name in KEPT_BY_CHAT else f"/{self.name}"
