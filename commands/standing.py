"""What stands at one moment, by our record and by the fleet's word, and the part of it that a request is bound to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from commands.cooldown import Breaker
from commands.coordinator.model import FleetStatus
from storage.actions import Action
from storage.latch import Latch
from storage.lockdown import Lockdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that decides whether something may be asked; ``fleet`` is ``None`` when it could not be read."""

    now: datetime
    latch: Latch | None
    kill: Action | None  # the newest that was worked on
    kills: int  # how many were ever accepted
    cooldown: timedelta  # left
    breaker: Breaker
    lockdown: Lockdown | None
    # bot -> how many stops and pauses were ever accepted
    stops: Mapping[str, int] = field(default_factory=dict)
    fleet: FleetStatus | None
    bots: tuple[str, ...]  # as configured, in the order in which they depend


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request is bound to: when any of it changes, the request is void."""

    latch: int | None
    kills: int
    breaker_open: bool
    lockdown: int | None
    lockdowns: int = 0  # how often the one that stands was asked for
    stops: int = 0  # accepted so far, of the bots that matter
    switch: str = ""  # "active", "inactive" or "unknown"; "" when it does not matter
    bots: dict[str, str] = field(default_factory=dict)  # name -> status word, of those that matter

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        return {
            "latch": self.latch,
            "kills": self.kills,
            "breaker_open": self.breaker_open,
            "lockdown": self.lockdown,
            "lockdowns": self.lockdowns,
            "stops": self.stops,
            "switch": self.switch,
            "bots": dict(sorted(self.bots.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Facts":
        """What ``as_json`` made; TypeError for anything else."""
        return cls(**{**data, "bots": dict(data["bots"])})


def word_of(fleet: FleetStatus | None, bot: str) -> str:
    """A bot's status word, "not listed" or "unknown"."""
    if fleet is None:
        return "unknown"
    seen = fleet.bots.get(bot)
    return "not listed" if seen is None else seen.status or "unknown"


def switch_word(fleet: FleetStatus | None) -> str:
    """The kill switch in one word, as the coordinator says it."""
    active = fleet.kill_switch_active if fleet is not None else None
    return {True: "active", False: "inactive", None: "unknown"}[active]


def facts(standing: Standing, concerned: tuple[str, ...] | None) -> Facts:
    """The facts of a request that concerns these bots; ``None``: it concerns our own record only."""
    return Facts(
        latch=standing.latch.id if standing.latch is not None else None,
        kills=standing.kills,
        breaker_open=standing.breaker.open,
        lockdown=standing.lockdown.id if standing.lockdown is not None else None,
        lockdowns=standing.lockdown.times if standing.lockdown is not None else 0,
        stops=sum(standing.stops.get(bot, 0) for bot in concerned or ()),
        switch="" if concerned is None else switch_word(standing.fleet),
        bots={bot: word_of(standing.fleet, bot) for bot in concerned or ()},
    )


def digest(
    *,
    command: str,
    bot: str | None,
    option: str,
    target: str = "",
    reason: str,
    requested_by: str,
    sends: Sequence[str],
    facts: Facts,
) -> str:
    """What an approval is given for, in 64 hexadecimal digits: one other letter anywhere makes it another.

    ``sends`` is what goes over the wire and where to, word by word as it was shown.
    """
    told = [command, bot, option, reason, requested_by, list(sends), facts.as_json()]
    if target:  # approvals from before there were any hold as they are
        told.append(target)
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def changes(before: Facts, after: Facts) -> tuple[str, ...]:
    """What is different, in words for a sentence; empty when nothing is."""
    found = []
    if after.kills != before.kills:
        found.append("the fleet was killed again")
    if after.latch != before.latch:
        found.append("another kill stands now" if after.latch is not None else "the kill was released")
    if after.breaker_open != before.breaker_open:
        found.append(f"the circuit breaker {'opened' if after.breaker_open else 'closed'}")
    if after.lockdown != before.lockdown:
        found.append("a lockdown began" if after.lockdown is not None else "the lockdown ended")
    elif after.lockdowns != before.lockdowns:
        found.append("the lockdown was asked for again")
    if after.stops != before.stops:
        found.append("a bot that it concerns was told to stop or pause")
    if after.switch != before.switch:
        found.append(f"the kill switch went from {before.switch} to {after.switch}")
    for bot in sorted({*before.bots, *after.bots}):
        was, is_now = before.bots.get(bot, "unknown"), after.bots.get(bot, "unknown")
        if was != is_now:
            found.append(f"{bot} went from {was} to {is_now}")
    return tuple(found)
