"""Other ASGI applications shown under a path of the sandbox's server, such as the fleet's control API."""

from collections.abc import Awaitable, Callable, Mapping

import httpx
from aiohttp import web
from starlette.types import ASGIApp

_PASSED_ON = frozenset({"content-type", "accept", "authorization"})


def mount(routes: web.UrlDispatcher, mounts: Mapping[str, ASGIApp]) -> None:
    """Route every path below each prefix to its application, with the prefix taken off."""
    for prefix, application in mounts.items():
        routes.add_route("*", prefix + "/{rest:.*}", _forwarder(application))


def _forwarder(application: ASGIApp) -> Callable[[web.Request], Awaitable[web.Response]]:
    transport = httpx.ASGITransport(app=application)

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() in _PASSED_ON}
        url = httpx.URL("http://sandbox/" + request.match_info["rest"], query=request.query_string.encode())
        body = await request.read()
        answer = await transport.handle_async_request(
            httpx.Request(request.method, url, headers=headers, content=body)
        )
        content = await answer.aread()
        content_type = answer.headers.get("content-type", "text/plain")
        return web.Response(status=answer.status_code, body=content, headers={"Content-Type": content_type})

    return forward
