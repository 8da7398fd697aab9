"""The door of HTTP mode: nothing is parsed before it is known to come from Slack.

bolt parses a body before it verifies it, reads bodies of any size, accepts a replay within five minutes and takes
a command with the word "payload" in it for something else. So this ASGI application stands in front: a size cap,
the shape of the headers, the HMAC over the raw bytes, then our own reading of the form.
"""

import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from chatbot import bodies

MAX_BODY = 1024 * 1024  # bytes; Slack's own payloads stay far below
MAX_AGE = 300.0  # seconds a signature stays good, as Slack recommends
BODY_SECONDS = 3.0  # as long as Slack itself would wait for the answer
MAX_FIELDS = 64  # a slash command has about fifteen

Deliver = Callable[[Mapping[str, Any]], Awaitable[tuple[int, str | None]]]
"""A payload in, (HTTP status, JSON text or None) out."""


class Guard:
    """Answers 401 to whatever is not Slack's, 400 and 413 to what cannot be read, and hands over the rest."""

    def __init__(
        self,
        *,
        signing_secret: str,
        deliver: Deliver,
        refused: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = signing_secret.encode()
        self._deliver = deliver
        self._refused = refused
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def endpoint(self, request: Request) -> Response:
        """One POST from Slack."""
        try:
            bodies.check_declared(request, cap=MAX_BODY)
            odd = self._odd_headers(request)
            if odd is not None:  # before a byte of the body is waited for
                self._refused(odd)
                return PlainTextResponse(f"{odd}\n", status_code=401)
            body = await bodies.read(request, cap=MAX_BODY, seconds=BODY_SECONDS)
        except bodies.UnreadError as unread:
            return PlainTextResponse(f"{unread.reason}\n", status_code=unread.status, headers=unread.headers)
        refusal = self._verify(request, body)
        if refusal is not None:
            self._refused(refusal)
            return PlainTextResponse(f"{refusal}\n", status_code=401)
        payload = parse(body, request.headers.get("content-type", ""))
        if payload is None:
            self._refused("unreadable body")
            return PlainTextResponse("The body is no payload of Slack's.\n", status_code=400)
        if payload.get("ssl_check") == "1":
            return PlainTextResponse("")
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))[:200]})
        status, text = await self._deliver(payload)
        return Response(
            text or "", status_code=status, media_type="application/json" if text else "text/plain"
        )

    def _odd_headers(self, request: Request) -> str | None:
        stamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12 or not signature.startswith("v0="):
            return "The request is not signed."
        if abs(self._clock() - int(stamp)) > MAX_AGE:
            return "The request is too old or from the future."
        return None

    def _verify(self, request: Request, body: bytes) -> str | None:
        stamp = request.headers["x-slack-request-timestamp"]
        signature = request.headers["x-slack-signature"]
        now = self._clock()
        wanted = (
            "v0=" + hmac.new(self._secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        )
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            return "The signature does not fit."
        return self._replayed(wanted, now)

    def _replayed(self, signature: str, now: float) -> str | None:
        """A signature is good once: the same bytes at the same second are the same request sent again."""
        while self._seen and next(iter(self._seen.values())) < now - 2 * MAX_AGE:
            self._seen.popitem(last=False)
        if signature in self._seen:
            return "The request was seen before."
        self._seen[signature] = now
        return None


def parse(body: bytes, content_type: str) -> Mapping[str, Any] | None:
    """The payload of a form (a command, or ``payload=`` with JSON) or of a JSON body; ``None`` when it is neither."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8")
        if kind == "application/json":
            return _as_object(json.loads(text))
        if kind != "application/x-www-form-urlencoded":
            return None
        fields = parse_qs(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS)
        if set(fields) == {"payload"}:
            return _as_object(json.loads(fields["payload"][0]))
    except (ValueError, RecursionError):
        return None
    return {name: values[0] for name, values in fields.items()} or None


def _as_object(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None
