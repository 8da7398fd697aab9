"""The two far ends, as lean as they can be, so that the figures are the bot's: a Slack and a coordinator with a clock.

Both live in the measuring process. The Slack side answers every Web API call at once; the coordinator side notes the
moment each POST /kill-switch arrives and answers every GET /status as a stopped fleet.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

SECRET = "bench-signing-secret"
STOPPED = {
    "kill_switch_active": True,
    "bots": {
        name: {"status": "stopped", "health": 100, "error_count": 0, "latest_errors": []}
        for name in ("ndax", "quantum", "shadowforge")
    },
    "metrics": {},
    "timestamp": "2026-01-01T00:00:00Z",
}


class Coordinator(asyncio.Protocol):
    """One connection of the coordinator: HTTP/1.1 with keep-alive, a request a time."""

    def __init__(self, arrived: "asyncio.Queue[float]") -> None:
        self._arrived = arrived
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as soon as a request is whole."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        if head.startswith(b"POST"):
            self._arrived.put_nowait(time.perf_counter())
            body = b'{"success":true,"kill_switch_active":true,"message":"ok","timestamp":"2026-01-01T00:00:00Z"}'
        else:
            body = json.dumps(STOPPED).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)  # type: ignore[attr-defined]  # a TCP transport


class Rig:
    """Both far ends; `kill` sends one slash command and waits for its acknowledgement."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[float] = asyncio.Queue()
        self.said: list[tuple[float, str]] | None = None  # (moment, text) of every message, once it is a list
        self.slack_url = self.coordinator_url = ""
        self.events_url: str | None = None
        self.connected = asyncio.Event()
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[float]] = {}
        self._numbers = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["Rig"]:
        """Both servers on loopback for as long as the block lasts."""
        rig = cls()
        app = web.Application()
        app.router.add_route("*", "/api/{method}", rig._api)
        app.router.add_get("/link", rig._link)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        rig.slack_url = f"http://127.0.0.1:{port}/api/"
        server = await asyncio.get_running_loop().create_server(
            lambda: Coordinator(rig.arrived), "127.0.0.1", 0
        )
        rig.coordinator_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with aiohttp.ClientSession() as session:
            rig._session = session
            try:
                yield rig
            finally:
                server.close()
                await runner.cleanup()

    async def kill(self) -> tuple[float, float]:
        """One `/kill`: (moment it was sent, seconds until its acknowledgement)."""
        number = next(self._numbers)
        payload = {
            "token": "t",
            "team_id": "T0FLEET",
            "team_domain": "fleet",
            "channel_id": "C0OPS",
            "channel_name": "ops",
            "user_id": "U0ADMIN1",
            "user_name": "admin",
            "command": "/kill",
            "text": f"number {number}",
            "api_app_id": "A0",
            "is_enterprise_install": "false",
            "response_url": f"{self.slack_url}respond",
            "trigger_id": f"{number}.{number}.{time.time_ns()}",
        }  # fmt: skip - one payload
        if self.events_url is not None:
            return await self._by_http(payload)
        envelope = f"envelope-{number}"
        future = self._acks[envelope] = asyncio.get_running_loop().create_future()
        message = json.dumps(
            {
                "envelope_id": envelope,
                "type": "slash_commands",
                "accepts_response_payload": True,
                "payload": payload,
            }
        )
        sent = time.perf_counter()
        await self._sockets[number % len(self._sockets)].send_str(message)
        return sent, await asyncio.wait_for(future, 10) - sent

    async def _by_http(self, payload: dict[str, str]) -> tuple[float, float]:
        assert self._session is not None
        assert self.events_url is not None
        body = urlencode(payload).encode()
        stamp = str(int(time.time()))
        mac = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={mac}",
        }
        sent = time.perf_counter()
        async with self._session.post(self.events_url, data=body, headers=headers) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        return sent, time.perf_counter() - sent

    async def _api(self, request: web.Request) -> web.Response:
        answers: dict[str, dict[str, Any]] = {
            "auth.test": {
                "team_id": "T0FLEET",
                "team": "fleet",
                "user_id": "U0BOT",
                "user": "bot",
                "bot_id": "B0BOT",
            },
            "users.info": {"user": {"id": "U0ADMIN1", "team_id": "T0FLEET", "deleted": False}},
            "apps.connections.open": {
                "url": f"{self.slack_url.replace('http', 'ws', 1).removesuffix('api/')}link"
            },
        }
        method = request.match_info["method"]
        if self.said is not None and method in {"chat.postMessage", "chat.update"}:
            arrived = time.perf_counter()
            self.said.append((arrived, (await request.json()).get("text", "")))
        found = answers.get(method, {"ts": f"{time.time():.6f}", "channel": "C0OPS"})
        return web.json_response({"ok": True, **found})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self._sockets.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                now = time.perf_counter()
                if message.type is aiohttp.WSMsgType.TEXT:
                    waiting = self._acks.pop(json.loads(message.data).get("envelope_id", ""), None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(now)
        finally:
            self._sockets.remove(socket)
            if not self._sockets:
                self.connected.clear()
        return socket
