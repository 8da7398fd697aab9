"""What the card of a recovery shows, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commands.coordinator.model import FleetStatus
from commands.walking import stepping
from commands.walking.proposing import Proposal
from storage.recoveries import RecoveryRow
from storage.walk_steps import OnStep, WalkStep
from storage.walks import Walk, WalkState
from storage.windows import WindowRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkCard:
    """One recovery as it stands at ``now``."""

    walk: Walk
    steps: Sequence[WalkStep]
    people: Sequence[OnStep]
    proposals: Sequence[Proposal]
    now: datetime
    fresh_for: timedelta
    fleet: FleetStatus | None = None  # as this process read it last
    kept_down: tuple[str, ...] = ()  # the bots that have to stand still until the fleet is released
    window: WindowRow | None = None  # that is open for the next step, where that takes one
    audit: tuple[int, str] | None = None
    similar: Sequence[RecoveryRow] = field(default_factory=tuple)

    @property
    def what(self) -> str:
        """Which bot it is about, or the fleet."""
        return self.walk.bot or "the fleet"

    @property
    def open(self) -> bool:
        """True while it goes on."""
        return self.walk.state == WalkState.OPEN

    @property
    def current(self) -> WalkStep | None:
        """The step that is next."""
        return stepping.current(self.steps)
