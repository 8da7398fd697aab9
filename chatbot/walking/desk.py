"""What guided recovery works with beside the desk of all runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from chatbot.desk import Desk
from commands.probes.model import Places
from commands.words import closest
from config.runbooks import Runbook
from config.settings import Recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkDesk:
    """The dependencies of everything about recoveries."""

    desk: Desk

    @property
    def settings(self) -> Recovery:
        """What the operator decided."""
        return self.desk.recovery

    @property
    def runbooks(self) -> tuple[Runbook, ...]:
        """All there are, the general one first."""
        return self.desk.runbooks

    @property
    def places(self) -> Places | None:
        """The fleet's directories; ``None`` where the fleet is on another host."""
        return self.desk.places

    @property
    def fresh_for(self) -> timedelta:
        """For how long what was verified counts as fresh."""
        return timedelta(minutes=self.settings.fresh_minutes)

    @property
    def titles(self) -> Mapping[str, str]:
        """Every runbook's title by its id, in the handbook's order."""
        return {each.id: each.title for each in self.runbooks}

    def runbook(self, scenario: str) -> Runbook | None:
        """The runbook of that id or number."""
        return next((each for each in self.runbooks if scenario in (each.id, str(each.number))), None)

    def nearest(self, scenario: str) -> str | None:
        """The id that was probably meant."""
        return closest(scenario, [each.id for each in self.runbooks])
