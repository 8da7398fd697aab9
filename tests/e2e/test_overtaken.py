"""What comes between an approval and what it was given for: stops, kills elsewhere, other settings, leavers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatbot.sandbox.fleet.policy import Policy
from tests.conversation import OPS, Conversation
from tests.crash.moments import locked
from tests.e2e.two_people import (
    APPROVALS,
    OBEDIENT,
    approve,
    ask,
    card,
    finished,
    refused,
    releases,
    state,
    stopped,
    text_of,
    two_people,
    writes,
)

SLOW: Policy = stopped(replace(OBEDIENT, start_delay=timedelta(seconds=0.5)))


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path, fleet=SLOW) as talk:
        yield talk


async def test_a_stop_voids_a_request_to_start_that_bot(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax full")
    await talk.person("operator").types("/stop ndax it looks odd")
    gone = await card(talk, action, "Void", "told to stop or pause")
    assert gone.ts == shown.ts
    assert state(talk, action) == ("void", "void")
    assert writes(talk, "/start") == []


async def test_a_stop_of_a_later_bot_ends_a_sequence_before_it(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start-sequential")
    await approve(talk, shown)
    await talk.fleet.wait_for(lambda: talk.fleet.engine.status("ndax") == "starting", 10)
    await talk.person("operator").types("/stop quantum not that one")
    await card(talk, action, "Abandoned", "A stop was accepted while this was under way")
    assert [each["bot"] for each in writes(talk, "/start")] == ["ndax"]
    await talk.slack.wait_for(lambda: finished(talk, "stop") == 1, 20)
    assert "quantum" not in talk.fleet.engine.trading


async def test_a_stop_while_a_start_waits_for_the_coordinator_wins(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    talk.fleet.faults.set("rate_limited", paths=["/start"], times=1, retry_after=1.0)
    await approve(talk, shown)
    await talk.slack.wait_for(lambda: len(writes(talk, "/start")) == 1, 10)
    await talk.person("operator").types("/stop ndax")
    await card(talk, action, "Abandoned")
    assert len(writes(talk, "/start")) == 1  # the one that was turned away
    assert talk.fleet.engine.trading == ()


async def test_a_kill_elsewhere_is_seen_before_the_next_bot_is_started(tmp_path: Path) -> None:
    # a watch that looks so seldom that only the sequence itself can see it
    async with two_people(tmp_path, fleet=SLOW, CHATBOT_COORDINATOR__POLL_SECONDS="60") as talk:
        action, shown = await ask(talk, "/start-sequential")
        await approve(talk, shown)
        await talk.fleet.wait_for(lambda: talk.fleet.engine.status("ndax") == "running", 10)
        talk.fleet.engine.kill_switch.activate("somebody's curl", datetime.now(UTC))  # and every bot goes on
        await card(
            talk, action, "kill switch went from inactive to active", "quantum, shadowforge not started"
        )
        assert [each["bot"] for each in writes(talk, "/start")] == ["ndax"]


async def test_other_settings_make_void_what_was_asked_under_the_old_ones(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    await talk.bot.stops()
    await talk.bot.start(
        CHATBOT_COORDINATOR__URL=talk.fleet.coordinator_url.replace("127.0.0.1", "localhost")
    )
    gone = await card(talk, action, "Void", "where to, is not what was shown")
    assert gone.ts == shown.ts
    assert writes(talk, "/start") == []


async def test_what_somebody_asked_who_is_no_admin_any_more_is_void(talk: Conversation) -> None:
    action, _ = await ask(talk, "/start ndax")
    await talk.bot.stops()
    await talk.bot.start(CHATBOT_ROLES__ADMINS='["U0ADMIN2", "U0ADMIN3"]')
    await card(talk, action, "Void", "U0ADMIN1 is no admin any more")
    assert state(talk, action) == ("void", "void")


async def test_what_somebody_asked_whose_account_is_gone_is_not_approved(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    await talk.slack.change_person("admin", deleted=True)
    for _ in range(100):
        if "deactivated" in text_of(await talk.admin.types("/status")):  # the bot has heard of it
            break
    await approve(talk, shown)
    await card(talk, action, "Void", "U0ADMIN1 is no admin any more")
    assert writes(talk, "/start") == []


async def test_a_solo_wait_does_not_go_once_there_is_a_second_admin(tmp_path: Path) -> None:
    solo = {"CHATBOT_POLICY__SOLO": "true", "CHATBOT_POLICY__SOLO_WAIT_MINUTES": "0.1"}
    async with two_people(tmp_path, fleet=SLOW, CHATBOT_ROLES__ADMINS='["U0ADMIN1"]', **solo) as talk:
        await talk.admin.types("/start ndax full")
        await talk.admin.sees("ALONE", where=OPS)
        ((action,),) = talk.rows("select action_id from approvals")
        await talk.bot.stops()
        await talk.bot.start(CHATBOT_ROLES__ADMINS='["U0ADMIN1", "U0ADMIN2"]')
        await talk.admin.sees("Void", "may no longer go alone", where=OPS)
        assert state(talk, action) == ("void", "void")
        assert writes(talk, "/start") == []


async def test_a_kill_that_is_still_watched_is_not_released(tmp_path: Path) -> None:
    async with two_people(tmp_path, CHATBOT_KILL__WATCH_SECONDS="4") as talk:
        await talk.admin.types("/kill bad fills")
        await talk.admin.sees("KILL verified")
        for line in ("/override it is fixed", "/force-override it is really fixed"):
            assert "is still watched" in text_of(await talk.admin.types(line))
        await talk.slack.wait_for(lambda: finished(talk, "kill") == 1, 20)
        action, shown = await ask(talk, "/override it is fixed")
        await approve(talk, shown)
        await card(talk, action, "Done and read back")
        assert [each["action"] for each in writes(talk, "/kill-switch")] == ["activate", "override"]
        assert releases(talk)
        assert "not killed" in text_of(await talk.admin.types("/status"))


async def test_a_second_lockdown_counts_against_its_end(talk: Conversation) -> None:
    await talk.admin.types("/lockdown on strange orders")
    action, shown = await ask(talk, "/lockdown off it is over")
    await approve(talk, shown)
    half = await card(talk, action, "1 of 2 approvals")
    text = text_of(await talk.person("operator").types("/lockdown on it is back"))
    assert "yours is written down" in text
    gone = await card(talk, action, "Void", "the lockdown was asked for again")
    assert gone.ts == half.ts
    assert talk.rows("select count(*) from lockdowns where ended_at is null") == [(1,)]
    assert any(event == "lockdown asked for again" for _, event, _ in talk.events())


async def test_a_click_on_the_home_tab_is_answered_in_ones_own_messages(talk: Conversation) -> None:
    action, _ = await ask(talk, "/start ndax")
    await talk.slack.open_home("admin")
    await talk.slack.open_home("second-admin")
    home = await talk.slack.wait_for(lambda: talk.slack.workspace.homes.get("U0ADMIN2"), 10)
    await talk.slack.wait_for(lambda: action in str(talk.slack.workspace.homes["U0ADMIN2"].body), 10)
    talk.fleet.faults.set("unreachable")
    await talk.slack.click_in_view("second-admin", home.id, "Approve")
    dm = talk.slack.workspace.dm("U0ADMIN2")
    await talk.person("second-admin").reads("could not be read", where=dm.id)
    talk.fleet.faults.clear()
    await talk.slack.click_in_view("second-admin", home.id, "Approve")
    await talk.person("second-admin").reads("Your approval counts", where=dm.id)
    await card(talk, action, "Done and read back")


def unsent_homes(talk: Conversation) -> bool:
    """True while a home tab is to be drawn."""
    return bool(talk.rows("select key from outbox where key like 'home/%' and state <> 'sent'"))


async def test_a_home_tab_that_was_read_before_a_request_never_covers_it(talk: Conversation) -> None:
    reads = len(talk.fleet.calls_to("/status"))
    with locked(talk.data / "chatbot.db"):
        asked = asyncio.create_task(ask(talk, "/start ndax"))
        await talk.fleet.wait_for(lambda: len(talk.fleet.calls_to("/status")) > reads, 10)
        await asyncio.sleep(0.3)  # by now it waits for the lock, most often; the outcome is the same if not
        await talk.slack.open_home("second-admin")
        await asyncio.sleep(0.3)
    action, _ = await asked
    await talk.fleet.wait_for(lambda: not unsent_homes(talk), 10)
    assert action in str(talk.slack.workspace.homes["U0ADMIN2"].body)


async def test_a_slow_approval_is_acknowledged_in_time_and_answered_afterwards(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=SLOW, CHATBOT_COORDINATOR__READ_TIMEOUT="10") as talk:
        action, shown = await ask(talk, "/start ndax")
        talk.fleet.faults.set("slow", paths=["/status"], seconds=2.5, times=1)
        said = await approve(talk, shown)
        assert said.seconds is not None
        assert said.seconds < 2.9
        await talk.person("second-admin").reads("Your approval counts", where=APPROVALS)
        await card(talk, action, "Done and read back")
        assert refused(talk) == []
