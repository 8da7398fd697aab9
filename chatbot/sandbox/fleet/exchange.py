"""An exchange that is there: it can be reached, and nothing is traded on it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def exchange_app() -> Starlette:
    """The ASGI application."""

    async def well(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/", well, methods=["GET"])])
