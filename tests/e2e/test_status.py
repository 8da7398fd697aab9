"""`/status`: the coordinator beside our record, unknown where unknown, and an answer at once even when it is slow."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot.sandbox.fleet.limits import Limits
from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation, conversation


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    """A conversation whose bot looks at the fleet only when it is asked, and once at its start."""
    async with conversation(
        tmp_path, CHATBOT_COORDINATOR__POLL_SECONDS="3600", CHATBOT_KILL__WATCH_SECONDS="0"
    ) as talk:
        await talk.fleet.wait_for(lambda: len(talk.fleet.calls_to("/status")) == 1)
        await next_read()
        yield talk


async def next_read() -> None:
    """A read is shared for a second: after this the next question costs a new one."""
    await asyncio.sleep(1.1)


async def asked(talk: Conversation, line: str = "/status") -> str:
    """Everything that the acknowledgement shows."""
    said = await talk.admin.types(line)
    assert said.error is None
    assert said.ack is not None
    return f"{said.ack['text']}\n{json.dumps(said.ack['blocks'], ensure_ascii=False)}"


def now(talk: Conversation, message: Message) -> Message:
    found = talk.slack.workspace.message(message.channel, message.ts, message.only_for)
    assert found is not None
    return found


async def test_a_calm_fleet_is_told_whole_and_only_to_the_one_who_asked(talk: Conversation) -> None:
    said = await asked(talk)
    for words in (
        "not killed",
        "says the coordinator: not active",
        "says our record: not killed",
        "Cooldown",
    ):
        assert words in said
    for words in (
        "Circuit breaker",
        "0 of 3 kills",
        "ndax",
        "quantum",
        "shadowforge",
        "health 100",
        "trades",
    ):
        assert words in said
    assert "unknown" not in said
    assert talk.slack.messages(OPS) == ()
    one = await asked(talk, "/status ndax")
    assert "*ndax*" in one
    assert "*quantum*" not in one


async def test_a_latch_that_the_coordinator_forgot_is_shouted(talk: Conversation) -> None:
    await talk.admin.types("/kill first")
    await talk.admin.sees("verified", "first")
    killed = await asked(talk)
    for words in ("Fleet: killed", "first", "left before a release", "1 of 3 kills"):
        assert words in killed
    talk.fleet.restart()
    await next_read()
    forgot = await asked(talk)
    for words in ("THE COORDINATOR FORGOT THE KILL", "OUR RECORD SAYS KILLED", "Type /kill to send it again"):
        assert words in forgot


async def test_what_is_missing_is_unknown_and_a_kill_from_elsewhere_is_shouted(talk: Conversation) -> None:
    talk.fleet.faults.set(
        "missing_fields", fields="status,health,error_count,circuit_breaker,total_trades,timestamp"
    )
    missing = await asked(talk)
    assert missing.count("*unknown*") >= 6
    for words in ("*ndax*: *unknown*, health *unknown*, errors *unknown*", "coordinator *unknown*"):
        assert words in missing
    assert "*running*" not in missing
    assert "trades *unknown*" in missing
    assert "no time of its own" in missing
    talk.fleet.faults.clear()

    talk.fleet.faults.set("garbage", kind="types", paths=["/status"])
    await next_read()
    strange = await asked(talk)
    assert "not known whether it is killed" in strange
    assert "says the coordinator: *unknown*" in strange
    talk.fleet.faults.clear()

    talk.fleet.engine.kill_switch.activate("by another program", talk.fleet.engine.floor.settle())
    await next_read()
    foreign = await asked(talk)
    for words in ("KILLED, BUT NOT BY US", "our record: not killed", "takes it into our record"):
        assert words in foreign


async def test_a_coordinator_in_trouble_is_named_and_the_record_is_told_all_the_same(
    talk: Conversation,
) -> None:
    for fault in ("unreachable", "http_500", "garbage", "rate_limited", "redirect"):
        talk.fleet.faults.set(fault)
        said = await asked(talk)
        for words in ("could not be read", "not known whether it is killed", "our record: not killed"):
            assert words in said, fault
        assert "A /kill is sent all the same" in said
        assert "Traceback" not in said
        talk.fleet.faults.clear()


async def test_a_slow_coordinator_is_said_at_once_and_answered_later(talk: Conversation) -> None:
    talk.fleet.faults.set("slow", seconds=1.8)
    said = await talk.admin.types("/status")
    assert said.ack is not None
    assert "Reading" in said.ack["text"]
    assert said.seconds is not None
    assert said.seconds < 1.8
    await talk.admin.reads("Fleet: not killed", "ndax")
    await talk.admin.mentions("status")
    await talk.slack.wait_for(
        lambda: sum("Fleet: not killed" in each.words for each in talk.slack.ephemerals("admin")) == 2, 10
    )


async def test_public_is_for_everybody_and_share_refresh_and_kill_do_what_they_say(
    talk: Conversation,
) -> None:
    await talk.admin.types("/status quantum public")
    shown = await talk.admin.sees("quantum", "Refresh")
    assert shown.bot
    assert "Share" not in shown.words  # it is shared already

    await talk.admin.types("/status ndax")
    mine = await talk.admin.reads("ndax", "Share")
    talk.fleet.crash("ndax", "lost <!channel> the exchange")
    await next_read()
    await talk.admin.clicks("Refresh", mine)
    await talk.slack.wait_for(lambda: "lost" in now(talk, mine).words, 10)
    assert len(talk.slack.ephemerals("admin")) == 1  # edited where it stood
    assert "<!channel>" not in json.dumps(now(talk, mine).blocks)
    assert "quantum" not in now(talk, mine).words  # still the one bot that was asked for

    await talk.admin.clicks("Share", now(talk, mine))
    shared = await talk.person("viewer").sees("ndax", "lost")
    assert shared.ts != shown.ts
    assert shared.only_for is None

    kill = next(
        element
        for block in now(talk, mine).blocks
        for element in block.get("elements", ())
        if element.get("action_id") == "kill.fleet"
    )
    assert "whole fleet" in json.dumps(kill["confirm"])
    assert kill["style"] == "danger"
    await talk.admin.clicks("Kill", now(talk, mine))
    await talk.admin.sees("KILL verified")
    assert not talk.fleet.engine.trading


async def test_a_viewer_sees_all_but_the_kill_button(talk: Conversation) -> None:
    said = await talk.person("viewer").types("/status public")
    assert said.ack is not None
    assert "Fleet: not killed" in said.ack["text"]
    assert "kill.fleet" not in json.dumps(said.ack)


async def test_a_hundred_people_cost_the_coordinator_one_read(tmp_path: Path) -> None:
    async with conversation(
        tmp_path, CHATBOT_COORDINATOR__POLL_SECONDS="3600", fleet={"limits": Limits()}
    ) as talk:
        await talk.fleet.wait_for(lambda: len(talk.fleet.calls_to("/status")) == 1)
        await next_read()
        talk.fleet.faults.set("slow", seconds=0.3)
        said = await asyncio.gather(
            *(talk.slack.command("viewer" if each % 2 else "admin", OPS, "/status") for each in range(100))
        )
        assert {each.error for each in said} == {None}
        assert all("Fleet: not killed" in str(each.ack) or "Reading" in str(each.ack) for each in said)
        assert len(talk.fleet.calls_to("/status")) == 2
