"""Charts that are drawn in tests: those with a picture beside them, and those that no picture is needed for."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

BEGINS = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
HOSTILE = "_a$x^2$\\b{<!channel>}\u202e\x00\n&amp; 日本 \U0001f600"


def at(minutes: float) -> str:
    return (BEGINS + timedelta(minutes=minutes)).isoformat()


def bot(name: str, *, low: float, noise: int, until: int = 120, gap: tuple[int, int] | None = None) -> Any:
    minutes = range(0, until + 1, 2)
    missing = range(*gap) if gap else ()
    health = [
        None if each in missing else min(100.0, low + 20 * abs(math.sin(each / 17 + noise)))
        for each in minutes
    ]
    errors = [None if each in missing else (each // 30) * noise for each in minutes]
    return {"name": name, "at": [at(each) for each in minutes], "health": health, "errors": errors}


def window(**changes: Any) -> dict[str, Any]:
    minutes = range(0, 121, 5)
    chart = {
        "kind": "window",
        "title": "Window 12: ndax, heightened watch of 2 h",
        "begins": at(0),
        "ends": at(120),
        "series": [bot("ndax", low=75, noise=2, gap=(40, 56))],
        "pnl": {
            "at": [at(each) for each in minutes],
            "value": [None if 40 <= each < 56 else 40 * math.sin(each / 25) - each / 8 for each in minutes],
        },
        "blind": [[at(38), at(56)]],
        "events": [[at(14), "stopped by hand"], [at(61), "started again"]],
    }
    return {**chart, **changes}


def fleet() -> dict[str, Any]:
    names = ("ndax", "kraken-eur", "coinbase", "bitstamp-usd")
    return window(
        title="Window 13: the fleet",
        series=[bot(name, low=40 + 12 * place, noise=place + 1) for place, name in enumerate(names)],
        blind=[],
        events=[[at(10 + 0.4 * each), f"event {each + 1}"] for each in range(3)]
        + [[at(50), "kill switch engaged by hand"], [at(70), "released after two approvals"], [at(90), "x"]],
    )


def empty() -> dict[str, Any]:
    return window(series=[], pnl={"at": [], "value": []}, blind=[[at(0), at(120)]], events=[])


def trends(**changes: Any) -> dict[str, Any]:
    chart = {
        "kind": "trends",
        "title": "Recoveries by scenario, the last 90 days",
        "rows": [
            {"name": "Bot crashes repeatedly", "count": 7, "stop": 42.0, "recover": 1260.0},
            {"name": "API connection", "count": 4, "stop": 18.0, "recover": 2400.0},
            {"name": "Kill switch will not deactivate", "count": 1, "stop": None, "recover": 5400.0},
            {"name": "Unknown", "count": 2, "stop": 130.0, "recover": None},
        ],
    }
    return {**chart, **changes}


GOLDEN: Mapping[str, Callable[[], dict[str, Any]]] = {
    "window": window,
    "fleet": fleet,
    "empty": empty,
    "trends": trends,
}
