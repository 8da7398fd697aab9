"""How one kind of back end is spoken to, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The paths of every call, what the kill switch can be told, and the limits that are documented."""

    name: str
    status: str
    health: str
    kill_switch: str
    start: str
    stop: str
    pause: str
    resume: str
    recovery: str
    start_sequential: str
    stop_all: str
    kill_actions: frozenset[str]
    per_minute: int  # requests to one endpoint
    per_hour: int  # requests of one client


COORDINATOR = Profile(
    name="coordinator",
    status="/status",
    health="/health",
    kill_switch="/kill-switch",
    start="/start",
    stop="/stop",
    pause="/pause",
    resume="/resume",
    recovery="/recovery",
    start_sequential="/start-sequential",
    stop_all="/stop-all",
    kill_actions=frozenset({"activate", "deactivate", "override", "force_override"}),
    per_minute=60,
    per_hour=600,
)
"""The coordinator that the handbook speaks to."""
