"""Configuration files that were read, checked for what contradicts itself. Pure: no file is opened."""

import math
from collections.abc import Iterator, Mapping, Sequence

from commands.configuring.keys import BOTS, Keys, dotted, leaves, snake
from commands.configuring.single_values import (
    EMERGENCY,
    EXPOSURE,
    LOSS,
    TOTAL_EXPOSURE,
    TOTAL_LOSS,
    Leaf,
    figure,
    implausible,
    mistyped,
)
from commands.configuring.strict_json import Fault, Parsed

EXPECTED = (
    "bot-limits.json",
    "kill-switch.json",
    "recovery-settings.json",
    "api-endpoints.json",
    "notification-config.json",
)
"""The files without which the fleet is not whole; there may be others."""

MOST_FAULTS = 100
LIMITS, SWITCH, RECOVERY = EXPECTED[:3]


def checked(files: Mapping[str, Parsed]) -> tuple[Fault, ...]:
    """What is wrong in the files and between them, at most 100 and one that counts the rest.

    Keys are known by name at any depth. What a file that could not be read would say is not checked; its own fault
    comes first.
    """
    faults = [each.fault for each in files.values() if each.fault is not None]
    sound = [each for each in files.values() if each.fault is None]
    for each in sound:
        if not isinstance(each.data, Mapping):
            text = f"{each.name} holds no object of keys and values"
            faults.append(Fault(file=each.name, where="", text=text, serious=True))
    sound.sort(key=lambda each: each.name != LIMITS)  # where a limit stands twice, that file's counts
    found = [
        Leaf(file=each.name, keys=keys, value=value) for each in sound for keys, value in leaves(each.data)
    ]
    faults += [fault for leaf in found for fault in mistyped(leaf)]
    faults += [fault for leaf in found for fault in implausible(leaf)]
    faults += [*_totals(found), *_pairs(found), *_cooldown(found, sound)]
    if len(faults) <= MOST_FAULTS:
        return tuple(faults)
    rest = faults[MOST_FAULTS:]
    text = f"There are {len(rest):,} more faults than are listed"
    last = Fault(file="", where="", text=text, serious=any(each.serious for each in rest))
    return (*faults[:MOST_FAULTS], last)


def _totals(found: Sequence[Leaf]) -> Iterator[Fault]:
    total = _first(found, TOTAL_LOSS)
    losses, exposures = _by_bot(found, LOSS), _by_bot(found, EXPOSURE)
    if total is not None:
        limit = total.number or 0.0
        for bot, leaf in losses.items():
            if (leaf.number or 0.0) > limit:
                yield _above(leaf, total, bot)
        together = sum(leaf.number or 0.0 for leaf in losses.values())
        more = together > limit and not math.isclose(together, limit)
        if more and all((leaf.number or 0.0) <= limit for leaf in losses.values()):
            # not serious: the total still ends the day first, and so the fleet's own example is written
            yield total.fault(
                f"is {figure(limit)}, less than the {figure(together)} that the daily limits of "
                f"{len(losses)} bots add up to: it ends their day first",
                serious=False,
            )
        stop = _first(found, EMERGENCY)
        if stop is not None and (stop.number or 0.0) < limit:
            yield stop.fault(
                f"is {figure(stop.number)}, less than {TOTAL_LOSS} ({figure(limit)}), which is suspicious: "
                "the emergency stop comes before the daily limit",
                serious=False,
            )
    most = _first(found, TOTAL_EXPOSURE)
    if most is not None:
        for bot, leaf in exposures.items():
            if (leaf.number or 0.0) > (most.number or 0.0):
                yield _above(leaf, most, bot)


def _above(leaf: Leaf, total: Leaf, bot: str) -> Fault:
    said = f"is {figure(leaf.number)}, more than {total.name} ({figure(total.number)}) for the whole fleet"
    return leaf.fault(f"{said}: {bot} alone may use up more than all may", serious=True)


def _first(found: Sequence[Leaf], name: str) -> Leaf | None:
    return next((leaf for leaf in found if leaf.name == name and leaf.number is not None), None)


def _by_bot(found: Sequence[Leaf], names: frozenset[str]) -> dict[str, Leaf]:
    """Each bot's own limit: the outermost in the first file that has one."""
    own: dict[str, Leaf] = {}
    for leaf in found:
        bot = _bot(leaf.keys)
        if bot is None or leaf.name not in names or leaf.number is None:
            continue
        before = own.get(bot)
        if before is None or (leaf.file == before.file and len(leaf.keys) < len(before.keys)):
            own[bot] = leaf
    return own


def _bot(keys: Keys) -> str | None:
    """Whose limit it is: the known bot that is named on the way, or what stands below "bots"."""
    for number, key in enumerate(keys[:-1]):
        words = snake(key).split("_")
        bot = next((each for each in BOTS if each in words), None)
        if bot is not None:
            return bot
        if number and snake(keys[number - 1]) == "bots":
            return dotted((key,))
    return None


def _pairs(found: Sequence[Leaf]) -> Iterator[Fault]:
    """Backups that are what they should replace."""
    primaries = {(leaf.file, leaf.keys[:-1]): leaf for leaf in found if leaf.name == "primary"}
    for leaf in found:
        first = primaries.get((leaf.file, leaf.keys[:-1])) if leaf.name == "backup" else None
        if first is not None and leaf.value and _bare(first.value) == _bare(leaf.value):
            yield leaf.fault("is the same as primary, so there is nothing to fall back to", serious=False)


def _bare(value: object) -> object:
    return value.strip().rstrip("/").lower() if isinstance(value, str) else value


def _cooldown(found: Sequence[Leaf], sound: Sequence[Parsed]) -> Iterator[Fault]:
    """A kill switch without a cooldown; that of a circuit breaker is another one."""
    if all(each.name != SWITCH or not isinstance(each.data, Mapping) for each in sound):
        return
    own = [
        leaf
        for leaf in found
        if leaf.name.startswith("cooldown") and not any("breaker" in snake(key) for key in leaf.keys)
    ]
    if any(leaf.file == SWITCH for leaf in own):
        return
    elsewhere = next((leaf for leaf in own if leaf.file == RECOVERY), None)
    text = f"{SWITCH} has no recovery.cooldown_period_minutes, so nothing holds back a release after a kill"
    if elsewhere is not None:
        text += f": {dotted(elsewhere.keys)} in {RECOVERY} is not where it is looked for"
    yield Fault(file=SWITCH, where="recovery.cooldown_period_minutes", text=text, serious=True)
