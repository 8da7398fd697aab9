"""What charts look like: pictures compared by their pixels, and whatever comes in, one picture of one size."""

import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chart_cases import GOLDEN, HOSTILE, at, bot, trends, window
from PIL import Image

from chatbot.charts import ChartError, available, render
from chatbot.charts.drawing import HEIGHT, WIDTH, draw, shown

PICTURES = Path(__file__).parent / "golden"


def pixels(png: bytes) -> Any:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def differing(one: bytes, other: bytes) -> float:
    """The share of pixels that differ by more than 32 of 255."""
    return float((np.abs(pixels(one) - pixels(other)).max(axis=2) > 32).mean())


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_chart_looks_as_it_was_looked_at(name: str, tmp_path: Path) -> None:
    drawn = draw(GOLDEN[name]())
    (tmp_path / f"{name}.png").write_bytes(drawn)
    assert differing(drawn, (PICTURES / f"{name}.png").read_bytes()) <= 0.005, f"see {tmp_path}/{name}.png"


def test_another_chart_is_told_apart() -> None:
    assert differing(draw(GOLDEN["window"]()), (PICTURES / "fleet.png").read_bytes()) > 0.005


def test_the_same_data_is_the_same_bytes_without_a_date_and_a_program() -> None:
    once = draw(window())
    assert once == draw(window())
    with Image.open(io.BytesIO(once)) as picture:
        assert "Software" not in picture.info
        assert not any("date" in str(key).lower() for key in picture.info)


def unknown_bot() -> Any:
    return {"name": "x", "at": [at(1), at(2)], "health": [None, math.nan], "errors": [None, None]}


STRANGE = {
    "all unknown": window(series=[unknown_bot()], pnl={"at": [at(1)], "value": [None]}),
    "ends before it begins": window(begins=at(5), ends=at(0)),
    "hostile": window(
        title=HOSTILE * 9,
        series=[bot(HOSTILE, low=50, noise=1), bot("", low=50, noise=1)],
        events=[[at(3), HOSTILE * 9], [at(4), ""]],
    ),
    "huge": window(
        series=[{"name": "x", "at": [at(1), at(2)], "health": [1e308, -1e308], "errors": [10**15, math.inf]}],
        pnl={"at": [at(1), at(2)], "value": [1e308, -1e308]},
    ),
    "many bots and events": window(
        series=[bot(f"bot-{count}-with-a-very-long-name-indeed", low=count, noise=1) for count in range(60)],
        events=[[at(count / 20), f"event {count}"] for count in range(2000)],
        blind=[[at(count / 20), at(count / 20 + 0.02)] for count in range(2000)],
    ),
    "one point": window(
        series=[{"name": "x", "at": [at(1)], "health": [50.0], "errors": [0]}],
        pnl={"at": [at(1)], "value": [-1.5]},
    ),
    "trends: hostile": trends(rows=[{"name": HOSTILE * 9, "count": 10**9, "stop": 1e308, "recover": 0.0}]),
    "trends: many": trends(
        rows=[{"name": f"s{count}", "count": count, "stop": 1.0, "recover": 2.0} for count in range(40)]
    ),
    "trends: none": trends(rows=[]),
    "trends: nothing known": trends(rows=[{"name": "x", "count": 0, "stop": None, "recover": None}]),
    "years": window(ends=at(60 * 24 * 900)),
}


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_whatever_comes_in_is_one_picture_of_one_size(name: str) -> None:
    began = time.perf_counter()
    assert pixels(draw(STRANGE[name])).shape == (HEIGHT, WIDTH, 3)
    assert time.perf_counter() - began < 10


def test_a_point_that_stands_alone_is_seen() -> None:
    def with_health(value: float | None) -> bytes:
        series = [
            {
                "name": "x",
                "at": [at(each) for each in range(0, 120, 20)],
                "health": [None, None, value, None, None, 90.0],
                "errors": [0] * 6,
            }
        ]
        return draw(window(series=series, blind=[], events=[]))

    changed = np.abs(pixels(with_health(20.0)) - pixels(with_health(None))).max(axis=2) > 32
    assert changed.sum() > 20


def test_bots_differ_without_their_colours() -> None:
    def grey(place: int) -> Any:
        series = [bot(name, low=50, noise=1) for name in ("a", "b")]
        series[1 - place]["health"] = [None] * len(series[1 - place]["health"])
        series[1 - place]["errors"] = [None] * len(series[1 - place]["errors"])
        panel = pixels(draw(window(series=series, blind=[], events=[])))[110:224, 91:960]
        return panel.min(axis=2) < 200  # where anything is drawn, in whatever colour

    assert (grey(0) != grey(1)).mean() > 0.001


def test_twenty_thousand_points_take_seconds() -> None:
    count = 20_000
    times = [at(120 * each / count) for each in range(count)]
    waves = [50 + 49 * math.sin(each / 9) for each in range(count)]
    series = [{"name": "ndax", "at": times, "health": waves, "errors": list(range(count))}]
    began = time.perf_counter()
    assert pixels(draw(window(series=series, pnl={"at": times, "value": waves}))).shape == (HEIGHT, WIDTH, 3)
    assert time.perf_counter() - began < 10


def test_what_the_font_cannot_draw_is_a_square() -> None:
    assert shown("ab\n日\u202ec", 10) == "ab □c"
    assert shown("a" * 30, 5) == "aaaa…"


NO_CHARTS: dict[str, Any] = {
    "kind": {"kind": "pie", "title": "x"},
    "lengths": window(pnl={"at": [at(1)], "value": []}),
    "nothing": {},
    "words": window(pnl={"at": [at(1)], "value": ["much"]}),
    "zone": window(begins="2026-11-25T08:00:00"),
}


@pytest.mark.parametrize("name", sorted(NO_CHARTS))
def test_what_is_no_chart_is_refused(name: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        draw(NO_CHARTS[name])


def test_without_matplotlib_there_are_no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not available()


async def test_a_process_of_its_own_draws_the_same() -> None:
    assert available()
    assert await render(trends()) == draw(trends())


@pytest.mark.parametrize("chart", [{"kind": "pie"}, {"kind": {1, 2}}], ids=["kind", "no JSON"])
async def test_what_cannot_be_drawn_is_one_sentence(chart: dict[str, Any]) -> None:
    with pytest.raises(ChartError, match=r"^The chart was not drawn: [^.]*\.$"):
        await render(chart)


async def test_a_drawing_that_takes_too_long_is_ended() -> None:
    began = time.perf_counter()
    with pytest.raises(ChartError, match=r"within 0\.01 seconds"):
        await render(window(), seconds=0.01)
    assert time.perf_counter() - began < 5
