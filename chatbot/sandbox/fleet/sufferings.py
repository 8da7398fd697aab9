"""What the scenarios of the handbook look like from outside, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from chatbot.sandbox.fleet.journal import AlertType

CRASH_ERROR = "RuntimeError: the order book of BTC/CAD holds no bids"
CRASH_TRACE = f"""\
Unhandled exception in {{bot}} bot
Traceback (most recent call last):
  File "bots/{{bot}}.py", line 212, in on_tick
    spread = self.book.spread()
  File "bots/book.py", line 88, in spread
    raise RuntimeError("the order book of BTC/CAD holds no bids")
{CRASH_ERROR}"""

SWOLLEN_LINE = "{stamp} - MarketData - WARNING - Cannot rotate the log: No space left on device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffering:
    """What a fault shows while it is on; in every text {bot} stands for a bot that it is about."""

    errors: tuple[str, ...] = ()  # of each running bot, at once and again and again
    alert: tuple[AlertType, str] | None = None  # stands at the monitor until the fault is cleared
    log: tuple[tuple[str, str], ...] = ()  # (level, text), once
    figures: Mapping[str, float] = field(default_factory=dict)  # of the system, at the monitor
    strain: int = 0  # points that it takes from the health of each bot


SUFFERINGS: Mapping[str, Suffering] = MappingProxyType(
    {
        "exchange_down": Suffering(
            errors=("Connection to the exchange timed out after 10 s: GET /orders",),
            log=(("ERROR", "Connection of {bot} refused by the exchange: GET /ticker, attempt 3 of 3"),),
            strain=60,
        ),
        "position_mismatch": Suffering(
            errors=("Position mismatch on {bot}: exchange 0.5 BTC, local 0.0 BTC",),
            alert=("critical", "Position mismatch on {bot}: exchange 0.5 BTC, local 0.0 BTC"),
            log=(("ERROR", "The file of positions of {bot} is not there: data is missing"),),
        ),
        "intruder": Suffering(
            alert=(
                "critical",
                "Unauthorized trade on {bot}: order 8841 was placed by an unknown API call",
            ),
            log=(
                ("WARNING", "Suspicious access from 203.0.113.77: GET /api/orders?bot={bot}, status 200"),
                (
                    "WARNING",
                    "Suspicious access from 203.0.113.77: POST /api/orders?api_key=sandbox-8841-8841, status 200",
                ),
            ),
        ),
        "exhaustion": Suffering(
            errors=("MemoryError", "OSError: [Errno 28] No space left on device"),
            alert=("high", "High memory usage: 97 %"),
            figures={"memory_usage": 97.0, "cpu_usage": 99.0},
            strain=30,
        ),
    }
)
"""Fault -> what it shows."""
