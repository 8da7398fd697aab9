"""The local Slack as one thing: build it, run it, act in it, look at it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from starlette.types import ASGIApp

from chatbot.sandbox.slack.cast import SCOPES
from chatbot.sandbox.slack.changes import Changes
from chatbot.sandbox.slack.control import Control
from chatbot.sandbox.slack.courier import Courier
from chatbot.sandbox.slack.faults import Faults
from chatbot.sandbox.slack.hooks import Hooks
from chatbot.sandbox.slack.http_mode import HttpDoor
from chatbot.sandbox.slack.listening import Listener
from chatbot.sandbox.slack.methods.context import Context
from chatbot.sandbox.slack.model import Call, Channel, Delivery, Message, Person, View
from chatbot.sandbox.slack.mounts import mount
from chatbot.sandbox.slack.pace import Limits, Pace
from chatbot.sandbox.slack.passes import ReplyPasses, Triggers
from chatbot.sandbox.slack.socket_mode import SocketHub
from chatbot.sandbox.slack.webapi import WebApi
from chatbot.sandbox.slack.workspace import T, Workspace

LARGEST_BODY = 64 * 1024 * 1024


class LocalSlack(Changes):
    """A workspace with one app in it, served on two ports: the page's, and the one the bot talks to."""

    def __init__(
        self,
        *,
        page: Listener,
        api: Listener,
        host: str,
        pace: Pace,
        bot_token: str,
        app_token: str,
        signing_secret: str,
        status_is_builtin: bool,
        session: aiohttp.ClientSession,
    ) -> None:
        base_url = f"http://{host}:{api.port}"
        self.page_url, self.api_url = f"http://{host}:{page.port}", f"{base_url}/api/"
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.faults = Faults(self._fault_changed)
        workspace = Workspace()
        self.hub = SocketHub(on_change=workspace.changed)
        triggers, reply_passes = Triggers(pace), ReplyPasses(pace)
        super().__init__(
            workspace=workspace,
            courier=Courier(hub=self.hub, pace=pace, faults=self.faults, on_change=workspace.changed),
            triggers=triggers,
            reply_passes=reply_passes,
            base_url=base_url,
            status_is_builtin=status_is_builtin,
        )
        self._context = Context(
            workspace=workspace,
            hub=self.hub,
            triggers=triggers,
            faults=self.faults,
            base_url=base_url,
            scopes=set(SCOPES),
        )
        self._web_api = WebApi(
            context=self._context, limits=Limits(pace), bot_token=bot_token, app_token=app_token
        )
        self._hooks = Hooks(workspace=workspace, reply_passes=reply_passes, faults=self.faults)
        self._page, self._api, self._session = page, api, session
        self._runner: web.AppRunner | None = None

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_port: int = 0,
        speed: float = 1.0,
        pace: Pace | None = None,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - opens nothing but this sandbox
        app_token: str = "xapp-sandbox",  # noqa: S107 - likewise
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - likewise
        status_is_builtin: bool = False,
        mounts: Mapping[str, ASGIApp] | None = None,
    ) -> AsyncIterator["LocalSlack"]:
        """A local Slack for as long as the block lasts.

        ``port`` is the page's, ``api_port`` the bot's (0: any). ``speed`` makes rate limits refill and events
        come again so many times as fast; ``pace`` replaces every limit. ``mounts`` maps path prefixes to the
        applications shown below them.
        """
        async with aiohttp.ClientSession() as session:
            slack = cls(
                page=Listener(host, port),
                api=Listener(host, api_port),
                host=host,
                pace=(pace or Pace()).faster(speed),
                bot_token=bot_token,
                app_token=app_token,
                signing_secret=signing_secret,
                status_is_builtin=status_is_builtin,
                session=session,
            )
            await slack._open(mounts or {})
            try:
                yield slack
            finally:
                await slack._close()

    async def _open(self, mounts: Mapping[str, ASGIApp]) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/api/{method}", self._web_api.serve)
        app.router.add_get("/link/", self._link)
        app.router.add_post("/hooks/{kind}/{key}", self._hooks.respond)
        app.router.add_post("/upload/v1/{file}", self._hooks.upload)
        mount(app.router, mounts)
        Control(self).add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await self._runner.setup()
        await self._page.open(self._server)
        await self._api.open(self._server)

    async def _close(self) -> None:
        await self.courier.close()
        self.hub.cut()
        await self._page.close()
        await self._api.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def _server(self) -> web.Server:
        if self._runner is None or self._runner.server is None:
            raise RuntimeError("the sandbox is not running")
        return self._runner.server

    async def _link(self, request: web.Request) -> web.StreamResponse:
        if self.faults.active("api_down") or self.faults.take("no_new_sockets"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return await self.hub.serve(request)

    def _fault_changed(self, name: str) -> None:
        if name == "drop_sockets":
            self.hub.cut()
        elif name == "half_open":
            self.hub.freeze()
        elif name == "api_down" and self.faults.active(name):
            self._api.refuse()
            self.hub.cut()
        elif name == "api_down":
            self._api.open_soon(self._server)
        self.workspace.changed()

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody, by id."""
        return self.workspace.people

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Every channel and opened direct message, by id."""
        return self.workspace.channels

    @property
    def scopes(self) -> set[str]:
        """What the app is granted; change it to see missing_scope."""
        return self._context.scopes

    @property
    def calls(self) -> list[Call]:
        """Every Web API call so far, oldest first."""
        return self.workspace.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Every payload sent to the bot so far, in the order in which they ended."""
        return self.courier.deliveries

    @property
    def socket_count(self) -> int:
        """Open Socket Mode connections, half-open ones included."""
        return len(self.hub.links)

    def messages(self, channel: str) -> tuple[Message, ...]:
        """The channel as everybody sees it, without thread replies, oldest first."""
        return self.workspace.messages(self.channel(channel).id)

    def replies(self, channel: str, ts: str) -> tuple[Message, ...]:
        """The replies under one message, oldest first."""
        return self.workspace.replies(self.channel(channel).id, ts)

    def ephemerals(self, person: str, channel: str | None = None) -> tuple[Message, ...]:
        """What only this person sees, oldest first."""
        where = None if channel is None else self.channel(channel).id
        return self.workspace.ephemerals(self.person(person).id, where)

    def modals(self, person: str) -> tuple[View, ...]:
        """The person's open modals, the visible one last."""
        return self.workspace.modals(self.person(person).id)

    def home(self, person: str) -> View | None:
        """The home tab as last published for this person."""
        return self.workspace.homes.get(self.person(person).id)

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first truthy value of ``predicate``; TimeoutError after ``timeout`` seconds."""
        return await self.workspace.wait_for(predicate, timeout)

    def deliver_over_http(self, url: str, signing_secret: str | None = None) -> None:
        """From now on POST every payload to this request URL, signed, instead of using Socket Mode."""
        self.courier.door = HttpDoor(url, signing_secret or self.signing_secret, self._session)

    async def verify_request_url(self) -> bool:
        """True when the request URL answers the url_verification challenge."""
        return self.courier.door is not None and await self.courier.door.verify()

    async def say_disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connection to end: warning, refresh_requested or link_disabled."""
        await self.hub.say_disconnect(reason)
