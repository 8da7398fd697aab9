"""The contract's answers, word by word."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from chatbot.sandbox.fleet.bots import Bot
from chatbot.sandbox.fleet.engine import Engine
from chatbot.sandbox.fleet.journal import LOG_FILE

Json = dict[str, object]

COUNTERS = (
    "bots_started",
    "errors_handled",
    "kill_switches_triggered",
    "recoveries_attempted",
    "recoveries_succeeded",
)

ARMED: Mapping[str, str] = {
    "max_daily_loss_reached": "stop_all_bots",
    "consecutive_failures": "pause_affected_bot",
    "account_equity_drop": "stop_all_bots",
    "api_errors": "pause_affected_bot",
    "network_issues": "pause_affected_bot",
    "circuit_breaker": "circuit_break",
}
"""The conditions that the monitor always lists, on a healthy fleet as well -> what they would do."""

LIMITS: Mapping[str, float] = {
    "total_max_daily_loss": 400,
    "total_max_exposure": 15_000,
    "emergency_stop_loss": 1_000,
    "consecutive_loss_limit": 5,
    "account_equity_threshold": 0.3,
}
"""The limits that the monitor tells."""


def stamp(at: datetime) -> str:
    """A time as the coordinator writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error(engine: Engine, code: str, text: str, **more: object) -> Json:
    """Any refusal."""
    now = engine.floor.settle()
    return {"success": False, "error": text, "code": code, **more, "timestamp": stamp(now)}


def status(engine: Engine, *, hidden: Collection[str]) -> Json:
    """GET /status; the ``hidden`` bots are called stopped."""
    now = engine.floor.settle()
    trades, profit = engine.totals()
    switch = engine.kill_switch
    return {
        "kill_switch_active": switch.active,
        "bots": {
            name: {
                **_condition(engine, bot, hidden=name in hidden),
                "error_count": bot.error_count,
                "latest_errors": list(bot.latest_errors),
            }
            for name, bot in engine.floor.bots.items()
        },
        "circuit_breaker": {
            "state": "open" if switch.breaker_open(now) else "closed",
            "kills": switch.kills_counted(now),
            "threshold": switch.breaker_kills,
        },
        "metrics": {
            "total_trades": trades,
            "total_profit_loss": profit,
            **{name: engine.floor.counters[name] for name in COUNTERS},
        },
        "timestamp": stamp(now),
    }


def health(engine: Engine) -> Json:
    """GET /health of the coordinator, which is healthy even while the fleet is killed; uptime in seconds."""
    uptime = (engine.floor.settle() - engine.booted_at).total_seconds()
    return {"status": "healthy", "uptime": round(uptime, 3), "version": "1.0.0"}


def alerts(engine: Engine) -> Json:
    """GET /alerts: the armed conditions, then what really happened."""
    now = engine.floor.settle()
    armed: list[Json] = [
        {"type": "info", "message": f"Kill switch condition active: {name}", "action": action}
        for name, action in ARMED.items()
    ]
    real: list[Json] = [
        {
            "type": alert.type,
            "message": alert.message,
            **({"bot": alert.bot} if alert.bot else {}),
            "timestamp": stamp(alert.at),
        }
        for alert in engine.journal.alerts(now)
    ]
    return {"timestamp": stamp(now), "alerts": armed + real}


def metrics(engine: Engine, *, hidden: Collection[str]) -> Json:
    """GET /metrics of the monitor: status and health are hearsay, positions and trades are the truth."""
    now = engine.floor.settle()
    bots: Json = {}
    for name, bot in engine.floor.bots.items():
        trades, profit = bot.trader.last_day(now)
        bots[name] = {
            **_condition(engine, bot, hidden=name in hidden),
            "positions": bot.trader.positions,
            "pnl_24h": profit,
            "trades_24h": trades,
            **engine.floor.figures[name],
        }
    busy = sum(bot.trading for bot in engine.floor.bots.values())
    return {
        "timestamp": stamp(now),
        "bots": bots,
        "limits": {**LIMITS, **engine.floor.figures["limits"]},
        "system": {
            "uptime": round((now - engine.booted_at).total_seconds(), 3),
            "memory_usage": 21.5 + 4 * busy,
            "cpu_usage": 1.5 + 6 * busy,
            **engine.floor.figures["system"],
        },
    }


def logs(engine: Engine, *, lines: int) -> Json:
    """GET /logs: the newest lines."""
    now = engine.floor.settle()
    rows = [{"file": LOG_FILE, "line": line} for line in engine.journal.lines(lines)]
    return {"timestamp": stamp(now), "logs": rows}


def monitor_health(engine: Engine) -> Json:
    """GET /health of the monitor."""
    return {"status": "healthy", "timestamp": stamp(engine.floor.settle()), "service": "health-monitor"}


def _condition(engine: Engine, bot: Bot, *, hidden: bool) -> Json:
    if hidden:
        return {"status": "stopped", "health": 0}
    return {"status": bot.status, "health": engine.floor.health(bot)}
