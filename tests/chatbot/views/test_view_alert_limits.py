"""Whatever text comes with an alert, each message about it stays within Slack's limits and obeys nothing in it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from alert_cases import CALL, HANDBOOK, alerting, every_form, every_message
from hypothesis import given, settings
from test_view_limits import OURS as OF_ALL_VIEWS
from test_view_limits import markup

from chatbot.sandbox.slack.blockkit import check_message, check_view
from chatbot.views import alert
from chatbot.views.blocks import Message
from tests.blockkit import view_violations, violations
from tests.hostile import NASTY, texts

OURS = re.compile(
    OF_ALL_VIEWS.pattern
    + r"|<https?://[^\s<>|]+\|(?:Scenario \d: )?[A-Z][A-Za-z/' ]+>"  # a scenario of the handbook
    + r"|<!here>"  # of a call to everybody
)


def check(message: Message) -> None:
    payload = message.payload()
    assert violations(payload["blocks"]) == []
    assert check_message(payload["blocks"]) == []
    assert payload["text"].strip()
    assert len(payload["text"]) <= 4000
    for text in (payload["text"], *markup(payload["blocks"])):
        rest = OURS.sub("", text)
        assert "<" not in rest
        assert not re.search(r"&(?!(?:amp|lt|gt);)", rest)
        text.encode()


def check_form(view: Mapping[str, Any]) -> None:
    assert view_violations(view) == []
    assert check_view(view) == []
    for text in markup(view):
        assert "<" not in OURS.sub("", text)
    select = view["blocks"][1]["element"]
    assert select["initial_option"] in select["options"]
    for option in select["options"]:  # the rule table of the neighbours knows no select
        assert 1 <= len(option["text"]["text"]) <= 75
        assert 1 <= len(option["value"]) <= 150


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_every_message_and_form_stands_every_nasty_text(text: str) -> None:
    for message in every_message(text):
        check(message)
    for view in every_form(text):
        check_form(view)


@settings(max_examples=5, deadline=None)  # each example draws some hundred messages
@given(text=texts)
def test_every_message_stands_any_text(text: str) -> None:
    for message in every_message(text):
        check(message)


def test_nobody_is_notified_by_the_words_of_an_alert() -> None:
    messages = list(every_message("<!here> <!channel> <@U0VICTIM> <#C0OPS>"))
    assert not any("<@U0VICTIM>" in message.text or "<#C0OPS>" in message.text for message in messages)
    assert not any("<!channel>" in message.text for message in messages)
    state = alerting(message="<!here>", logs=("<!here>",))
    assert "<!here>" not in alert.card(state).text
    assert "<!here>" not in alert.escalated(state, CALL).text  # it does not call everybody here


def test_only_a_plain_address_becomes_a_link() -> None:
    assert f"<{HANDBOOK}#scenario-1-bot-crashes-repeatedly|" in alert.card(alerting()).text
    for url in ("javascript:alert(1)", "https://a.test/|x", "https://a.test/<!channel>", ""):
        text = alert.card(alerting(handbook_url=url, link=url)).text
        assert "Scenario 1: Bot Crashes Repeatedly, in the handbook" in text
        assert f"<{url}" not in text or not url
    assert (
        "*Source*: <https://prom.test/g?a=1&amp;b=2>"
        in alert.card(alerting(link="https://prom.test/g?a=1&b=2")).text
    )
