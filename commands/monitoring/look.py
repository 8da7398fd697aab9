"""One look at the fleet, as windows keep it: small enough for two days of looks, and read back as it was."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from commands.coordinator.model import MOVING, STATUS_WORDS, FleetStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class BotLook:
    """One bot in one look; ``None`` is unknown. ``health`` 0-100, ``errors`` since its coordinator began."""

    status: str | None = None
    health: float | None = None
    errors: int | None = None

    @property
    def told(self) -> bool:
        """True when the coordinator said something about it that proves something."""
        return self.status in STATUS_WORDS

    @property
    def moving(self) -> bool:
        """True when it trades or may be about to."""
        return self.status in MOVING


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look; ``profit`` is the fleet's in account currency, ``killed`` what the kill switch said."""

    at: datetime
    bots: Mapping[str, BotLook] = field(default_factory=dict)
    profit: float | None = None
    killed: bool | None = None

    def bot(self, name: str) -> BotLook:
        """What it showed of this bot."""
        return self.bots.get(name, BotLook())

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data, without the time."""
        return {
            "bots": {name: [bot.status, bot.health, bot.errors] for name, bot in self.bots.items()},
            "profit": self.profit,
            "killed": self.killed,
        }

    @classmethod
    def from_json(cls, at: datetime, data: Mapping[str, Any]) -> "Look":
        """What ``as_json`` made, whatever else stands there read as unknown."""
        told = data.get("bots")
        bots = {
            str(name): BotLook(
                status=parts[0] if isinstance(parts[0], str) else None,
                health=_number(parts[1]),
                errors=parts[2] if isinstance(parts[2], int) else None,
            )
            for name, parts in (told.items() if isinstance(told, dict) else ())
            if isinstance(parts, list) and len(parts) == 3
        }
        killed = data.get("killed")
        return cls(
            at=at,
            bots=bots,
            profit=_number(data.get("profit")),
            killed=killed if isinstance(killed, bool) else None,
        )

    @classmethod
    def of(cls, status: FleetStatus) -> "Look":
        """What a read of the coordinator shows."""
        return cls(
            at=status.observed_at,
            bots={
                name: BotLook(status=bot.status, health=bot.health, errors=bot.error_count)
                for name, bot in status.bots.items()
            },
            profit=status.metrics.total_profit_loss,
            killed=status.kill_switch_active,
        )


def rise(looks: Sequence[Look], bot: str) -> int:
    """New errors of a bot over these looks, oldest first; a counter that began anew loses nothing that was counted."""
    known = [each.bot(bot).errors for each in looks]
    counts = [each for each in known if each is not None]
    return sum(max(0, after - before) for before, after in itertools.pairwise(counts))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
