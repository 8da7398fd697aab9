"""`/stop` and `/pause`: sent at once, believed only when read back, and an end that is said as it is."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation, conversation


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with conversation(tmp_path, CHATBOT_COORDINATOR__POLL_SECONDS="3600") as talk:
        yield talk


def status_of(talk: Conversation, bot: str) -> str:
    talk.fleet.engine.floor.settle()
    return str(talk.fleet.engine.floor.bots[bot].status)


def cards(talk: Conversation) -> list[Message]:
    return [each for each in talk.slack.messages(OPS) if each.bot]


def sent(talk: Conversation, path: str) -> list[Any]:
    return [call.body for call in talk.fleet.calls if call.method == "POST" and call.path == path]


async def test_a_stop_and_a_pause_are_verified_and_told_in_both_places(both: Conversation) -> None:
    said = await both.person("operator").types("/stop ndax strange fills")
    assert said.ack is not None
    assert "not verified yet" in said.ack["text"].replace("*", "")
    await both.person("operator").sees("ndax stopped: verified", "strange fills")
    await both.person("operator").reads("ndax stopped: verified")
    assert status_of(both, "ndax") == "stopped"
    assert status_of(both, "quantum") == "running"
    (body,) = sent(both, "/stop")
    assert body["bot"] == "ndax"
    assert "strange fills" in body["reason"]

    await both.admin.types("/pause Quantum")
    await both.admin.sees("quantum paused: verified")
    assert status_of(both, "quantum") == "paused"
    assert [body["bot"] for body in sent(both, "/pause")] == ["quantum"]
    assert both.posts() == []
    assert len(cards(both)) == 2  # one message each, updated

    events = [event for _, event, _ in both.events()]
    assert events.count("stop accepted") == events.count("pause accepted") == 1
    assert events.count("finished verified") == 2
    code, printed = await both.bot.command_line("audit", "verify")
    assert code == 0, printed


async def test_a_bot_that_ignores_it_is_not_verified_and_kill_comes_next(talk: Conversation) -> None:
    talk.fleet.faults.set("ignores_stop", bot="quantum")
    talk.fleet.faults.set("lying_success", paths=["/pause"])
    await talk.admin.types("/stop quantum")
    await talk.admin.types("/pause ndax")
    await talk.admin.sees("Stopping quantum: not yet verified")
    await talk.admin.sees("Pausing ndax: not yet verified")
    # They end a minute after they were accepted. Let that be two minutes ago, for the process that comes next.
    await talk.bot.dies()
    accepted_earlier(talk.data / "chatbot.db", timedelta(minutes=2))
    await talk.bot.start()
    for command, bot, done in (("stop", "quantum", "stopped"), ("pause", "ndax", "paused")):
        card = await talk.admin.sees(f"{bot} NOT VERIFIED: not seen {done}", "treat it as trading")
        assert "/kill" in card.words
        assert f"was sent a {command}" in card.words
        await talk.admin.reads(f"{bot} NOT VERIFIED")
    assert len(cards(talk)) == 2  # the cards of the first process, edited by the second
    assert [event for _, event, _ in talk.events()].count("finished not_verified") == 2
    assert talk.fleet.engine.floor.bots["quantum"].trading


async def test_a_no_of_the_coordinator_is_quoted_and_nothing_is_called_stopped(tmp_path: Path) -> None:
    bots = '["ndax","quantum","shadowforge","ghost"]'
    async with conversation(tmp_path, CHATBOT_COORDINATOR__BOTS=bots) as talk:
        await talk.admin.types("/stop ghost")
        card = await talk.admin.sees("ghost NOT STOPPED", "/kill")
        assert "/status" in card.words
        await talk.admin.reads("ghost NOT STOPPED")
        assert [event for _, event, _ in talk.events()].count("finished failed") == 1
        assert len(sent(talk, "/stop")) == 1  # a no is not argued with
        unknown = await talk.admin.types("/stop phantom")
        assert "no bot" in str(unknown.ack)
        assert len(sent(talk, "/stop")) == 1
        assert {status_of(talk, bot) for bot in talk.fleet.engine.floor.bots} == {"running"}


async def test_a_coordinator_that_is_away_limits_or_errs_gets_the_stop_when_it_is_back(
    talk: Conversation,
) -> None:
    talk.fleet.faults.set("unreachable")
    said = await talk.admin.types("/stop ndax")
    assert said.error is None
    assert said.seconds is not None
    assert said.seconds < 1
    await talk.admin.sees("Stopping ndax: not yet verified")
    talk.fleet.faults.clear()
    await talk.admin.sees("ndax stopped: verified")

    talk.fleet.faults.set("rate_limited", retry_after=60, times=3, paths=["/pause"])
    await talk.admin.types("/pause quantum")  # far sooner than in a minute
    await talk.admin.sees("quantum paused: verified")
    assert len(sent(talk, "/pause")) == 4

    talk.fleet.faults.set("http_500", times=2, paths=["/stop"], apply=True)
    await talk.admin.types("/stop shadowforge")
    await talk.admin.sees("shadowforge stopped: verified")


async def test_a_bot_that_cannot_be_paused_yet_is_told_again_until_it_is(talk: Conversation) -> None:
    talk.fleet.engine.stop("ndax", "to be started again")
    await talk.fleet.wait_for(lambda: status_of(talk, "ndax") == "stopped")
    talk.fleet.engine.start("ndax")
    assert status_of(talk, "ndax") == "starting"
    await talk.admin.types("/pause ndax")
    await talk.admin.sees("ndax paused: verified")
    assert status_of(talk, "ndax") == "paused"


async def test_nothing_stands_before_a_stop(tmp_path: Path) -> None:
    """Neither a kill, nor its cooldown, nor an open circuit breaker; and what is still already is verified."""
    async with conversation(
        tmp_path, CHATBOT_POLICY__BREAKER_KILLS="1", CHATBOT_POLICY__COOLDOWN_MINUTES="1440"
    ) as talk:
        await talk.admin.types("/kill first")
        await talk.admin.sees("KILL verified", "first")
        status = await talk.admin.types("/status")
        assert "ours *open*" in str(status.ack)
        for line, seen in (
            ("/stop ndax", "ndax stopped: verified"),
            ("/pause quantum", "quantum does not trade: it is stopped"),
            ("/kill second", "second"),
        ):
            await talk.admin.types(line)
            await talk.admin.sees(seen)


async def test_the_same_delivery_twice_is_one_stop(both: Conversation) -> None:
    first = await both.admin.types("/stop ndax", trigger_id="7.7.once")
    again = await both.slack.courier.ask("slash_commands", first.payload | {"text": "quantum"})
    if again.error is None:  # over HTTP the second is other bytes with a good signature
        assert "ndax" in str(again.ack)
    both.slack.faults.set("deliver_twice", times=1)
    await both.admin.types("/pause shadowforge")
    await both.admin.sees("ndax stopped: verified")
    await both.admin.sees("shadowforge paused: verified")
    assert both.rows("select count(*) from actions") == [(2,)]
    assert status_of(both, "quantum") == "running"
    assert len(cards(both)) == 2
    assert len(sent(both, "/stop")) == 1


def accepted_earlier(database: Path, by: timedelta) -> None:
    """Move the acceptance of every action back in time, as if the process had been away so long."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("select id, accepted_at from actions").fetchall()
        for action, at in rows:
            earlier = (datetime.fromisoformat(at) - by).isoformat()
            connection.execute("update actions set accepted_at = ? where id = ?", (earlier, action))
        connection.commit()
