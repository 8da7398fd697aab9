"""The sender against the local Slack and a real outbox: at Slack's pace, the newest content, nothing twice."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from chatbot.metrics import Metrics
from chatbot.posting import Poster, open_session, web_client
from chatbot.sandbox.slack import LocalSlack
from chatbot.sandbox.slack.model import Message
from chatbot.sender import Sender
from chatbot.steps import Owing
from storage import outbox
from storage.database import Database
from storage.outbox import Owed, SendState

OPS, ALERTS = "C0OPS", "C0ALERTS"


def now() -> datetime:
    return datetime.now(UTC)


def saying(words: str) -> dict[str, Any]:
    return {"text": words, "blocks": [{"type": "section", "text": {"type": "plain_text", "text": words}}]}


@dataclass
class Desk:
    """One sender on its own database and a Slack with Slack's own limits."""

    slack: LocalSlack
    database: Database
    sender: Sender
    session: aiohttp.ClientSession

    async def owe(self, key: str, words: str, *, channel: str = OPS, **more: Any) -> Owed:
        owed = await self.database.write(
            lambda conn: outbox.owe(conn, key=key, channel=channel, payload=saying(words), now=now(), **more)
        )
        self.sender.wake()
        return owed

    async def row(self, key: str) -> Owed:
        found = await self.database.read(lambda conn: outbox.get(conn, key))
        assert found is not None
        return found

    async def settled(self, *keys: str, state: SendState = SendState.SENT, timeout: float = 12) -> list[Owed]:
        """The rows, once all of them are in this state."""
        async with asyncio.timeout(timeout):
            while True:
                rows = [await self.row(key) for key in keys]
                if all(row.state is state for row in rows):
                    return rows
                await asyncio.sleep(0.01)

    def calls(self, method: str) -> list[Any]:
        return [call for call in self.slack.calls if call.method == method]

    def accepted(self) -> list[Any]:
        """The posts that Slack took."""
        return [call for call in self.calls("chat.postMessage") if call.ok]

    def refused(self) -> list[Any]:
        return [call for call in self.slack.calls if call.status == 429]

    def another(self) -> Sender:
        """A second sender, as in another process on the same database."""
        return new_sender(self.database, self.slack, self.session, owner="second")


def new_sender(
    database: Database, slack: LocalSlack, session: aiohttp.ClientSession, *, owner: str
) -> Sender:
    web = web_client(token="xoxb-sandbox", api_url=slack.api_url, session=session)
    return Sender(
        database=database,
        poster=Poster(web=web, session=session),
        metrics=Metrics(),
        owner=owner,
        now=now,
        clock=time.monotonic,
    )


@contextlib.asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'chatbot.db'}")
    await database.prepare()
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(database, slack, session, owner="first")
        yield Desk(slack=slack, database=database, sender=sender, session=session)
    await database.close()


def times(messages: tuple[Message, ...]) -> list[float]:
    return [float(each.ts) for each in messages]


async def test_a_channel_gets_one_message_a_second_and_no_channel_waits_for_another(desk: Desk) -> None:
    for count in range(4):
        await desk.owe(f"ops/{count}", f"ops {count}")
    await desk.owe("alerts/0", "alerts", channel=ALERTS)
    async with running(desk.sender):
        await desk.settled("alerts/0", *(f"ops/{count}" for count in range(4)))
    posted = times(desk.slack.messages(OPS))
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(posted))
    assert times(desk.slack.messages(ALERTS))[0] < posted[1]
    assert [each.text for each in desk.slack.messages(OPS)] == [f"ops {count}" for count in range(4)]
    assert desk.refused() == []


async def test_a_hundred_changes_are_a_few_edits_with_the_newest_last(desk: Desk) -> None:
    async with running(desk.sender):
        await desk.owe("kill/card", "change 0")
        for count in range(1, 101):
            await desk.owe("kill/card", f"change {count}")
            await asyncio.sleep(0.01)
        await desk.settled("kill/card")
    (card,) = desk.slack.messages(OPS)
    assert card.text == "change 100"
    assert len(card.history) <= 15  # a burst of ten, then one in 1.2 s
    assert len(desk.calls("chat.postMessage")) == 1
    assert desk.refused() == []


async def test_what_is_urgent_goes_before_what_waited_longer(desk: Desk) -> None:
    for count in range(3):
        await desk.owe(f"news/{count}", f"news {count}", priority=5)
    await desk.owe("kill/card", "urgent", priority=0)
    async with running(desk.sender):
        await desk.settled("kill/card")
        await desk.settled("news/0")
        await desk.owe("kill/alarm", "urgent later", priority=1)  # while others wait for their second
        await desk.settled("kill/alarm", "news/1", "news/2")
    said = [each.text for each in desk.slack.messages(OPS)]
    assert said[0] == "urgent"
    assert said.index("urgent later") <= 3
    assert said[-1] == "news 2"


async def test_a_post_that_was_cut_off_after_it_arrived_is_found_and_not_repeated(desk: Desk) -> None:
    desk.slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
    async with running(desk.sender):
        await desk.owe("kill/card", "once")
        (row,) = await desk.settled("kill/card")
        await desk.owe("kill/card", "changed")  # and it is edited where it stands
        await desk.settled("kill/card")
    (card,) = desk.slack.messages(OPS)
    assert row.ts == card.ts
    assert [shown.text for shown in card.history] == ["once", "changed"]
    assert len(desk.accepted()) == 1


async def test_content_that_came_while_a_post_was_unknown_is_shown_by_editing_it(desk: Desk) -> None:
    desk.slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
    async with running(desk.sender):
        await desk.owe("kill/card", "sent")
        await desk.settled("kill/card", state=SendState.UNKNOWN)
        await desk.owe("kill/card", "verified")
        await desk.settled("kill/card")
    (card,) = desk.slack.messages(OPS)
    assert card.text == "verified"


@pytest.mark.parametrize("fault", ["reset_before", "http_500"])
async def test_a_post_that_did_not_arrive_is_posted_again_once_that_is_known(desk: Desk, fault: str) -> None:
    desk.slack.faults.set(fault, methods=("chat.postMessage",), times=2)
    async with running(desk.sender):
        await desk.owe("kill/card", "at last")
        await desk.settled("kill/card")
    assert [each.text for each in desk.slack.messages(OPS)] == ["at last"]
    assert len(desk.calls("conversations.history")) == 2  # looked for before each new attempt


async def test_an_unknown_post_is_not_repeated_while_slack_does_not_say_whether_it_is_there(
    desk: Desk,
) -> None:
    desk.slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
    desk.slack.faults.set("http_500", methods=("conversations.history",), times=2)
    async with running(desk.sender):
        await desk.owe("kill/card", "once")
        await desk.settled("kill/card", timeout=20)
    assert len(desk.slack.messages(OPS)) == len(desk.accepted()) == 1


async def test_slack_that_says_wait_is_obeyed(desk: Desk) -> None:
    desk.slack.faults.set("rate_limited", methods=("chat.postMessage",), retry_after=2, times=1)
    async with running(desk.sender):
        await desk.owe("kill/card", "patient")
        await desk.owe("kill/note", "also patient")
        await desk.settled("kill/card", "kill/note")
    first, *later = desk.calls("chat.postMessage")
    assert first.status == 429
    assert all((call.at - first.at).total_seconds() >= 1.9 for call in later)
    assert len(desk.slack.messages(OPS)) == 2


@pytest.mark.parametrize("fault", [None, "reset_before", "reset_after_accept"])
async def test_a_reply_waits_for_the_message_it_belongs_under(desk: Desk, fault: str | None) -> None:
    if fault is not None:
        desk.slack.faults.set(fault, methods=("chat.postMessage",), times=1)
    await desk.owe("kill/card", "card", priority=5)
    await desk.owe("kill/alarm", "alarm", priority=0, thread_key="kill/card")
    async with running(desk.sender):
        await desk.settled("kill/card", "kill/alarm")
    (card,) = desk.slack.messages(OPS)
    (reply,) = desk.slack.replies(OPS, card.ts)
    assert reply.text == "alarm"


async def test_a_message_that_slack_refuses_is_given_up_said_and_holds_nobody_up(desk: Desk) -> None:
    with structlog.testing.capture_logs() as logged:
        async with running(desk.sender):
            await desk.owe("old/card", "too late", channel="C0ARCHIVE", priority=0)
            await desk.owe("old/alarm", "reply", channel="C0ARCHIVE", thread_key="old/card")
            await desk.owe("ops/card", "in time")
            rows = await desk.settled("old/card", "old/alarm", state=SendState.FAILED)
            await desk.settled("ops/card")
    assert {row.last_error for row in rows} == {"is_archived"}
    assert {each["key"] for each in logged if each["log_level"] == "error"} == {"old/card", "old/alarm"}
    assert len(desk.calls("chat.postMessage")) == 3  # a no is not asked again
    waiting, _ = await desk.database.read(lambda conn: outbox.backlog(conn, now()))
    assert waiting == 0


async def test_a_response_url_that_is_used_up_is_given_up(desk: Desk) -> None:
    said = await desk.slack.command(
        "admin", OPS, "/status"
    )  # nobody answers: only its response_url is wanted
    url = said.payload["response_url"]
    keys = [f"reply/{count}" for count in range(6)]
    async with running(desk.sender):
        for key in keys[:5]:
            await desk.owe(key, key, channel="", response_url=url)
            await desk.settled(key)
        await desk.owe(keys[5], "one too many", channel="", response_url=url)
        (row,) = await desk.settled(keys[5], state=SendState.FAILED)
    assert row.attempts == 1
    assert [each.text for each in desk.slack.ephemerals("admin") if each.bot] == keys[:5]


async def test_two_senders_on_one_database_post_each_message_once(desk: Desk) -> None:
    channels = (OPS, ALERTS, "C0APPROVE", "C0RANDOM")
    keys = [f"{channel}/{count}" for count in range(2) for channel in channels]
    second = desk.another()
    async with running(desk.sender, second):
        for key in keys:
            await desk.owe(key, key, channel=key.partition("/")[0])
            second.wake()
        await desk.settled(*keys)
        for key in keys:
            await desk.owe(key, f"{key} edited", channel=key.partition("/")[0])
            second.wake()
        await desk.settled(*keys)
    texts = [each.text for channel in channels for each in desk.slack.messages(channel)]
    assert sorted(texts) == sorted(f"{key} edited" for key in keys)


async def test_slack_that_is_away_and_back_gets_everything(desk: Desk) -> None:
    desk.slack.faults.set("api_down")
    async with running(desk.sender):
        await desk.owe("kill/card", "one")
        await desk.owe("kill/card", "two")
        await desk.owe("kill/alarm", "alarm", thread_key="kill/card")
        await asyncio.sleep(0.3)
        desk.slack.faults.clear()
        await desk.settled("kill/card", "kill/alarm")
    (card,) = desk.slack.messages(OPS)
    assert card.text == "two"
    assert len(desk.slack.replies(OPS, card.ts)) == 1


async def test_without_a_database_a_stop_is_shown_all_the_same(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path / 'never' / 'prepared.db'}")
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(missing, slack, session, owner="alone")
        async with running(sender):
            sender.show_unrecorded((_owing("kill/card", "sent"), _owing("kill/alarm", "alarm", "kill/card")))
            await slack.wait_for(lambda: slack.messages(OPS))
            slack.faults.set("reset_after_accept", methods=("chat.update",), times=1)
            for count in range(30):
                sender.show_unrecorded((_owing("kill/card", f"change {count}"),))
            await slack.wait_for(lambda: slack.messages(OPS)[0].text == "change 29", 10)
            (card,) = slack.messages(OPS)
            await slack.wait_for(lambda: slack.replies(OPS, card.ts), 10)
        assert len(slack.messages(OPS)) == 1
        assert len(slack.replies(OPS, card.ts)) == 1
        assert len(card.history) < 8
    await missing.close()


async def test_an_unrecorded_post_that_was_cut_off_is_found_again(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path / 'never' / 'prepared.db'}")
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(missing, slack, session, owner="alone")
        slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
        async with running(sender):
            sender.show_unrecorded((_owing("kill/card", "sent"),))
            await slack.wait_for(lambda: slack.messages(OPS))
            sender.show_unrecorded((_owing("kill/card", "verified"),))
            await slack.wait_for(lambda: slack.messages(OPS)[0].text == "verified", 10)
        assert len(slack.messages(OPS)) == 1
    await missing.close()


def _owing(key: str, words: str, thread: str | None = None) -> Owing:
    return Owing(key=key, channel=OPS, payload=saying(words), thread_key=thread)
