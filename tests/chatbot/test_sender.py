"""The sender against the local Slack and a real outbox: at Slack's pace, the newest content, nothing twice."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from sender_desk import ALERTS, OPS, Desk, new_sender, now, running

from chatbot.posting import open_session
from chatbot.sandbox.slack import LocalSlack
from chatbot.sandbox.slack.model import Message
from storage import outbox
from storage.database import Database
from storage.outbox import SendState


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
