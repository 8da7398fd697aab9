"""Whatever is typed or mentioned, each line gets one clear answer, and only what was meant happens."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Delivery, Message
from tests.conversation import OPS, Conversation

COMMANDS = ("/stop", "/pause", "/status", "/help", "/contacts", "/fleet")
HOSTILE = (
    " \t ",
    "x" * 10_000,
    "\x00\x01\x1b[31mred\x1b[0m\x7f\x9b",
    "\u202e\u2066xadn\u2069\u202c \u200f\u061c\ufeff\u200b",
    "👩‍👩‍👧‍👦🏴\U000e0067\U000e0062🚨 :skull:",
    "<!channel> <!here> <!subteam^S0ADMINS>",
    "payload",
    "the payload={} of mismatch",
    "@",
    "\"unbalanced 'quotes `and ```code",
    "--- {} %s \\n $(reboot) '; drop table audit; --",
)
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BROADCAST = re.compile(r"<!(?!date\^)")  # a date is the one such reference that the bot writes itself
TRADES_ON = {"ndax": "running", "quantum": "running", "shadowforge": "running"}


def seen(talk: Conversation) -> dict[str, str]:
    return {name: bot.status for name, bot in talk.fleet.engine.floor.bots.items()}


def nothing_happened(talk: Conversation) -> bool:
    """True when no write reached the coordinator, no action was accepted and every bot trades on."""
    writes = [call for call in talk.fleet.calls if call.method in WRITES]
    return not writes and talk.rows("select count(*) from actions") == [(0,)] and seen(talk) == TRADES_ON


def clear(said: Mapping[str, Any] | Message | None) -> str:
    """The answer's words, once they are fit to be shown: something said, no trace, nobody called."""
    assert said is not None
    text, blocks = (said.text, said.blocks) if isinstance(said, Message) else (said["text"], said["blocks"])
    assert text.strip()
    whole = json.dumps([text, blocks], ensure_ascii=False)
    assert not BROADCAST.search(whole), whole
    for bad in ("Traceback", "Error:", "Exception", "<@W", "\\u0000", "\\u001b", "\u202e", "reference ref-"):
        assert bad not in whole, whole
    assert len(whole) < 12_000
    return str(text)


async def untouched(talk: Conversation, said: Delivery, text: str) -> Delivery:
    """The same command with this text as it stands: Slack escapes what people type, a payload might not be."""
    return await talk.slack.courier.ask(
        said.kind, said.payload | {"text": text, "trigger_id": f"raw.{len(talk.slack.deliveries)}"}
    )


def answered(said: Delivery) -> str:
    assert said.error is None, said
    return clear(said.ack)


async def test_hostile_text_after_any_command_but_kill_changes_nothing(both: Conversation) -> None:
    for command in COMMANDS:
        for text in ("", *HOSTILE):
            said = await both.admin.types(f"{command} {text}")
            answered(said)
            assert said.ack is not None
            assert said.ack["response_type"] == "ephemeral"
        answered(await untouched(both, said, "<!channel> <!everyone> <@W1|name> & < >"))
    assert nothing_happened(both)
    assert both.slack.messages(OPS) == ()
    assert "Traceback" not in both.bot.words()


async def test_hostile_mentions_are_answered_to_the_one_who_wrote_them(talk: Conversation) -> None:
    for count, text in enumerate(("", *HOSTILE, "stop", "stop <!channel>", "pause payload"), start=1):
        assert (await talk.admin.mentions(text)).error is None
        answers = await talk.slack.wait_for(
            lambda count=count: (
                talk.slack.ephemerals("admin") if len(talk.slack.ephemerals("admin")) >= count else ()
            ),
            15,
        )
        clear(answers[-1])
    assert nothing_happened(talk)
    assert all(not each.bot for each in talk.slack.messages(OPS))


async def test_every_text_after_kill_stops_the_fleet_once(both: Conversation) -> None:
    for text in HOSTILE:
        said = await both.admin.types(f"/kill {text}")
        answered(said)
    answered(await untouched(both, said, "<!channel> not escaped"))
    card = await both.admin.sees("verified")
    clear(card)
    for each in both.slack.workspace.all_messages:
        if each.bot:
            clear(each)
    assert not both.fleet.engine.trading
    assert both.rows("select count(*) from latches") == [(1,)]
    assert both.rows("select count(*) from actions") == [(len(HOSTILE) + 1,)]
    for post in both.posts():
        assert post["action"] == "activate"
        assert len(post["reason"]) < 1_000
    code, printed = await both.bot.command_line("audit", "verify")
    assert code == 0, printed
    assert "Traceback" not in both.bot.words()


async def test_half_a_character_in_a_payload_stops_nothing_from_working(talk: Conversation) -> None:
    said = await talk.admin.types("/stop")
    assert "which bot" in answered(await untouched(talk, said, "\ud800 \udfff"))
    assert nothing_happened(talk)
    said = await talk.admin.types("/kill \udfff half")
    answered(said)
    await talk.admin.sees("verified", "half")
    assert talk.rows("select reason from latches") == [("half",)]


TYPOS = (
    ("/stop ndx", "did you mean ndax"),
    ("/stop Quantm now", "did you mean quantum"),
    ("/pause shadowforg", "did you mean shadowforge"),
    ("/status shadow-forge", "did you mean shadowforge"),
    ("/status publc", "did you mean public"),
    ("/fleet kil now", "did you mean /kill"),
    ("/fleet stpo ndax", "did you mean /stop"),
    ("/fleet stats", "did you mean /fleet status"),
    ("/help pasue", "did you mean /pause"),
    ("/kil now", "did you mean /kill"),
    ("/stop all", "/kill"),
    ("/stop", "/kill"),
    ("/stop ndax quantum", "one bot at a time"),
    ("/pause *", "/kill"),
)


async def test_typos_are_answered_with_what_was_probably_meant_and_change_nothing(talk: Conversation) -> None:
    for line, expected in TYPOS:
        assert expected in answered(await talk.admin.types(line)).lower(), line
    await talk.admin.mentions("kil it")
    await talk.admin.reads("did you mean /kill")
    assert nothing_happened(talk)


@pytest.mark.parametrize("line", ["/stop ndax", "/fleet STOP `NDAX`", "/stop NDAX, payload \u202e<!channel>"])
async def test_stop_ndax_stops_ndax_alone(talk: Conversation, line: str) -> None:
    answered(await talk.admin.types(line))
    clear(await talk.admin.sees("verified", "ndax"))
    assert seen(talk) == TRADES_ON | {"ndax": "stopped"}
    assert talk.posts() == []
    assert talk.rows("select count(*) from latches") == [(0,)]
