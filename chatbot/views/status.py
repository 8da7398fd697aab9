"""The answer to /status, for Slack, for a terminal and for a program."""

from typing import Any

from chatbot.views import status_words as words
from chatbot.views.blocks import Block, Message, actions, button, context, header, message, section
from chatbot.views.kill_button import kill_button
from chatbot.views.markup import for_terminal, shortened
from chatbot.views.status_report import LatchView, StatusReport, Verdict, verdict

__all__ = ["LatchView", "StatusReport", "Verdict", "as_data", "plain", "report", "verdict"]

BOTS_SHOWN = 40
BOTS_A_SECTION = 4  # so that the longest lines stay below the limit of a section


def report(found: StatusReport, *, public: bool) -> Message:
    """The message; a public one leaves out Share, since everybody sees it already."""
    return message(
        header(words.headline(found)),
        section(words.shouting(found)),
        section(*words.troubles(found)),
        section(
            *words.kill_switch(found),
            *words.rules(found),
            *words.second_person(found),
            *words.alerts(found),
        ),
        *_bots(found),
        section(words.metrics(found.status.metrics))
        if found.status is not None and found.only is None
        else None,
        section(words.monitor(found.monitor)) if found.monitor is not None and found.only is None else None,
        actions(*_buttons(found, public=public)),
        context(words.freshness(found)),
    )


def plain(found: StatusReport) -> str:
    """The same as plain lines for a terminal."""
    lines = [
        words.headline(found),
        words.shouting(found),
        *words.troubles(found),
        *words.kill_switch(found),
        *words.rules(found),
        *words.second_person(found),
        *words.alerts(found),
        *(words.bot_line(found, name, bot) for name, bot in found.shown_bots()),
        words.metrics(found.status.metrics) if found.status is not None else "",
        words.monitor(found.monitor) if found.monitor is not None else "",
        words.freshness(found),
    ]
    return "\n".join(for_terminal(line) for line in lines if line)


def as_data(found: StatusReport) -> dict[str, Any]:
    """The same as JSON-ready data; what is not known is null, times are ISO 8601 in UTC."""
    status, latch = found.status, found.latch
    return {
        "verdict": verdict(found).value,
        "asked_at": found.now.isoformat(),
        "observed_at": status.observed_at.isoformat() if status else None,
        "reported_at": status.reported_at.isoformat() if status and status.reported_at else None,
        "error": found.error,
        "storage_error": found.storage_error,
        "kill_switch_active": status.kill_switch_active if status else None,
        "latch_known": found.record_known,
        "latch": {
            "engaged_at": latch.engaged_at.isoformat(),
            "by": latch.by,
            "reason": latch.reason,
            "verified_at": latch.verified_at.isoformat() if latch.verified_at else None,
        }
        if latch
        else None,
        "cooldown_left_seconds": found.cooldown_left.total_seconds()
        if found.cooldown_left is not None
        else None,
        "circuit_breaker": {
            "coordinator_open": status.breaker_open if status else None,
            "ours_open": found.breaker.open,
            "kills": found.breaker.kills,
            "limit": found.breaker.limit,
            "closes_in_seconds": found.breaker.closes_in.total_seconds()
            if found.breaker.closes_in is not None
            else None,
        },
        "lockdown": {
            "since": found.lockdown.begun_at.isoformat(),
            "by": found.lockdown.by,
            "reason": found.lockdown.reason,
        }
        if found.lockdown
        else None,
        "waiting_for_approval": found.asked,
        "bots": {
            name: {
                "status": bot.status if bot else None,
                "health": bot.health if bot else None,
                "error_count": bot.error_count if bot else None,
                "latest_errors": list(bot.latest_errors) if bot else [],
                "listed": bot is not None,
            }
            for name, bot in found.shown_bots()
        },
        "outbox": {
            "waiting": found.outbox_waiting,
            "oldest_seconds": found.outbox_oldest,
            "refused": found.outbox_refused,
        },
        "alerts": {"open": found.open_alerts, "critical": found.critical_alerts},
        "armed": list(found.armed),
    }


def _bots(found: StatusReport) -> tuple[Block | None, ...]:
    bots = found.shown_bots()
    lines = [words.bot_line(found, name, bot) for name, bot in bots[:BOTS_SHOWN]]
    if len(bots) > BOTS_SHOWN:
        lines.append(f"... and {len(bots) - BOTS_SHOWN} more")
    return tuple(
        section(*(shortened(line, 700) for line in lines[start : start + BOTS_A_SECTION]))
        for start in range(0, len(lines), BOTS_A_SECTION)
    )


def _buttons(found: StatusReport, *, public: bool) -> tuple[Block | None, ...]:
    value = found.only or ""
    return (
        button("Refresh", "status.refresh", value=value),
        None if public else button("Share", "status.share", value=value),
        kill_button() if found.may_kill else None,
    )
