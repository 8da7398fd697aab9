"""Posting to Slack: each attempt is made once and its outcome is one of four, so that the outbox can decide.

slack_sdk's default retry posts a message twice when the connection is reset after Slack accepted it, and Slack has
no idempotency key. So nothing is retried here: an attempt whose fate is unknown says so, and is found again by the
key that every message carries in its metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

EVENT_TYPE = "chatbot_outbox"
"""The metadata type under which a message carries its key."""

REQUEST_SECONDS = 7.0  # with the wait before it, below the lease of a message
CONNECT_SECONDS = 3.0
LOOK_BACK_SECONDS = 3600.0  # clocks differ, and a card may have been posted before its row was written

_BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "block_mismatch"})
_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)

log = structlog.get_logger(__name__)


class Fate(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    LATER = "later"  # nothing arrived: the same attempt is safe after `retry_after` seconds
    UNKNOWN = "unknown"  # it may have arrived: look before posting again
    REJECTED = "rejected"  # Slack said no and will say no again


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one attempt; ``ts`` when sent, ``error`` in Slack's word or ours."""

    fate: Fate
    ts: str | None = None
    retry_after: float = 1.0  # seconds
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A message that was looked for; ``ts`` is ``None`` when it is not there."""

    ts: str | None = None
    version: int = 0


def open_session() -> aiohttp.ClientSession:
    """The one session all calls share: `timeout=` of the SDK is ignored when a session is given, so it has its own."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS, connect=CONNECT_SECONDS),
        connector=aiohttp.TCPConnector(limit=20, keepalive_timeout=60),
    )


def web_client(*, token: str, api_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """slack_sdk's client without any retry of its own."""
    base = api_url if api_url.endswith("/") else api_url + "/"
    return AsyncWebClient(token=token, base_url=base, session=session, retry_handlers=[])


class Poster:
    """The only way a message leaves: post, edit, find again, answer a response_url, open a modal."""

    def __init__(self, *, web: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self.web = web
        self.session = session
        self._direct: dict[str, str] = {}

    async def post(
        self,
        channel: str,
        payload: Mapping[str, Any],
        *,
        key: str,
        version: int,
        thread_ts: str | None = None,
    ) -> Result:
        """Post a new message that can be found again by its key."""
        arguments: dict[str, Any] = {
            "channel": channel,
            "metadata": _metadata(key, version),
            "unfurl_links": False,
            "unfurl_media": False,
            "link_names": False,
        }
        if thread_ts is not None:
            arguments["thread_ts"] = thread_ts
        return await self._attempt("chat.postMessage", arguments, payload)

    async def edit(
        self, channel: str, ts: str, payload: Mapping[str, Any], *, key: str, version: int
    ) -> Result:
        """Overwrite a message; harmless when done twice."""
        arguments = {"channel": channel, "ts": ts, "metadata": _metadata(key, version), "link_names": False}
        return await self._attempt("chat.update", arguments, payload)

    async def find(
        self, channel: str, *, key: str, since: float, thread_ts: str | None = None, file: str | None = None
    ) -> Found | None:
        """The message with this key, an empty `Found` when it is surely not there, ``None`` when Slack does not say.

        A message that shows a file carries no key: it is known by the file's name.
        """
        arguments: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{since - LOOK_BACK_SECONDS:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        method = "conversations.history"
        if thread_ts is not None:
            method, arguments["ts"] = "conversations.replies", thread_ts
        while True:
            try:
                answer = await self.web.api_call(method, params=arguments)
            except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("cannot look for a message", method=method, error=error_word(error))
                return None
            for message in answer.get("messages") or ():
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                names = [each.get("name") for each in message.get("files") or ()]
                if payload.get("key") == key or (file is not None and file in names):
                    version = payload.get("version")
                    return Found(ts=str(message["ts"]), version=version if isinstance(version, int) else 1)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return Found()
            arguments["cursor"] = cursor

    async def respond(self, url: str, payload: Mapping[str, Any]) -> Result:
        """Answer through a response_url (five uses, thirty minutes); never to the whole channel unless asked to."""
        body = {"response_type": "ephemeral", "replace_original": False, **payload}
        try:
            async with self.session.post(url, json=body, allow_redirects=False) as response:
                if response.status == 200:
                    return Result(fate=Fate.SENT)
                if response.status == 429 or response.status >= 500:
                    return Result(
                        fate=Fate.LATER,
                        retry_after=_seconds(response.headers.get("Retry-After")),
                        error=str(response.status),
                    )
                return Result(fate=Fate.REJECTED, error=f"http {response.status}")
        except aiohttp.ClientConnectorError as error:
            return Result(fate=Fate.LATER, error=error_word(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Result(fate=Fate.UNKNOWN, error=error_word(error))

    async def whisper(
        self, channel: str, user: str, payload: Mapping[str, Any], *, thread_ts: str | None = None
    ) -> Result:
        """Show something to one person in a channel, where there is no response_url (a mention)."""
        arguments: dict[str, Any] = {"channel": channel, "user": user, "link_names": False}
        if thread_ts is not None:
            arguments["thread_ts"] = thread_ts
        return await self._attempt("chat.postEphemeral", arguments, payload)

    async def publish(self, person: str, view: Mapping[str, Any]) -> Result:
        """Show a person's home tab; harmless when done twice."""
        result = await self._attempt("views.publish", {"user_id": person}, {"view": dict(view)})
        return replace(result, ts=None)

    async def direct(self, person: str) -> tuple[str | None, Result | None]:
        """The channel in which this person is written to directly, or what stands in the way of it."""
        known = self._direct.get(person)
        if known is not None:
            return known, None
        try:
            answer = await self.web.conversations_open(users=person)
        except SlackApiError as error:
            return None, judged(error, error_word(error))
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            return None, Result(fate=Fate.LATER, error=error_word(error))  # opening twice opens nothing twice
        channel = (answer.get("channel") or {}).get("id")
        if not isinstance(channel, str):
            return None, Result(fate=Fate.LATER, error="no channel")
        self._direct[person] = channel
        return channel, None

    async def presence(self, person: str) -> str | None:
        """Whether Slack shows this person as "active" or "away" now, ``None`` when it does not say."""
        try:
            answer = await self.web.users_getPresence(user=person)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("no presence", person=person, error=error_word(error))
            return None
        word = answer.get("presence")
        return word if word in {"active", "away"} else None

    async def open_modal(self, trigger_id: str, view: Mapping[str, Any]) -> bool:
        """Show a modal; False when Slack would not (the trigger lives three seconds)."""
        try:
            await self.web.views_open(trigger_id=trigger_id, view=dict(view))
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("no modal", error=error_word(error))
            return False
        return True

    async def _attempt(self, method: str, arguments: dict[str, Any], payload: Mapping[str, Any]) -> Result:
        try:
            answer = await self.web.api_call(method, json={**arguments, **payload})
        except SlackApiError as error:
            word = error_word(error)
            if word in _BLOCKS_REFUSED and payload.get("blocks"):
                # A block type that has not reached this workspace yet: the words still arrive. For an edit the
                # empty list is needed to take the old blocks away.
                log.warning("Slack refused the blocks, sending the text alone", method=method)
                plain = {
                    "text": payload.get("text", ""),
                    **({"blocks": []} if method == "chat.update" else {}),
                }
                return await self._attempt(method, arguments, plain)
            return judged(error, word)
        except aiohttp.ClientConnectorError as error:
            return Result(fate=Fate.LATER, error=error_word(error))
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            return Result(fate=Fate.UNKNOWN, error=error_word(error))
        return Result(fate=Fate.SENT, ts=str(answer.get("ts") or arguments.get("ts") or ""))


def _metadata(key: str, version: int) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key, "version": version}}


def judged(error: SlackApiError, word: str) -> Result:
    """What Slack's answer makes of an attempt."""
    status = getattr(error.response, "status_code", 0)
    headers = getattr(error.response, "headers", {}) or {}
    if status == 429 or word == "ratelimited":
        return Result(fate=Fate.LATER, retry_after=_seconds(headers.get("Retry-After")), error=word)
    if status >= 500 or word in _PASSING or not word:
        return Result(fate=Fate.UNKNOWN, error=word or f"http {status}")
    return Result(fate=Fate.REJECTED, error=word)


def error_word(error: BaseException) -> str:
    """A word for the log and the record: Slack's own where it gave one, else the kind of error; never a body."""
    if isinstance(error, SlackApiError):
        data = getattr(error.response, "data", None)
        found = data.get("error") if isinstance(data, dict) else None
        return found if isinstance(found, str) else ""
    return type(error).__name__


def _seconds(header: str | None) -> float:
    try:
        return min(max(float(header or 1), 0.0), 300.0)
    except ValueError:
        return 1.0
