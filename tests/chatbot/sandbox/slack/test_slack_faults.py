"""Faults of the Web API, limited to one method and to so many calls."""

import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack

SLOW = 0.8  # s


async def struck(web: AsyncWebClient, method: str, **args: str) -> bool:
    """Call; True when it failed or took long."""
    begun = time.monotonic()
    try:
        await web.api_call(method, json=args)
    except (SlackApiError, aiohttp.ClientError):
        return True
    return time.monotonic() - begun >= SLOW


@pytest.mark.parametrize("name", ["slow", "reset_after_accept", "http_500", "rate_limited"])
@pytest.mark.parametrize("over_http", [False, True])
async def test_a_fault_strikes_so_many_posts_and_nothing_else(
    slack: LocalSlack, web: AsyncWebClient, name: str, over_http: bool
) -> None:
    options = {"seconds": SLOW} if name == "slow" else {}
    if over_http:
        body = {"name": name, "methods": ["chat.postMessage"], "times": 2, **options}
        async with (
            aiohttp.ClientSession(slack.page_url) as session,
            session.post("/sandbox/faults", json=body) as answer,
        ):
            assert answer.status == 200
    else:
        slack.faults.set(name, methods="chat.postMessage", times=2, **options)

    async def posts(text: str) -> bool:
        return await struck(web, "chat.postMessage", channel="C0OPS", text=text)

    assert not await struck(web, "auth.test")
    assert await posts("one")
    assert not await struck(web, "conversations.info", channel="C0OPS")
    assert await posts("two")
    assert slack.faults.list() == []
    assert not await posts("three")
    arrived = ["one", "two", "three"] if name in {"slow", "reset_after_accept"} else ["three"]
    assert [message.text for message in slack.messages("C0OPS")] == arrived
