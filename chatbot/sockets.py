"""Socket Mode: two connections, fast pings, and a watchdog that trusts no one else to notice a dead socket.

slack_sdk's client reconnects by itself in most cases; the watchdog asks each second whether a connection is
really up and forces a new one when it has been down for too long. It does not look at the time since the last
event: a quiet fleet is not a dead socket.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

Deliver = Callable[[Mapping[str, Any]], Awaitable[tuple[int, str | None]]]

PING_SECONDS = 2.0  # a reset is noticed in half a second, a half-open socket in 2.5 s
PATIENCE_SECONDS = 5.0  # how long the client may try by itself before it is replaced
CONNECT_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Sockets:
    """Holds the connections to Slack; `run` until cancelled, `connected` tells how many are up."""

    def __init__(
        self,
        *,
        app_token: str,
        web: AsyncWebClient,
        deliver: Deliver,
        count: int,
        changed: Callable[[int], None],
    ) -> None:
        self._app_token = app_token
        self._web = web
        self._deliver = deliver
        self._count = count
        self._changed = changed
        self._clients: list[SocketModeClient] = []
        self._accepting = True
        self._busy: set[asyncio.Task[None]] = set()
        self.connected = 0

    async def run(self) -> None:
        """Keep every connection up until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._count):
                    group.create_task(self._keep())
        finally:
            await self.close()

    async def stop_intake(self) -> None:
        """Take no more requests, and wait for those being answered."""
        self._accepting = False
        if self._busy:
            await asyncio.wait(self._busy, timeout=3)

    async def close(self) -> None:
        """Close every connection; nothing is received after it."""
        clients, self._clients = self._clients, []
        for client in clients:
            await self._discard(client)
        self._count_up()

    async def _keep(self) -> None:
        """One connection: opened, watched each second, replaced when it stays down."""
        client: SocketModeClient | None = None
        down = 0.0
        delay = 0.5
        while True:
            if client is None:
                client = await self._open()
                delay = 0.5 if client else min(delay * 2, 5.0)
                down = 0.0
            elif not await client.is_connected() or client.aiohttp_client_session.closed:
                down += 1.0
                if down > PATIENCE_SECONDS:
                    log.warning("socket stayed down, replacing it", seconds=down)
                    self._clients.remove(client)
                    await self._discard(client)
                    client = None
                    continue
            else:
                down = 0.0
            self._count_up()
            await asyncio.sleep(1.0 if client else delay)

    async def _open(self) -> SocketModeClient | None:
        client = SocketModeClient(
            app_token=self._app_token,
            web_client=self._web,
            ping_interval=PING_SECONDS,
            logger=logging.getLogger("slack.socket"),
        )
        client.socket_mode_request_listeners.append(self._received)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                client.wss_uri = await client.issue_new_wss_url()
                await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        except Exception as error:  # noqa: BLE001 - whatever it was, the connection is tried again
            log.warning("no socket to Slack yet, trying again", error=type(error).__name__)
            await self._discard(client)
            return None
        self._clients.append(client)
        return client

    async def _received(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if not self._accepting:
            return  # unacknowledged: Slack tells the person, and another replica gets the next one
        task = asyncio.current_task()
        if task is not None:
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        _, body = await self._deliver(request.payload)
        answer: dict[str, Any] = {"envelope_id": request.envelope_id}
        if body:
            answer["payload"] = json.loads(body)
        await client.send_message(json.dumps(answer))

    async def _discard(self, client: SocketModeClient) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await client.close()  # type: ignore[no-untyped-call]  # likewise
        session = client.aiohttp_client_session
        if not session.closed:
            with contextlib.suppress(Exception):
                await session.close()

    def _count_up(self) -> None:
        up = sum(1 for client in self._clients if _is_up(client))
        if up != self.connected:
            self.connected = up
            self._changed(up)


def _is_up(client: SocketModeClient) -> bool:
    session = client.current_session
    return not client.closed and not client.stale and session is not None and not session.closed
