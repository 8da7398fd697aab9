"""Recovery logs through the real process: written, edited, closed, corrected, ticked, reminded of, and sealed."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Message, View
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import at, buttons, card, change, now, reply, until
from tests.e2e.two_people import kill, text_of, two_people
from tests.hostile import NASTY

SCENARIO = {"scenario": "crash-loop", "outcome": "success"}


async def form(talk: Conversation, line: str = "/recoveries new fleet", who: str = "operator") -> View:
    """The form that a command opens."""
    said = text_of(await talk.person(who).types(line))
    assert "The form is open" in said
    return await talk.person(who).gets_form()


def filled(view: View) -> dict[str, str]:
    """What the form holds before anybody typed: block id -> text."""
    found = {}
    for block in view.body["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            option = element.get("initial_option") or {}
            found[block["block_id"]] = str(element.get("initial_value") or option.get("value") or "")
    return found


async def written(talk: Conversation, **fields: str) -> Message:
    """The card of a log that was just written."""
    view = await form(talk)
    sent = await talk.slack.submit("operator", view.id, {"issue": "bad fills", **fields})
    assert sent.ack in (None, {}), sent.ack
    number = talk.rows("select max(id) from recoveries")[0][0]
    return await card(talk, f"Recovery log #{number}", where=OPS)


async def submit(talk: Conversation, view: View, **fields: str) -> dict[str, str]:
    """Send a form, and the errors beside its fields."""
    sent = await talk.slack.submit("operator", view.id, fields)
    errors: dict[str, str] = (sent.ack or {}).get("errors", {})
    return errors


async def test_a_log_is_prefilled_from_the_record_written_edited_closed_and_corrected(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        await kill(talk, "bad fills on ndax")
        view = await form(talk)
        known = filled(view)
        assert "bad fills on ndax" in known["issue"]
        assert "/kill (kill-" in known["taken"]
        assert "verified" in known["taken"]
        assert (known["scenario"], known["outcome"]) == ("unknown", "not-yet")
        assert datetime.strptime(known["began"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) < datetime.now(UTC)
        assert await submit(talk, view) == {}
        shown = await card(talk, "Recovery log #1: the fleet (open)", where=OPS)
        assert buttons(shown) == ["Edit", "Close"]
        assert "<@U0ADMIN1>" in shown.words  # who killed

        await talk.person("operator").clicks("Close", shown)
        await talk.person("operator").reads("lacks a root cause and an outcome, so it was not closed")
        await talk.person("operator").clicks("Edit", shown)
        edit = await talk.person("operator").gets_form()
        assert await submit(talk, edit, cause="unknown", outcome="partly", lessons="watch longer") == {}
        await until(talk, lambda: "watch longer" in now(talk, shown).words)
        await talk.person("operator").clicks("Close", shown)
        await until(talk, lambda: buttons(now(talk, shown)) == ["Correct"])

        await talk.person("operator").clicks("Correct", shown)
        correct = await talk.person("operator").gets_form()
        assert await submit(talk, correct, text="it was the feed <!channel>") == {}
        await until(talk, lambda: "it was the feed" in now(talk, shown).words)
        assert "<!channel>" not in str(now(talk, shown).blocks)

        [row] = talk.rows("select state, root_cause, outcome, stop_s, verify_s, recover_s from recoveries")
        assert row[:3] == ("closed", "unknown", "partly")
        assert row[3] is not None
        assert row[4] is not None
        assert row[5] is None  # nothing was started
        assert "watch longer" in text_of(await talk.person("viewer").types("/recoveries 1"))
        assert "#1" in text_of(await talk.person("viewer").types("/recoveries WATCH"))
        assert "No recovery log" in text_of(await talk.person("viewer").types("/recoveries nothing like it"))
        assert "by an operator" in text_of(await talk.person("viewer").types("/recoveries new ndax"))
        trends = text_of(await talk.person("viewer").types("/recoveries trends"))
        assert "Unknown" in trends
        await talk.person("operator").types("/recoveries trends")
        asked = talk.slack.ephemerals("operator", OPS)[-1]
        await talk.slack.click("operator", OPS, asked.ts, "Share chart")
        [chart] = await until(talk, lambda: [f for m in talk.slack.messages(OPS) for f in m.files])
        assert chart["title"] == "Recovery logs by scenario"

        code, printed = await talk.bot.command_line("audit", "verify")
        assert code == 0, printed
        with sqlite3.connect(talk.data / "chatbot.db", timeout=20) as connection:
            connection.execute("update recoveries set root_cause = 'somebody else' where id = 1")
        code, printed = await talk.bot.command_line("audit", "verify")
        assert code == 1
        assert "ecovery log 1" in printed


async def test_the_checklist_is_ticked_assigned_reminded_of_and_shown_at_home(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        shown = await written(talk)
        checklist = await reply(talk, shown, "10 of 10 left")
        item = button_of(checklist, "Tick")
        await talk.slack.click("operator", OPS, checklist.ts, item["action_id"], value=item["value"])
        await until(talk, lambda: "9 of 10 left" in now(talk, checklist).words)
        assert "Untick" in str(now(talk, checklist).blocks)

        await talk.person("operator").clicks("Assign", checklist)
        view = await talk.person("operator").gets_form()
        second = talk.rows("select id from recovery_items where number = 2")[0][0]
        errors = await submit(talk, view, item=str(second), owner="U0STRANGER", day="2026-12-01")
        assert "role" in errors["owner"]
        assert await submit(talk, view, item=str(second), owner="U0ADMIN1") == {}
        await until(talk, lambda: "<@U0ADMIN1>" in str(now(talk, checklist).blocks))

        change(talk, "update recovery_items set due_at = ?, remind_at = ? where number = 2", at(-1), at(-1))
        reminder = await reply(talk, shown, "this is due", "Update the runbook")
        assert "<@U0ADMIN1>" in reminder.words
        await until(talk, lambda: "Your recovery checklist" in str(talk.slack.home("admin")))
        assert talk.rows("select count(*) from outbox where key like '%reminder%'") == [(2,)]


def button_of(message: Message, label: str) -> dict[str, Any]:
    """The first button beside a section."""
    found = [block["accessory"] for block in message.blocks if "accessory" in block]
    return next(dict(each) for each in found if each["text"]["text"] == label)


async def test_what_a_form_brings_is_checked_field_by_field(tmp_path: Path) -> None:
    async with two_people(tmp_path) as talk:
        view = await form(talk)
        errors = await submit(talk, view, issue="x", began="yesterday")
        assert "2026-11-25 03:12" in errors["began"]
        errors = await submit(talk, view, issue="x", began="2199-01-01 00:00")
        assert "not over yet" in errors["began"]
        assert talk.rows("select count(*) from recoveries") == [(0,)]
        await submit(talk, view, issue="x")
        await until(talk, lambda: talk.rows("select count(*) from recoveries") == [(1,)])
        shown = await card(talk, "Recovery log #1", where=OPS)
        await talk.person("operator").clicks("Edit", shown)
        edit = await talk.person("operator").gets_form()
        change(talk, "update recoveries set version = version + 1")  # somebody saved meanwhile
        errors = await submit(talk, edit, issue="y")
        assert "Somebody saved recovery log #1 while you wrote" in errors["issue"]
        assert talk.rows("select issue from recoveries") == [("x",)]


@pytest.mark.parametrize("number", range(0, len(NASTY), 4))
async def test_hostile_words_are_kept_and_page_nobody(tmp_path: Path, number: int) -> None:
    text = (NASTY[number][:3000].encode("utf-8", "replace").decode() or "x").strip() or "x"
    async with two_people(tmp_path) as talk:
        shown = await written(talk, issue=text, cause=text, taken=text, lessons=text, **SCENARIO)
        assert "<!channel>" not in json.dumps([block for block in shown.blocks if block["type"] != "header"])
        await talk.person("operator").clicks("Close", shown)
        await until(talk, lambda: talk.rows("select state from recoveries") == [("closed",)])
        code, printed = await talk.bot.command_line("recoveries", "export", "--format", "json")
        assert code == 0
        assert len(json.loads(printed)) == 1
