"""Reads what stands by our record, and joins it with what was read of the fleet."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from commands.cooldown import RecordedKill, breaker, cooldown_left
from commands.coordinator.model import FleetStatus
from commands.standing import Standing
from config.settings import Policy
from storage import actions, latch, lockdown
from storage.latch import Latch


def read(
    conn: Connection,
    *,
    now: datetime,
    policy: Policy,
    bots: tuple[str, ...],
    fleet: FleetStatus | None,
) -> Standing:
    """Everything that decides whether something may be asked, from one snapshot of the database."""
    kills = recorded(latch.since(conn, now - _window(policy)))
    return Standing(
        now=now,
        latch=latch.current(conn),
        kill=actions.last_kill(conn),
        kills=actions.kills(conn),
        cooldown=cooldown_left(kills, now, policy.cooldown_minutes),
        breaker=breaker(kills, now, limit=policy.breaker_kills, hours=policy.breaker_hours),
        lockdown=lockdown.current(conn),
        stops=actions.stops(conn),
        fleet=fleet,
        bots=bots,
    )


def recorded(latches: Sequence[Latch]) -> tuple[RecordedKill, ...]:
    """The kills behind these latches, as the rules count them."""
    return tuple(
        RecordedKill(at=each.engaged_at, again_at=each.again_at, drill=each.drill) for each in latches
    )


def _window(policy: Policy) -> timedelta:
    return max(timedelta(hours=policy.breaker_hours), timedelta(minutes=policy.cooldown_minutes))
