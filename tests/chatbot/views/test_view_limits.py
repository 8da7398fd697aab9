"""Whatever text comes from outside, each message stays within Slack's limits and obeys nothing in the text."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_cases import every_form, every_message

from chatbot.sandbox.slack.blockkit import check_message, check_view
from chatbot.views import kill
from chatbot.views.blocks import Message
from tests.blockkit import view_violations, violations
from tests.hostile import NASTY, texts

OURS = re.compile(
    r"<!date\^\d+\^[a-z_{} ]+\|[0-9: -]+ UTC>"  # a time
    r"|<@[UW][A-Z0-9]{1,20}>|<#[CGD][A-Z0-9]{1,20}>"  # a person or channel known by its id
    r"|<https?://[^\s<>|]+>"  # a contact's link
    r"|<!channel>"  # of a solo wait, which is everybody's business
)


def markup(value: Any) -> Iterator[str]:
    """Every text in which Slack would read markup."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            assert value["verbatim"] is True  # otherwise Slack looks for people and channels by itself
            yield value["text"]
        for inner in value.values():
            yield from markup(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from markup(inner)


def check(message: Message) -> None:
    payload = message.payload()
    assert violations(payload["blocks"]) == []
    assert check_message(payload["blocks"]) == []
    assert 0 < len(payload["text"]) <= 4000
    assert payload["text"].strip()
    for text in (payload["text"], *markup(payload["blocks"])):
        rest = OURS.sub("", text)
        assert "<" not in rest
        assert not re.search(r"&(?!(?:amp|lt|gt);)", rest)
        text.encode()


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_every_message_stands_every_nasty_text(text: str) -> None:
    for message in every_message(text):
        check(message)


@settings(max_examples=60, deadline=None)  # each example draws some seventy messages
@given(text=texts)
def test_every_message_stands_any_text(text: str) -> None:
    for message in every_message(text):
        check(message)


@given(action=st.one_of(st.just("kill-1"), texts.filter(bool)))
def test_the_forms_stand_any_action_id(action: str) -> None:
    for view in (kill.close_modal(action), kill.reason_modal(action)):
        assert view_violations(view) == []
        assert check_view(view) == []


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_the_forms_and_the_home_tab_stand_every_nasty_text(text: str) -> None:
    for view in every_form(text):
        if view["type"] == "modal":
            assert view_violations(view) == []
        assert check_view(view) == []
        for shown in markup(view):
            assert "<" not in OURS.sub("", shown)


def test_a_mention_typed_into_a_reason_notifies_nobody() -> None:
    said = [message.text for message in every_message("<!here> <@U0VICTIM> <#C0OPS>")]
    assert not any("<!here>" in text or "<@U0VICTIM>" in text or "<#C0OPS>" in text for text in said)


def test_the_rule_table_of_these_tests_sees_what_is_wrong() -> None:
    plain = {"type": "plain_text", "text": "x"}
    button = {"type": "button", "text": plain, "action_id": "a"}
    assert violations([]) == ["0 blocks"]
    assert violations([{"type": "header", "text": plain}] * 51) == ["51 blocks"]
    assert violations([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]) != []
    assert violations([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]) != []
    assert violations([{"type": "section"}]) != []
    assert violations([{"type": "actions", "elements": [button, button]}]) != []
    assert violations([{"type": "actions", "elements": [{**button, "style": "green"}]}]) != []
    assert violations([{"type": "actions", "elements": [{**button, "confirm": {"title": plain}}]}]) != []
    assert violations([{"type": "context", "elements": [plain] * 11}]) != []
    assert violations([{"type": "blink"}]) != []
    assert violations([{"type": "header", "text": plain}]) == []
