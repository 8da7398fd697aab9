"""The HTTP API that makes things go wrong, apart from the servers with which they go wrong."""

from typing import TYPE_CHECKING, get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chatbot.sandbox.fleet import wire
from chatbot.sandbox.fleet.arguments import Arguments
from chatbot.sandbox.fleet.engine import RefusedError
from chatbot.sandbox.fleet.fault_table import FAULTS, Option
from chatbot.sandbox.fleet.journal import MOST_ALERTS, AlertType

if TYPE_CHECKING:
    from chatbot.sandbox.fleet.fleet import Fleet

_MOST_ERRORS = 1_000
_NOT_OPTIONS = frozenset({"name", "server", "times", "paths"})


class _Control:
    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet

    async def state(self, _request: Request) -> JSONResponse:
        return JSONResponse(self._fleet.state())

    async def list_faults(self, _request: Request) -> JSONResponse:
        on = {fault.name: fault for fault in self._fleet.faults}
        return JSONResponse(
            {
                "faults": [
                    {
                        "name": name,
                        "description": kind.description,
                        "options": dict(kind.options),
                        "on": on[name].as_json() if name in on else None,
                    }
                    for name, kind in FAULTS.items()
                    if self._fleet.home is not None or not kind.home
                ]
            }
        )

    async def set_fault(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        fault = self._fleet.faults.set(
            arguments.needed("name"),
            server=arguments.text("server") or "coordinator",
            times=_times(arguments),
            paths=_paths(arguments),
            **_options(arguments),
        )
        return JSONResponse(fault.as_json())

    async def clear_faults(self, request: Request) -> JSONResponse:
        name = request.path_params.get("name")
        if name is not None and name not in FAULTS:
            raise HTTPException(404, f"There is no fault {name}.")
        self._fleet.faults.clear(name)
        return JSONResponse({"on": [fault.as_json() for fault in self._fleet.faults]})

    async def crash(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        bot = self._fleet.engine.bot(arguments.bot).name
        self._fleet.crash(bot, arguments.text("error") or "process exited with status 1")
        return JSONResponse(self._fleet.state())

    async def restart(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        self._fleet.restart(start_bots=arguments.flag("start_bots"), stop_bots=arguments.flag("stop_bots"))
        return JSONResponse(self._fleet.state())

    async def clear_breaker(self, _request: Request) -> JSONResponse:
        self._fleet.clear_breaker()
        return JSONResponse(self._fleet.state())

    async def alerts(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        count = arguments.count("count", most=MOST_ALERTS)
        wanted = arguments.text("type") or "warning"
        kind = next((each for each in _alert_types() if each == wanted), None)
        if kind is None:
            raise ValueError(f"There is no type {wanted}.")
        message = arguments.text("message") or "Slippage above limit"
        self._fleet.alert(kind, message, count=count, bot=self._bot_if_any(arguments))
        return JSONResponse({"raised": count})

    async def clear_alerts(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        bot = self._bot_if_any(arguments)
        return JSONResponse({"cleared": self._fleet.clear_alerts(arguments.text("message"), bot)})

    async def errors(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        bot = self._fleet.engine.bot(arguments.bot)
        error = arguments.text("error") or "Order rejected by the exchange"
        self._fleet.errors(bot.name, arguments.count("count", most=_MOST_ERRORS), error)
        return JSONResponse({"error_count": bot.error_count, "latest_errors": list(bot.latest_errors)})

    async def health(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        bot = self._fleet.engine.bot(arguments.bot).name
        health = arguments.number("health")
        self._fleet.set_health(bot, None if health is None else round(health))
        return self._metrics()

    async def earn(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        bot, pnl = self._fleet.engine.bot(arguments.bot).name, arguments.number("pnl")
        if pnl is None:
            raise RefusedError("INVALID_PARAMETER", "pnl is required")
        self._fleet.earn(bot, pnl)
        return self._metrics()

    async def figures(self, request: Request) -> JSONResponse:
        arguments = Arguments(await request.body())
        of = arguments.text("of")
        figures = {name: arguments.number(name) for name in arguments.fields if name != "of"}
        self._fleet.set_figures(of, **figures)
        return self._metrics()

    def _bot_if_any(self, arguments: Arguments) -> str | None:
        return None if arguments.bot is None else self._fleet.engine.bot(arguments.bot).name

    def _metrics(self) -> JSONResponse:
        return JSONResponse(wire.metrics(self._fleet.engine, hidden=()))


def control_app(fleet: "Fleet") -> Starlette:
    """The ASGI application: /state, /faults, /faults/{name}, and one path for each lever."""
    control = _Control(fleet)
    return Starlette(
        routes=[
            Route("/state", control.state, methods=["GET"]),
            Route("/faults", control.list_faults, methods=["GET"]),
            Route("/faults", control.set_fault, methods=["POST"]),
            Route("/faults", control.clear_faults, methods=["DELETE"]),
            Route("/faults/{name}", control.clear_faults, methods=["DELETE"]),
            Route("/crash", control.crash, methods=["POST"]),
            Route("/restart", control.restart, methods=["POST"]),
            Route("/clear-breaker", control.clear_breaker, methods=["POST"]),
            Route("/alerts", control.alerts, methods=["POST"]),
            Route("/alerts", control.clear_alerts, methods=["DELETE"]),
            Route("/errors", control.errors, methods=["POST"]),
            Route("/health", control.health, methods=["POST"]),
            Route("/earn", control.earn, methods=["POST"]),
            Route("/figures", control.figures, methods=["POST"]),
        ],
        exception_handlers={RefusedError: _wrong, ValueError: _wrong, HTTPException: _wrong},
    )


async def _wrong(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, status_code=error.status_code)
    return JSONResponse({"error": str(error)}, status_code=400)


def _times(arguments: Arguments) -> int | None:
    times = arguments.fields.get("times")
    if times is None or isinstance(times, int):
        return times
    raise RefusedError("INVALID_PARAMETER", "times must be a whole number")


def _paths(arguments: Arguments) -> tuple[str, ...]:
    paths = arguments.fields.get("paths", [])
    if isinstance(paths, list):
        return tuple(map(str, paths))
    raise RefusedError("INVALID_PARAMETER", "paths must be a list of endpoints")


def _options(arguments: Arguments) -> dict[str, Option]:
    given = {key: value for key, value in arguments.fields.items() if key not in _NOT_OPTIONS}
    options = {key: value for key, value in given.items() if isinstance(value, str | int | float)}
    if strange := given.keys() - options.keys():
        names = ", ".join(sorted(strange))
        raise RefusedError("INVALID_PARAMETER", f"{names} must be a text, a number, true or false")
    return options


def _alert_types() -> tuple[AlertType, ...]:
    return get_args(AlertType)
