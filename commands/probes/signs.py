"""The probes and the signs that each can tell, in one table; runbooks name them and are held against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

PROBES: Mapping[str, str] = MappingProxyType(
    {
        "fleet": "the coordinator's word on the fleet",
        "monitor": "the health monitor's alerts and metrics",
        "record": "this bot's own record",
        "history": "what was seen of the bots in the last hours",
        "logs": "the fleet's logs",
        "network": "the addresses the fleet needs",
        "config": "the fleet's configuration files",
        "host": "memory, processor, disk and open files of the fleet's host",
        "git": "the state of the code in the fleet's home",
    }
)
"""Name -> what it looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something that is seen or not; ``words`` say it when it is, ``absent`` when it is not."""

    probe: str
    words: str
    absent: str


def _sign(probe: str, words: str, absent: str) -> Sign:
    return Sign(probe=probe, words=words, absent=absent)


SIGNS: Mapping[str, Sign] = MappingProxyType(
    {
        # -- the coordinator's word
        "coordinator.reachable": _sign("fleet", "the coordinator answers", "the coordinator does not answer"),
        "switch.active": _sign("fleet", "the kill switch is active", "the kill switch is inactive"),
        "fleet.stopped": _sign(
            "fleet", "every bot that matters is seen stopped", "not every bot is stopped for good"
        ),
        "bot.running": _sign("fleet", "the bot runs", "the bot does not run"),
        "bot.error": _sign("fleet", "a bot is in error", "no bot is in error"),
        "bot.health-low": _sign("fleet", "the health of a bot is low", "the health of every bot is good"),
        "fleet.all-affected": _sign("fleet", "every bot is affected", "not every bot is affected"),
        "errors.api": _sign("fleet", "errors speak of a connection", "no error speaks of a connection"),
        "errors.memory": _sign(
            "fleet", "errors speak of memory or disk", "no error speaks of memory or disk"
        ),
        "errors.config": _sign("fleet", "errors speak of configuration", "no error speaks of configuration"),
        "errors.crash": _sign("fleet", "errors speak of a crash", "no error speaks of a crash"),
        "errors.data": _sign(
            "fleet", "errors speak of balances or positions", "no error speaks of balances or positions"
        ),
        "errors.security": _sign("fleet", "errors speak of an intruder", "no error speaks of an intruder"),
        "breaker.theirs": _sign(
            "fleet",
            "the coordinator's circuit breaker is open",
            "the coordinator's circuit breaker is closed",
        ),
        # -- the monitor
        "monitor.reachable": _sign(
            "monitor", "the health monitor answers", "the health monitor does not answer"
        ),
        "alerts.critical": _sign(
            "monitor", "the monitor has a critical alert", "no critical alert of the monitor"
        ),
        "alerts.security": _sign(
            "monitor", "an alert speaks of an intruder", "no alert speaks of an intruder"
        ),
        "alerts.data": _sign(
            "monitor", "an alert speaks of balances or positions", "no alert speaks of balances or positions"
        ),
        "alerts.resources": _sign(
            "monitor",
            "an alert speaks of memory, processor or disk",
            "no alert speaks of memory, processor or disk",
        ),
        "limits.near": _sign("monitor", "a limit is reached or near", "no limit is near"),
        # -- our own record
        "kill.stands": _sign("record", "our record holds a kill", "our record holds no kill"),
        "kill.verified": _sign("record", "the kill was verified", "the kill was not verified"),
        "kill.elsewhere": _sign("record", "the kill was made elsewhere", "no kill was made elsewhere"),
        "breaker.ours": _sign("record", "our circuit breaker is open", "our circuit breaker is closed"),
        "cooldown.over": _sign("record", "the cooldown is over", "the cooldown runs"),
        "release.refused": _sign("record", "a release did not take effect", "no release failed lately"),
        "lockdown.on": _sign("record", "a lockdown stands", "no lockdown stands"),
        "start.safe": _sign(
            "record",
            "an approved start in safe mode was read back",
            "no approved start in safe mode holds",
        ),
        "evidence.taken": _sign("record", "evidence was taken", "no evidence was taken"),
        "window.stable": _sign(
            "record", "its monitoring window ended stable", "no window of it ended stable"
        ),
        "log.written": _sign("record", "a recovery log was written", "no recovery log was written"),
        "log.closed": _sign("record", "the recovery log is closed", "no recovery log of it is closed"),
        # -- the past
        "bot.crash-loop": _sign("history", "a bot fell again and again", "no bot fell again and again"),
        "coordinator.restarted": _sign(
            "history", "the coordinator was restarted", "the coordinator ran through"
        ),
        "errors.growing": _sign("history", "errors grow", "errors do not grow"),
        # -- logs
        "logs.tracebacks": _sign("logs", "the logs hold tracebacks", "the logs hold no traceback"),
        "logs.api": _sign("logs", "the logs speak of connections", "the logs speak of no connection trouble"),
        "logs.memory": _sign(
            "logs", "the logs speak of memory or disk", "the logs speak of no lack of memory or disk"
        ),
        "logs.config": _sign(
            "logs", "the logs speak of configuration", "the logs speak of no configuration trouble"
        ),
        "logs.data": _sign(
            "logs",
            "the logs speak of balances or positions",
            "the logs speak of no wrong balance or position",
        ),
        "logs.security": _sign("logs", "the logs speak of an intruder", "the logs speak of no intruder"),
        # -- the network
        "network.failing": _sign("network", "an address is not reached", "every address is reached"),
        "network.all-failing": _sign("network", "no address is reached", "an address is reached"),
        "network.tls-expiring": _sign(
            "network", "a certificate runs out soon", "no certificate runs out soon"
        ),
        # -- files
        "config.broken": _sign(
            "config", "a configuration file cannot be read", "every configuration file is read"
        ),
        "config.invalid": _sign(
            "config", "the configuration contradicts itself", "the configuration is consistent"
        ),
        "config.changed": _sign(
            "config",
            "the configuration differs from the last good one",
            "the configuration is the last good one",
        ),
        "files.missing": _sign(
            "config", "configuration files are missing", "no configuration file is missing"
        ),
        # -- the host
        "host.memory-short": _sign("host", "memory is short", "there is memory"),
        "host.cpu-busy": _sign("host", "the processor is busy", "the processor has room"),
        "host.disk-short": _sign("host", "the disk is nearly full", "the disk has room"),
        "host.files-short": _sign(
            "host", "open files are near their limit", "open files are far from their limit"
        ),
        # -- the code
        "git.dirty": _sign("git", "the code differs from its last commit", "the code is as committed"),
        "git.recent": _sign(
            "git", "the code changed in the last day", "the code did not change in the last day"
        ),
    }
)
"""Name -> the sign."""
