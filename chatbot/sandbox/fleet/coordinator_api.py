"""The coordinator's HTTP API over the engine."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chatbot.sandbox.fleet import wire
from chatbot.sandbox.fleet.arguments import Arguments
from chatbot.sandbox.fleet.engine import Engine, RefusedError
from chatbot.sandbox.fleet.faults import Faults
from chatbot.sandbox.fleet.front import authorised
from chatbot.sandbox.fleet.limits import RateLimits
from chatbot.sandbox.fleet.policy import Conduct
from chatbot.sandbox.fleet.wire import Json

_HTTP_STATUS: Mapping[str, int] = {
    "BOT_NOT_FOUND": 404,
    "BOT_ALREADY_RUNNING": 409,
    "BOT_NOT_RUNNING": 409,
    "KILL_SWITCH_ACTIVE": 409,
    "INVALID_PARAMETER": 400,
    "DEPENDENCY_FAILURE": 409,
    "CONFIGURATION_ERROR": 500,
}
"""The contract documents no HTTP status; these are what a careful program would choose."""

_RELEASES = {"deactivate": False, "override": False, "force_override": True}

Act = Callable[[Arguments], Awaitable[Json]]


class CoordinatorApi:
    """The endpoints; ``wait_until(predicate)`` returns when it holds, or early when the fleet closes."""

    def __init__(
        self,
        *,
        engine: Engine,
        faults: Faults,
        limits: RateLimits,
        token: str | None,
        wait_until: Callable[[Callable[[], bool]], Awaitable[None]],
    ) -> None:
        self._engine, self._faults, self._limits, self._token = engine, faults, limits, token
        self._wait_until = wait_until

    def app(self) -> Starlette:
        """The ASGI application."""
        acts: dict[str, tuple[Act, Act]] = {
            "/kill-switch": (self._kill_switch, self._claim_kill_switch),
            "/start": (self._start, _claim("starting")),
            "/stop": (self._stop, _claim("stopped")),
            "/pause": (self._pause, _claim("paused")),
            "/resume": (self._resume, _claim("running")),
            "/recovery": (self._recovery, _claim_recovery),
            "/start-sequential": (self._start_sequential, self._claim_all("bots_started")),
            "/stop-all": (self._stop_all, self._claim_all("bots_stopped")),
        }
        return Starlette(
            routes=[
                Route("/status", self._read(self._status), methods=["GET"]),
                Route("/health", self._read(lambda: wire.health(self._engine)), methods=["GET"]),
                *(Route(path, self._write(path, *act), methods=["POST"]) for path, act in acts.items()),
            ],
            exception_handlers={RefusedError: self._refused, HTTPException: self._no_endpoint},
        )

    def _read(self, view: Callable[[], Json]) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def endpoint(request: Request) -> JSONResponse:
            return self._stopped_at_door(request) or JSONResponse(view())

        return endpoint

    def _write(self, path: str, act: Act, claim: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def endpoint(request: Request) -> JSONResponse:
            if refusal := self._stopped_at_door(request):
                return refusal
            arguments = Arguments(await request.body())
            lying = self._faults.take("lying_success", "coordinator", path)
            return JSONResponse(await (claim if lying else act)(arguments))

        return endpoint

    def _stopped_at_door(self, request: Request) -> JSONResponse | None:
        header = request.headers.get("authorization")
        if not authorised(self._token, header.encode() if header else None):
            # no code of the contract means this: it documents no authentication at all
            return JSONResponse(wire.error(self._engine, "UNAUTHORIZED", "Bad token"), status_code=401)
        client = request.client.host if request.client else ""
        wait = self._limits.take(client, request.url.path, self._engine.floor.settle())
        if wait is None:
            return None
        body = wire.error(self._engine, "RATE_LIMIT", "Too many requests", retry_after=round(wait, 1))
        return JSONResponse(body, status_code=429)

    def _status(self) -> Json:
        lying = self._faults.take("lying_status", "coordinator", "/status")
        return wire.status(self._engine, hidden=lying.bots(self._engine.floor.bots) if lying else ())

    async def _kill_switch(self, arguments: Arguments) -> Json:
        action, reason = _action(arguments)
        if action == "activate":
            names = self._engine.activate(reason, self._conduct("/kill-switch"))
            if lost := self._faults.take("latch_lost", "coordinator", "/kill-switch"):
                self._engine.forget_kill(lost.number("seconds"))
            await self._until_stopped(names)
        else:
            self._engine.release(reason, force=_RELEASES[action])
        return await self._claim_kill_switch(arguments)

    async def _claim_kill_switch(self, arguments: Arguments) -> Json:
        action, _ = _action(arguments)
        active = action == "activate"
        return {
            "success": True,
            "kill_switch_active": active,
            "message": "Kill switch activated" if active else "Kill switch deactivated",
            "timestamp": wire.stamp(self._engine.floor.settle()),
        }

    async def _start(self, arguments: Arguments) -> Json:
        self._engine.start(arguments.bot, safe_mode=arguments.flag("safe_mode"))
        return await _claim("starting")(arguments)

    async def _stop(self, arguments: Arguments) -> Json:
        reason = arguments.text("reason") or "stopped by request"
        conduct = self._conduct("/stop")
        if arguments.bot == "all":
            await self._until_stopped(self._engine.stop_all(reason, conduct))
        else:
            await self._until_stopped((self._engine.stop(arguments.bot, reason, conduct).name,))
        return await _claim("stopped")(arguments)

    async def _stop_all(self, arguments: Arguments) -> Json:
        reason = arguments.text("reason") or "stopped by request"
        names = self._engine.stop_all(reason, self._conduct("/stop-all"))
        await self._until_stopped(names)
        return {"success": True, "bots_stopped": list(names)}

    async def _pause(self, arguments: Arguments) -> Json:
        self._engine.pause(arguments.bot, self._conduct("/pause"))
        return await _claim("paused")(arguments)

    async def _resume(self, arguments: Arguments) -> Json:
        self._engine.resume(arguments.bot)
        return await _claim("running")(arguments)

    async def _recovery(self, arguments: Arguments) -> Json:
        self._engine.recover(arguments.bot, force=arguments.flag("force"))
        return await _claim_recovery(arguments)

    async def _start_sequential(self, _arguments: Arguments) -> Json:
        return {"success": True, "bots_started": list(self._engine.start_sequence())}

    def _claim_all(self, field: str) -> Act:
        async def claim(_arguments: Arguments) -> Json:
            return {"success": True, field: list(self._engine.floor.bots)}

        return claim

    def _conduct(self, path: str) -> Conduct:
        every = self._engine.floor.bots
        ignoring = self._faults.take("ignores_stop", "coordinator", path)
        on_paper = self._faults.active("lying_status", "coordinator", path)
        slow = self._faults.take("slow_bot", "coordinator", path)
        return Conduct(
            ignores=ignoring.bots(every) if ignoring else frozenset(),
            on_paper=on_paper.bots(every) if on_paper else frozenset(),
            seconds=dict.fromkeys(slow.bots(every), slow.number("seconds")) if slow else {},
        )

    async def _until_stopped(self, names: Iterable[str]) -> None:
        bots = [self._engine.floor.bots[name] for name in names]
        if self._engine.floor.stopping(bots):
            await self._wait_until(lambda: not self._engine.floor.stopping(bots))

    async def _refused(self, _request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RefusedError):
            raise error
        body = wire.error(self._engine, error.code, str(error))
        return JSONResponse(body, status_code=_HTTP_STATUS[error.code])

    async def _no_endpoint(self, _request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        body = wire.error(self._engine, "INVALID_PARAMETER", error.detail)
        return JSONResponse(body, status_code=error.status_code)


def _action(arguments: Arguments) -> tuple[str, str]:
    action = arguments.needed("action")
    if action != "activate" and action not in _RELEASES:
        raise RefusedError("INVALID_PARAMETER", f"Unknown action: {action[:80]}")
    arguments.text("approved_by")
    return action, arguments.needed("reason")


def _claim(status: str) -> Act:
    async def claim(arguments: Arguments) -> Json:
        message = f"Bot {arguments.bot}: {status}"
        return {"success": True, "bot": arguments.bot, "status": status, "message": message}

    return claim


async def _claim_recovery(arguments: Arguments) -> Json:
    return {"success": True, "bot": arguments.bot, "recovery_started": True}
