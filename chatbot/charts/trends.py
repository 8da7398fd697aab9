"""Recoveries by scenario as horizontal bars: how many, and how long a stop and a recovery took."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from chatbot.charts.drawing import GRID, QUIET, fit, number, numbers, shown

MOST = 12  # rows
LABEL = 33  # characters
LABEL_WIDTH = 240  # pixels
_STOP: Mapping[str, Any] = {"facecolor": "#0b57a4", "edgecolor": "#0b57a4"}
_RECOVER: Mapping[str, Any] = {"facecolor": "#f6c58f", "edgecolor": "#a85b00", "hatch": "///"}


def draw_trends(figure: Figure, chart: Mapping[str, Any]) -> None:
    """Draw them in the order given; rows beyond the first twelve are counted in words."""
    rows: Sequence[Mapping[str, Any]] = chart["rows"]
    kept = rows[:MOST]
    if not kept:
        figure.text(0.5, 0.5, "nothing was recorded", ha="center", va="center", color=QUIET, size=14)
        return
    counts, times = figure.subplots(
        1, 2, sharey=True, gridspec_kw={"left": 0.265, "right": 0.965, "top": 0.84, "bottom": 0.12}
    )
    figure.subplots_adjust(wspace=0.08)
    places = list(range(len(kept)))
    for panel in (counts, times):
        panel.grid(visible=True, axis="x", color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
    how_many = numbers(row["count"] for row in kept)
    counts.barh(places, [_length(value) for value in how_many], height=0.5, color="#5d5f66")
    for place, value in zip(places, how_many, strict=True):
        _label(counts, place, value, _words(value, 0))
    stop = [_minutes(row["stop"]) for row in kept]
    recover = [_minutes(row["recover"]) for row in kept]
    for shift, values, look in ((-0.2, stop, _STOP), (0.2, recover, _RECOVER)):
        middles = [place + shift for place in places]
        times.barh(middles, [_length(value) for value in values], height=0.34, linewidth=0.8, **look)
        for middle, value in zip(middles, values, strict=True):
            _label(times, middle, value, _words(value, 1))
    counts.set_yticks(places, [shown(str(row["name"]), LABEL) for row in kept])
    for name in counts.get_yticklabels():
        fit(name, LABEL_WIDTH)
    counts.set_ylim(len(kept) - 0.4, -0.6)  # the first row on top
    counts.set_xlabel("recoveries")
    times.set_xlabel("mean time in minutes")
    times.tick_params(axis="y", left=False)
    for panel, values in ((counts, how_many), (times, [*stop, *recover])):
        greatest = max((value for value in values if not math.isnan(value)), default=0.0)
        panel.set_xlim(0, max(greatest, 1.0) * 1.18)
    counts.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    times.xaxis.set_major_locator(MaxNLocator(nbins=5))
    figure.legend(
        [Patch(**_STOP), Patch(**_RECOVER)],
        ["to stop", "to recover"],
        loc="upper right",
        bbox_to_anchor=(0.97, 0.925),
        ncols=2,
        frameon=False,
        fontsize=9,
        borderpad=0,
    )
    if len(rows) > MOST:
        figure.text(0.012, 0.02, f"and {len(rows) - MOST} more, not drawn", size=9, color=QUIET)


def _label(panel: Axes, place: float, value: float, words: str) -> None:
    said = "unknown" if math.isnan(value) else words
    panel.annotate(
        said,
        (_length(value), place),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        size=8,
        color=QUIET,
    )


def _words(value: float, places: int) -> str:
    if abs(value) >= 1e6:
        return f"{value:.2g}"
    return f"{value:,.{places}f}" if value < 1000 else f"{value:,.0f}"


def _length(value: float) -> float:
    return 0.0 if math.isnan(value) else max(value, 0.0)


def _minutes(seconds: float | None) -> float:
    return number(seconds) / 60.0
