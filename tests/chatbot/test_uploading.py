"""Pictures against the local Slack and a real outbox: in their thread, once, and nothing else waits for them."""

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from sender_desk import OPS, Desk, new_sender, now, running

from chatbot.posting import Fate, Poster, open_session, web_client
from chatbot.sandbox.slack import LocalSlack
from chatbot.sandbox.slack.model import Message
from chatbot.uploading import DRAWING, Pictures
from storage import outbox
from storage.database import Database
from storage.outbox import Owed, SendState

CHART: dict[str, Any] = {
    "kind": "trends",
    "title": "Recoveries",
    "rows": [{"name": "API connection", "count": 2, "stop": 30.0, "recover": 600.0}],
}
PICTURE = {"chart": CHART, "name": "window-12.png", "title": "Window 12", "text": "Window 12 as a chart."}
COMPLETE, GET_URL = "files.completeUploadExternal", "files.getUploadURLExternal"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'chatbot.db'}")
    await database.prepare()
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(database, slack, session, owner="first")
        yield Desk(slack=slack, database=database, sender=sender, session=session)
    await database.close()


async def owe_picture(desk: Desk, **changes: Any) -> Owed:
    payload = {**PICTURE, **changes}
    owed = await desk.database.write(
        lambda conn: outbox.owe(
            conn, key="window/12/chart", channel=OPS, payload=payload, now=now(), thread_key="window/12"
        )
    )
    desk.sender.wake()
    return owed


def shown(desk: Desk) -> list[Message]:
    """The messages in the thread that show a picture."""
    (card,) = [each for each in desk.slack.messages(OPS) if each.text == "the card"]
    return [each for each in desk.slack.replies(OPS, card.ts) if each.files]


async def test_a_picture_stands_in_its_thread_with_its_words(desk: Desk) -> None:
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12", "window/12/chart")
    (message,) = shown(desk)
    assert message.text == "Window 12 as a chart."
    (file,) = message.files
    assert (file["name"], file["title"]) == ("window-12.png", "Window 12")
    assert desk.slack.workspace.uploads[file["id"]]["content"].startswith(b"\x89PNG")
    assert desk.calls("chat.update") == []


async def test_no_message_of_the_channel_waits_while_it_is_drawn(desk: Desk) -> None:
    await owe_picture(desk)
    await desk.owe("window/12", "the card")
    async with running(desk.sender):
        await desk.settled("window/12")
        await desk.owe("kill/card", "urgent", priority=0)
        await desk.settled("kill/card", "window/12/chart")
    methods = [call.method for call in desk.slack.calls if call.method in {"chat.postMessage", COMPLETE}]
    assert methods == ["chat.postMessage", "chat.postMessage", COMPLETE]


async def test_cut_off_after_it_arrived_it_is_found_by_its_name_and_not_shown_twice(desk: Desk) -> None:
    desk.slack.faults.set("reset_after_accept", methods=(COMPLETE,), times=1)
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12/chart", timeout=30)
    assert len(shown(desk)) == 1
    assert len([call for call in desk.calls(COMPLETE) if call.ok]) == 1
    assert len(desk.calls("conversations.replies")) == 1


async def test_cut_off_before_it_arrived_it_is_looked_for_and_shown(desk: Desk) -> None:
    desk.slack.faults.set("reset_before", methods=(COMPLETE,), times=1)
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12/chart", timeout=30)
    assert len(shown(desk)) == 1
    assert len(desk.calls("conversations.replies")) == 1


@pytest.mark.parametrize("where", ["upload", GET_URL])
async def test_what_fails_before_it_is_shown_is_done_again_without_a_look(desk: Desk, where: str) -> None:
    desk.slack.faults.set("reset_before", methods=(where,), times=1)
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12/chart", timeout=30)
    assert len(shown(desk)) == 1
    assert desk.calls("conversations.replies") == []


async def test_slacks_own_seconds_are_kept(desk: Desk) -> None:
    desk.slack.faults.set("rate_limited", methods=(COMPLETE,), retry_after=2, times=1)
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12/chart", timeout=30)
    refused, taken = desk.calls(COMPLETE)
    assert (taken.at - refused.at).total_seconds() >= 1.9
    assert len(desk.calls(GET_URL)) == 1  # what is stored is not stored again


async def test_what_cannot_be_drawn_is_left_out_and_logged(desk: Desk) -> None:
    await desk.owe("window/12", "the card")
    with structlog.testing.capture_logs() as logs:
        await owe_picture(desk, chart={"kind": "pie"})
        async with running(desk.sender):
            await desk.settled("window/12", "window/12/chart")
    assert shown(desk) == []
    assert [each["key"] for each in logs if each["event"] == "a chart is left out"] == ["window/12/chart"]


async def test_without_matplotlib_it_is_left_out_and_logged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    await desk.owe("window/12", "the card")
    with structlog.testing.capture_logs() as logs:
        await owe_picture(desk)
        async with running(desk.sender):
            await desk.settled("window/12", "window/12/chart")
    assert shown(desk) == []
    assert "a chart is left out: matplotlib is not installed" in [each["event"] for each in logs]


async def test_slacks_no_is_a_no(desk: Desk) -> None:
    await desk.owe("window/12", "the card")
    async with running(desk.sender):
        await desk.settled("window/12")
        await desk.slack.change_channel(OPS, is_archived=True)
        await owe_picture(desk)
        (row,) = await desk.settled("window/12/chart", state=SendState.FAILED)
    assert row.last_error == "is_archived"
    assert len(desk.calls(COMPLETE)) == 1


async def test_newer_content_is_a_new_picture(desk: Desk) -> None:
    await desk.owe("window/12", "the card")
    await owe_picture(desk)
    async with running(desk.sender):
        await desk.settled("window/12/chart")
        await owe_picture(desk, name="window-12-b.png")
        await desk.settled("window/12/chart")
    assert [each.files[0]["name"] for each in shown(desk)] == ["window-12.png", "window-12-b.png"]


async def test_the_fates_of_showing_it(desk: Desk) -> None:
    web = web_client(token="xoxb-sandbox", api_url=desk.slack.api_url, session=desk.session)
    pictures = Pictures(poster=Poster(web=web, session=desk.session))
    await owe_picture(desk)
    row = await desk.row("window/12/chart")

    async def stored() -> None:
        before = len(desk.slack.workspace.uploads)
        waits = pictures.waits(row)
        assert waits is not None
        assert (waits.fate, waits.error) == (Fate.LATER, DRAWING)
        uploads = desk.slack.workspace.uploads
        await desk.slack.workspace.wait_for(lambda: len(uploads) > before and pictures.waits(row) is None, 20)

    for fault, fate in (("reset_after_accept", Fate.UNKNOWN), ("http_500", Fate.UNKNOWN)):
        await stored()
        desk.slack.faults.set(fault, methods=(COMPLETE,), times=1)
        assert (await pictures.show(row)).fate is fate
    await stored()
    desk.slack.faults.set("rate_limited", methods=(COMPLETE,), retry_after=7, times=1)
    later = await pictures.show(row)
    assert (later.fate, later.retry_after) == (Fate.LATER, 7.0)
    desk.slack.workspace.uploads.clear()  # Slack forgot it: it is stored anew
    lost = await pictures.show(row)
    assert (lost.fate, lost.error) == (Fate.LATER, "file_not_found")
    await stored()
    assert (await pictures.show(row)).fate is Fate.SENT


async def test_waiting_for_a_slow_drawing_makes_no_later_pause_longer(desk: Desk) -> None:
    row = await owe_picture(desk)
    web = web_client(token="xoxb-sandbox", api_url=desk.slack.api_url, session=desk.session)
    pictures = Pictures(poster=Poster(web=web, session=desk.session))
    for number in range(1, 8):
        waits = pictures.waits(row)
        assert waits is not None
        assert (waits.fate, waits.error) == (Fate.LATER, DRAWING)
        assert pictures.attempts(replace(row, attempts=number)) == 0
    assert pictures.attempts(replace(row, attempts=9)) == 2  # tried twice beside that
