"""A window as three panels over one time axis: health, new errors, profit and loss."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from chatbot.charts.drawing import COLOURS, GRID, NAME, QUIET, fit, known, moment, numbers, shown

NAMED = 6  # bots with an entry of their own in the legend
MARKS = 12  # markers on one line
LISTED = 4  # events told in words
EVENT_WIDTH = 420  # pixels
TOLD = 44  # characters of an event's words
NEAR = 0.02  # of the axis: events nearer to each other than this share a label
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_NOTHING = "nothing was read"


def draw_window(figure: Figure, chart: Mapping[str, Any]) -> None:
    """Draw it."""
    begins, ends = moment(chart["begins"]), moment(chart["ends"])
    ends = max(ends, begins + timedelta(seconds=1))
    panels = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"left": 0.09, "right": 0.965, "top": 0.82, "bottom": 0.18}
    )
    health, errors, pnl = panels
    figure.subplots_adjust(hspace=0.16)
    blind = _merged(chart["blind"])
    for panel, label in ((health, "health"), (errors, "new errors"), (pnl, "profit and loss")):
        panel.set_ylabel(label)
        panel.grid(visible=True, color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_xlim(_x(begins), _x(ends))
        if blind:
            panel.broken_barh(
                [(start, end - start) for start, end in blind],
                (0, 1),
                transform=panel.get_xaxis_transform(),
                facecolor="#e6e6e6",
                hatch="///",
                linewidth=0,
                zorder=0.6,
            )
    entries = _draw_bots(health, errors, chart["series"])
    _draw_pnl(pnl, chart["pnl"])
    figure.align_ylabels(list(panels))
    if blind:
        patch = Patch(facecolor="#e6e6e6", hatch="///", linewidth=0)
        entries.append((patch, "not watched"))
    _draw_legend(figure, entries)
    _draw_events(figure, panels, chart["events"], begins, ends)
    _label_time(pnl, begins, ends)


def _draw_bots(
    health: Axes, errors: Axes, series: Sequence[Mapping[str, Any]]
) -> list[tuple[Line2D | Patch, str]]:
    entries: list[tuple[Line2D | Patch, str]] = []
    healths, counts = [], []
    for place, bot in enumerate(series):
        at = [_x(moment(each)) for each in bot["at"]]
        look: dict[str, Any] = {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": _STYLES[place % len(_STYLES)],
            "marker": _MARKERS[place % len(_MARKERS)],
            "markersize": 5,
            "linewidth": 1.5,
        }
        healths += _line(health, at, numbers(bot["health"]), look)
        counts += _line(errors, at, numbers(bot["errors"]), look)
        entries.append((Line2D([], [], **look), shown(str(bot["name"]), NAME) or "(no name)"))
    health.set_ylim(-6, 106)
    health.set_yticks([0, 25, 50, 75, 100])
    most = max((value for value in counts if not math.isnan(value)), default=0.0)
    errors.set_ylim(-0.06 * max(most, 1.0), 1.12 * max(most, 1.0))
    errors.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    for panel, values in ((health, healths), (errors, counts)):
        if not known(values):
            _say_nothing(panel)
    if len(entries) > NAMED:
        more = len(entries) - NAMED
        entries = [*entries[:NAMED], (Line2D([], [], linestyle="none"), f"and {more} more")]
    return entries


def _draw_pnl(panel: Axes, pnl: Mapping[str, Any]) -> None:
    at = [_x(moment(each)) for each in pnl["at"]]
    values = numbers(pnl["value"])
    look: dict[str, Any] = {
        "color": "#1b1c1f",
        "linestyle": "-",
        "marker": "o",
        "markersize": 4,
        "linewidth": 1.5,
    }
    _line(panel, at, values, look)
    if known(values):
        panel.axhline(0, color=QUIET, linewidth=0.8)
        panel.yaxis.set_major_locator(MaxNLocator(nbins=4))
        panel.margins(y=0.15)
    else:
        _say_nothing(panel)


def _line(panel: Axes, at: list[float], values: list[float], look: Mapping[str, Any]) -> list[float]:
    """Draw one line with its gaps; a point that stands alone always has its marker."""
    if len(at) != len(values):
        raise ValueError("as many times as values are needed")
    if known(values):
        panel.plot(at, values, markevery=_marked(values), **look)
    return values


def _marked(values: list[float]) -> list[int]:
    there = [place for place, value in enumerate(values) if not math.isnan(value)]
    every = max(len(there) // MARKS, 1)
    alone = {
        place
        for place in there
        if (place == 0 or math.isnan(values[place - 1]))
        and (place == len(values) - 1 or math.isnan(values[place + 1]))
    }
    return sorted({*there[::every], there[-1], *alone})


def _draw_events(
    figure: Figure, panels: Sequence[Axes], events: Sequence[Sequence[str]], begins: datetime, ends: datetime
) -> None:
    """A thin line for each, numbered above the panels and told in words below them."""
    told = sorted((moment(at), shown(str(text), TOLD)) for at, text in events)
    inside = [(at, text) for at, text in told if begins <= at <= ends]
    span = _x(ends) - _x(begins)
    groups: list[list[int]] = []
    for panel in panels:
        panel.vlines(
            [_x(at) for at, _ in inside],
            0,
            1,
            transform=panel.get_xaxis_transform(),
            color=QUIET,
            linewidth=0.8,
            linestyle=(0, (2, 2)),
            zorder=1.5,
        )
    for place, (at, _) in enumerate(inside):
        if groups and _x(at) - _x(inside[groups[-1][-1]][0]) < NEAR * span:
            groups[-1].append(place)
        else:
            groups.append([place])
    for group in groups:
        first, last = group[0] + 1, group[-1] + 1
        panels[0].text(
            _x(inside[group[0]][0]),
            1.02,
            str(first) if first == last else f"{first}-{last}",
            transform=panels[0].get_xaxis_transform(),
            ha="center",
            va="bottom",
            size=8,
            color=QUIET,
        )
    words = [f"{place}  {at:%H:%M} {text}" for place, (at, text) in enumerate(inside[:LISTED], start=1)]
    for place, text in enumerate(words):
        more = f" (and {len(inside) - LISTED} more)" if len(inside) > LISTED == place + 1 else ""
        x, y = (0.09 if place % 2 == 0 else 0.545), (0.068 if place < 2 else 0.036)
        fit(figure.text(x, y, text + more, size=8.5, color=QUIET, va="top"), EVENT_WIDTH)


def _draw_legend(figure: Figure, entries: list[tuple[Line2D | Patch, str]]) -> None:
    if entries:
        figure.legend(
            [handle for handle, _ in entries],
            # A label that begins with an underscore would be left out.
            [f" {label}" if label.startswith("_") else label for _, label in entries],
            loc="upper left",
            bbox_to_anchor=(0.08, 0.935),
            ncols=4,
            frameon=False,
            fontsize=9,
            handlelength=2.8,
            borderpad=0,
            labelspacing=0.3,
            columnspacing=1.4,
        )


def _label_time(panel: Axes, begins: datetime, ends: datetime) -> None:
    span = ends - begins
    ticks = "%H:%M:%S" if span < timedelta(minutes=5) else "%H:%M"
    if span > timedelta(hours=20):
        ticks = "%m-%d %H:%M" if span < timedelta(days=6) else "%m-%d"
    where: Any = dates  # matplotlib gives these no types
    panel.xaxis.set_major_locator(where.AutoDateLocator(tz=UTC, minticks=3, maxticks=8))
    panel.xaxis.set_major_formatter(where.DateFormatter(ticks, tz=UTC))
    day = f"{begins:%Y-%m-%d}" if begins.date() == ends.date() else f"{begins:%Y-%m-%d} to {ends:%Y-%m-%d}"
    panel.set_xlabel(f"time in UTC, {day}")


def _say_nothing(panel: Axes) -> None:
    panel.set_yticks([])
    panel.text(0.5, 0.5, _NOTHING, transform=panel.transAxes, ha="center", va="center", color=QUIET, size=12)


def _merged(spans: Sequence[Sequence[str]]) -> list[tuple[float, float]]:
    """Spans that touch are one, so that their hatching is not drawn twice."""
    ordered = sorted((_x(moment(start)), _x(moment(end))) for start, end in spans)
    found: list[tuple[float, float]] = []
    for start, end in ordered:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def _x(at: datetime) -> float:
    where: Any = dates  # matplotlib gives these no types
    return float(where.date2num(at))
