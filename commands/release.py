"""What /override and /force-override share: when a kill may be released, and what force goes past."""

from commands.kill import still_moving
from commands.spec import Request
from commands.standing import Standing
from storage.actions import OPEN, State

FORCED = "/force-override"
NOTHING = "Nothing was asked or sent."


def concerns(request: Request, standing: Standing) -> tuple[str, ...]:
    """A release concerns every bot there is."""
    listed = standing.fleet.bots if standing.fleet is not None else {}
    return (*standing.bots, *(name for name in listed if name not in standing.bots))


def released_elsewhere(standing: Standing) -> bool:
    """True when our record holds a kill that the coordinator does not: a release would only be recorded."""
    return (
        standing.latch is not None
        and standing.fleet is not None
        and standing.fleet.kill_switch_active is False
    )


def closed_by_hand(standing: Standing) -> bool:
    """True when a person says how the fleet was stopped because it could not be seen."""
    return standing.kill is not None and standing.kill.state is State.CLOSED


def bypassed(standing: Standing) -> tuple[str, ...]:
    """The rules that a forced release goes past, each in a few words; empty when /override would do."""
    found = []
    if standing.cooldown:
        found.append(f"the cooldown, of which {_minutes(standing)} are left")
    if standing.breaker.open:
        found.append(
            f"the circuit breaker, open after {standing.breaker.kills} kills (it opens at {standing.breaker.limit})"
        )
    if standing.latch is not None and standing.latch.verified_at is None:
        found.append("the verification: the fleet was never seen stopped, a person closed the kill by hand")
    return tuple(found)


def objection(standing: Standing, *, force: bool, forced: str = FORCED) -> str | None:
    """Why the kill may not be released as things stand, or ``None``; ``forced`` is what goes past the rules."""
    switch = standing.fleet.kill_switch_active if standing.fleet is not None else None
    if switch is None:
        return f"The coordinator does not say whether its kill switch is active: look at it, then ask again. {NOTHING}"
    held = standing.latch
    if held is None:
        if switch:
            return (
                "The coordinator was killed elsewhere and our record is only taking that in: wait for the card of that "
                f"kill. {NOTHING}"
            )
        return f"The fleet is not killed, neither by our record nor by the coordinator's word. {NOTHING}"
    return (
        _not_seen_stopped(standing, force=force, forced=forced)
        or _without_cause(standing)
        or _too_early(standing, force=force, forced=forced)
    )


def _not_seen_stopped(standing: Standing, *, force: bool, forced: str) -> str | None:
    held, kill = standing.latch, standing.kill
    if kill is not None and kill.state in OPEN:
        # Also one that was seen complete: its run goes on watching, and would take the release for a coordinator that
        # forgets.
        seen = "is still watched" if kill.verified_at is not None else "is not verified yet"
        return f"{kill.id} {seen}: wait until its card says that the fleet is stopped and no longer watched. {NOTHING}"
    if held is not None and held.verified_at is None:
        if not closed_by_hand(standing):
            return f"The kill was never verified: type /kill again and wait until its card says so. {NOTHING}"
        if not force:
            return (
                f"The fleet was never seen stopped, a person closed the kill by hand: {forced} goes past that, and "
                f"says so on its card. {NOTHING}"
            )
    if standing.fleet is not None and not released_elsewhere(standing):
        moving = [each for each in still_moving(standing.fleet, standing.bots) if each.proven]
        if moving:
            names = ", ".join(f"{each.bot or 'kill switch'} {each.word}" for each in moving)
            return f"The fleet is killed and yet moves ({names}): type /kill to stop it again. {NOTHING}"
    return None


def _without_cause(standing: Standing) -> str | None:
    kill = standing.kill
    said = (standing.latch.reason if standing.latch is not None else "") or (kill.reason if kill else "")
    if said.strip() or (kill is not None and (kill.close_reason or "").strip()):
        return None
    return f"No cause of the kill is recorded: press Say why on its card first. {NOTHING}"


def _too_early(standing: Standing, *, force: bool, forced: str) -> str | None:
    if force:
        return None
    if standing.cooldown:
        return f"The cooldown after the kill has {_minutes(standing)} left: wait, or {forced} with a reason. {NOTHING}"
    if standing.breaker.open:
        return (
            f"The circuit breaker is open after {standing.breaker.kills} kills: {forced} with a reason goes past "
            f"it. {NOTHING}"
        )
    return None


def _minutes(standing: Standing) -> str:
    seconds = standing.cooldown.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
