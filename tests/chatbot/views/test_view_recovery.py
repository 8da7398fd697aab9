"""Messages and forms of recovery logs: Slack takes them whatever is in them, and nobody is paged."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatbot.views import recovery as view
from chatbot.views import recovery_forms as forms
from chatbot.views.blocks import Message
from commands.recovering.trends import trends
from storage.recoveries import Correction, Item, RecoveryRow
from storage.recovery_rows import Draft
from tests.blockkit import view_violations, violations
from tests.hostile import NASTY

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)


def log(text: str = "bad fills", **more: Any) -> RecoveryRow:
    values: dict[str, Any] = {
        "id": 3,
        "bot": text or "x",
        "state": "open",
        "scenario": "crash-loop",
        "began_at": NOW,
        "issue": text,
        "root_cause": text,
        "actions_taken": text,
        "outcome": "",
        "lessons": text,
        "timeline": [{"at": NOW.isoformat(), "what": text, "who": text}] * 60,
        "detect_s": None,
        "stop_s": 1.5,
        "verify_s": 0.8,
        "recover_s": 3600.0,
        "people": [text] * 30,
        "approvals": [text] * 30,
        "evidence": "ab" * 32,
        "opened_at": NOW,
        "opened_by": text or "x",
        "saved_at": NOW,
        "saved_by": text,
        "closed_at": None,
        "closed_by": None,
        "version": 2,
    }
    return RecoveryRow(**{**values, **more})


def items(text: str, count: int = 10) -> list[Item]:
    return [
        Item(
            id=number,
            log_id=3,
            number=number,
            title=text or "x",
            owner=text or "x",
            due_at=NOW + timedelta(hours=number - 5),
            remind_at=None,
            done_at=NOW if number % 3 == 0 else None,
            done_by=text if number % 3 == 0 else None,
        )
        for number in range(1, count + 1)
    ]


def everything(text: str) -> list[Message]:
    row, ten = log(text), items(text)
    fixes = [Correction(id=1, log_id=3, at=NOW, by=text or "x", text=text)] * 30
    return [
        view.card(row, (), audit=(7, "cd" * 32)),
        view.card(log(text, state="closed", closed_at=NOW, closed_by=text), fixes),
        view.full(row, fixes, ten),
        view.checklist(row, ten, NOW),
        view.reminder(text or "x", row, ten, NOW),
        view.listing([row] * 20, 300, text),
        view.listing([], 0, text),
        view.trends(trends([row] * 5), charted=True),
        view.trends(trends([]), charted=True),
        view.write_here(text or None),
        view.opened(3, "C0OPS"),
    ]


@pytest.mark.parametrize("text", NASTY)
def test_whatever_is_in_it_slack_takes_it(text: str) -> None:
    for message in everything(text):
        assert violations(message.blocks) == []
        said = [message.text, *(each["text"]["text"] for each in message.blocks if each["type"] == "section")]
        assert not [each for each in said if "<!channel" in each or "<!here" in each]
    draft = Draft(
        bot=text,
        scenario=text,
        began_at=NOW,
        issue=text,
        root_cause=text,
        actions_taken=text,
        outcome=text,
        lessons=text,
    )
    for form in (
        forms.log_form(draft, "new:fleet", title=text or "x"),
        forms.correct_form(log(text)),
        forms.assign_form(log(text), items(text), "U1"),
        forms.assign_form(log(text), [], "U1"),
    ):
        assert view_violations(form) == []


def test_the_card_tells_the_handbooks_fields_and_the_times() -> None:
    text = view.card(log(), (), audit=(7, "cd" * 32)).text
    for words in (
        "📝 Recovery log #3: bad fills (open)",
        "*Issue*: bad fills",
        "*Root cause*: bad fills",
        "*Outcome*: _not filled in yet_",
        "*Time to detect* unknown · *to stop* 1.5 s · *to verify* 0.8 s · *to recover* 60 min",
        "evidence abababababab… of 60 moments",
        "audit #7 cdcdcdcdcdcd…",
    ):
        assert words in text


def test_the_checklist_says_who_until_when_and_what_is_late() -> None:
    text = view.checklist(log(), items("Test the kill switch"), NOW).text
    assert "7 of 10 left" in text
    assert "*overdue*" in text
    assert "☑ Test the kill switch: done" in text
