"""Buttons and forms: forged, copied, pressed twice or by the wrong person, each does its thing once or not at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation, conversation

FORGED = "does not belong to a message of mine"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with conversation(
        tmp_path, CHATBOT_KILL__WARN_SECONDS="[0.2, 30, 60]", CHATBOT_COORDINATOR__POLL_SECONDS="60"
    ) as talk:
        yield talk


async def open_kill(talk: Conversation) -> tuple[Message, str]:
    """The card of a kill that one bot ignores, and the kill's id."""
    talk.fleet.faults.set("ignores_stop", bot="quantum")
    await talk.admin.types("/kill runaway")
    card = await talk.admin.sees("NOT CONFIRMED after")
    return card, talk.rows("select id from actions")[0][0]


def pressed(action_id: Any, value: Any) -> list[dict[str, Any]]:
    return [{"action_id": action_id, "value": value, "type": "button", "block_id": "b"}]


def closings(talk: Conversation) -> int:
    return sum(event == "closed by hand" for _, event, _ in talk.events())


async def test_a_forged_button_does_nothing_and_is_audited(talk: Conversation) -> None:
    await talk.admin.types("/status")
    shown = await talk.admin.reads("Kill switch")
    forged = (
        "",
        "kill",
        "kill.fleet ",
        "KILL.FLEET",
        "status.refresh;kill.fleet",
        "x" * 300,
        None,
        7,
        ["kill.fleet"],
    )
    for action_id in forged:
        said = await talk.admin.clicks("Refresh", shown, actions=pressed(action_id, "kill"))
        assert said.error is None
    for actions in ([], None, [None], ["kill.fleet"], {"action_id": "kill.fleet"}):
        assert (await talk.admin.clicks("Refresh", shown, actions=actions)).error is None
    await talk.admin.reads(FORGED)
    rows = await talk.slack.wait_for(
        lambda: found if len(found := _refused(talk, "unknown button")) >= len(forged) else [], 10
    )
    assert {actor for actor, _ in rows} == {"U0ADMIN1"}
    assert talk.posts() == []
    assert talk.rows("select count(*) from actions") == [(0,)]
    assert "Traceback" not in talk.bot.words()


async def test_a_forged_value_of_a_status_button_is_only_a_status(talk: Conversation) -> None:
    await talk.admin.types("/status")
    shown = await talk.admin.reads("Kill switch")
    for value in ("kill", "ndax; stop", "<!channel>", "x" * 2000, "\x00", None, {"bot": "ndax"}):
        assert (
            await talk.admin.clicks("Refresh", shown, actions=pressed("status.refresh", value))
        ).error is None
    await talk.slack.wait_for(lambda: len(_now(talk, shown).history) > 7, 10)
    assert "<!channel>" not in _now(talk, shown).words
    assert talk.fleet.engine.trading


async def test_close_counts_only_on_the_card_itself(talk: Conversation) -> None:
    card, kill = await open_kill(talk)
    await talk.admin.types("/status")
    shown = await talk.admin.reads("Kill switch")
    elsewhere = talk.slack.say("admin", "C0RANDOM", "a copy of the card")
    real = (await talk.admin.clicks("Refresh", shown)).payload
    ops, random = {"id": OPS, "name": "fleet-ops"}, {"id": "C0RANDOM", "name": "random"}
    tries: tuple[tuple[Any, Any, Any], ...] = (
        (kill, ops, shown.ts),  # on another message of ours
        (kill, ops, elsewhere.ts),  # a copy somebody made
        (kill, ops, "1.000001"),  # a message that is gone
        (kill, ops, None),
        (kill, random, card.ts),  # the card's ts in another channel
        (kill, None, card.ts),
        ("kill-000000", ops, card.ts),  # the card, for another kill
        ("", ops, card.ts),
    )
    for count, (value, channel, ts) in enumerate(tries):
        container = {"type": "message", "message_ts": ts, "is_ephemeral": False}
        forged = {"actions": pressed("kill.close", value), "channel": channel, "container": container}
        said = await talk.slack.courier.ask("interactive", real | forged | {"trigger_id": f"forged.{count}"})
        assert said.error is None
    await talk.admin.reads(FORGED)
    await talk.slack.wait_for(lambda: len(_refused(talk, "forged button")) == len(tries), 10)
    assert talk.slack.modals("admin") == ()
    assert talk.rows("select count(*) from actions where state = 'closed'") == [(0,)]
    before = len(talk.posts())
    await talk.slack.wait_for(lambda: len(talk.posts()) > before, 10)  # and the kill is still being sent


async def test_close_is_done_once_by_whoever_submits_first(talk: Conversation) -> None:
    card, kill = await open_kill(talk)
    second = talk.person("second-admin")
    await talk.admin.clicks("Close", card)
    await second.clicks("Close", card)
    forms = [await talk.admin.gets_form(), await second.gets_form()]
    await asyncio.gather(
        talk.slack.submit("admin", forms[0].id, {"reason": "by the first"}),
        talk.slack.submit("second-admin", forms[1].id, {"reason": "by the second"}),
    )
    await talk.admin.sees("closed by hand")
    assert closings(talk) == 1
    refused = [*talk.slack.modals("second-admin"), *talk.slack.modals("admin")]
    for form in refused:  # the one who lost is told so in the form
        again = await talk.slack.submit(form.person, form.id, {"reason": "again"})
        assert "Nothing was changed" in str(again.ack)
    assert closings(talk) == 1
    assert talk.rows("select state from actions where id = ?", kill) == [("closed",)]


async def test_a_replayed_submission_changes_nothing(talk: Conversation) -> None:
    card, _ = await open_kill(talk)
    await talk.admin.clicks("Close", card)
    form = await talk.admin.gets_form()
    said = await talk.slack.submit("admin", form.id, {"reason": "on its host"})
    for _ in range(3):
        assert (await talk.slack.courier.ask("interactive", said.payload)).error is None
    assert closings(talk) == 1


async def test_a_form_checks_the_person_again_when_it_is_sent(talk: Conversation) -> None:
    card, kill = await open_kill(talk)
    await talk.admin.clicks("Close", card)
    form = await talk.admin.gets_form()
    for user, words in (
        ({"id": "U0VIEW01", "team_id": "T0FLEET"}, "operator"),
        ({"id": "U0NOROLE", "team_id": "T0FLEET"}, "no role"),
        ({"id": "U0ADMIN1", "team_id": "T0OTHER"}, "another workspace"),
        (None, "no role"),
    ):
        said = await talk.slack.submit("admin", form.id, {"reason": "let me"}, user=user)
        assert words in said.ack["errors"]["reason"]
    assert closings(talk) == 0
    assert talk.rows("select state from actions where id = ?", kill) != [("closed",)]


async def test_forms_take_hostile_text_and_refuse_empty_ones(talk: Conversation) -> None:
    card, kill = await open_kill(talk)
    await talk.admin.clicks("Close", card)
    form = await talk.admin.gets_form()
    for nothing in ("   ", "\n\t", "\u200b\u2066\u2069", "\x00\x1b"):
        said = await talk.slack.submit("admin", form.id, {"reason": nothing})
        assert "a few words" in said.ack["errors"]["reason"]
    view = form.wire({"reason": {"text": {"type": "plain_text_input", "value": None}}})
    for broken in (
        view,
        view | {"state": None},
        view | {"state": {"values": {"reason": []}}},
        view | {"callback_id": "kill.everything"},
        view | {"private_metadata": "kill-000000", "state": form.wire(_reason("x"))["state"]},
        view | {"private_metadata": "", "state": form.wire(_reason("x"))["state"]},
    ):
        said = await talk.slack.submit("admin", form.id, {"reason": "x"}, view=broken)
        assert said.error is None
        assert "reason" in said.ack["errors"]
    assert closings(talk) == 0
    nasty = "<!channel> & `rm` \u202e\x00 payload " + "x" * 400
    await talk.slack.submit("admin", form.id, {"reason": nasty})
    closed = await talk.admin.sees("closed by hand")
    assert "<!channel>" not in json.dumps(closed.blocks)
    assert closings(talk) == 1
    assert talk.rows("select state from actions where id = ?", kill) == [("closed",)]
    assert "Traceback" not in talk.bot.words()


async def test_a_close_form_closes_nothing_but_kills(talk: Conversation) -> None:
    card, _ = await open_kill(talk)
    await talk.admin.types("/stop quantum")
    (stop,) = await talk.slack.wait_for(lambda: talk.rows("select id from actions where command = 'stop'"), 5)
    await talk.admin.clicks("Close", card)
    form = await talk.admin.gets_form()
    view = form.wire(_reason("not a kill")) | {"private_metadata": stop[0]}
    said = await talk.slack.submit("admin", form.id, {"reason": "not a kill"}, view=view)
    assert "no such kill" in said.ack["errors"]["reason"]
    assert closings(talk) == 0


async def test_a_kill_button_pressed_twice_is_one_kill(talk: Conversation) -> None:
    await talk.admin.types("/status")
    shown = await talk.admin.reads("Kill switch")
    said = await talk.admin.clicks("Kill", shown, trigger_id="5.5.once")
    await talk.slack.courier.ask("interactive", said.payload)  # the same payload again
    talk.slack.faults.set("deliver_twice", times=1)
    await talk.admin.clicks("Kill", shown)
    await talk.admin.sees("verified")
    # two presses, each delivered twice: two actions of which the second joined, one kill of the fleet
    await talk.slack.wait_for(lambda: talk.rows("select count(*) from actions") == [(2,)], 5)
    assert talk.rows("select count(*) from latches") == [(1,)]
    assert sum(event == "kill accepted" for _, event, _ in talk.events()) == 2


async def test_say_why_is_kept_once(talk: Conversation) -> None:
    await talk.admin.types("/kill")
    card = await talk.admin.sees("verified")
    await talk.admin.clicks("Say why", card)
    await talk.person("second-admin").clicks("Say why", card)
    first, second = await talk.admin.gets_form(), await talk.person("second-admin").gets_form()
    await talk.slack.submit("admin", first.id, {"reason": "the first reason"})
    said = await talk.slack.submit("second-admin", second.id, {"reason": "another reason"})
    assert "the first one stays" in said.ack["errors"]["reason"]
    assert talk.rows("select reason from latches") == [("the first reason",)]
    await talk.admin.sees("the first reason")


def _reason(words: str) -> dict[str, Any]:
    return {"reason": {"text": {"type": "plain_text_input", "value": words}}}


def _now(talk: Conversation, message: Message) -> Message:
    found = talk.slack.workspace.message(message.channel, message.ts, "U0ADMIN1")
    assert found is not None
    return found


def _refused(talk: Conversation, why: str) -> list[Any]:
    rows = talk.rows("select actor, detail from audit where event = 'refused'")
    return [row for row in rows if json.loads(row[1])["why"] == why]
