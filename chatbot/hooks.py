"""The doors for other programs' alerts: nothing is parsed before it is known whose it is.

202 is answered only after what the body says is stored; after any other answer it can be sent again: nothing counts
twice.
"""

import asyncio
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chatbot import bodies
from commands.alerting import webhooks
from commands.alerting.model import Signal
from storage.errors import StorageError

MAX_BODY = 1024 * 1024  # bytes
BODY_SECONDS = 3.0
MOST_AT_ONCE = (
    8  # bodies at each door, so that who floods one does not shut the other: MAX_BODY in memory each
)

COORDINATOR_VARIABLE = "CHATBOT_HOOKS__COORDINATOR_SECRET"
ALERTMANAGER_VARIABLE = "CHATBOT_HOOKS__ALERTMANAGER_TOKEN"

Take = Callable[[tuple[Signal, ...], str | None], Awaitable[bool]]
"""(Signals, key of what is to be taken only once, or None) in; true when they were new, false when the key was seen.

Returns after the commit; raises StorageError or TimeoutError when nothing was stored.
"""

T = TypeVar("T")

_SHORT = 32 * 1024  # bytes whose reading holds nobody up
_SIGNATURE = re.compile(r"sha256=[0-9a-fA-F]{64}")
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_UNREAD = {400: "hook: body broken off", 408: "hook: body too slow", 413: "hook: body too large"}


class _RefusalError(Exception):
    """An answer that says why nothing was taken; ``why`` is its word in the metrics."""

    def __init__(self, status: int, why: str, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.why = why
        self.reason = reason
        self.headers = headers


class Hooks:
    """One endpoint for the coordinator's events, one for Alertmanager; each is shut without its secret."""

    def __init__(
        self,
        *,
        coordinator_secret: str | None,
        alertmanager_token: str | None,
        take: Take,
        refused: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self._secret = (coordinator_secret or "").encode()
        self._token = (alertmanager_token or "").encode()
        self._take = take
        self._refused = refused
        self._now = now
        self._at_once: Counter[str] = Counter()

    async def coordinator(self, request: Request) -> Response:
        """One event, signed with ``X-Signature: sha256=<hex HMAC-SHA256 of the raw body>``."""
        return await self._answered(self._event(request))

    async def alertmanager(self, request: Request) -> Response:
        """One message of Alertmanager's, with ``Authorization: Bearer <token>``."""
        return await self._answered(self._message(request))

    async def _event(self, request: Request) -> Response:
        _admit(request, self._secret, COORDINATOR_VARIABLE)
        signature = request.headers.get("x-signature", "")
        if not _SIGNATURE.fullmatch(signature):  # before a byte of the body is waited for
            raise _unsigned()
        with self._place("coordinator"):
            body = await bodies.read(request, cap=MAX_BODY, seconds=BODY_SECONDS)
            wanted = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(f"sha256={wanted}", signature.lower()):
                raise _unsigned()
            now = self._now()
            signal = await _understood(
                request, body, lambda payload: webhooks.coordinator_event(payload, now=now)
            )
            once = f"hook/coordinator/{hashlib.sha256(body).hexdigest()}"
            if await self._stored(webhooks.all_ended(signal), once):
                return JSONResponse({"accepted": 1}, status_code=202)
            return JSONResponse({"accepted": 0, "duplicate": True}, status_code=202)

    async def _message(self, request: Request) -> Response:
        _admit(request, self._token, ALERTMANAGER_VARIABLE)
        found = _BEARER.fullmatch(request.headers.get("authorization", ""))
        given = found[1].encode("latin-1") if found else b""  # the very bytes of the header
        if not hmac.compare_digest(given, self._token):
            reason = (
                f"Authorization must be the word Bearer and the token that is set as {ALERTMANAGER_VARIABLE}."
            )
            raise _RefusalError(401, "hook: not authenticated", reason, {"www-authenticate": "Bearer"})
        with self._place("alertmanager"):
            body = await bodies.read(request, cap=MAX_BODY, seconds=BODY_SECONDS)
            signals = await _understood(request, body, webhooks.alertmanager)
            if signals:
                await self._stored(signals, None)  # it repeats its messages by design: none is a duplicate
            return JSONResponse({"accepted": len(signals)}, status_code=202)

    async def _answered(self, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except bodies.UnreadError as error:
            refusal = _RefusalError(error.status, _UNREAD[error.status], error.reason, error.headers)
        except webhooks.PayloadError as error:
            refusal = _RefusalError(422, "hook: not as documented", str(error))
        except _RefusalError as error:
            refusal = error
        self._refused(refusal.why)
        return JSONResponse({"error": refusal.reason}, status_code=refusal.status, headers=refusal.headers)

    async def _stored(self, signals: tuple[Signal, ...], once: str | None) -> bool:
        try:
            return await self._take(signals, once)
        except (StorageError, TimeoutError):  # whose words are for the operator, not for the sender
            reason = "The database did not store this: send it again."
            raise _RefusalError(503, "hook: not stored", reason, {"retry-after": "5"}) from None

    @contextmanager
    def _place(self, door: str) -> Iterator[None]:
        """One of the places for bodies, given back when its body is stored or refused."""
        if self._at_once[door] >= MOST_AT_ONCE:
            reason = "Too many messages at once: send it again."
            raise _RefusalError(503, "hook: busy", reason, {"retry-after": "1"})
        self._at_once[door] += 1
        try:
            yield
        finally:
            self._at_once[door] -= 1


def _admit(request: Request, secret: bytes, variable: str) -> None:
    if not secret:
        raise _RefusalError(404, "hook: shut", f"This door is shut: set {variable} to open it.")
    bodies.check_declared(request, cap=MAX_BODY)


def _unsigned() -> _RefusalError:
    reason = (
        "X-Signature must be sha256= and the HMAC-SHA256, in hex, of the raw body "
        f"with the secret that is set as {COORDINATOR_VARIABLE}."
    )
    return _RefusalError(401, "hook: not authenticated", reason)


async def _understood(request: Request, body: bytes, reading: Callable[[Mapping[str, Any]], T]) -> T:
    """What ``reading`` makes of the JSON object that the body is."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _RefusalError(415, "hook: not JSON", "Content-Type must be application/json.")
    if len(body) <= _SHORT:
        return reading(_object(body))
    # A full body takes a tenth of a second, and a stop may be waiting for this thread.
    return await asyncio.to_thread(lambda: reading(_object(body)))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _RefusalError(400, "hook: not JSON", "The body must be a JSON object, in UTF-8.")
    return value
