"""/start, /start-sequential and /resume: safe unless told otherwise, seen running twice, and a kill wins."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import Conversation
from tests.e2e.two_people import (
    OBEDIENT,
    approve,
    ask,
    card,
    finished,
    kill,
    state,
    stopped,
    text_of,
    two_people,
    writes,
)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path, fleet=stopped()) as talk:
        yield talk


async def go(talk: Conversation, line: str, *words: str) -> str:
    """Ask, approve, and wait until the card says these words; the id."""
    action, shown = await ask(talk, line)
    await approve(talk, shown)
    await card(talk, action, *words)
    return action


async def test_one_bot_in_safe_mode_then_at_full_limits_then_resumed(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax feed is fixed")
    for words in (
        '{"bot": "ndax", "safe_mode": true}',
        "in safe mode (half size and frequency, 120 min)",
        "Limits by the monitor: total max daily loss 400",
        "*Open positions* by the monitor: ndax 0",
        "*Reason*: feed is fixed",
        "kill switch inactive, not killed by our record",
    ):
        assert words in shown.words
    await approve(talk, shown)
    await card(talk, action, "Done and read back", "ndax is running, seen 2 times, told to be in safe mode")
    assert talk.fleet.engine.bot("ndax").safe_mode
    _, shown = await ask(talk, "/start shadowforge full")
    assert "*Mind*: it comes after quantum (stopped)" in shown.words
    await talk.person("second-admin").clicks("Deny", shown)
    await go(talk, "/start quantum full", "Done and read back", "told to run at full limits")
    assert writes(talk, "/start") == [
        {"bot": "ndax", "safe_mode": True},
        {"bot": "quantum", "safe_mode": False},
    ]
    assert "is running already" in text_of(await talk.admin.types("/start quantum"))
    assert "is not paused, it is running" in text_of(await talk.admin.types("/resume quantum"))
    await talk.admin.types("/pause quantum")
    await talk.admin.sees("quantum paused: verified")
    assert "/resume quantum lets it trade on" in text_of(await talk.admin.types("/start quantum"))
    await go(talk, "/resume quantum", "Done and read back", "quantum is running, seen 2 times.")
    assert writes(talk, "/resume") == [{"bot": "quantum"}]


async def test_nothing_starts_while_the_fleet_is_killed(talk: Conversation) -> None:
    await kill(talk)
    for line in ("/start ndax", "/start-sequential", "/start-sequential full", "/resume ndax"):
        assert "is killed by our record" in text_of(await talk.admin.types(line))
    talk.fleet.faults.set("missing_fields", fields="kill_switch_active")
    assert "does not say whether" in text_of(await talk.admin.types("/override it is fixed"))
    assert talk.rows("select count(*) from approvals") == [(0,)]


async def test_in_order_each_seen_running_twice_before_the_next(tmp_path: Path) -> None:
    fleet = stopped(replace(OBEDIENT, start_delay=timedelta(seconds=0.3)))
    async with two_people(tmp_path, fleet=fleet, CHATBOT_POLICY__START_GAP_SECONDS="0.25") as talk:
        action, shown = await ask(talk, "/start-sequential all is well")
        assert "ndax, quantum, shadowforge start one after another" in shown.words
        await approve(talk, shown)
        await card(talk, action, "Done and read back", "shadowforge is running, seen 2 times")
        sent = [c for c in talk.fleet.calls if c.path == "/start"]
        assert [dict(c.body or {}) for c in sent] == [
            {"bot": bot, "safe_mode": True} for bot in ("ndax", "quantum", "shadowforge")
        ]
        for before, after in itertools.pairwise(sent):
            reads = [c for c in talk.fleet.calls if c.path == "/status" and before.at < c.at < after.at]
            assert len(reads) >= 3  # one that shows it starting, and two good ones
            assert after.at - before.at > timedelta(seconds=0.3 + 0.25 + 0.25)
        assert {bot.safe_mode for bot in talk.fleet.engine.floor.bots.values()} == {True}


async def test_what_runs_already_is_left_alone(talk: Conversation) -> None:
    await go(talk, "/start ndax", "Done and read back")
    _, shown = await ask(talk, "/start-sequential")
    assert "quantum, shadowforge start one after another" in shown.words
    await approve(talk, shown)
    await talk.slack.wait_for(lambda: finished(talk, "start-sequential") == 1, 20)
    assert [body["bot"] for body in writes(talk, "/start")] == ["ndax", "quantum", "shadowforge"]
    assert "Every bot runs already" in text_of(await talk.admin.types("/start-sequential"))


async def test_a_failure_stops_the_sequence_and_says_what_runs(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start-sequential")
    await approve(talk, shown)
    await talk.fleet.wait_for(lambda: talk.fleet.engine.status("quantum") == "starting", 10)
    talk.fleet.crash("quantum", "no <key>")
    failed = await card(
        talk, action, "FAILED", "ndax is running, seen 2 times", "quantum was told to start and is in error"
    )
    assert "no &lt;key&gt;" in failed.words
    assert "The sequence stopped there: shadowforge not started" in failed.words
    assert [body["bot"] for body in writes(talk, "/start")] == ["ndax", "quantum"]
    assert talk.fleet.engine.trading == ("ndax",)
    assert state(talk, action) == ("approved", "failed")


async def test_a_start_that_is_only_claimed_is_not_believed(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__START_TIMEOUT_SECONDS="0.5") as talk:
        talk.fleet.faults.set("lying_success", paths=["/start"])
        action = await go(
            talk, "/start ndax", "NOT VERIFIED", "was not seen running within 0.5 s; last seen stopped"
        )
        assert state(talk, action) == ("approved", "not_verified")


async def test_the_coordinators_own_sequence_is_sent_only_with_full_and_warned_of(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start-sequential full I mean it")
    assert "*WARNING: FULL LIMITS.*" in shown.words
    assert "/start-sequential {}" in shown.words
    await approve(talk, shown)
    await card(talk, action, "Done and read back", "running at full limits")
    assert writes(talk, "/start") == []
    assert len(writes(talk, "/start-sequential")) == 1


async def test_a_kill_during_a_sequence_wins(talk: Conversation) -> None:
    for who, line in (("admin", "/kill stop all of it"), ("operator", "/kill me too")):
        before, kills = len(writes(talk, "/start")), finished(talk, "kill")
        action, shown = await ask(talk, "/start-sequential")
        await approve(talk, shown)
        await talk.fleet.wait_for(lambda: talk.fleet.engine.status("quantum") == "starting", 10)
        await talk.person(who).types(line)
        gone = await card(talk, action, "Abandoned", "killed")
        assert state(talk, action) == ("approved", "abandoned")
        await talk.slack.wait_for(lambda kills=kills: finished(talk, "kill") > kills, 20)
        assert not talk.fleet.engine.trading
        assert [body["bot"] for body in writes(talk, "/start")[before:]] == ["ndax", "quantum"]
        assert "ndax is running" in gone.words  # what was seen before the kill, and that the kill stops it
        release, asked = await ask(talk, "/override next round")
        await approve(talk, asked)
        await card(talk, release, "Done and read back")
