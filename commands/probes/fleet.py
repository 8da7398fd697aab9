"""What the coordinator says of the fleet, judged for runbooks: who moves, who suffers, what the errors speak of."""

from collections.abc import Mapping

from commands.coordinator.model import STATUS_WORDS, BotStatus, FleetStatus
from commands.masking import masked_text
from commands.probes.model import Finding, Verdict
from commands.probes.wording import topics
from commands.words import cut, listed, visible

SOURCE = "GET /status"
ERROR_SHOWN = 160


def look(
    status: FleetStatus, *, bots: tuple[str, ...], bot: str | None, health_below: float
) -> tuple[Finding, ...]:
    """What is seen of this bot, or of the fleet; ``bots`` as configured, in the order in which they depend."""
    names = (*bots, *(name for name in status.bots if name not in bots))
    meant = (bot,) if bot is not None else names
    return (
        _switch(status),
        _moving(status, bots, meant, bot),
        _suffering(status, names, meant, health_below),
        *_errors(status, meant),
        _breaker(status),
    )


def unread(reason: str) -> tuple[Finding, ...]:
    """What a read that failed tells: that the coordinator does not answer, and nothing else."""
    return (Finding(verdict=Verdict.ILL, text=reason, source=SOURCE, signs={"coordinator.reachable": False}),)


def _switch(status: FleetStatus) -> Finding:
    active = status.kill_switch_active
    signs = {"coordinator.reachable": True}
    if active is None:
        return Finding(
            verdict=Verdict.UNKNOWN,
            text="The coordinator answers and does not say whether its kill switch is active",
            source=SOURCE,
            signs=signs,
        )
    word = "active" if active else "inactive"
    return Finding(
        verdict=Verdict.NOTED,
        text=f"The coordinator answers; its kill switch is {word}",
        source=SOURCE,
        signs={**signs, "switch.active": active},
    )


def kept_down(bot: str | None, bots: tuple[str, ...]) -> tuple[str, ...]:
    """The bots that have to stand still in a recovery: those that depend on one must not trade on without it."""
    return bots[bots.index(bot) :] if bot is not None and bot in bots else bots


def _moving(status: FleetStatus, bots: tuple[str, ...], meant: tuple[str, ...], bot: str | None) -> Finding:
    if bot in bots:
        meant = kept_down(bot, bots)
    words = {name: _word(status.bots.get(name)) for name in meant}
    told = ", ".join(f"{name} {word}" for name, word in words.items()) or "no bot is listed"
    still = [_kept_still(status.bots.get(name), status.kill_switch_active) for name in meant]
    signs: dict[str, bool] = {}
    if meant and None not in still:
        signs["fleet.stopped"] = all(still)
    fallen = [name for name, word in words.items() if word == "error"]
    if fallen and status.kill_switch_active is False:
        told += f"; {listed(fallen)} fell and nobody stopped it: it may be started again"
    if bot is not None and words[bot] in STATUS_WORDS:
        signs["bot.running"] = words[bot] == "running"
    verdict = Verdict.NOTED if signs else Verdict.UNKNOWN
    return Finding(verdict=verdict, text=told, source=SOURCE, signs=signs)


def _kept_still(seen: BotStatus | None, switch: bool | None) -> bool | None:
    """Whether a bot stands still and stays so; ``None`` where that is not known.

    One that fell does not trade, but whatever watches over it may start it again unless the kill switch is active.
    """
    if seen is None or seen.status not in STATUS_WORDS:
        return None
    if seen.status == "error":
        return switch
    return seen.proven_still


def _suffering(
    status: FleetStatus, names: tuple[str, ...], meant: tuple[str, ...], health_below: float
) -> Finding:
    errors = [name for name in names if _word(status.bots.get(name)) in {"error", "recovery"}]
    low = {
        name: seen.health
        for name in names
        if (seen := status.bots.get(name)) is not None
        and seen.health is not None
        and seen.health < health_below
        and seen.status != "stopped"
    }
    affected = {*errors, *low, *(name for name in names if _speaks_of_trouble(status.bots.get(name)))}
    here = [name for name in meant if name in affected]
    # what was not told of a bot speaks neither for it nor against it
    clear = [name for name in names if _word(status.bots.get(name)) in STATUS_WORDS]
    gauged = [
        name
        for name in clear
        if status.bots[name].health is not None or _word(status.bots[name]) == "stopped"
    ]
    told_of = {
        "bot.error": (any(name in errors for name in meant), all(name in clear for name in meant)),
        "bot.health-low": (any(name in low for name in meant), all(name in gauged for name in meant)),
        "fleet.all-affected": (
            len(names) > 1 and len(affected) == len(names),
            len(names) == 1 or any(name in gauged and name not in affected for name in names),
        ),
    }
    signs = {name: seen for name, (seen, known) in told_of.items() if seen or known}
    told = []
    if errors:
        told.append(f"in error or recovery: {', '.join(errors)}")
    if low:
        told.append("health low: " + ", ".join(f"{name} {value:g}" for name, value in low.items()))
    if len(names) > 1:
        told.append(f"affected: {len(affected)} of {len(names)} bots")
    otherwise = Verdict.WELL if {"bot.error", "bot.health-low"} <= signs.keys() else Verdict.UNKNOWN
    nothing = "no bot is in error" if "bot.error" in signs else "no clear word on how it is"
    return Finding(
        verdict=Verdict.ILL if here else otherwise,
        text="; ".join(told) or nothing,
        source=SOURCE,
        signs=signs,
    )


def _errors(status: FleetStatus, meant: tuple[str, ...]) -> tuple[Finding, ...]:
    named = ("api", "memory", "config", "crash", "data", "security")
    spoken: dict[str, str] = {}
    lines: list[Finding] = []
    for name in meant:
        seen = status.bots.get(name)
        for error in seen.latest_errors if seen is not None else ():
            line = f"{name}: {cut(masked_text(visible(error)), ERROR_SHOWN)}"
            found = topics(error)
            for topic in found:
                spoken.setdefault(topic, line)
            lines.append(
                Finding(
                    verdict=Verdict.ILL,
                    text=line,
                    source=SOURCE,
                    signs={f"errors.{topic}": True for topic in named if topic in found},
                )
            )
    told_of = [status.bots[name] for name in meant if name in status.bots]
    known = len(told_of) == len(meant) and all(
        each.latest_errors or each.error_count is not None for each in told_of
    )
    absent = {f"errors.{topic}": False for topic in named if known and topic not in spoken}
    if not lines:
        verdict = Verdict.WELL if known else Verdict.UNKNOWN
        text = "the bots tell no errors" if known else "not every bot tells of its errors"
        return (Finding(verdict=verdict, text=text, source=SOURCE, signs=absent),)
    first = lines[0]
    rest: Mapping[str, bool] = {**absent, **first.signs}
    return (Finding(verdict=first.verdict, text=first.text, source=SOURCE, signs=rest), *lines[1:])


def _breaker(status: FleetStatus) -> Finding:
    if status.breaker_open is None:
        return Finding(
            verdict=Verdict.NOTED,
            text="The coordinator says nothing clear of a circuit breaker",
            source=SOURCE,
        )
    word = "open" if status.breaker_open else "closed"
    return Finding(
        verdict=Verdict.ILL if status.breaker_open else Verdict.WELL,
        text=f"The coordinator's circuit breaker is {word}",
        source=SOURCE,
        signs={"breaker.theirs": status.breaker_open},
    )


def _word(seen: BotStatus | None) -> str:
    if seen is None:
        return "not listed"
    return cut(visible(seen.status), 40) if seen.status else "unknown"


def _speaks_of_trouble(seen: BotStatus | None) -> bool:
    return seen is not None and any(topics(error) for error in seen.latest_errors)
