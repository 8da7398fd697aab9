"""Response URLs and upload URLs: the addresses Slack hands to apps."""

import json

from aiohttp import web

from chatbot.sandbox.slack.faults import Faults
from chatbot.sandbox.slack.passes import ApiError, ReplyPasses
from chatbot.sandbox.slack.posting import answer_in_place
from chatbot.sandbox.slack.webapi import cut
from chatbot.sandbox.slack.workspace import Workspace


class Hooks:
    """Answers POSTs to /hooks/... and /upload/...; faults know them as ``response_url`` and ``upload``."""

    def __init__(self, *, workspace: Workspace, reply_passes: ReplyPasses, faults: Faults) -> None:
        self._workspace, self._reply_passes, self._faults = workspace, reply_passes, faults

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """One use of a response URL."""
        if self._faults.active("api_down") or self._faults.take("reset_before", "response_url"):
            return cut(request)
        try:
            payload = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(payload, dict):
            return web.Response(status=400, text="invalid_payload")
        try:
            reply = self._reply_passes.use(request.match_info["key"])
            answer_in_place(self._workspace, reply, payload)
        except ApiError as refusal:
            status = refusal.status if refusal.status != 200 else 400
            return web.json_response({"ok": False, "error": refusal.error, **refusal.details}, status=status)
        return web.Response(text="ok")

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The bytes of one file, raw or as the one file of a multipart form."""
        if self._faults.active("api_down") or self._faults.take("reset_before", "upload"):
            return cut(request)
        wanted = self._workspace.uploads.get(request.match_info["file"])
        if wanted is None:
            return web.Response(status=404, text="file_not_found")
        if request.content_type == "multipart/form-data":
            fields = [field for field in (await request.post()).values() if isinstance(field, web.FileField)]
            content = fields[0].file.read() if fields else b""
        else:
            content = await request.read()
        if len(content) != wanted["size"]:
            return web.Response(status=400, text="incorrect file size")
        wanted["content"] = content
        return web.Response(text=f"OK - {len(content)}")
