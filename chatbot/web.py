"""The HTTP face: /healthz, /readyz, /metrics, the two hooks, and /slack/events where Slack comes by HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatbot.guard import Guard
from chatbot.hooks import Hooks
from chatbot.metrics import Metrics

Check = Callable[[], Awaitable[Mapping[str, Any]]]


def application(
    *, health: Check, metrics: Metrics, guard: Guard | None, hooks: Hooks | None = None
) -> Starlette:
    """The ASGI application; `health` tells ``alive`` and ``ready`` with what they rest on."""

    async def healthz(_: Request) -> Response:
        found = await health()
        return JSONResponse(found, status_code=200 if found["alive"] else 503)

    async def readyz(_: Request) -> Response:
        found = await health()
        return JSONResponse(found, status_code=200 if found["ready"] else 503)

    async def exposition(_: Request) -> Response:
        body, media_type = metrics.render()
        return Response(body, headers={"content-type": media_type})

    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", exposition),
    ]
    if guard is not None:
        routes.append(Route("/slack/events", guard.endpoint, methods=["POST"]))
    if hooks is not None:
        routes += [
            Route("/hooks/coordinator", hooks.coordinator, methods=["POST"]),
            Route("/hooks/alertmanager", hooks.alertmanager, methods=["POST"]),
        ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False  # a redirect would tell a stranger which paths there are
    return app
