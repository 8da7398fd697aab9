"""What is said of a kill beside its card: in its thread, to the person who typed it, on a terminal, in forms."""

from typing import Any

import pytest
from view_cases import CLOSED, KILLED, NOT_CONFIRMED, SENDING, SENT, STILL_TRADING, VERIFIED, after, kill_card

from chatbot.views import kill
from chatbot.views.blocks import Message
from chatbot.views.kill import Joined, KillCard, Phase


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (SENDING, "Sending the kill, no answer yet."),
        (
            SENT,
            (
                "The coordinator answered, but the fleet is not seen stopped yet: kill switch inactive, ndax running "
                "and quantum not listed."
            ),
        ),
        (
            VERIFIED,
            "Verified in 0.8 s: kill switch active, 3 of 3 bots stopped (seen at 03:12:05 UTC).",
        ),
        (
            NOT_CONFIRMED,
            (
                "NOT CONFIRMED after 3 s: kill switch inactive, ndax running and quantum not listed (The coordinator "
                "answered 500). Sending goes on; also stop it by hand."
            ),
        ),
        (CLOSED, "Closed by hand by @U0ADMIN2: pulled the plug"),
        (
            kill_card(Phase.SENDING, last_error="a <b> & *c*\x1b[31m"),
            "Sending the kill, no answer yet (a <b> & *c*[31m).",
        ),
    ],
)
def test_the_line_for_a_terminal_is_plain(state: KillCard, line: str) -> None:
    assert kill.line(state) == line


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            kill.acknowledged("kill-1", "C0OPS", KILLED, reason="bad fills", recorded=True),
            (
                "*Kill accepted* at 03:12:05 UTC: the stop of the whole fleet is being sent now.\n"
                "It is *not confirmed yet*. Watch <#C0OPS>; you are also told here what was seen.\n"
                "*Reason*: bad fills\nkill-1"
            ),
        ),
        (
            kill.acknowledged("kill-1", "", KILLED, reason="", recorded=True),
            (
                "*Kill accepted* at 03:12:05 UTC: the stop of the whole fleet is being sent now.\n"
                "It is *not confirmed yet*. Watch the ops channel; you are also told here what was seen.\n"
                "You gave no reason: press Say why on the card when there is time.\nkill-1"
            ),
        ),
        (
            kill.joined("kill-1", "C0OPS", Joined(by="U0ADMIN1", reason="bad fills", at=KILLED)),
            (
                "*The fleet is being killed already*, since 03:12:05 UTC by <@U0ADMIN1>: yours joined that kill, and "
                "the stop is being sent once more.\nThe first reason stays: bad fills\n"
                "Watch <#C0OPS> for what was seen.\nkill-1"
            ),
        ),
        (
            kill.joined_note("kill-1", Joined(by="U0ADMIN2", reason="me too", at=KILLED)),
            (
                "<@U0ADMIN2> sent a kill as well at 03:12:05 UTC, saying: me too. It joined this one, and the stop is "
                "being sent once more.\nkill-1"
            ),
        ),
        (
            kill.alarm(NOT_CONFIRMED),
            (
                f"🚨 KILL NOT CONFIRMED after 3 s\n{STILL_TRADING}"
                "Tried 7 times so far; last error: The coordinator answered 500. "
                "Sending goes on until the fleet is seen stopped or a person closes this card.\n"
                "*Do not wait for this bot*: stop it by hand now, the commands are on the card above."
            ),
        ),
        (
            kill.came_back(SENT, "ndax", after(1)),
            (
                "🚨 ndax came back after the kill\n"
                "<@U0ADMIN1> *ndax is trading again (running)*, seen at 03:12:06 UTC. "
                "It is being stopped again.\n"
                "Find out what started it, and stop its process on its own host until you know."
            ),
        ),
        (
            kill.came_back(SENT, "quantum", after(1)),
            (
                "🚨 quantum came back after the kill\n"
                "<@U0ADMIN1> *quantum is no longer seen stopped (not listed)*, seen at 03:12:06 UTC. "
                "It is being stopped again.\n"
                "Find out what started it, and stop its process on its own host until you know."
            ),
        ),
        (
            kill.switch_forgotten(SENT, after(1)),
            (
                "🚨 The coordinator forgot the kill\n"
                "<@U0ADMIN1> *The coordinator says that its kill switch is off*, seen at 03:12:06 UTC. "
                "Nobody released it here, and the kill is being sent again.\n"
                "A restart of the coordinator does this: look whether somebody restarted it."
            ),
        ),
        (
            kill.confirmed_late(VERIFIED),
            (
                "✅ Confirmed after all: the fleet is stopped\n"
                "Verified in 0.8 s: kill switch active, 3 of 3 bots stopped (seen at 03:12:05 UTC).\n"
                "Being watched until 03:13:05 UTC: a bot that comes back is stopped again."
            ),
        ),
        (
            kill.outcome(VERIFIED),
            (
                "*✅ KILL verified: the fleet is stopped*\n"
                "Verified in 0.8 s: kill switch active, 3 of 3 bots stopped (seen at 03:12:05 UTC).\n"
                "The card in the ops channel has the details · kill-1"
            ),
        ),
        (
            kill.closed(CLOSED),
            "Closed by hand by <@U0ADMIN2>: pulled the plug\nNothing more is sent for this kill.",
        ),
        (
            kill.reason_given("kill-1", "U0ADMIN2", "bad fills"),
            "<@U0ADMIN2> says why: bad fills\nkill-1",
        ),
    ],
)
def test_what_is_said_beside_the_card(message: Message, text: str) -> None:
    assert message.text == text


def test_an_outcome_that_is_not_confirmed_says_who_trades_and_what_to_do() -> None:
    text = kill.outcome(NOT_CONFIRMED).text
    assert STILL_TRADING in text
    assert "stop it by hand" in text


@pytest.mark.parametrize(
    ("view", "name", "submit"),
    [
        (kill.close_modal("kill-1"), "kill.close", "Close"),
        (kill.reason_modal("kill-1"), "kill.reason", "Keep"),
    ],
)
def test_a_form_brings_back_the_action_and_one_reason(view: dict[str, Any], name: str, submit: str) -> None:
    assert (view["callback_id"], view["private_metadata"]) == (name, "kill-1")
    assert view["submit"]["text"] == submit
    field = view["blocks"][-1]
    assert (field["block_id"], field["element"]["action_id"]) == ("reason", "text")
    assert field["element"]["max_length"] == 500
