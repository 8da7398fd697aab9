"""The page and the sandbox's own HTTP API."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chatbot.sandbox.slack import LocalSlack


@pytest.fixture
async def page(slack: LocalSlack) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(slack.page_url) as session:
        yield session


async def test_the_page_needs_nothing_from_outside(page: aiohttp.ClientSession) -> None:
    async with page.get("/") as answer:
        words = await answer.text()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "<title>Fleet sandbox</title>" in words
    for file in ("page.css", "page.js", "blocks.js", "mrkdwn.js", "dialogs.js", "behind.js"):
        async with page.get(f"/{file}") as answer:
            assert answer.status == 200
            body = await answer.text()
        assert "innerHTML" not in body
        assert "http://" not in body.replace("https?://", "")


async def test_what_is_typed_is_a_command_a_mention_or_words(
    slack: LocalSlack, page: aiohttp.ClientSession
) -> None:
    async def typed(text: str) -> object:
        body = {"person": "admin", "channel": "C0OPS", "text": text}
        async with page.post("/sandbox/type", json=body) as answer:
            return (await answer.json())["error"]

    assert await typed("/kill bad fills") == "dispatch_failed"
    assert slack.deliveries[-1].payload["command"] == "/kill"
    assert slack.deliveries[-1].payload["text"] == "bad fills"
    assert await typed("@fleet-bot status") == "dispatch_failed"
    assert slack.deliveries[-1].payload["event"]["text"] == "<@U0FLEETBOT> status"
    assert await typed("good night") is None
    assert [m.text for m in slack.messages("C0OPS")] == ["<@U0FLEETBOT> status", "good night"]


async def test_each_person_sees_their_own_state(slack: LocalSlack, page: aiohttp.ClientSession) -> None:
    web = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    await web.chat_postEphemeral(channel="C0OPS", user="U0ADMIN1", text="psst")

    async def seen(person: str) -> list[str]:
        async with page.get("/sandbox/state", params={"person": person}) as answer:
            return [message["text"] for message in (await answer.json())["messages"]]

    assert await seen("admin") == ["psst"]
    assert await seen("operator") == []
    async with page.get("/sandbox/state", params={"person": "nobody"}) as answer:
        assert answer.status == 404


async def test_changes_are_streamed(slack: LocalSlack, page: aiohttp.ClientSession) -> None:
    async with page.get("/sandbox/events") as stream:
        first = await stream.content.readuntil(b"\n\n")
        slack.say("admin", "C0OPS", "hello")
        second = await stream.content.readuntil(b"\n\n")
    assert first.startswith(b"data: ")
    assert second.startswith(b"data: ")
    assert first != second


async def test_faults_are_switched_over_http(slack: LocalSlack, page: aiohttp.ClientSession) -> None:
    async with page.post(
        "/sandbox/faults", json={"name": "rate_limited", "retry_after": 3, "times": 2}
    ) as answer:
        assert answer.status == 200
    assert slack.faults.list()[0].options == {"retry_after": 3}
    async with page.get("/sandbox/faults") as answer:
        assert {row["name"]: row["on"] for row in await answer.json()}["rate_limited"] is True
    async with page.delete("/sandbox/faults") as answer:
        assert answer.status == 200
    assert slack.faults.list() == []
    async with page.post("/sandbox/faults", json={"name": "nonsense"}) as answer:
        assert answer.status == 400


async def test_another_sites_page_may_do_nothing(slack: LocalSlack, page: aiohttp.ClientSession) -> None:
    body = json.dumps({"person": "admin", "channel": "C0OPS", "text": "hello"})
    async with page.post(
        "/sandbox/type", data=body, headers={"Origin": "http://elsewhere.example"}
    ) as answer:
        assert answer.status == 403
    assert slack.messages("C0OPS") == ()


async def test_another_application_is_shown_below_its_prefix() -> None:
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse(
            {"path": request.url.path, "q": request.query_params.get("q"), "body": await request.json()}
        )

    fleet = Starlette(routes=[Route("/faults/{name}", echo, methods=["POST"])])
    async with (
        LocalSlack.running(mounts={"/sandbox/fleet": fleet}) as slack,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(slack.page_url + "/sandbox/fleet/faults/hang?q=1", json={"a": 2}) as answer:
            assert await answer.json() == {"path": "/faults/hang", "q": "1", "body": {"a": 2}}
        async with session.get(slack.page_url + "/sandbox/fleet/nowhere") as answer:
            assert answer.status == 404


async def test_an_uploaded_file_is_served_and_only_a_png_is_shown(
    slack: LocalSlack, web: AsyncWebClient, page: aiohttp.ClientSession
) -> None:
    for name, content in (("a.png", b"\x89PNG\r\n\x1a\n..."), ("b.png", b"<script>alert(1)</script>")):
        await web.files_upload_v2(channel="C0OPS", filename=name, content=content)
    shown = []
    for message in slack.messages("C0OPS"):
        async with page.get(f"/sandbox/files/{message.files[0]['id']}") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            shown.append((answer.content_type, answer.headers.get("Content-Disposition")))
    assert shown == [("image/png", None), ("application/octet-stream", "attachment")]
    async with page.get("/sandbox/files/F0NOWHERE") as answer:
        assert answer.status == 404
