"""Posting against the local Slack: one attempt, one outcome, found again by its key."""

from collections.abc import AsyncIterator

import pytest

from chatbot.posting import Fate, Found, Poster, open_session, web_client
from chatbot.sandbox.slack import LocalSlack

TEXT = {"text": "one", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "one"}}]}


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.running(speed=100) as running:
        yield running


@pytest.fixture
async def poster(slack: LocalSlack) -> AsyncIterator[Poster]:
    async with open_session() as session:
        yield Poster(
            web=web_client(token="xoxb-sandbox", api_url=slack.api_url, session=session), session=session
        )


async def test_a_post_is_sent_once_and_edited_in_place(slack: LocalSlack, poster: Poster) -> None:
    result = await poster.post("C0OPS", TEXT, key="a/card", version=1)
    assert result.fate is Fate.SENT
    assert result.ts is not None
    edited = await poster.edit("C0OPS", result.ts, {"text": "two"}, key="a/card", version=2)
    assert edited.fate is Fate.SENT
    (message,) = slack.messages("C0OPS")
    assert [shown.text for shown in message.history] == ["one", "two"]


async def test_a_reset_after_accept_is_unknown_and_the_post_is_found(
    slack: LocalSlack, poster: Poster
) -> None:
    slack.faults.set("reset_after_accept", times=1)
    result = await poster.post("C0OPS", TEXT, key="b/card", version=3)
    assert result.fate is Fate.UNKNOWN
    assert len(slack.messages("C0OPS")) == 1  # and not posted again behind our back
    found = await poster.find("C0OPS", key="b/card", since=0)
    assert found == Found(ts=slack.messages("C0OPS")[0].ts, version=3)


async def test_a_post_that_never_arrived_is_surely_not_there(slack: LocalSlack, poster: Poster) -> None:
    slack.faults.set("reset_before", times=1)
    assert (await poster.post("C0OPS", TEXT, key="c/card", version=1)).fate is Fate.UNKNOWN
    assert await poster.find("C0OPS", key="c/card", since=0) == Found()


async def test_a_reply_is_found_in_its_thread(slack: LocalSlack, poster: Poster) -> None:
    card = await poster.post("C0OPS", TEXT, key="d/card", version=1)
    slack.faults.set("reset_after_accept", times=1)
    await poster.post("C0OPS", TEXT, key="d/alarm", version=1, thread_ts=card.ts)
    assert card.ts is not None
    (reply,) = slack.replies("C0OPS", card.ts)
    assert await poster.find("C0OPS", key="d/alarm", since=0, thread_ts=card.ts) == Found(
        ts=reply.ts, version=1
    )


async def test_rate_limited_is_later_with_slacks_own_seconds(slack: LocalSlack, poster: Poster) -> None:
    slack.faults.set("rate_limited", retry_after=7, times=1)
    result = await poster.post("C0OPS", TEXT, key="e/card", version=1)
    assert (result.fate, result.retry_after) == (Fate.LATER, 7.0)


async def test_a_server_error_is_unknown(slack: LocalSlack, poster: Poster) -> None:
    slack.faults.set("http_500", times=1)
    assert (await poster.post("C0OPS", TEXT, key="f/card", version=1)).fate is Fate.UNKNOWN


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C0NOWHERE", "channel_not_found"), ("C0ARCHIVE", "is_archived"), ("C0PRIVATE", "channel_not_found")],
)
async def test_slacks_no_is_a_no(poster: Poster, channel: str, error: str) -> None:
    result = await poster.post(channel, TEXT, key="g/card", version=1)
    assert result.fate is Fate.REJECTED
    assert result.error in {error, "not_in_channel"}


async def test_refused_blocks_arrive_as_text_alone(slack: LocalSlack, poster: Poster) -> None:
    bad = {"text": "the words", "blocks": [{"type": "container", "blocks": []}]}
    assert (await poster.post("C0OPS", bad, key="h/card", version=1)).fate is Fate.SENT
    (message,) = slack.messages("C0OPS")
    assert (message.text, message.blocks) == ("the words", ())


async def test_slack_away_is_later(slack: LocalSlack, poster: Poster) -> None:
    slack.faults.set("api_down")
    result = await poster.post("C0OPS", TEXT, key="i/card", version=1)
    assert result.fate in {Fate.LATER, Fate.UNKNOWN}
    assert await poster.find("C0OPS", key="i/card", since=0) is None
