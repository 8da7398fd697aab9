"""The Web API over HTTP: faults, tokens, limits, then the method itself; every call is written down."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from chatbot.sandbox.slack.methods import METHODS
from chatbot.sandbox.slack.methods.context import Context, Method
from chatbot.sandbox.slack.model import Call, Json
from chatbot.sandbox.slack.pace import Limits
from chatbot.sandbox.slack.passes import ApiError

_JSON_ARGUMENTS = frozenset({"blocks", "attachments", "metadata", "view", "files"})


class WebApi:
    """Answers everything under /api/."""

    def __init__(self, *, context: Context, limits: Limits, bot_token: str, app_token: str) -> None:
        self._context, self._limits = context, limits
        self._bot_token, self._app_token = bot_token, app_token

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        name, faults = request.match_info["method"], self._context.faults
        if faults.active("api_down") or faults.take("reset_before", name):
            return cut(request)
        if faults.take("hang", name):
            await asyncio.Event().wait()  # until the client gives up: this handler is cancelled with it
        if slow := faults.take("slow", name):
            await asyncio.sleep(slow.number("seconds", 2.0))
        args = await _arguments(request)
        if limited := faults.take("rate_limited", name):
            return self._limited(name, args, int(limited.number("retry_after", 1)))
        if faults.take("http_500", name):
            self._record(name, args, 500, None)
            return web.Response(status=500, text="Internal Server Error")
        lost = faults.take("reset_after_accept", name)
        answer = self._answer(name, args, request.headers.get("Authorization", ""))
        if lost:
            self._record(name, args, 0, None)
            return cut(request)
        return answer

    def _answer(self, name: str, args: Json, authorization: str) -> web.Response:
        try:
            method = self._admit(name, args, authorization)
            channel = str(args.get("channel")) if "channel" in args else None
            if wait := self._limits.wait(name, channel, time.monotonic()):
                return self._limited(name, args, wait)
            answer: Json = {"ok": True, **method.run(self._context, args)}
        except ApiError as refusal:
            answer = {"ok": False, "error": refusal.error, **refusal.details}
        self._record(name, args, 200, answer)
        scopes = ",".join(sorted(self._context.scopes))
        return web.json_response(answer, headers={"X-OAuth-Scopes": scopes})

    def _admit(self, name: str, args: Json, authorization: str) -> Method:
        method = METHODS.get(name)
        if method is None:
            raise ApiError("unknown_method", req_method=name)
        if "" in args:
            raise ApiError("invalid_json")
        token = authorization.removeprefix("Bearer ").strip() or str(args.pop("token", ""))
        if name == "api.test":
            return method
        if not token:
            raise ApiError("not_authed")
        if token not in {self._bot_token, self._app_token}:
            raise ApiError("invalid_auth")
        if method.app_token != (token == self._app_token):
            raise ApiError("not_allowed_token_type")
        if method.scope is not None and method.scope not in self._context.scopes:
            provided = ",".join(sorted(self._context.scopes))
            raise ApiError("missing_scope", needed=method.scope, provided=provided)
        return method

    def _limited(self, name: str, args: Json, seconds: int) -> web.Response:
        answer: Json = {"ok": False, "error": "ratelimited"}
        self._record(name, args, 429, answer)
        return web.json_response(answer, status=429, headers={"Retry-After": str(seconds)})

    def _record(self, name: str, args: Json, status: int, answer: Json | None) -> None:
        kept = {key: value for key, value in args.items() if key != "token"}
        call = Call(at=datetime.now(UTC), method=name, args=kept, status=status, answer=answer)
        self._context.workspace.calls.append(call)
        self._context.workspace.changed()


def cut(request: web.Request) -> web.Response:
    """Reset the connection; what is returned can no longer be sent."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response()


async def _arguments(request: web.Request) -> Json:
    """Query, form and JSON arguments together; the key "" marks a JSON body that is none."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            return {"": None}
        return args | body if isinstance(body, dict) else {"": None}
    args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    for name in _JSON_ARGUMENTS & args.keys():
        try:
            args[name] = json.loads(args[name])
        except ValueError:
            continue  # the method refuses it by its own name for the mistake
    return args
