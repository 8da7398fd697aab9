"""A far end that misbehaves on a real socket, and the recorded answers of programs in the field."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WIRE = Path(__file__).parents[2] / "wire"

Behaviour = Callable[["FarEnd", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FarEnd:
    """A TCP server that reads requests well and answers them as it is told to."""

    behave: Behaviour
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event = field(default_factory=asyncio.Event)  # a behaviour may wait for it
    written: int = 0
    url: str = ""
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def received(self, requests: int) -> None:
        """Return once so many requests have arrived."""
        while len(self.requests) < requests:
            self._arrival.clear()
            await self._arrival.wait()

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        self.written += len(data)
        writer.write(data)
        await writer.drain()

    async def answer(self, writer: asyncio.StreamWriter, body: object, *, status: str = "200 OK") -> None:
        content = json.dumps(body).encode()
        await self.write(
            writer, b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(content), content)
        )

    def reset(self, writer: asyncio.StreamWriter) -> None:
        """Close so that the other side gets a reset instead of an end."""
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                self.requests.append(head + body)
                self._arrival.set()
                await self.behave(self, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()
        self.closed.set()


@pytest.fixture
async def far_end() -> AsyncIterator[Callable[[Behaviour], Awaitable[FarEnd]]]:
    """Makes far ends; all are gone after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(behave: Behaviour) -> FarEnd:
            end = FarEnd(behave)
            server = await end.start()
            stack.callback(server.close)
            stack.push_async_callback(end.stop)
            return end

        yield make


@pytest.fixture(scope="session")
def recorded() -> Callable[[str, str], Any]:
    """The body that a program in the field really sent: recorded("direct_bot", "status")."""
    files = {path.stem: json.loads(path.read_text()) for path in WIRE.glob("*.json")}
    return lambda program, name: files[program][name]["body"]
