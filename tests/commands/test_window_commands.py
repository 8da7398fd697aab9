"""/monitor and /windows as people type them."""

from datetime import timedelta

import pytest

from commands.parsing import parse
from commands.spec import UserError

BOTS = ("ndax", "quantum", "shadowforge")


@pytest.mark.parametrize(
    ("text", "bot", "span", "every"),
    [
        ("ndax 30m", "ndax", 30 * 60, None),
        ("NDAX 1h30m every 30s", "ndax", 90 * 60, 30),
        ("fleet 24h 1m", None, 24 * 3600, 60),
        ("all 2d 5m", None, 2 * 86400, 300),
        ("* 7d", None, 7 * 86400, None),
        ('"quantum" 1m 20s', "quantum", 60, 20),
    ],
)
def test_what_is_watched_how_long_and_how_often(
    text: str, bot: str | None, span: int, every: int | None
) -> None:
    found = parse("monitor", text, BOTS)
    assert (found.bot, found.span) == (bot, timedelta(seconds=span))
    assert found.every == (None if every is None else timedelta(seconds=every))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "what to watch and for how long"),
        ("ndax", "for how long"),
        ("ndx 30m", "did you mean ndax"),
        ("ndax soon", "is not a length"),
        ("ndax 0m", "between 1 minute and 7 days"),
        ("ndax 8d", "between 1 minute and 7 days"),
        ("ndax 30m often", "does not say how often"),
        ("ndax 30m 0s", "does not say how often"),
        ("ndax 30m 15m", "fewer than 3 looks"),
        ("ndax 30m 1m please", "takes what, how long and how often"),
        ("30m ndax", "no bot '30m'"),
        ("ndax 99999999999999m", "is not a length"),
    ],
)
def test_what_is_not_understood_opens_nothing(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        parse("monitor", text, BOTS)
    assert "No window was opened." in str(error.value)


@pytest.mark.parametrize(
    ("text", "option", "number", "minutes"),
    [
        ("", "list", None, None),
        ("list", "list", None, None),
        ("extend 12 30m", "extend", 12, 30),
        ("extend #12 1h", "extend", 12, 60),
        ("close 12", "close", 12, None),
        ("close 12 it is fine", "close", 12, None),
    ],
)
def test_what_is_done_with_windows(text: str, option: str, number: int | None, minutes: int | None) -> None:
    found = parse("windows", text, BOTS)
    span = None if minutes is None else timedelta(minutes=minutes)
    assert (found.option, found.number, found.span) == (option, number, span)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open 3", "is nothing I can do with windows"),
        ("extend", "which window by its number"),
        ("close twelve", "which window by its number"),
        ("extend 12", "by how much"),
        ("extend 12 soon", "is not a length"),
        ("close 99999999999", "which window by its number"),
    ],
)
def test_what_is_not_understood_changes_nothing(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        parse("windows", text, BOTS)
    assert "Nothing was changed." in str(error.value)
