"""What can be made to go wrong with the fleet, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from commands.configuring.checking import EXPECTED

Option = str | float | bool

STOPPING_PATHS = frozenset({"/kill-switch", "/stop", "/stop-all", "/pause"})
PATHS = {
    "coordinator": STOPPING_PATHS
    | {"/status", "/health", "/start", "/resume", "/recovery", "/start-sequential"},
    "monitor": frozenset({"/alerts", "/metrics", "/logs", "/health"}),
}
"""Server -> its endpoints, to which a fault can be limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """What a fault does; the defaults of its options also say their types."""

    description: str
    options: Mapping[str, Option] = field(default_factory=dict)
    paths: frozenset[str] | None = (
        None  # the endpoints it can touch; None: every one; empty: no requests at all
    )
    monitor: bool = False  # True: can be set for the monitor as well
    home: bool = False  # True: can be set only for a fleet that has a home on the disk


FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "unreachable": FaultKind(
            description="connections are refused and open ones are cut", paths=frozenset(), monitor=True
        ),
        "hang": FaultKind(description="requests are read and never answered", monitor=True),
        "slow": FaultKind(
            description="requests wait so long before they are looked at",
            options={"seconds": 2.0},
            monitor=True,
        ),
        "slow_body": FaultKind(
            description="answers trickle: so many bytes, a pause of so many seconds, and again",
            options={"seconds": 0.5, "bytes": 1.0},
            monitor=True,
        ),
        "http_500": FaultKind(
            description="answered 500 (code: INTERNAL_ERROR, CONFIGURATION_ERROR); with apply it took effect",
            options={"code": "INTERNAL_ERROR", "apply": False},
            monitor=True,
        ),
        "rate_limited": FaultKind(
            description="answered 429; header and body say whether each names the seconds to wait",
            options={"retry_after": 30.0, "header": True, "body": True},
            monitor=True,
        ),
        "garbage": FaultKind(
            description="answered 200 with kind html, truncated, types (wrong ones) or huge (so many bytes); "
            "without apply it took no effect",
            options={"kind": "html", "bytes": 8_388_608.0, "apply": True},
            monitor=True,
        ),
        "redirect": FaultKind(
            description="answered with a redirect to another address",
            options={"status": 307.0, "to": "http://elsewhere.invalid/"},
            monitor=True,
        ),
        "reset": FaultKind(
            description="the connection is reset after the request was read; with apply it took effect",
            options={"apply": False},
            monitor=True,
        ),
        "lying_success": FaultKind(
            description="POST is answered success: true and nothing happens",
            paths=PATHS["coordinator"] - {"/status", "/health"},
        ),
        "lying_status": FaultKind(
            description="the bot counts as stopped and trades on, whatever it is told",
            options={"bot": "all"},
            paths=STOPPING_PATHS | {"/status"},
        ),
        "ignores_stop": FaultKind(
            description="the bot ignores kill, stop and pause; the answer says success",
            options={"bot": "all"},
            paths=STOPPING_PATHS,
        ),
        "latch_lost": FaultKind(
            description="the kill switch forgets so many seconds after it was activated, or from now on",
            options={"seconds": 0.0},
            paths=frozenset({"/kill-switch"}),
        ),
        "behind_back": FaultKind(
            description="the bot trades though the coordinator did not start it and sees it only when seen",
            options={"bot": "quantum", "seen": False},
            paths=frozenset(),
        ),
        "slow_bot": FaultKind(
            description="the bot takes so long to stop, and in a kill the bots after it wait for it",
            options={"bot": "ndax", "seconds": 5.0},
            paths=STOPPING_PATHS - {"/pause"},
        ),
        "missing_fields": FaultKind(
            description="answers lack these fields at any depth (fields: names with commas between them)",
            options={"fields": "kill_switch_active,status,success"},
            monitor=True,
        ),
        "crash_loop": FaultKind(
            description="scenario 1: the bot falls so many seconds after each start; twice it is started again",
            options={"bot": "ndax", "seconds": 1.0},
            paths=frozenset(),
        ),
        "exchange_down": FaultKind(
            description="scenario 2: nobody reaches the exchange, and every running bot tells of it",
            paths=frozenset(),
        ),
        "config_broken": FaultKind(
            description="scenario 3: this file is cut off after so many bytes (at) and no bot starts until it is "
            "restored; clearing the fault does not mend the file",
            options={"file": "bot-limits.json", "at": 120.0},
            paths=frozenset(),
            home=True,
        ),
        "release_refused": FaultKind(
            description="scenario 4: releases are answered success: true and the kill stands, until the breaker's "
            "file is removed and the coordinator restarted",
            paths=frozenset(),
            home=True,
        ),
        "position_mismatch": FaultKind(
            description="scenario 5: the bot's positions differ from the exchange's, and its file of them is gone",
            options={"bot": "ndax"},
            paths=frozenset(),
        ),
        "intruder": FaultKind(
            description="scenario 6: somebody else trades in the bot's name",
            options={"bot": "quantum"},
            paths=frozenset(),
        ),
        "exhaustion": FaultKind(
            description="scenario 7: memory and disk run out, as the monitor, the bots and the logs tell",
            paths=frozenset(),
        ),
    }
)
"""Name -> what it does. Every fault stays until it is cleared or used up."""

CHOICES: Mapping[str, frozenset[Option]] = MappingProxyType(
    {
        "kind": frozenset({"html", "truncated", "types", "huge"}),
        "code": frozenset({"INTERNAL_ERROR", "CONFIGURATION_ERROR"}),
        "status": frozenset({301, 302, 303, 307, 308}),
        "file": frozenset(EXPECTED),
    }
)
"""Option -> the values it can have, for the options that are not free."""
