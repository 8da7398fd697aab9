"""The stop that follows an unstable window never fails for how its words are put."""

import pytest

from chatbot.monitoring.watching import stop_of
from tests.hostile import NASTY


@pytest.mark.parametrize("bot", ["ndax", "configured-no-more", None])
def test_a_stop_is_of_one_bot_or_of_all(bot: str | None) -> None:
    found = stop_of(bot, "window #1 is unstable")
    assert (found.command, found.bot) == ("kill" if bot is None else "stop", bot)
    assert found.reason == "window #1 is unstable"


@pytest.mark.parametrize("text", NASTY)
def test_whatever_the_reason_is_made_of_it_is_a_stop(text: str) -> None:
    assert stop_of("ndax", text).command == "stop"
    assert len(stop_of("ndax", text).reason) <= 500
