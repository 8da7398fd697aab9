"""Socket Mode: the WebSockets the bot opens, and the envelopes sent over any one of them."""

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from chatbot.sandbox.slack.model import APP, Json

MOST_SOCKETS = 10


class DeliveryError(Exception):
    """The payload reached nobody or got no acknowledgement; its text is Slack's name for that."""


@dataclass(slots=True, eq=False)
class Link:
    """One open WebSocket; a ``frozen`` one swallows what is sent and never answers: a half-open TCP path."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport
    frozen: bool = False

    async def send(self, message: Json) -> None:
        """Send unless frozen."""
        if not self.frozen:
            await self.socket.send_str(json.dumps(message))

    def freeze(self) -> None:
        """Stop reading and answering while TCP stays up."""
        self.frozen = True
        self.transport.pause_reading()

    def cut(self) -> None:
        """Reset the connection."""
        self.transport.abort()


class SocketHub:
    """All Socket Mode connections of the app; each payload goes to any one of them, in turn."""

    def __init__(self, *, on_change: Callable[[], None], lifetime: int = 3600) -> None:
        self.links: list[Link] = []
        self._tickets: set[str] = set()
        self._pending: dict[str, asyncio.Future[Json | None]] = {}
        self._on_change = on_change
        self._lifetime = lifetime  # seconds, told in hello
        self._turn = 0

    def ticket(self) -> str:
        """A one-use ticket for the next connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one WebSocket from hello to close."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.links) >= MOST_SOCKETS:
            return web.Response(status=403, text="invalid_ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        link = Link(socket, transport)
        self.links.append(link)
        try:
            await link.send(self._hello())
            self._on_change()
            async for frame in socket:
                if frame.type is WSMsgType.TEXT and not link.frozen:
                    self._acknowledge(frame.data)
        except ConnectionError:
            pass  # the client went away while hello was on its way
        finally:
            self.links.remove(link)
            self._on_change()
        return socket

    def _hello(self) -> Json:
        debug = {"host": "sandbox", "build_number": 1, "approximate_connection_time": self._lifetime}
        return {
            "type": "hello",
            "num_connections": len(self.links),
            "debug_info": debug,
            "connection_info": {"app_id": APP},
        }

    def _acknowledge(self, data: str) -> None:
        with suppress(ValueError):
            message = json.loads(data)
            waiting = (
                self._pending.get(str(message.get("envelope_id"))) if isinstance(message, dict) else None
            )
            if waiting is not None and not waiting.done():
                payload = message.get("payload")
                waiting.set_result(payload if isinstance(payload, dict) and payload else None)

    async def deliver(self, kind: str, payload: Json, *, retry: int = 0, reason: str = "") -> Json | None:
        """Send one envelope and wait for its acknowledgement's payload; DeliveryError if nobody is there."""
        if not self.links:
            raise DeliveryError("dispatch_failed")
        self._turn += 1
        link = self.links[self._turn % len(self.links)]
        envelope_id = secrets.token_hex(16)
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        waiting: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._pending[envelope_id] = waiting
        try:
            with suppress(
                ConnectionError
            ):  # a dead socket: nobody will acknowledge, Slack waits all the same
                await link.send(envelope)
            return await waiting
        finally:
            del self._pending[envelope_id]

    async def say_disconnect(self, reason: str) -> None:
        """Announce the end of every connection: warning, or refresh_requested and link_disabled: closed."""
        for link in list(self.links):
            with suppress(ConnectionError):
                await link.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
                if reason != "warning" and not link.frozen:
                    await asyncio.wait_for(link.socket.close(), 1.0)

    def freeze(self) -> None:
        """Make every open connection half-open."""
        for link in self.links:
            link.freeze()

    def cut(self) -> None:
        """Reset every connection."""
        for link in self.links:
            link.cut()
