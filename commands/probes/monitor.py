"""What the health monitor says, judged for runbooks: its alerts without the armed conditions, its limits."""

from collections.abc import Sequence

from commands.alerting import limits
from commands.coordinator.model import MonitorAlert, MonitorMetrics
from commands.masking import masked_text
from commands.probes.model import Finding, Verdict
from commands.probes.wording import topics
from commands.words import cut, visible

ALERTS, METRICS = "GET /alerts", "GET /metrics"
SHOWN = 5
ALERT_SHOWN = 160


def alerts(rows: Sequence[MonitorAlert], *, bot: str | None) -> tuple[Finding, ...]:
    """The alerts of this bot and those of none, or all of them."""
    meant = [each for each in rows if not each.armed and (bot is None or each.bot in (None, bot))]
    spoken = [topics(each.message) for each in meant]
    signs = {
        "monitor.reachable": True,
        "alerts.critical": any(each.kind == "critical" for each in meant),
        "alerts.security": any("security" in each for each in spoken),
        "alerts.data": any("data" in each for each in spoken),
        "alerts.resources": any("memory" in each for each in spoken),
    }
    if not meant:
        return (Finding(verdict=Verdict.WELL, text="The monitor has no alert", source=ALERTS, signs=signs),)
    found = []
    for each, speaks in zip(meant, spoken, strict=True):
        own = {
            name: True
            for name, topic in (
                ("alerts.security", "security"),
                ("alerts.data", "data"),
                ("alerts.resources", "memory"),
            )
            if topic in speaks
        }
        if each.kind == "critical":
            own["alerts.critical"] = True
        who = f"{cut(visible(each.bot), 40)}: " if each.bot else ""
        text = f"{cut(visible(each.kind or 'alert'), 20)}: {who}{cut(masked_text(visible(each.message)), ALERT_SHOWN)}"
        verdict = Verdict.ILL if each.kind in {"critical", "high", "warning"} else Verdict.NOTED
        found.append(Finding(verdict=verdict, text=text, source=ALERTS, signs=own))
    # what speaks loudest is shown; what none of them says is told with the first
    found.sort(key=lambda each: (-len(each.signs), each.verdict is not Verdict.ILL))
    first, more = found[0], len(found) - SHOWN
    absent = {name: seen for name, seen in signs.items() if not seen or name == "monitor.reachable"}
    head = Finding(verdict=first.verdict, text=first.text, source=ALERTS, signs={**absent, **first.signs})
    rest = [Finding(verdict=Verdict.NOTED, text=f"and {more} more alerts", source=ALERTS)] if more > 0 else []
    return (head, *found[1:SHOWN], *rest, *_hidden(found[SHOWN:]))


def metrics(seen: MonitorMetrics, *, approaching_percent: float) -> tuple[Finding, ...]:
    """How near the limits are."""
    near = limits.signals(seen, approaching_percent=approaching_percent)
    if not near:
        known = bool(seen.limits) and bool(seen.bots or seen.system)
        missing = "figures to hold against its limits" if seen.limits else "limits"
        return (
            Finding(
                verdict=Verdict.WELL if known else Verdict.UNKNOWN,
                text="No limit is near" if known else f"The monitor tells no {missing}",
                source=METRICS,
                signs={"limits.near": False} if known else {},
            ),
        )
    return tuple(
        Finding(
            verdict=Verdict.ILL,
            text=cut(masked_text(visible(each.message)), ALERT_SHOWN),
            source=METRICS,
            signs={"limits.near": True},
        )
        for each in near[:SHOWN]
    )


def unread(reason: str, source: str = ALERTS) -> tuple[Finding, ...]:
    """What a read that failed tells."""
    return (Finding(verdict=Verdict.UNKNOWN, text=reason, source=source, signs={"monitor.reachable": False}),)


def _hidden(left_out: Sequence[Finding]) -> tuple[Finding, ...]:
    """Signs of alerts that are not shown one by one must not get lost."""
    signs = {name: True for each in left_out for name, seen in each.signs.items() if seen}
    if not signs:
        return ()
    return (
        Finding(verdict=Verdict.ILL, text="some of those speak of it as well", source=ALERTS, signs=signs),
    )
