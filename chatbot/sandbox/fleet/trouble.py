"""The faults that strike a request on its way: before the coordinator sees it, or after it answered."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.sandbox.fleet.damage import damaged, without
from chatbot.sandbox.fleet.faults import Fault, Faults
from chatbot.sandbox.fleet.front import gone

_CHUNK = 65_536
_JSON = b"application/json"

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, to be bent before it is sent."""

    status: int
    headers: Headers = ((b"content-type", _JSON),)
    body: bytes = b""


class Trouble:
    """An ASGI application in front of a server's own.

    ``pause(seconds)`` says False when the fleet closed meanwhile; ``cut(client)`` resets a connection.
    ``error(code, text, **more)`` is the contract's error body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        server: str,
        faults: Faults,
        pause: Callable[[float], Awaitable[bool]],
        cut: Callable[[tuple[str, int]], None],
        error: Callable[..., dict[str, object]],
    ) -> None:
        self._app, self._server, self._faults = app, server, faults
        self._pause, self._cut, self._error = pause, cut, error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as the faults that are on will have it."""
        take = partial(self._faults.take, server=self._server, path=scope["path"])
        slow = take("slow")
        closed = slow is not None and not await self._pause(slow.number("seconds"))
        if closed or take("hang"):
            await gone(receive)
        elif reset := take("reset"):
            if reset.on("apply"):
                await _asked(self._app, scope, receive)
            self._cut(scope["client"])
            await gone(receive)
        elif limited := take("rate_limited"):
            await _send(self._rate_limited(limited), send)
        elif moved := take("redirect"):
            await _send(_redirect(moved), send)
        elif broken := take("http_500"):
            if broken.on("apply"):
                await _asked(self._app, scope, receive)
            body = self._error(broken.text("code"), "Something went wrong inside")
            await _send(Answer(status=500, body=json.dumps(body).encode()), send)
        else:
            bent = [fault for name in ("missing_fields", "garbage", "slow_body") if (fault := take(name))]
            if bent:
                await self._bend(bent, scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _bend(self, faults: Iterable[Fault], scope: Scope, receive: Receive, send: Send) -> None:
        by_name = {fault.name: fault for fault in faults}
        garbage, lacking, slow = (by_name.get(name) for name in ("garbage", "missing_fields", "slow_body"))
        if garbage and not garbage.on("apply"):
            answer = Answer(status=200, body=b'{"timestamp": null}')
        else:
            answer = await _asked(self._app, scope, receive)
        if lacking:
            names = frozenset(name.strip() for name in lacking.text("fields").split(","))
            answer = replace(answer, body=without(answer.body, names))
        if garbage:
            kind = garbage.text("kind")
            content_type = b"text/html" if kind == "html" else _JSON
            body = damaged(kind, answer.body, size=int(garbage.number("bytes")))
            answer = Answer(status=200, headers=((b"content-type", content_type),), body=body)
        if slow is None:
            await _send(answer, send)
        elif not await _trickle(answer, slow, send, self._pause):
            await gone(receive)

    def _rate_limited(self, fault: Fault) -> Answer:
        seconds = fault.number("retry_after")
        more = {"retry_after": seconds} if fault.on("body") else {}
        body = json.dumps(self._error("RATE_LIMIT", "Too many requests", **more)).encode()
        headers: Headers = ((b"content-type", _JSON),)
        if fault.on("header"):
            headers += ((b"retry-after", f"{seconds:g}".encode()),)
        return Answer(status=429, headers=headers, body=body)


def _redirect(fault: Fault) -> Answer:
    return Answer(
        status=int(fault.number("status")), headers=((b"location", fault.text("to").encode("latin-1")),)
    )


async def _asked(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, keep)
    start, *rest = sent
    # the length may change, and without it the server sends chunks, which suits a trickle too
    headers = tuple((name, value) for name, value in start["headers"] if name != b"content-length")
    body = b"".join(message.get("body", b"") for message in rest)
    return Answer(status=start["status"], headers=headers, body=body)


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    for at in range(0, len(answer.body), _CHUNK):
        await send({"type": "http.response.body", "body": answer.body[at : at + _CHUNK], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _trickle(
    answer: Answer, fault: Fault, send: Send, pause: Callable[[float], Awaitable[bool]]
) -> bool:
    step = max(1, int(fault.number("bytes")))
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    for at in range(0, len(answer.body), step):
        await send({"type": "http.response.body", "body": answer.body[at : at + step], "more_body": True})
        if not await pause(fault.number("seconds")):
            return False
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return True
