"""Channels that change under the bot: archived, left, read-only, deleted, and back again."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack

ALERTS = "C0ALERTS"


@pytest.fixture
async def ts(web: AsyncWebClient) -> str:
    """A card that the bot posted while all was well."""
    return str((await web.chat_postMessage(channel=ALERTS, text="card"))["ts"])


async def word_of(call: Any) -> str | None:
    """Slack's word for why not, ``None`` when it did it."""
    try:
        await call
    except SlackApiError as error:
        return str(error.response["error"])
    return None


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "archived": ({"is_archived": True}, "is_archived"),
    "left": ({"bot_in": False}, "not_in_channel"),
    "read-only": ({"read_only": True}, "restricted_action"),
    "deleted": ({"gone": True}, "channel_not_found"),
    "by another word": (
        {"refusal": "restricted_action_read_only_channel"},
        "restricted_action_read_only_channel",
    ),
    "archived and left": ({"is_archived": True, "bot_in": False}, "is_archived"),
    "archived by another word": ({"is_archived": True, "refusal": "is_inactive"}, "is_inactive"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_nothing_is_posted_edited_or_whispered_until_it_is_undone(
    slack: LocalSlack, web: AsyncWebClient, ts: str, name: str
) -> None:
    changes, word = CHANGES[name]
    await slack.change_channel(ALERTS, **changes)
    for call in (
        web.chat_postMessage(channel=ALERTS, text="more"),
        web.chat_postMessage(channel=ALERTS, text="more", thread_ts=ts),
        web.chat_postMessage(channel="#fleet-alerts", text="more"),
        web.chat_update(channel=ALERTS, ts=ts, text="edited"),
        web.chat_postEphemeral(channel=ALERTS, user="U0ADMIN1", text="psst"),
    ):
        assert await word_of(call) == word
    assert [message.text for message in slack.messages(ALERTS)] == ["card"]
    undone = {"is_archived": False, "bot_in": True, "read_only": False, "gone": False, "refusal": ""}
    await slack.change_channel(ALERTS, **{key: undone[key] for key in changes})
    assert await word_of(web.chat_update(channel=ALERTS, ts=ts, text="edited")) is None
    assert [message.text for message in slack.messages(ALERTS)] == ["edited"]
    assert slack.deliveries == []  # no event that the manifest asks for tells of any of it


async def test_slack_tells_of_it_when_asked(slack: LocalSlack, web: AsyncWebClient) -> None:
    async def told(**changes: Any) -> dict[str, Any]:
        await slack.change_channel(ALERTS, **changes)
        channel: dict[str, Any] = (await web.conversations_info(channel=ALERTS))["channel"]
        return channel

    before = await told()
    assert (before["is_archived"], before["is_member"]) == (False, True)
    assert "is_read_only" not in before
    assert await told(is_archived=True) == before | {"is_archived": True}
    left = await told(is_archived=False, bot_in=False)
    assert left == before | {"is_member": False, "num_members": before["num_members"] - 1}
    assert await told(bot_in=True, read_only=True) == before | {"is_read_only": True}
    assert await told(read_only=False) == before


async def test_a_deleted_channel_is_nowhere(slack: LocalSlack, web: AsyncWebClient, ts: str) -> None:
    await slack.change_channel(ALERTS, gone=True)
    for call in (
        web.conversations_info(channel=ALERTS),
        web.conversations_history(channel=ALERTS),
        web.conversations_members(channel=ALERTS),
        web.chat_getPermalink(channel=ALERTS, message_ts=ts),
    ):
        assert await word_of(call) == "channel_not_found"
    assert "fleet-alerts" not in [row["name"] for row in (await web.conversations_list())["channels"]]


async def test_a_private_channel_that_the_bot_left_is_unknown_to_it(
    slack: LocalSlack, web: AsyncWebClient
) -> None:
    await slack.change_channel("C0PRIVATE", bot_in=True)
    assert await word_of(web.chat_postMessage(channel="C0PRIVATE", text="x")) is None
    await slack.change_channel("C0PRIVATE", bot_in=False)
    assert await word_of(web.chat_postMessage(channel="C0PRIVATE", text="x")) == "channel_not_found"
    assert await word_of(web.conversations_info(channel="C0PRIVATE")) == "channel_not_found"


async def test_a_direct_message_can_be_refused_too(slack: LocalSlack, web: AsyncWebClient) -> None:
    opened = (await web.conversations_open(users="U0ADMIN1"))["channel"]["id"]
    await slack.change_channel(opened, refusal="messages_tab_disabled")
    for channel in (opened, "U0ADMIN1"):
        assert await word_of(web.chat_postMessage(channel=channel, text="x")) == "messages_tab_disabled"


async def test_a_channel_is_changed_over_http(slack: LocalSlack, web: AsyncWebClient) -> None:
    async with aiohttp.ClientSession(slack.page_url) as page:

        async def change(**body: object) -> tuple[int, dict[str, Any]]:
            async with page.post("/sandbox/channel", json={"channel": ALERTS, **body}) as answer:
                return answer.status, await answer.json()

        async def channels() -> dict[str, dict[str, Any]]:
            async with page.get("/sandbox/state", params={"person": "admin"}) as answer:
                return {row["id"]: row for row in (await answer.json())["channels"]}

        status, answer = await change(is_archived=True)
        assert (status, answer["error"], answer["channel"]["is_archived"]) == (200, None, True)
        assert (await channels())[ALERTS]["is_archived"] is True
        await change(is_archived=False, read_only=True, bot_in=False)
        assert (await channels())[ALERTS]["is_read_only"] is True
        assert (await channels())[ALERTS]["is_member"] is False
        await change(gone=True)
        assert (await channels())[ALERTS]["seen"] is False
        await change(gone=False, read_only=False, bot_in=True, refusal="is_frozen")
        assert await word_of(web.chat_postMessage(channel=ALERTS, text="x")) == "is_frozen"
        await change(refusal="")
        assert await word_of(web.chat_postMessage(channel=ALERTS, text="x")) is None
        before = slack.channels[ALERTS]
        for nonsense in (
            {"gone": "yes"},
            {"bot_in": None},
            {"refusal": True},
            {"name": "x"},
            {"channel": "C0"},
        ):
            status, answer = await change(**nonsense)
            assert status == 400
            assert answer["error"]
        assert slack.channels[ALERTS] == before
