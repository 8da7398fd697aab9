"""One bounded HTTP exchange: nothing a far end does makes it long, large or loud.

It speaks to httpx's transport itself, not through a client: redirects, cookies, proxies from the environment and
log lines with URLs are then not switched off but absent, and a kill has less code before it.
"""

import asyncio
import importlib
import json
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from commands.coordinator.errors import CoordinatorError, Unreachable
from commands.coordinator.fields import Json
from commands.coordinator.verdict import Sent, verdict

LARGEST_BODY = 1024 * 1024

# A connection kept longer may be dead without either side having been told, and the next kill would find out by
# waiting for its read timeout; connecting anew costs less than a millisecond.
_KEEP_ALIVE = 15.0

OnCall = Callable[[str, str, float], None]
"""(call, outcome, seconds): told of every call that ended."""

OUTCOMES: Mapping[str, str] = {
    "Unreachable": "unreachable",
    "Uncertain": "uncertain",
    "RateLimited": "rate_limited",
    "Refused": "refused",
    "Unintelligible": "unintelligible",
}


def tls_for(url: str) -> ssl.SSLContext:
    """What checks certificates, made once: reading the system's authorities takes longer than a kill may."""
    if url.lower().startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, knows no authority, costs nothing


def open_pool(tls: ssl.SSLContext, *, connections: int | None) -> httpx.AsyncBaseTransport:
    """A pool of connections of its own; ``None``: as many as are wanted, so that nobody ever waits for one."""
    # The first connection would load this, and the first connection may be a kill's.
    importlib.import_module("anyio._backends._asyncio")
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=4, keepalive_expiry=_KEEP_ALIVE
    )
    return httpx.AsyncHTTPTransport(verify=tls, limits=limits)


class Exchange:
    """Requests to one server over one pool; ``title`` ("The coordinator") begins every message.

    Connecting takes at most ``connect_timeout`` seconds, a silence at most ``read_timeout``, all of it at most the
    two together. Raises ValueError for a URL or token that could never be sent.
    """

    def __init__(
        self,
        *,
        title: str,
        url: str,
        token: str | None,
        connect_timeout: float,
        read_timeout: float,
        pool: httpx.AsyncBaseTransport,
        now: Callable[[], datetime],
        on_call: OnCall | None,
    ) -> None:
        self._base = _checked_url(title, url)
        self._who = f"{title} at {self._base.netloc.decode()}"
        self._token = token
        self._headers = httpx.Headers(_headers(title, token))
        self._extensions = {
            "timeout": {
                "connect": connect_timeout,
                "pool": connect_timeout,
                "write": read_timeout,
                "read": read_timeout,
            }
        }
        self._deadline = connect_timeout + read_timeout
        self._pool, self._now, self._on_call = pool, now, on_call
        self._urls: dict[str, httpx.URL] = {}

    async def get(self, call: str, path: str) -> Json:
        """What a read answered."""
        return await self._counted(call, "GET", path, None)

    async def post(self, call: str, path: str, body: Json) -> Json:
        """What a write answered."""
        return await self._counted(call, "POST", path, json.dumps(body).encode())

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _counted(self, call: str, method: str, path: str, content: bytes | None) -> Json:
        if self._on_call is None:
            return await self._exchange(method, path, content)
        began, outcome = time.perf_counter(), "cancelled"
        try:
            answer = await self._exchange(method, path, content)
            outcome = "ok"
        except CoordinatorError as error:
            outcome = OUTCOMES[type(error).__name__]
            raise
        finally:
            self._on_call(call, outcome, time.perf_counter() - began)
        return answer

    async def _exchange(self, method: str, path: str, content: bytes | None) -> Json:
        sent = Sent(who=self._who, call=f"{method} {path}", write=content is not None, token=self._token)
        request = httpx.Request(
            method, self._url(path), headers=self._headers, content=content, extensions=self._extensions
        )
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._pool.handle_async_request(request)
                try:
                    body = await _body(sent, response)
                finally:
                    await response.aclose()
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            raise Unreachable(
                f"{self._who} could not be reached, so {sent.call} was not sent: check that it runs and the way to it."
            ) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise sent.lost(f"no complete answer within {self._deadline:g} s") from error
        except (httpx.TransportError, OSError) as error:
            raise sent.lost("the connection broke off or carried no HTTP") from error
        return verdict(sent, response.status_code, response.headers, body, now=self._now())

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            raw = self._base.raw_path.rstrip(b"/") + path.encode()
            url = self._urls[path] = self._base.copy_with(raw_path=raw)
        return url


async def _body(sent: Sent, response: httpx.Response) -> bytes:
    """The whole body, as long as it is small and not compressed: a few bytes can unpack to gigabytes."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise sent.strange("a compressed body, which was not asked for")
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the transport is not an asynchronous one")
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > LARGEST_BODY:
            raise sent.strange("more than 1 MiB")
        parts.append(part)
    return b"".join(parts)


def _headers(title: str, token: str | None) -> dict[str, str]:
    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "fleet-chatbot",
    }
    if token is not None:
        # Checked here, for the error of the HTTP library would show it.
        if not token.isascii() or not token.isprintable() or not token.strip():
            raise ValueError(
                f"{title}'s token cannot be sent in a header: it is empty or has unusual characters."
            )
        headers["authorization"] = f"Bearer {token.strip()}"
    return headers


def _checked_url(title: str, url: str) -> httpx.URL:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:  # not kept as the cause: it quotes the URL
        raise ValueError(f"{title}'s URL cannot be understood.") from None
    if base.scheme not in {"http", "https"} or not base.host or base.userinfo or base.query or base.fragment:
        raise ValueError(f"{title}'s URL must be http(s)://host[:port][/path], without a user or a query.")
    return base
