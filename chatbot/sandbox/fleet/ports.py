"""A listening port that can refuse connections for a while and come back as the same port."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: close sends RST instead of FIN


class Port(uvicorn.Server):
    """One uvicorn server whose port is known, and ours, before and between the times it listens."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=75,
            )
        )
        self._host = host
        self._waiting = _bound(host, port)
        self.number: int = self._waiting.getsockname()[1]
        self.up = asyncio.Event()
        self._stop = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self.servers: list[asyncio.Server] = []

    async def serve_here(self) -> None:
        """Serve until ``stop``; nothing listens or stays connected afterwards, cancelled or not."""
        try:
            await self.serve(sockets=[self._waiting])
        finally:
            self._close_listeners()
            self._waiting.close()
            self.cut()

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.number}"

    def give_up(self) -> None:
        """Let go of a port that was never served."""
        self._waiting.close()

    def refuse(self) -> None:
        """Refuse connections and cut those that are open."""
        if self.up.is_set():
            self.up.clear()
            if self._opening is None or self._opening.done():
                self._hold()

    def accept(self) -> None:
        """Listen again; connections succeed from now on and are served from the next turn of the loop."""
        if self.up.is_set() or self._stop.is_set():
            return
        self.up.set()
        if self._opening is None or self._opening.done():
            self._waiting.listen(self.config.backlog)
            self._opening = asyncio.get_running_loop().create_task(self._open())

    def cut(self, client: tuple[str, int] | None = None) -> None:
        """Reset the connection of this client, or all connections."""
        for connection in tuple(self.server_state.connections):
            if client is None or connection.transport.get_extra_info("peername")[:2] == client:
                connected = connection.transport.get_extra_info("socket")
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.transport.abort()

    def stop(self) -> None:
        """Let ``serve_here`` end, soon: whoever is still connected is cut off."""
        self._stop.set()
        self.cut()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen for the first time."""
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Wait for ``stop``, without the tenth of a second by which uvicorn looks whether it should."""
        await self.on_tick(0)
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything that listens, and the connections that came since ``stop``."""
        if self._opening is not None:
            await self._opening
        self._close_listeners()
        self.cut()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the program that runs the fleet."""
        yield

    async def _open(self) -> None:
        await super().startup([self._waiting])
        if not self.up.is_set():  # told to refuse again while it was opening
            self._hold()

    def _hold(self) -> None:
        self._close_listeners()
        self._waiting.close()
        # bound and not listening: connections are refused and nobody else can take the port meanwhile
        self._waiting = _bound(self._host, self.number)
        self.cut()

    def _close_listeners(self) -> None:
        for server in self.servers:
            server.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sets TCP_NODELAY only where it is: without it answers take 40 ms
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
