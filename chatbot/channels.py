"""Which channels are shared with another organisation: approvals are not posted there, nor believed from there."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.posting import error_word

FRESH_SECONDS = 60.0
LOOKUP_SECONDS = 1.5  # within Slack's three seconds

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What conversations.info said of one channel."""

    shared: bool
    read_at: float  # monotonic seconds


class Channels:
    """Asks Slack, at most once a minute a channel, and again when Slack says that one was shared."""

    def __init__(self, *, web: AsyncWebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._clock = clock
        self._known: dict[str, Known] = {}

    def forget(self, channel: str) -> None:
        """Slack says that this channel changed: look again before the next use."""
        self._known.pop(channel, None)

    async def trouble(self, channel: str) -> str | None:
        """Why the bot cannot post there, in Slack's word; "" when it can, ``None`` when Slack does not say."""
        try:
            answer = await self._web.conversations_info(channel=channel)
        except SlackApiError as error:
            word = error_word(error)
            return word if word == "channel_not_found" else None
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError):
            return None
        told = answer.get("channel")
        if not isinstance(told, dict):
            return None
        if told.get("is_archived"):
            return "is_archived"
        return "not_in_channel" if told.get("is_member") is False else ""

    async def shared(self, channel: str) -> bool | None:
        """True when people of another organisation are in the channel, ``None`` when Slack does not say."""
        known = self._known.get(channel)
        if known is not None and self._clock() - known.read_at <= FRESH_SECONDS:
            return known.shared
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                answer = await self._web.conversations_info(channel=channel)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("conversations.info failed", channel=channel, error=error_word(error))
            return None
        told = answer.get("channel")
        if not isinstance(told, dict):
            return None
        shared = bool(told.get("is_ext_shared") or told.get("is_pending_ext_shared"))
        self._known[channel] = Known(shared=shared, read_at=self._clock())
        return shared
