"""What every request passes first: it is read whole, written down and checked for its token."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived, whatever became of it."""

    monotonic: float  # time.monotonic(), s
    at: datetime  # by the fleet's clock
    server: str  # coordinator or monitor
    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, object] | None  # None: no JSON object
    authorised: bool

    def as_json(self) -> dict[str, object]:
        """The call as data for JSON."""
        return {
            "monotonic": self.monotonic,
            "at": self.at.isoformat(),
            "server": self.server,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": self.body,
            "authorised": self.authorised,
        }


class Front:
    """An ASGI application that tells ``record`` of every request and passes it on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        server: str,
        token: str | None,
        clock: Callable[[], datetime],
        record: Callable[[Call], None],
    ) -> None:
        self._app, self._server, self._token = app, server, token
        self._clock, self._record = clock, record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        monotonic = time.monotonic()
        body = await _whole(receive)
        if body is None:
            return
        headers = dict(scope["headers"])
        call = Call(
            monotonic=monotonic,
            at=self._clock(),
            server=self._server,
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
            body=_fields(body),
            authorised=authorised(self._token, headers.get(b"authorization")),
        )
        self._record(call)
        unread = [body]

        async def read_again() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            return await receive()

        await self._app(scope, read_again, send)


def authorised(token: str | None, header: bytes | None) -> bool:
    """True when no token is asked for or the header carries it."""
    return token is None or hmac.compare_digest(header or b"", b"Bearer " + token.encode())


async def gone(receive: Receive) -> None:
    """Wait until the client has hung up or was cut off."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _fields(body: bytes) -> Mapping[str, object] | None:
    try:
        fields: object = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
