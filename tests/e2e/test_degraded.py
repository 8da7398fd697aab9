"""Each part may be down: Slack, the database, the coordinator; the stop goes on and says what is missing."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.sandbox.slack.model import Message
from tests.conversation import Conversation, conversation


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the database as another program would."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


async def test_a_locked_database_does_not_hold_up_a_kill(talk: Conversation) -> None:
    with locked(talk.data / "chatbot.db"):
        said = await talk.admin.types("/kill while locked")
        assert said.error is None
        assert said.seconds is not None
        assert said.seconds < 2
        assert said.ack is not None
        assert "not yet in the audit" in said.ack["text"].lower()
        await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)
        await talk.admin.sees("verified", "not yet in the audit")
        assert (talk.data / "journal.jsonl").stat().st_size > 0
    await talk.slack.wait_for(lambda: talk.rows("select 1 from audit where event = 'verified'"), 15)
    assert talk.rows("select count(*) from latches") == [(1,)]
    assert [key for (key,) in talk.rows("select key from actions")] != []
    code, printed = await talk.bot.command_line("audit", "verify")
    assert code == 0, printed


async def test_a_database_that_vanished_does_not_hold_up_a_kill(talk: Conversation) -> None:
    (talk.data / "chatbot.db").rename(talk.data / "away.db")
    said = await talk.admin.types("/kill without a record")
    assert said.ack is not None
    assert "not yet in the audit" in said.ack["text"].lower()
    await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)
    (talk.data / "away.db").rename(talk.data / "chatbot.db")
    await talk.slack.wait_for(lambda: talk.rows("select 1 from audit where event = 'kill accepted'"), 15)


async def test_what_was_journaled_by_a_process_that_died_is_imported_by_the_next(tmp_path: Path) -> None:
    async with conversation(tmp_path) as talk:
        with locked(tmp_path / "chatbot.db"):
            await talk.admin.types("/kill then dies")
            await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)
            await talk.bot.dies()
        await talk.bot.start()
        await talk.slack.wait_for(lambda: talk.rows("select 1 from audit where event = 'verified'"), 15)
        assert talk.rows("select count(*) from latches") == [(1,)]
        cards = await talk.slack.wait_for(lambda: _edited(talk, "then dies"), 15)
        assert len(cards) == 1  # posted by the process that died, edited by the one that came after it


def _edited(talk: Conversation, words: str) -> list[Message]:
    """The messages with these words in the ops channel, once one of them stands in the audit."""
    cards = [each for each in talk.slack.messages("C0OPS") if words in each.words]
    return (
        cards
        if any("audit" in each.words and "not yet in the audit" not in each.words for each in cards)
        else []
    )


@pytest.mark.parametrize("fault", ["unreachable", "hang", "http_500", "garbage", "reset", "redirect"])
async def test_a_coordinator_in_trouble_is_asked_until_it_obeys(tmp_path: Path, fault: str) -> None:
    async with conversation(
        tmp_path, CHATBOT_KILL__WARN_SECONDS="[0.5, 5, 20]", CHATBOT_COORDINATOR__READ_TIMEOUT="0.5"
    ) as talk:
        talk.fleet.faults.set(fault)
        await talk.admin.types(f"/kill {fault}")
        await talk.admin.sees("NOT CONFIRMED", "curl")
        talk.fleet.faults.clear()
        await talk.admin.sees("verified", fault)
        assert not talk.fleet.engine.trading


async def test_slack_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with conversation(tmp_path, start=False) as talk:
        talk.slack.faults.set("api_down")
        await talk.bot.start(ready=False)
        await talk.bot.until("/healthz")
        assert (await talk.bot.get("/readyz")).status_code == 503
        code, printed = await talk.bot.command_line("kill", "--reason", "no slack")
        assert code == 0, printed
        assert "verified" in printed.lower()
        assert not talk.fleet.engine.trading
        talk.slack.faults.clear()
        await talk.bot.until("/readyz")
        await talk.admin.sees("no slack", "verified")


async def test_slack_that_drops_its_sockets_gets_them_back(talk: Conversation) -> None:
    talk.slack.faults.set("drop_sockets")
    await talk.slack.wait_for(lambda: talk.slack.socket_count == 0, 5)
    talk.slack.faults.clear()
    await talk.slack.wait_for(lambda: talk.slack.socket_count == 2, 20)
    await talk.admin.types("/kill after the drop")
    await talk.admin.sees("verified", "after the drop")


async def test_a_card_whose_post_was_cut_off_stands_only_once(talk: Conversation) -> None:
    talk.slack.faults.set("reset_after_accept", methods=["chat.postMessage"], times=1)
    await talk.admin.types("/kill posted once")
    await talk.admin.sees("verified", "posted once")
    cards = [each for each in talk.slack.messages("C0OPS") if "posted once" in each.words]
    assert len(cards) == 1


async def test_a_kill_never_waits_for_slack(talk: Conversation) -> None:
    talk.slack.faults.set("rate_limited", retry_after=30, methods=["chat.postMessage", "chat.update"])
    await talk.admin.types("/kill slow slack")
    await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)


async def test_the_terminal_shows_the_fleet_and_is_audited_like_slack(talk: Conversation) -> None:
    code, printed = await talk.bot.command_line("status")
    assert code == 0
    assert "ndax" in printed
    code, printed = await talk.bot.command_line("kill", "--reason", "by hand")
    assert code == 0, printed
    assert any(
        actor.startswith("terminal:") and event == "kill accepted" for actor, event, _ in talk.events()
    )
    await talk.admin.sees("verified", "by hand")


async def test_told_to_stop_the_bot_finishes_what_runs(talk: Conversation) -> None:
    await talk.admin.types("/kill then stop")
    await talk.admin.sees("verified", "then stop")
    assert await talk.bot.stops() == 0
    assert "Traceback" not in talk.bot.words()


async def test_a_second_bot_on_the_same_database_file_does_not_start(talk: Conversation) -> None:
    code, printed = await talk.bot.command_line("serve", CHATBOT_HTTP__PORT="1")
    assert code == 1
    assert "another process serves" in printed


async def test_a_taken_port_is_said_in_words(talk: Conversation, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    code, printed = await talk.bot.command_line("serve", CHATBOT_DATABASE__URL=elsewhere)
    assert code == 1
    assert "cannot listen" in printed
    assert "Traceback" not in printed


async def test_slack_that_hangs_up_during_the_introduction_is_asked_again(tmp_path: Path) -> None:
    async with conversation(tmp_path, start=False) as talk:
        talk.slack.faults.set("reset_before", methods=["auth.test"], times=2)
        await talk.bot.start()
        await talk.admin.types("/kill after all")
        await talk.admin.sees("verified", "after all")
