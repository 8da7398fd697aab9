"""The health monitor's HTTP API over the same engine; it refuses in plain text, as the real one does."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from chatbot.sandbox.fleet import wire
from chatbot.sandbox.fleet.engine import Engine
from chatbot.sandbox.fleet.faults import Faults

_PHRASES = {404: "Not Found", 405: "Method Not Allowed"}


def monitor_app(engine: Engine, faults: Faults) -> Starlette:
    """The ASGI application."""

    async def alerts(_request: Request) -> JSONResponse:
        return JSONResponse(wire.alerts(engine))

    async def metrics(_request: Request) -> JSONResponse:
        # the monitor asks the coordinator, so it repeats the lie; what bots earn it reads for itself
        lying = faults.active("lying_status", "coordinator", "/status")
        hidden = lying.bots(engine.floor.bots) if lying else ()
        return JSONResponse(wire.metrics(engine, hidden=hidden))

    async def logs(request: Request) -> JSONResponse | PlainTextResponse:
        lines = request.query_params.get("lines", "100")
        if not lines.isdecimal() or len(lines) > 6:
            return PlainTextResponse("400: lines must be a number", status_code=400)
        return JSONResponse(wire.logs(engine, lines=int(lines)))

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse(wire.monitor_health(engine))

    async def refused(_request: Request, error: Exception) -> PlainTextResponse:
        if not isinstance(error, HTTPException):
            raise error
        phrase = _PHRASES.get(error.status_code, error.detail)
        return PlainTextResponse(f"{error.status_code}: {phrase}", status_code=error.status_code)

    return Starlette(
        routes=[
            Route(path, endpoint, methods=["GET"])
            for path, endpoint in (
                ("/alerts", alerts),
                ("/metrics", metrics),
                ("/logs", logs),
                ("/health", health),
            )
        ],
        exception_handlers={HTTPException: refused},
    )
