"""A listening port that can refuse connections for a while and come back as the same port."""

import asyncio
import socket
from contextlib import suppress

from aiohttp import web


class Listener:
    """One TCP port, reserved from the start so that its address is known before anything is served."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._reserved: socket.socket | None = _bound(host, port)
        self.port: int = self._reserved.getsockname()[1]
        self._listening: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self, server: web.Server) -> None:
        """Accept connections."""
        if self._reserved is not None:
            reserved, self._reserved = self._reserved, None
            self._listening = await asyncio.get_running_loop().create_server(server, sock=reserved)

    def refuse(self) -> None:
        """Refuse connections; a socket that is bound and does not listen keeps the port ours."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            self._reserved = _bound(self._host, self.port)

    def open_soon(self, server: web.Server) -> None:
        """Accept connections again, from the next turn of the loop on."""
        self._opening = asyncio.get_running_loop().create_task(self.open(server))

    async def close(self) -> None:
        """Stop listening."""
        if self._opening is not None:
            with suppress(asyncio.CancelledError):
                await self._opening
        if self._listening is not None:
            self._listening.close()
        if self._reserved is not None:
            self._reserved.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
