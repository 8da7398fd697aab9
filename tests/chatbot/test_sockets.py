"""Socket Mode against the local Slack: two connections that come back by themselves."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from chatbot.posting import open_session, web_client
from chatbot.sandbox.slack import LocalSlack
from chatbot.sockets import Sockets


class Ear:
    """Two sockets, what they heard and what they said they were."""

    def __init__(self, slack: LocalSlack, sockets: Sockets, heard: list[Mapping[str, Any]]) -> None:
        self.slack, self.sockets, self.heard = slack, sockets, heard

    async def both(self) -> None:
        await self.slack.wait_for(lambda: self.slack.socket_count == 2, 20)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    heard: list[Mapping[str, Any]] = []

    async def deliver(payload: Mapping[str, Any]) -> tuple[int, str | None]:
        heard.append(payload)
        return 200, json.dumps({"response_type": "ephemeral", "text": "heard"})

    async with LocalSlack.running(speed=100) as slack, open_session() as session:
        sockets = Sockets(
            app_token="xapp-sandbox",
            web=web_client(token="xoxb-sandbox", api_url=slack.api_url, session=session),
            deliver=deliver,
            count=2,
            changed=lambda _: None,
        )
        task = asyncio.create_task(sockets.run())
        ear = Ear(slack, sockets, heard)
        await ear.both()
        yield ear
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_command_is_acknowledged_with_its_answer(ear: Ear) -> None:
    delivery = await ear.slack.command("admin", "C0OPS", "/kill", "bad fills")
    assert delivery.error is None
    assert delivery.ack is not None
    assert delivery.ack["text"] == "heard"
    assert ear.heard[0]["text"] == "bad fills"


async def test_dropped_sockets_come_back(ear: Ear) -> None:
    ear.slack.faults.set("drop_sockets")
    await ear.slack.wait_for(lambda: ear.slack.socket_count == 0, 5)
    ear.slack.faults.clear()
    await ear.both()
    assert (await ear.slack.command("admin", "C0OPS", "/kill", "")).error is None


async def test_half_open_sockets_are_noticed_and_replaced(ear: Ear) -> None:
    before = set(ear.slack.hub.links)
    ear.slack.faults.set("half_open")
    ear.slack.faults.clear()
    await ear.slack.wait_for(lambda: len(set(ear.slack.hub.links) - before) == 2, 25)
    for link in before:  # Slack's side notices at last, too
        link.cut()
    await ear.both()
    assert (await ear.slack.command("admin", "C0OPS", "/kill", "")).error is None


async def test_after_the_intake_stopped_nothing_is_taken(ear: Ear) -> None:
    await ear.sockets.stop_intake()
    delivery = await ear.slack.command("admin", "C0OPS", "/kill", "")
    assert delivery.error == "operation_timeout"
    assert ear.heard == []
