"""The only file that knows bolt: payloads in, one handler, acknowledgements out.

Both modes end here. Socket Mode hands over envelopes, HTTP mode what the guard let through; both become the same
bolt request. bolt's listeners are matched one by one, so there is a single middleware that answers everything and
leaves the choosing to the dispatcher. `process_before_response` makes bolt return the acknowledgement as soon as
it is given instead of polling for it every 10 ms.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.incoming import Incoming, Reply, read

Handle = Callable[[Incoming], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Who we are in Slack, from auth.test at start."""

    team: str
    enterprise: str | None
    bot_user: str
    bot_id: str | None


@dataclass(slots=True)
class Door:
    """Where it is kept who we are: empty until Slack has said so."""

    installation: Installation | None = None


class _Everything(AsyncMiddleware):
    """Answers every request that bolt's own middleware let through; nothing comes after it."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - bolt's name
    ) -> BoltResponse:
        incoming = read(req.body)
        if incoming is None:
            return BoltResponse(status=200)
        reply = await self._handle(incoming)
        if reply.payload is None:
            return BoltResponse(status=200)
        return BoltResponse(
            status=200, body=json.dumps(reply.payload), headers={"content-type": "application/json"}
        )


class SlackApp:
    """bolt, told once who we are, so that no request waits for auth.test."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        token: str,
        door: Door,
        handle: Handle,
    ) -> None:
        async def authorize() -> AuthorizeResult:
            # Before auth.test has answered a stop must get through all the same: its sender is known by the
            # signature or the socket, and who may stop by the configuration.
            known = door.installation
            return AuthorizeResult(
                enterprise_id=known.enterprise if known else None,
                team_id=known.team if known else None,
                bot_token=token,
                bot_id=known.bot_id if known else None,
                bot_user_id=known.bot_user if known else None,
            )

        quiet = logging.getLogger("slack.bolt")
        quiet.setLevel(logging.ERROR)  # it warns that the environment's token is unused, which is meant
        self._app = AsyncApp(
            logger=quiet,
            client=client,
            authorize=authorize,
            signing_secret="verified by the guard",  # noqa: S106 - no secret: the guard has verified before us
            process_before_response=True,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            url_verification_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
            ignoring_self_assistant_message_events_enabled=False,
        )
        self._app.use(_Everything(handle))

    async def deliver(self, payload: Mapping[str, Any]) -> tuple[int, str | None]:
        """Run one payload through bolt; returns (200, acknowledgement as JSON text or None), 400 for a strange one."""
        try:
            request = AsyncBoltRequest(mode="socket_mode", body=dict(payload))
            response = await self._app.async_dispatch(request)
        except (AttributeError, KeyError, TypeError):
            return 400, None
        # bolt looks into a payload before we do and trips over shapes it does not expect; our handler never raises.
        return (response.status, response.body or None) if response.status < 500 else (400, None)
