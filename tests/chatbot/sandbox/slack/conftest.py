"""A local Slack per test and the SDK's client for it."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.running() as running:
        yield running


@pytest.fixture
def web(slack: LocalSlack) -> AsyncWebClient:
    """The SDK's client without its own retries: what the server says is what a test sees."""
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=5)
