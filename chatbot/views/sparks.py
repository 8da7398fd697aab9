"""Charts made of characters, for where a picture cannot stand: the text of a message, a terminal."""

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"
DONE, LEFT = "▓", "░"
BAR = "█"
NAME = 24  # characters kept of a name before its bar


def sparkline(
    values: Sequence[float | None], *, low: float | None = None, high: float | None = None, width: int = 24
) -> str:
    """At most ``width`` characters, low to high; "·" where nothing is known; empty when there are no values.

    ``low`` and ``high`` are the ends of the scale, taken from the values when not given.
    """
    points = _downsampled([_known(value) for value in values], max(width, 1))
    seen = [point for point in points if point is not None]
    if not seen:
        return UNKNOWN * len(points)
    bottom = min(seen) if low is None else low
    top = max(seen) if high is None else high
    return "".join(UNKNOWN if point is None else _block(point, bottom, top) for point in points)


def progress(done: float, width: int = 12) -> str:
    """How much of something is done, from 0 to 1: full only when all of it is."""
    share = 0.0 if math.isnan(done) else min(max(done, 0.0), 1.0)
    full = min(int(share * width + 1e-9), width)
    return DONE * full + LEFT * (width - full)


def bars(rows: Sequence[tuple[str, float]], width: int = 20) -> str:
    """One line a row: the name, a bar on the scale of the greatest value, the value; for preformatted text."""
    if not rows:
        return ""
    names = [_cut(name) for name, _ in rows]
    broad = max(map(len, names))
    known = [_known(value) for _, value in rows]
    greatest = max((value for value in known if value is not None), default=0.0)
    made = []
    for name, value in zip(names, known, strict=True):
        length = _length(value, greatest, width)
        said = UNKNOWN if value is None else f"{value:,.10g}"
        made.append(f"{name:<{broad}}  {BAR * length:<{width}}  {said}".rstrip())
    return "\n".join(made)


def _length(value: float | None, greatest: float, width: int) -> int:
    """A bar's characters: at least one for anything above nothing."""
    if value is None or value <= 0 or greatest <= 0:
        return 0
    return min(max(round(value / greatest * width), 1), width)


def _block(point: float, bottom: float, top: float) -> str:
    if top <= bottom:
        return BLOCKS[0] if point <= bottom else BLOCKS[-1]
    share = min(max((point - bottom) / (top - bottom), 0.0), 1.0)
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


def _downsampled(values: Sequence[float | None], width: int) -> list[float | None]:
    """No more than ``width`` values, each the mean of the known ones it stands for."""
    count = len(values)
    if count <= width:
        return list(values)
    return [_mean(values[at * count // width : (at + 1) * count // width]) for at in range(width)]


def _mean(values: Sequence[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return math.fsum(value / len(seen) for value in seen) if seen else None


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cut(name: str) -> str:
    """A name on one line."""
    flat = " ".join(name.split())
    return flat if len(flat) <= NAME else flat[: NAME - 1] + "…"
