"""Socket Mode, HTTP mode, response URLs and every fault, seen by the real SDK."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web as aiohttp_web
from slack_conversation import bolt_app, connected
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack, Pace
from chatbot.sandbox.slack.faults import FAULTS


async def _open_socket(
    slack: LocalSlack, session: aiohttp.ClientSession, *, autoping: bool = True
) -> aiohttp.ClientWebSocketResponse:
    client = AsyncWebClient(base_url=slack.api_url, session=session)
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    return await session.ws_connect(url, autoping=autoping)


async def test_the_socket_protocol_frame_by_frame(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await _open_socket(slack, session)
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["debug_info"]["host"]
        typed = asyncio.create_task(slack.command("admin", "C0OPS", "/kill", "now"))
        envelope = await socket.receive_json()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert envelope["payload"]["text"] == "now"
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "ok"}})
        assert (await typed).ack == {"text": "ok"}
        saying = asyncio.create_task(slack.say_disconnect("warning"))
        assert (await socket.receive_json())["reason"] == "warning"
        await saying
        assert slack.socket_count == 1
        saying = asyncio.create_task(slack.say_disconnect("refresh_requested"))
        assert (await socket.receive_json())["reason"] == "refresh_requested"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await saying
        await slack.wait_for(lambda: slack.socket_count == 0)


async def test_payloads_take_turns_and_ten_sockets_are_the_most(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await _open_socket(slack, session) for _ in range(10)]
        for socket in sockets:
            await socket.receive_json()
        for socket in [*sockets[1:], sockets[0]]:
            typed = asyncio.create_task(slack.command("admin", "C0OPS", "/x"))
            envelope = await socket.receive_json(timeout=1)
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
            assert (await typed).error is None
        with pytest.raises(SlackApiError, match="too_many_websockets"):
            await _open_socket(slack, session)


async def test_a_bolt_app_reconnects_when_slack_asks(slack: LocalSlack) -> None:
    app = bolt_app(slack)

    @app.command("/x")
    async def x(ack: Any) -> None:
        await ack("here")

    async with connected(slack, app, ping=1.0):
        await slack.say_disconnect("refresh_requested")
        await slack.wait_for(lambda: slack.socket_count == 1)
        assert (await slack.command("admin", "C0OPS", "/x")).ack == {"text": "here"}


async def test_dropped_sockets_come_back(slack: LocalSlack) -> None:
    async with connected(slack, bolt_app(slack), ping=0.3):
        slack.faults.set("no_new_sockets", times=1)
        slack.faults.set("drop_sockets")
        await slack.wait_for(lambda: slack.socket_count == 0)
        await slack.wait_for(lambda: slack.socket_count == 1, timeout=10)
        assert not slack.faults.active("no_new_sockets")


async def test_a_half_open_socket_swallows_what_is_sent() -> None:
    async with LocalSlack.running(pace=Pace(ack=0.2)) as slack, aiohttp.ClientSession() as session:
        socket = await _open_socket(slack, session, autoping=False)
        await socket.receive_json()
        await socket.ping(b"before")
        assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.PONG
        slack.faults.set("half_open")
        assert (await slack.command("admin", "C0OPS", "/x")).error == "operation_timeout"
        assert slack.socket_count == 1
        await socket.ping(b"after")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.1)


async def test_http_mode_signs_what_it_sends_and_reads_the_answer() -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []

    async def endpoint(request: aiohttp_web.Request) -> aiohttp_web.Response:
        body = await request.read()
        seen.append((body, dict(request.headers)))
        if request.content_type == "application/json":
            return aiohttp_web.json_response({"challenge": (await request.json()).get("challenge")})
        return aiohttp_web.json_response({"text": "ok"})

    runner = aiohttp_web.AppRunner(application := aiohttp_web.Application())
    application.router.add_post("/slack/events", endpoint)
    await runner.setup()
    site = aiohttp_web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        async with LocalSlack.running(signing_secret="s3cret") as slack:
            slack.deliver_over_http(url)
            assert await slack.verify_request_url()
            assert (await slack.command("admin", "C0OPS", "/kill", "payload & <more>")).ack == {"text": "ok"}
            assert (await slack.mention("admin", "C0OPS", "help")).error is None
            slack.deliver_over_http(url.replace("/slack/", "/nowhere/"))
            assert (await slack.command("admin", "C0OPS", "/kill")).error == "http_client_error"
    finally:
        await runner.cleanup()
    verifier = SignatureVerifier("s3cret")
    assert all(verifier.is_valid_request(body, headers) for body, headers in seen)
    assert parse_qs(seen[1][0].decode())["text"] == ["payload &amp; &lt;more&gt;"]


async def test_a_response_url_works_five_times_for_thirty_minutes() -> None:
    async with LocalSlack.running(pace=Pace(response_url=0.3)) as slack, aiohttp.ClientSession() as session:

        async def use(url: object, **body: Any) -> tuple[int, str]:
            async with session.post(str(url), json=body) as answer:
                return answer.status, await answer.text()

        url = (await slack.command("admin", "C0OPS", "/x")).payload["response_url"]
        before = len(slack.ephemerals("admin"))
        assert await use(url, text="one") == (200, "ok")
        assert await use(url, text="all", response_type="in_channel", replace_original=True) == (200, "ok")
        assert (await use(url, blocks=[{"type": "nope"}]))[0] == 400
        assert [await use(url, text=str(n)) for n in range(2)] == [(200, "ok")] * 2
        status, words = await use(url, text="six")
        assert (status, "used_url" in words) == (404, True)
        assert len(slack.ephemerals("admin")) == before + 3
        assert [m.text for m in slack.messages("C0OPS")] == ["all"]
        late = (await slack.command("admin", "C0OPS", "/x")).payload["response_url"]
        with pytest.raises(TimeoutError):
            await slack.wait_for(lambda: False, timeout=0.35)
        status, words = await use(late, text="late")
        assert (status, "expired_url" in words) == (404, True)


async def test_an_ephemeral_answer_can_be_replaced_and_deleted(slack: LocalSlack) -> None:
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    await client.chat_postEphemeral(
        channel="C0OPS", user="U0ADMIN1", text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    [shown] = slack.ephemerals("admin")
    with pytest.raises(LookupError):
        await slack.click("operator", "C0OPS", shown.ts, "Go")
    pressed = await slack.click("admin", "C0OPS", shown.ts, "Go")
    assert pressed.payload["container"]["is_ephemeral"] is True
    assert "message" not in pressed.payload
    async with aiohttp.ClientSession() as session:
        url = pressed.payload["response_url"]
        await (await session.post(url, json={"replace_original": True, "text": "y"})).read()
        assert [m.text for m in slack.ephemerals("admin")] == ["y"]
        await (await session.post(url, json={"replace_original": False, "text": "z"})).read()
        assert [m.text for m in slack.ephemerals("admin")] == ["y", "z"]
        await (await session.post(url, json={"delete_original": True})).read()
        assert [m.text for m in slack.ephemerals("admin")] == ["z"]


async def test_calls_fail_as_the_switches_say(slack: LocalSlack, web: AsyncWebClient) -> None:
    slack.faults.set("rate_limited", methods=("chat.postMessage",), times=1, retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        await web.chat_postMessage(channel="C0OPS", text="x")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")
    slack.faults.set("http_500", times=1)
    with pytest.raises(SlackApiError):
        await web.auth_test()
    slack.faults.set("reset_before", times=1)
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel="C0OPS", text="before")
    assert slack.messages("C0OPS") == ()
    slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel="C0OPS", text="after")
    assert [m.text for m in slack.messages("C0OPS")] == ["after"]
    slack.faults.set("slow", seconds=0.2, times=1)
    begun = time.monotonic()
    await web.auth_test()
    assert time.monotonic() - begun >= 0.2
    assert slack.faults.list() == []


async def test_a_hanging_call_hangs_until_the_client_gives_up(slack: LocalSlack) -> None:
    slack.faults.set("hang", times=1)
    web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1)
    with pytest.raises(TimeoutError):
        await web.auth_test()
    await web.auth_test()


async def test_when_the_api_is_down_connections_are_refused_and_the_page_stays(slack: LocalSlack) -> None:
    web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    slack.faults.set("api_down")
    with pytest.raises(aiohttp.ClientConnectorError):
        await web.auth_test()
    async with aiohttp.ClientSession() as session:
        assert (await session.get(slack.page_url + "/sandbox/state")).status == 200
        async with session.delete(slack.page_url + "/sandbox/faults/api_down") as cleared:
            assert cleared.status == 200
    await web.auth_test()


async def test_new_blocks_are_refused_before_their_roll_out(slack: LocalSlack, web: AsyncWebClient) -> None:
    cell = {"type": "raw_text", "text": "x"}
    blocks = [{"type": "data_table", "caption": "bots", "rows": [[cell], [cell]]}]
    slack.faults.set("invalid_blocks", times=1)
    await web.chat_postMessage(channel="C0OPS", text="plain posts are not its business")
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await web.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)
    await web.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)


async def test_a_command_can_come_twice(slack: LocalSlack) -> None:
    seen: list[str] = []
    app = bolt_app(slack)

    @app.command("/kill")
    async def kill(ack: Any, body: dict[str, str]) -> None:
        seen.append(body["trigger_id"])
        await ack()

    slack.faults.set("deliver_twice", times=1)
    async with connected(slack, app):
        delivery = await slack.command("admin", "C0OPS", "/kill")
        await slack.wait_for(lambda: len(seen) == 2)
    assert seen == [delivery.trigger_id] * 2


async def test_closing_is_quick_whatever_still_hangs() -> None:
    async with AsyncExitStack() as running, aiohttp.ClientSession() as session:
        slack = await running.enter_async_context(LocalSlack.running())
        socket = await _open_socket(slack, session)
        await socket.receive_json()
        stream = await session.get(slack.page_url + "/sandbox/events")
        assert await stream.content.readline()
        slack.faults.set("hang", times=1)
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        hanging = asyncio.create_task(web.auth_test())
        await slack.wait_for(lambda: not slack.faults.active("hang"))
        begun = time.monotonic()
        await running.aclose()
        took = time.monotonic() - begun
        with pytest.raises(aiohttp.ClientError):
            await hanging
        await socket.close()
        stream.close()
    assert took < 0.3


def test_every_switch_says_what_it_does() -> None:
    assert all(FAULTS.values())
