"""The past, judged for runbooks: who fell again and again, whether the coordinator began anew, whether errors grow."""

import itertools
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from commands.coordinator.model import STATUS_WORDS, FleetStatus, Health
from commands.probes.model import Finding, Verdict
from storage.sightings import Sighting

SOURCE = "our looks at GET /status"
WITHIN = timedelta(hours=2)
"""How far back it is looked."""

FALLS = 3
"""So many falls out of running, not told by us, are a loop."""

ERROR_RISE = 5
UPTIME_SLACK = 5.0  # seconds by which two clocks may differ
NEWS_EVERY = timedelta(minutes=5)

UP = frozenset({"running", "starting"})
DOWN = frozenset({"error", "stopped", "recovery"})


def news(status: FleetStatus, health: Health | None, known: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """What of this look is worth keeping, held against the newest that is known of each."""
    before = {each.bot: each for each in known}
    found = []
    for name, seen in status.bots.items():
        looked = Sighting(
            at=status.observed_at, bot=name, status=seen.status, health=seen.health, errors=seen.error_count
        )
        last = before.get(name)
        if last is None or (last.status, last.errors) != (looked.status, looked.errors):
            found.append(looked)
    if health is not None and health.uptime is not None:
        last, now = before.get(None), Sighting(at=health.observed_at, uptime=health.uptime)
        if last is None or _anew(last, now) or now.at - last.at >= NEWS_EVERY:
            found.append(now)
    return tuple(found)


def _anew(before: Sighting, after: Sighting) -> bool:
    """True where the coordinator's uptime went back, or is shorter than the time between the two looks."""
    if before.uptime is None or after.uptime is None:
        return False
    passed = (after.at - before.at).total_seconds()
    return after.uptime + UPTIME_SLACK < max(before.uptime, passed)


def look(
    seen: Sequence[Sighting],
    ours: Collection[tuple[str | None, datetime, datetime]],
    *,
    bot: str | None,
    now: datetime,
) -> tuple[Finding, ...]:
    """What the last hours show of this bot, or of all; ``ours`` are the times in which we acted on a bot.

    Older sightings in ``seen`` tell how something stood when those hours began.
    """
    begun = now - WITHIN
    if not any(each.at >= begun for each in seen):
        return (Finding(verdict=Verdict.UNKNOWN, text="Nothing was seen in the last hours", source=SOURCE),)
    names = sorted({each.bot for each in seen if each.bot is not None and bot in (None, each.bot)})
    return (
        *_falls(seen, names, ours, begun),
        _errors(seen, names, begun),
        _restarts([each for each in seen if each.bot is None], begun),
    )


def _falls(
    seen: Sequence[Sighting],
    names: Sequence[str],
    ours: Collection[tuple[str | None, datetime, datetime]],
    begun: datetime,
) -> tuple[Finding, ...]:
    counted: dict[str, list[datetime]] = {}
    for name in names:
        # a look that told nothing clear of it hides no fall
        of_it = [each for each in seen if each.bot == name and each.status in STATUS_WORDS]
        for before, after in itertools.pairwise(of_it):
            fell = before.status in UP and after.status in DOWN and after.at >= begun
            if fell and not any(
                who in (None, name) and begins <= after.at <= ends for who, begins, ends in ours
            ):
                counted.setdefault(name, []).append(after.at)
    looping = {name: times for name, times in counted.items() if len(times) >= FALLS}
    signs = {"bot.crash-loop": bool(looping)}
    if not counted:
        return (Finding(verdict=Verdict.WELL, text="No bot fell by itself", source=SOURCE, signs=signs),)
    told = "; ".join(
        f"{name} fell {len(times)} time{'s' if len(times) > 1 else ''} by itself, last {times[-1]:%H:%M} UTC"
        for name, times in counted.items()
    )
    return (
        Finding(verdict=Verdict.ILL if looping else Verdict.NOTED, text=told, source=SOURCE, signs=signs),
    )


def _errors(seen: Sequence[Sighting], names: Sequence[str], begun: datetime) -> Finding:
    grown = {}
    for name in names:
        counts = [(each.at, each.errors) for each in seen if each.bot == name and each.errors is not None]
        # a count that goes down began anew
        rise = sum(
            max(after - before, 0) for (_, before), (at, after) in itertools.pairwise(counts) if at >= begun
        )
        if rise:
            grown[name] = rise
    many = any(rise >= ERROR_RISE for rise in grown.values())
    told = ", ".join(f"{name} {rise}" for name, rise in grown.items())
    return Finding(
        verdict=Verdict.ILL if many else Verdict.NOTED if grown else Verdict.WELL,
        text=f"New errors in the last 2 h: {told}" if told else "No new errors in the last 2 h",
        source=SOURCE,
        signs={"errors.growing": many},
    )


def _restarts(uptimes: Sequence[Sighting], begun: datetime) -> Finding:
    known = [each for each in uptimes if each.uptime is not None]
    if not any(each.at >= begun for each in known):
        return Finding(verdict=Verdict.UNKNOWN, text="The coordinator tells no uptime", source="GET /health")
    back = [
        after for before, after in itertools.pairwise(known) if _anew(before, after) and after.at >= begun
    ]
    if back:
        times = f"{len(back)} time{'s' if len(back) > 1 else ''}"
        text = f"The coordinator began anew {times}, last before {back[-1].at:%H:%M} UTC"
    else:
        text = "The coordinator ran through"
    return Finding(
        verdict=Verdict.ILL if back else Verdict.WELL,
        text=text,
        source="GET /health",
        signs={"coordinator.restarted": bool(back)},
    )
