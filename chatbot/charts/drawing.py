"""The drawing itself: plain data in, PNG bytes out, the same bytes for the same data and release of matplotlib.

Every chart is 1000 by 600 pixels in matplotlib's own DejaVu Sans. Bots differ by line style and marker as well as by
colour, and what is not known is a gap, never a zero.
"""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from commands.words import visible

DPI = 100
WIDTH, HEIGHT = 1000, 600  # pixels
TITLE, NAME = 80, 22  # characters
LARGEST = 1e12  # what is larger is drawn at this edge
NOT_IN_FONT = "\N{WHITE SQUARE}"
COLOURS = ("#0b57a4", "#b3122f", "#0b6b4a", "#7a4fb5", "#a85b00", "#00798c", "#5d5f66", "#c2257f")
GRID, QUIET = "#d9d9d9", "#55575e"

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.usetex": False,
    "axes.edgecolor": "#8a8c93",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "agg.path.chunksize": 10_000,
    "hatch.linewidth": 0.6,
    "hatch.color": "#8f8f8f",
}


def draw(chart: Mapping[str, Any]) -> bytes:
    """The PNG of one chart; ValueError, KeyError or TypeError when it is none that can be drawn."""
    from chatbot.charts.trends import draw_trends
    from chatbot.charts.window import draw_window

    kinds = {"window": draw_window, "trends": draw_trends}
    kind = kinds.get(chart["kind"])
    if kind is None:
        raise ValueError("no such kind of chart")
    with mpl.rc_context():
        mpl.rcParams.update(mpl.rcParamsDefault)  # not the taste of whoever has a matplotlibrc here
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        title = figure.text(0.012, 0.975, shown(str(chart["title"]), TITLE), size=13, weight="bold", va="top")
        fit(title, WIDTH * 0.97)
        kind(figure, chart)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    return picture.getvalue()


def shown(text: str, most: int) -> str:
    """Outside words on one line, cut, without what the font cannot draw."""
    flat = " ".join(visible(text).split())
    cut = flat if len(flat) <= most else flat[: most - 1] + "…"
    drawable = _drawable()
    return "".join(char if ord(char) in drawable else NOT_IN_FONT for char in cut)


def fit(text: Text, most: float) -> None:
    """Make a text smaller where its letters are too broad for so many pixels."""
    width = text.get_window_extent().width
    if width > most:
        text.set_fontsize(float(text.get_fontsize()) * most / width)


def number(value: float | None) -> float:
    """A value as it is drawn: NaN, which is a gap, when it is not known."""
    if value is None or not math.isfinite(value):
        return math.nan
    return min(max(float(value), -LARGEST), LARGEST)


def numbers(values: Iterable[float | None]) -> list[float]:
    """Values as they are drawn."""
    return [number(value) for value in values]


def moment(text: str) -> datetime:
    """An ISO 8601 time that says its zone, in UTC."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)


def known(values: Sequence[float]) -> bool:
    """Whether there is anything to draw."""
    return any(not math.isnan(value) for value in values)


def _drawable() -> frozenset[int]:
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font: FT2Font = font_manager.get_font(str(path))
    return frozenset(font.get_charmap())
