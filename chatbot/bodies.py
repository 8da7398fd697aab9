"""Bounded reading of request bodies: nobody makes the program hold more bytes, or wait longer, than it means to."""

import asyncio

from starlette.requests import ClientDisconnect, Request


class UnreadError(Exception):
    """The body was not read; carries the HTTP status of the answer and a sentence for it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason

    @property
    def headers(self) -> dict[str, str] | None:
        """Of the answer: a connection whose body is still under way is of no more use."""
        return {"connection": "close"} if self.status == 408 else None


def check_declared(request: Request, *, cap: int) -> None:
    """Raise UnreadError(413) when the request says that its body is longer than ``cap`` bytes."""
    declared = request.headers.get("content-length", "0")
    # ASCII, since int() refuses some of what str.isdigit() takes; of few digits, since int() refuses thousands
    if not (declared.isascii() and declared.isdigit() and len(declared) <= 20) or int(declared) > cap:
        raise _too_large()


async def read(request: Request, *, cap: int, seconds: float) -> bytes:
    """The body; raises UnreadError for one over ``cap`` bytes, slower than ``seconds``, or broken off."""
    chunks = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                chunks += chunk
                if len(chunks) > cap:
                    raise _too_large()
    except TimeoutError:
        raise UnreadError(408, "The body takes too long.") from None
    except ClientDisconnect:
        raise UnreadError(400, "The body was broken off.") from None
    return bytes(chunks)


def _too_large() -> UnreadError:
    return UnreadError(413, "The body is too large.")
