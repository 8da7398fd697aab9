"""What a request says of the state it was asked in and of what it would let trade, made once when it is asked."""

from dataclasses import dataclass
from datetime import timedelta

from chatbot.views.markup import NAME_SHOWN, lasting, outside, person, when
from commands import release, starting
from commands.coordinator.model import MonitorAlert, MonitorMetrics
from commands.spec import Request
from commands.standing import Standing, switch_word, word_of
from storage.actions import Action
from storage.lockdown import Lockdown

ALERTS_SHOWN = 3
ALERT_SHOWN = 80
LIMITS_SHOWN = 8
BOTS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else is known when something is asked; ``None`` where the health monitor does not say."""

    metrics: MonitorMetrics | None
    alerts: tuple[MonitorAlert, ...] | None
    unverified: tuple[Action, ...]  # stops that were not seen complete
    started: tuple[str, ...]  # the bots that a sequence would start
    notes: tuple[str, ...] = ()  # what is changed, in markup, where a look at files told it


def state_lines(request: Request, standing: Standing, around: Surroundings) -> tuple[str, ...]:
    """Kill switch, breaker, cooldown, bots, and what else is open, with the time of the read."""
    fleet, held = standing.fleet, standing.lockdown
    if fleet is None:  # it touches our own record or files only, so the fleet was not read
        lines = [
            f"*Our record when it was asked*: {_latch(standing)}; stops not verified: {_unverified(around)}"
        ]
        return (*(() if held is None else (_locked(held),)), *lines)
    read = f"read at {when(fleet.observed_at)}"
    lines = [
        f"*State when it was asked*, {read}: kill switch {switch_word(fleet)}, {_latch(standing)}",
        f"*Cooldown*: {_left(standing)} · *Circuit breaker*: {_breaker(standing)}",
        f"*Bots*: {_bots(standing)}",
        f"*Open alerts*: {_alerts(around)} · *Stops not verified*: {_unverified(around)}",
    ]
    if held is not None:
        lines.insert(0, _locked(held))
    return tuple(lines)


def _locked(held: Lockdown) -> str:
    why = outside(held.reason, 200) or "no reason given"
    return f"*Lockdown* since {when(held.begun_at, day=True)} by {person(held.by)} ({why})"


def effect_lines(request: Request, standing: Standing, around: Surroundings) -> tuple[str, ...]:
    """Which bots come back, in which mode and limits, with which positions; and what a force goes past."""
    match request.command:
        case "override" | "force-override":
            return _release(request, standing, around)
        case "start" | "resume":
            return _one(request, standing, around)
        case "start-sequential":
            return _all(request, around)
        case "recover":
            return (
                "*Effect*: a recovery is opened; it starts nothing itself.",
                f"*What is different this time*: {outside(request.reason)}",
            )
        case "host" if request.option == "force":
            return (_past(standing), *around.notes)
        case "config" | "host":
            return around.notes
        case _:
            return (
                "*Effect*: requests that raise risk are taken and approved again. It starts nothing itself.",
            )


def window_line(span: timedelta) -> str:
    """That a monitoring window follows, for the card of a start."""
    return f"*Then*: once it is seen running, a monitoring window of {lasting(span)} opens by itself."


def _release(request: Request, standing: Standing, around: Surroundings) -> tuple[str, ...]:
    lines = []
    if request.command == "force-override":
        lines.append(_past(standing))
    if release.released_elsewhere(standing):
        lines.append(
            "*Effect*: the coordinator was released elsewhere already. Nothing is sent; our record takes that in and "
            "no longer holds the kill."
        )
    else:
        lines.append(
            "*Effect*: the kill switch is released and our record no longer holds the kill. No bot is started by it; "
            "each can be started then."
        )
    return (*lines, _positions(standing.bots, around))


def _past(standing: Standing) -> str:
    past = release.bypassed(standing)
    what = "; ".join(past) if past else "nothing: it would be let through without force as well"
    return f"*This goes past*: {outside(what)}"


def _one(request: Request, standing: Standing, around: Surroundings) -> tuple[str, ...]:
    bot = request.bot or ""
    mode = _mode(request.option) if request.command == "start" else "with the limits it had"
    lines = [f"*Effect*: {outside(bot, NAME_SHOWN)} trades again, {mode}. {_limits(around)}"]
    lacking = starting.missing(request, standing)
    if lacking:
        names = ", ".join(
            f"{outside(each, NAME_SHOWN)} ({outside(word_of(standing.fleet, each), 40)})" for each in lacking
        )
        lines.append(f"*Mind*: it comes after {names}; the coordinator may refuse it until they run.")
    return (*lines, _positions((bot,), around))


def _all(request: Request, around: Surroundings) -> tuple[str, ...]:
    names = ", ".join(outside(each, NAME_SHOWN) for each in around.started)
    if request.option == "full":
        return (
            (
                "*WARNING: FULL LIMITS.* The coordinator's own sequence starts all bots without safe mode and without "
                f"waiting until each is seen running: {names}. {_limits(around)}"
            ),
            _positions(around.started, around),
        )
    return (
        (
            f"*Effect*: {names} start one after another, {_mode('safe')}, each seen running twice before the next; a "
            f"failure stops the sequence. {_limits(around)}"
        ),
        _positions(around.started, around),
    )


def _mode(option: str) -> str:
    return "at *full limits*" if option == "full" else "in safe mode (half size and frequency, 120 min)"


def _limits(around: Surroundings) -> str:
    if around.metrics is None:
        return "Its limits are *unknown*: the health monitor does not say."
    shown = ", ".join(
        f"{outside(name, NAME_SHOWN).replace('_', ' ')} {value:g}"
        for name, value in list(around.metrics.limits.items())[:LIMITS_SHOWN]
    )
    return f"Limits by the monitor: {shown}." if shown else "The monitor tells of no limits."


def _positions(bots: tuple[str, ...], around: Surroundings) -> str:
    if around.metrics is None:
        return "*Open positions*: unknown, the health monitor does not say."
    known = []
    for bot in bots[:BOTS_SHOWN]:
        seen = around.metrics.bots.get(bot)
        positions = "unknown" if seen is None or seen.positions is None else str(seen.positions)
        pnl = "unknown" if seen is None or seen.pnl_24h is None else f"{seen.pnl_24h:,.2f}"
        known.append(f"{outside(bot, NAME_SHOWN)} {positions} (24 h profit and loss {pnl})")
    return f"*Open positions* by the monitor: {', '.join(known) or 'none told'}"


def _latch(standing: Standing) -> str:
    held = standing.latch
    if held is None:
        return "not killed by our record"
    seen = "seen stopped" if held.verified_at is not None else "*never seen stopped*"
    return (
        f"killed by our record since {when(held.engaged_at, day=True)} by {person(held.by)} "
        f"({outside(held.reason, 200) or 'no reason given'}), {seen}"
    )


def _breaker(standing: Standing) -> str:
    found = standing.breaker
    counted = f"{found.kills} of {found.limit} kills"
    if not found.open:
        return f"closed ({counted})"
    left = f", closes in {lasting(found.closes_in)}" if found.closes_in is not None else ""
    return f"*open* ({counted}{left})"


def _left(standing: Standing) -> str:
    if standing.latch is None:
        return "none, nothing is killed"
    return f"*{lasting(standing.cooldown)} left*" if standing.cooldown else "over"


def _bots(standing: Standing) -> str:
    listed = standing.fleet.bots if standing.fleet is not None else {}
    names = [*standing.bots, *(name for name in listed if name not in standing.bots)][:BOTS_SHOWN]
    return ", ".join(
        f"{outside(name, NAME_SHOWN)} {outside(word_of(standing.fleet, name), 40)}" for name in names
    )


def _alerts(around: Surroundings) -> str:
    if around.alerts is None:
        return "unknown"
    grave = [each for each in around.alerts if not each.armed and each.kind in {"critical", "high"}]
    if not grave:
        return "no critical or high one"
    shown = "; ".join(
        f"{outside(each.kind or '', 20)}: {outside(each.message, ALERT_SHOWN)}"
        for each in grave[:ALERTS_SHOWN]
    )
    more = f"; and {len(grave) - ALERTS_SHOWN} more" if len(grave) > ALERTS_SHOWN else ""
    return f"*{len(grave)}* ({shown}{more})"


def _unverified(around: Surroundings) -> str:
    if not around.unverified:
        return "none"
    return "*" + ", ".join(outside(each.id, NAME_SHOWN) for each in around.unverified[:ALERTS_SHOWN]) + "*"
