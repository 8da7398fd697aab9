"""An unmodified bolt app and its connection to a local Slack."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack


def bolt_app(slack: LocalSlack, **options: Any) -> AsyncApp:
    """An ordinary bolt app that talks to this sandbox."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    return AsyncApp(
        client=client,
        token=slack.bot_token,
        signing_secret=slack.signing_secret,
        raise_error_for_unhandled_request=False,
        **options,
    )


@asynccontextmanager
async def connected(slack: LocalSlack, app: AsyncApp, *, ping: float = 5.0) -> AsyncIterator[None]:
    """The app connected over Socket Mode."""
    logger = logging.getLogger("tests.socket_mode")
    logger.setLevel(logging.CRITICAL)
    handler = AsyncSocketModeHandler(app, slack.app_token, logger=logger, ping_interval=ping)
    before = slack.socket_count
    await handler.connect_async()
    try:
        await slack.wait_for(lambda: slack.socket_count > before)
        yield
    finally:
        await handler.close_async()
