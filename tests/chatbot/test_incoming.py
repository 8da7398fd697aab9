"""Payloads of any shape become a request or nothing; reading one never raises and never invents."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.incoming import Incoming, Kind, read
from chatbot.sandbox.slack import payloads
from chatbot.sandbox.slack.model import Channel, Message, Person, Shown, View

PERSON = Person(id="U0ADMIN1", name="admin")
CHANNEL = Channel(id="C0OPS", name="fleet-ops")
KEYS = [
    "command",
    "type",
    "actions",
    "user",
    "team",
    "channel",
    "container",
    "view",
    "state",
    "values",
    "reason",
    "text",
    "value",
    "id",
    "team_id",
    "user_id",
    "trigger_id",
    "response_url",
    "event",
    "authorizations",
    "enterprise",
    "private_metadata",
    "callback_id",
    "event_id",
    "message_ts",
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(("/kill", "kill.fleet", "U1")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)
kinds = st.sampled_from(
    ("block_actions", "view_submission", "event_callback", "shortcut", "url_verification")
)


@given(st.dictionaries(st.sampled_from(KEYS), anything, max_size=8), st.none() | kinds)
def test_no_payload_raises_and_every_field_is_what_it_says(body: dict[str, Any], kind: str | None) -> None:
    incoming = read(body if kind is None else {**body, "type": kind})
    if incoming is None:
        return
    assert isinstance(incoming, Incoming)
    for name in ("key", "user", "name", "text", "context"):
        assert isinstance(getattr(incoming, name), str)
    for name in (
        "team",
        "enterprise",
        "app",
        "channel",
        "user_team",
        "trigger_id",
        "response_url",
        "thread_ts",
    ):
        assert getattr(incoming, name) is None or getattr(incoming, name)


def test_a_command_is_read_as_typed() -> None:
    body = payloads.command(PERSON, CHANNEL, "/kill", "bad &lt;fills&gt;", response_url="http://slack/r")
    incoming = read(body)
    assert incoming is not None
    assert (incoming.kind, incoming.name, incoming.text) == (Kind.COMMAND, "/kill", "bad &lt;fills&gt;")
    assert (incoming.user, incoming.channel, incoming.team) == ("U0ADMIN1", "C0OPS", "T0FLEET")
    assert incoming.key == incoming.trigger_id == body["trigger_id"]
    assert incoming.response_url == "http://slack/r"


def test_a_click_tells_where_it_was_and_the_clickers_own_workspace() -> None:
    outsider = Person(id="U0FOREIGN", name="stranger", team="T0OTHER")
    shown = Shown(at=payloads.moment("1.000001"), text="card")
    message = Message(ts="1.000001", channel="C0OPS", user="U0FLEETBOT", history=(shown,), bot=True)
    pressed = {"action_id": "kill.close", "value": "kill-1", "type": "button", "block_id": "b"}
    incoming = read(
        payloads.click_on_message(outsider, CHANNEL, message, pressed, response_url="http://slack/r")
    )
    assert incoming is not None
    assert (incoming.kind, incoming.name, incoming.text) == (Kind.CLICK, "kill.close", "kill-1")
    assert (incoming.team, incoming.user_team) == ("T0FLEET", "T0OTHER")
    assert (incoming.channel, incoming.message_ts) == ("C0OPS", "1.000001")


def test_a_form_brings_its_words_and_what_it_was_opened_for() -> None:
    body = {"type": "modal", "callback_id": "kill.close", "private_metadata": "kill-1", "blocks": []}
    view = View(id="V1", person=PERSON.id, body=body, hash="1.h", root="V1")
    values = {"reason": {"text": {"type": "plain_text_input", "value": "by hand"}}}
    incoming = read(payloads.submission(PERSON, view, values))
    assert incoming is not None
    assert (incoming.kind, incoming.name) == (Kind.SUBMIT, "kill.close")
    assert (incoming.text, incoming.context) == ("by hand", "kill-1")
    assert incoming.key == "view-V1-1.h"


def test_a_mention_is_a_request_and_any_other_event_is_news() -> None:
    mention = read(
        payloads.event({"type": "app_mention", "user": "U0ADMIN1", "text": "<@B> kill", "channel": "C0OPS"})
    )
    assert mention is not None
    assert (mention.kind, mention.user, mention.text) == (Kind.MENTION, "U0ADMIN1", "<@B> kill")
    assert mention.key.startswith("Ev")
    changed = read(payloads.event({"type": "user_change", "user": PERSON.wire()}))
    assert changed is not None
    assert (changed.kind, changed.name, changed.user) == (Kind.EVENT, "user_change", "U0ADMIN1")


@pytest.mark.parametrize("kind", ["shortcut", "message_action", "view_closed", "block_suggestion", None])
def test_what_asks_nothing_of_us_is_nothing(kind: str | None) -> None:
    assert read({"type": kind}) is None
