"""The sandbox's own HTTP API for its page and for people with curl, and the page itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from chatbot.sandbox.slack.faults import AT_ONCE, FAULTS
from chatbot.sandbox.slack.forms import FormError
from chatbot.sandbox.slack.model import Delivery, Json, Message

if TYPE_CHECKING:
    from chatbot.sandbox.slack.server import LocalSlack

PAGE = Path(__file__).parent.parent / "page"
PNG = b"\x89PNG\r\n\x1a\n"
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Control:
    """Routes under /sandbox/ and the page at /."""

    def __init__(self, slack: "LocalSlack") -> None:
        self._slack = slack

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Add them all."""
        routes.add_get("/sandbox/state", self._state)
        routes.add_get("/sandbox/events", self._events)
        routes.add_get("/sandbox/calls", self._calls)
        routes.add_get("/sandbox/files/{file}", self._file)
        routes.add_get("/sandbox/faults", self._faults)
        routes.add_post("/sandbox/faults", _acting(self._set_fault))
        routes.add_delete("/sandbox/faults", self._clear_faults)
        routes.add_delete("/sandbox/faults/{name}", self._clear_faults)
        for name, act in self._acts().items():
            routes.add_post(f"/sandbox/{name}", _acting(act))
        for file in PAGE.iterdir() if PAGE.is_dir() else ():
            routes.add_get("/" if file.name == "index.html" else f"/{file.name}", _static(file))

    def _acts(self) -> dict[str, Callable[[Json], Awaitable[Json]]]:
        return {
            "type": self._type,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "person": self._person,
            "channel": self._channel,
            "disconnect": self._disconnect,
            "request_url": self._request_url,
        }

    async def _type(self, wanted: Json) -> Json:
        """Whatever somebody types: a command, a mention or plain words."""
        person, channel, text = wanted["person"], wanted["channel"], str(wanted["text"]).strip()
        thread_ts = wanted.get("thread_ts")
        if text.startswith("/") and not thread_ts:
            name, _, rest = text.partition(" ")
            return told(await self._slack.command(person, channel, name, rest.strip()))
        handle = next((name for name in ("@fleet-bot", "@fleet") if text.startswith(name)), None)
        if handle is not None:
            rest = text.removeprefix(handle).strip()
            return told(await self._slack.mention(person, channel, rest, thread_ts))
        self._slack.say(person, channel, text, thread_ts=thread_ts)
        return {"error": None}

    async def _click(self, wanted: Json) -> Json:
        slack, person, action = self._slack, wanted["person"], wanted["action"]
        which = {"block": wanted.get("block"), "choose": wanted.get("choose")}
        if wanted.get("view_id"):
            return told(await slack.click_in_view(person, wanted["view_id"], action, **which))
        return told(await slack.click(person, wanted["channel"], wanted["ts"], action, **which))

    async def _submit(self, wanted: Json) -> Json:
        return told(await self._slack.submit(wanted["person"], wanted["view_id"], wanted.get("values")))

    async def _close(self, wanted: Json) -> Json:
        delivery = await self._slack.close_view(wanted["person"], wanted["view_id"])
        return told(delivery) if delivery else {"error": None}

    async def _home(self, wanted: Json) -> Json:
        return told(await self._slack.open_home(wanted["person"]))

    async def _person(self, wanted: Json) -> Json:
        changes = {name: value for name, value in wanted.items() if name != "person"}
        return told(await self._slack.change_person(wanted["person"], **changes))

    async def _channel(self, wanted: Json) -> Json:
        changes = {name: value for name, value in wanted.items() if name != "channel"}
        for name, value in changes.items():
            if not isinstance(value, str if name == "refusal" else bool):
                raise TypeError(f"{name} must be {'a word' if name == 'refusal' else 'true or false'}")
        changed = await self._slack.change_channel(wanted["channel"], **changes)
        return {"error": None, "channel": changed.wire()}

    async def _disconnect(self, wanted: Json) -> Json:
        await self._slack.say_disconnect(wanted.get("reason", "refresh_requested"))
        return {"error": None}

    async def _request_url(self, wanted: Json) -> Json:
        self._slack.deliver_over_http(wanted["url"], wanted.get("signing_secret"))
        return {"error": None if await self._slack.verify_request_url() else "challenge_failed"}

    async def _set_fault(self, wanted: Json) -> Json:
        self._slack.faults.set(str(wanted.pop("name")), **wanted)
        return {"error": None}

    async def _clear_faults(self, request: web.Request) -> web.Response:
        if refused := _foreign(request):
            return refused
        self._slack.faults.clear(request.match_info.get("name"))
        return web.json_response({"error": None})

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response(fault_rows(self._slack))

    async def _calls(self, request: web.Request) -> web.Response:
        last = self._slack.calls[-int(request.query.get("last", "100")) :]
        rows = [
            {
                "at": c.at.isoformat(),
                "method": c.method,
                "args": c.args,
                "status": c.status,
                "answer": c.answer,
            }
            for c in last
        ]
        return web.json_response(rows)

    async def _file(self, request: web.Request) -> web.Response:
        """The bytes of an uploaded file; a PNG is shown, everything else is saved."""
        upload = self._slack.workspace.uploads.get(request.match_info["file"], {})
        if "content" not in upload:
            return web.json_response({"error": "no such file"}, status=404)
        content: bytes = upload["content"]
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        if content.startswith(PNG):
            return web.Response(body=content, content_type="image/png", headers=headers)
        headers["Content-Disposition"] = "attachment"
        return web.Response(body=content, content_type="application/octet-stream", headers=headers)

    async def _state(self, request: web.Request) -> web.Response:
        try:
            person = self._slack.person(request.query.get("person", "U0ADMIN1")).id
        except LookupError as unknown:
            return web.json_response({"error": str(unknown)}, status=404)
        return web.json_response(state_for(self._slack, person))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the revision number, now and after each change."""
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await stream.prepare(request)
        workspace, seen = self._slack.workspace, -1
        with suppress(ConnectionError):  # the page went away
            while True:
                await workspace.next_change(after=seen, timeout=15.0)
                line = ": still here\n\n" if workspace.revision == seen else f"data: {workspace.revision}\n\n"
                seen = workspace.revision
                await stream.write(line.encode())
        return stream


def state_for(slack: "LocalSlack", person: str) -> Json:
    """Everything one person sees."""
    workspace = slack.workspace
    home = workspace.homes.get(person)
    seen = [m for m in workspace.all_messages if m.only_for in {None, person}]
    return {
        "revision": workspace.revision,
        "person": person,
        "people": [p.wire() | {"role": p.name} for p in workspace.people.values()],
        "channels": [
            c.wire() | {"name": c.name, "seen": person in c.members and not c.gone}
            for c in workspace.channels.values()
            if c.im_with in {None, person}
        ],
        "messages": [message_row(m) for m in seen],
        "modals": [view.wire() | {"errors": dict(view.errors)} for view in workspace.modals(person)],
        "home": home.wire() if home else None,
        "faults": fault_rows(slack),
        "sockets": slack.socket_count,
        "over_http": slack.courier.door is not None,
    }


def message_row(message: Message) -> Json:
    """One message for the page: as on the wire, with its history."""
    versions = [{"at": shown.at.isoformat(), "text": shown.text} for shown in message.history]
    return message.wire() | {"channel": message.channel, "only_for": message.only_for, "history": versions}


def fault_rows(slack: "LocalSlack") -> list[Json]:
    """Every switch, what it does, and whether it is on."""
    return [
        {"name": name, "does": does, "on": slack.faults.active(name), "at_once": name in AT_ONCE}
        for name, does in FAULTS.items()
    ]


def told(delivery: Delivery) -> Json:
    """What became of a delivery, for the page."""
    return {"error": delivery.error, "seconds": delivery.seconds, "ack": delivery.ack}


def _foreign(request: web.Request) -> web.Response | None:
    """A refusal for requests made by another site's page in the same browser."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return web.json_response({"error": "only this sandbox's own page may do that"}, status=403)
    return None


def _acting(act: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if refused := _foreign(request):
            return refused
        try:
            wanted: Any = json.loads(await request.text() or "{}")
            return web.json_response(await act(wanted))
        except FormError as mistake:
            return web.json_response({"error": f"{mistake}, says Slack."}, status=400)
        except (KeyError, LookupError, TypeError, ValueError) as mistake:
            return web.json_response({"error": f"{type(mistake).__name__}: {mistake}"}, status=400)

    return handle


def _static(file: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(await asyncio.to_thread(file.resolve), headers=_PAGE_HEADERS)

    return handle
