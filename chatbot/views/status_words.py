"""What /status says, line by line, in markup."""

from datetime import timedelta

from chatbot.views.markup import ERROR_SHOWN, NAME_SHOWN, lasting, outside, person, when
from chatbot.views.status_report import StatusReport, Verdict, verdict
from commands.coordinator.model import BotStatus, FleetStatus, Metrics, MonitorMetrics

UNKNOWN = "*unknown*"
LATEST_ERROR_SHOWN = 200
MONITOR_SHOWN = 10
ARMED_SHOWN = 12

_HEADLINES = {
    Verdict.FORGOTTEN: "🚨 THE COORDINATOR FORGOT THE KILL",
    Verdict.NOT_HELD: "🚨 THE COORDINATOR DOES NOT HOLD THE KILL",
    Verdict.FOREIGN: "🚨 KILLED, BUT NOT BY US",
    Verdict.MOVING: "🚨 KILLED, BUT NOT EVERY BOT IS SEEN STILL",
    Verdict.UNKNOWN: "⚠️ Fleet: not known whether it is killed",
    Verdict.KILLED: "🛑 Fleet: killed",
    Verdict.OPEN: "▶️ Fleet: not killed",
}


def headline(report: StatusReport) -> str:
    """The headline, without markup."""
    return _HEADLINES[verdict(report)]


def shouting(report: StatusReport) -> str:
    """What is wrong between the coordinator and our record, and what to do; "" when they agree."""
    match verdict(report):
        case Verdict.FORGOTTEN:
            return (
                "*OUR RECORD SAYS KILLED, THE COORDINATOR SAYS ITS KILL SWITCH IS OFF.* BOTS MAY BE ABLE TO TRADE. "
                "Nobody released it here; a restart of the coordinator does this. Type /kill to send it again."
            )
        case Verdict.NOT_HELD:
            return (
                "*OUR RECORD SAYS KILLED, THE COORDINATOR SAYS ITS KILL SWITCH IS OFF.* BOTS MAY BE ABLE TO TRADE. "
                "The kill was never seen to hold there. Type /kill to send it again."
            )
        case Verdict.FOREIGN:
            return (
                "*THE COORDINATOR SAYS KILLED, OUR RECORD KNOWS OF NO KILL.* Somebody killed it elsewhere; the next "
                "look takes it into our record. Type /kill to do that now."
            )
        case Verdict.MOVING:
            names = ", ".join(outside(name, NAME_SHOWN) for name in report.not_still()[:12])
            return f"*THE KILL SWITCH IS ACTIVE, YET NOT SEEN STILL: {names}.* Type /kill to stop them again."
        case _:
            return ""


def kill_switch(report: StatusReport) -> tuple[str, str]:
    """The kill switch as the coordinator says it, and as our latch says it."""
    switch = report.status.kill_switch_active if report.status is not None else None
    said = {True: "*active*", False: "not active", None: UNKNOWN}[switch]
    return f"*Kill switch*, says the coordinator: {said}", f"*Kill switch*, says our record: {_latch(report)}"


def rules(report: StatusReport) -> tuple[str, str]:
    """The cooldown, and the circuit breaker as the coordinator and as we count it."""
    left = report.cooldown_left
    if left is None:
        cooldown = "none, nothing is killed" if report.record_known else UNKNOWN
    else:
        cooldown = f"{lasting(left)} left before a release" if left > timedelta() else "over"
    theirs = report.status.breaker_open if report.status is not None else None
    word = {True: "*open*", False: "closed", None: UNKNOWN}[theirs]
    detail = outside(report.status.breaker or "", 100) if report.status is not None else ""
    said = (
        f"{word} ({detail})" if detail and detail.lower() not in {"true", "false", word.strip("*")} else word
    )
    breaker = report.breaker
    ours = "*open*" if breaker.open else "closed"
    counted = f"{breaker.kills} of {breaker.limit} kills"
    if breaker.closes_in is not None:
        counted += f", closes in {lasting(breaker.closes_in)}"
    if report.storage_error is not None:
        ours, counted = (ours if breaker.open else UNKNOWN), f"at least {counted}"
    return f"*Cooldown*: {cooldown}", f"*Circuit breaker*: coordinator {said}, ours {ours} ({counted})"


def second_person(report: StatusReport) -> tuple[str, ...]:
    """A lockdown that stands, and how much waits for a second admin."""
    lines = []
    held = report.lockdown
    if held is not None:
        why = f" ({outside(held.reason)})" if held.reason else ""
        lines.append(
            f"*LOCKDOWN* since {when(held.begun_at, day=True)} by {person(held.by)}{why}: nothing is started until one "
            "admin asks with /lockdown off and others approve. Stops work."
        )
    if report.asked:
        many = "request waits" if report.asked == 1 else "requests wait"
        lines.append(f"*Approvals*: {report.asked} {many} for a second admin, see /approvals")
    return tuple(lines)


def bot_line(report: StatusReport, name: str, bot: BotStatus | None) -> str:
    """One bot: status, health, errors and its latest error."""
    shown = f"*{outside(name, NAME_SHOWN)}*"
    if report.status is None:
        return f"{shown}: {UNKNOWN}"
    if bot is None:
        return f"{shown}: {UNKNOWN}, the coordinator does not list it"
    health = f"{bot.health:g} of 100" if bot.health is not None else UNKNOWN
    errors = str(bot.error_count) if bot.error_count is not None else UNKNOWN
    word = outside(bot.status or "", NAME_SHOWN)
    extra = "" if name in report.bots else " (not in our configuration)"
    latest = (
        f"\n> latest error: {outside(bot.latest_errors[-1], LATEST_ERROR_SHOWN)}" if bot.latest_errors else ""
    )
    return f"{shown}: *{word or 'unknown'}*{extra}, health {health}, errors {errors}{latest}"


def metrics(found: Metrics) -> str:
    """The fleet's totals."""
    values = (
        ("trades", found.total_trades),
        ("profit and loss", found.total_profit_loss),
        ("bots started", found.bots_started),
        ("errors handled", found.errors_handled),
        ("kills", found.kill_switches_triggered),
    )
    recovered = f"{_number(found.recoveries_succeeded)} of {_number(found.recoveries_attempted)}"
    totals = ", ".join(f"{name} {_number(value)}" for name, value in values)
    return f"*Since the coordinator started*: {totals}, recoveries {recovered}"


def monitor(found: MonitorMetrics) -> str:
    """What the health monitor says of each bot."""
    lines = [
        f"{outside(name, NAME_SHOWN)}: {outside(bot.status or 'unknown', NAME_SHOWN)}, positions "
        f"{_number(bot.positions)}, 24 h: {_number(bot.trades_24h)} trades, profit and loss {_number(bot.pnl_24h)}"
        for name, bot in list(found.bots.items())[:MONITOR_SHOWN]
    ]
    return "\n".join(["*Health monitor*", *lines]) if lines else "*Health monitor*: lists no bot"


def alerts(report: StatusReport) -> tuple[str, ...]:
    """How many alerts are open, and which conditions stand ready at the health monitor."""
    lines = []
    if report.open_alerts:
        critical = f", *{report.critical_alerts} critical*" if report.critical_alerts else ""
        lines.append(f"*Alerts*: {report.open_alerts} open{critical}, see /alerts")
    if report.armed and report.only is None:
        names = ", ".join(outside(name, NAME_SHOWN) for name in report.armed[:ARMED_SHOWN])
        lines.append(f"*Armed kill conditions*, says the health monitor (ready, none has struck): {names}")
    return tuple(lines)


def freshness(report: StatusReport) -> str:
    """How old the read is by our clock, and how old by the coordinator's own."""
    if report.status is None:
        return f"Asked at {when(report.now)}; nothing could be read."
    status = report.status
    age = f"Read {lasting(report.now - status.observed_at)} ago (at {when(status.observed_at)})"
    return f"{age}; {_own_time(status)}."


def troubles(report: StatusReport) -> tuple[str, ...]:
    """What does not work on our side or theirs: the read, the database, messages that wait."""
    lines = []
    if report.status is None:
        why = outside(report.error or "", ERROR_SHOWN).rstrip(".") or "it gave no reason"
        lines.append(
            f"*The coordinator could not be read*: {why}. A /kill is sent all the same, until it arrives."
        )
    if report.storage_error is not None:
        why = outside(report.storage_error, ERROR_SHOWN).rstrip(".")
        lines.append(
            f"*The database does not answer*: {why}. A /kill works all the same and is kept in the journal."
        )
    if report.outbox_waiting:
        oldest = (
            f", the oldest for {lasting(timedelta(seconds=report.outbox_oldest))}"
            if report.outbox_oldest
            else ""
        )
        lines.append(f"*Messages that wait for Slack*: {report.outbox_waiting}{oldest}.")
    if report.outbox_refused:
        lines.append(
            f"*Messages that Slack refused*: {report.outbox_refused}; the log says which, `chatbot doctor` why."
        )
    return tuple(lines)


def _latch(report: StatusReport) -> str:
    latch = report.latch
    if latch is None:
        return "not killed" if report.record_known else UNKNOWN
    seen = (
        f"seen stopped at {when(latch.verified_at, day=True)}"
        if latch.verified_at
        else "*never seen stopped*"
    )
    why = outside(latch.reason) or "no reason given"
    drill = ", a drill" if latch.drill else ""
    return f"*killed{drill}* since {when(latch.engaged_at, day=True)} by {person(latch.by)} ({why}), {seen}"


def _own_time(status: FleetStatus) -> str:
    if status.reported_at is None:
        return "the coordinator gives no time of its own"
    behind = status.observed_at - status.reported_at
    if behind < timedelta(seconds=-1):
        return f"the coordinator's own time is {lasting(-behind)} ahead"
    return f"the coordinator's own time was {lasting(behind)} old then"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
