"""HTTP mode: payloads POSTed to the app's request URL, signed as Slack signs them."""

import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

import aiohttp

from chatbot.sandbox.slack.model import Json
from chatbot.sandbox.slack.socket_mode import DeliveryError


def signed_headers(body: bytes, signing_secret: str, *, at: int | None = None) -> dict[str, str]:
    """The two headers that prove a body came from Slack; ``at`` is a Unix time."""
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    """A payload's body and content type, as Slack sends this kind."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    form = urlencode({name: value for name, value in fields.items() if value is not None})
    return form.encode(), "application/x-www-form-urlencoded"


class HttpDoor:
    """One request URL and the secret it is signed with."""

    def __init__(self, url: str, signing_secret: str, session: aiohttp.ClientSession) -> None:
        self._url, self._secret, self._session = url, signing_secret, session

    async def deliver(self, kind: str, payload: Json, *, retry: int = 0, reason: str = "") -> Json | None:
        """POST one payload; the answer's body is the acknowledgement's payload. DeliveryError when none."""
        body, content_type = encoded(kind, payload)
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (sandbox)"}
        headers |= signed_headers(body, self._secret)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    raise DeliveryError("http_client_error" if answer.status < 500 else "http_service_error")
                return _payload(text)
        except aiohttp.ClientError:
            raise DeliveryError("dispatch_failed") from None

    async def verify(self) -> bool:
        """True when the URL answers Slack's url_verification challenge."""
        challenge = secrets.token_hex(16)
        answer = await self.deliver(
            "events_api", {"type": "url_verification", "token": "", "challenge": challenge}
        )
        return answer is not None and challenge in {answer.get("challenge"), answer.get("text")}


def _payload(text: str) -> Json | None:
    if not text.strip():
        return None
    try:
        payload = json.loads(text)
    except ValueError:
        return {"text": text}
    return payload if isinstance(payload, dict) else {"text": text}
