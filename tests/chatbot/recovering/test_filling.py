"""What a form brings: hostile, huge, half empty and forged; each mistake has a sentence beside its field."""

from datetime import UTC, datetime

import pytest

from chatbot.recovering.filling import day_of, draft_of, moment_of
from tests.hostile import NASTY

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
WHOLE = {
    "began": "2026-11-25 02:00",
    "scenario": "crash-loop",
    "issue": "ndax crashes",
    "cause": "a full disk",
    "taken": "stopped\r\ncleaned",
    "outcome": "success",
    "lessons": "",
}


def test_a_whole_form_is_a_draft() -> None:
    draft, wrong = draft_of(WHOLE, "ndax", NOW)
    assert wrong == {}
    assert draft is not None
    assert (draft.bot, draft.scenario, draft.outcome) == ("ndax", "crash-loop", "success")
    assert draft.actions_taken == "stopped\ncleaned"
    assert draft.began_at == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_what_is_not_known_yet_stays_empty() -> None:
    draft, wrong = draft_of({**WHOLE, "outcome": "not-yet", "cause": " \n "}, None, NOW)
    assert wrong == {}
    assert draft is not None
    assert (draft.outcome, draft.root_cause) == ("", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("began", ""),
        ("began", "yesterday"),
        ("began", "2026-11-25 03:13"),  # not over yet
        ("began", "9" * 5000),
        ("scenario", ""),
        ("scenario", "made-up"),
        ("outcome", ""),
        ("outcome", "triumph"),
        ("issue", ""),
        ("issue", "\u200b\u202e \x00"),
        ("issue", "x" * 3001),
        ("cause", "x" * 100_000),
        ("taken", "x" * 3001),
        ("lessons", "x" * 3001),
    ],
)
def test_one_mistake_is_named_beside_its_field(field: str, value: str) -> None:
    draft, wrong = draft_of({**WHOLE, field: value}, None, NOW)
    assert draft is None
    assert list(wrong) == [field]
    assert wrong[field].endswith(".")


def test_an_empty_form_names_every_field_that_must_be_there() -> None:
    draft, wrong = draft_of({}, None, NOW)
    assert draft is None
    assert sorted(wrong) == ["began", "issue", "outcome", "scenario"]


@pytest.mark.parametrize("text", NASTY)
def test_hostile_words_never_raise(text: str) -> None:
    draft_of(dict.fromkeys(WHOLE, text), None, NOW)
    moment_of(text)
    day_of(text)


@pytest.mark.parametrize("text", ["2026-11-25 02:00", "2026-11-25T02:00:00Z", "2026-11-25 02:00 UTC"])
def test_a_time_may_be_written_in_these_ways(text: str) -> None:
    assert moment_of(text) == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
