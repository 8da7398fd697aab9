"""What a command is, as data: adding one is adding a file and a line in the table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.moments import When
    from commands.standing import Standing

KEPT_BY_CHAT = frozenset({"status", "who"})
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
    option: str = ""  # a word that changes what is done: "safe" or "full", "on" or "off"
    public: bool = False
    target: str = (
        ""  # what it is about besides a bot: a scenario, a host action, a file and what is put into it
    )
    topic: str | None = None  # /help kill
    number: int | None = None  # of one alert
    pattern: str = ""  # of alerts; may hold * and ?
    person: str | None = None  # a Slack user id, or "me": whoever typed it; None: nobody
    span: timedelta | None = None  # how long it lasts
    every: timedelta | None = None  # how often it is looked at
    until: "When | None" = None  # when it ends; None: when it is changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Raising:
    """How a command that raises risk is asked for."""

    options: frozenset[str]
    """Those with which it raises risk; with others it does not."""
    objection: "Callable[[Request, Standing], str | None]"
    """Why it may not be asked as things stand, in one sentence, or ``None``."""
    concerns: "Callable[[Request, Standing], tuple[str, ...] | None]"
    """The bots whose state it depends on; ``None``: none of them."""
    reads_fleet: "Callable[[Request], bool]" = lambda _: True
    """Whether what the fleet does at the moment matters to it."""


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
    raising: "Raising | None" = None
    """What it takes to ask for it, where it raises risk, or where one of its options does."""

    def risk_of(self, request: Request) -> Risk:
        """The risk of the command with these arguments."""
        return (
            Risk.RAISE if self.raising is not None and request.option in self.raising.options else self.risk
        )

    def typed(self, root: str) -> str:
        """How a person types it: "/kill", and "/fleet status" where its own name never arrives."""
        return f"{root} {self.name}" if self.name in KEPT_BY_CHAT else f"/{self.name}"
