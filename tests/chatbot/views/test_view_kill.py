"""The card of a kill, phase by phase, as a tired person reads it."""

from typing import Any

import pytest
from view_cases import (
    CLOSED,
    CONTACTS,
    DOUBTS,
    KILLED,
    LAST_WARNING,
    NOT_CONFIRMED,
    SENDING,
    SENT,
    STILL_TRADING,
    STOPPED,
    VERIFIED,
    after,
    kill_card,
)

from chatbot.views import kill
from chatbot.views.blocks import Message
from chatbot.views.kill import Joined, KillCard, Phase
from commands.coordinator.model import BotStatus

BY_HAND = """*Stop it by hand now*
1. Send the stop from any machine that reaches the coordinator, and read what it says (add your \
`Authorization: Bearer` header if it wants a token):
curl -m 5 -X POST http://localhost:8000/kill-switch \\
  -H 'Content-Type: application/json' \\
  -d '{"action": "activate", "reason": "manual stop"}'
curl -m 5 http://localhost:8000/status
2. For each bot that is not seen stopped: stop its process on its own host, with the service manager it runs under.
3. On the exchange: cancel all open orders; where a bot cannot be reached, revoke its API key.
4. Look at the open positions, then press Close on this card and write what you did.
"""
CALL_NOW = (
    "*Call now*\n"
    "*primary administrator*: <@U0ADMIN1>, tel. +1 555 0100\n"
    "*exchange support*: <https://example.test/support?a=1&amp;b=2>\n"
)
SMALL = "kill-1 · accepted 03:12:05 UTC from <@U0ADMIN1>"


def buttons(message: Message) -> list[tuple[str, str, str | None]]:
    """Label, action id and value of each button."""
    found: list[dict[str, Any]] = [
        each for block in message.blocks if block["type"] == "actions" for each in block["elements"]
    ]
    return [(each["text"]["text"], each["action_id"], each.get("value")) for each in found]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            SENDING,
            (
                "🛑 KILL accepted: stopping the whole fleet\n"
                "*Not confirmed yet*: the stop of every bot is on its way and was not answered so far.\n"
                f"*Reason*: bad fills\n{SMALL}"
            ),
        ),
        (
            SENT,
            (
                "🛑 KILL sent: not yet seen stopped\n"
                "*Not confirmed yet*: the coordinator answered, which proves nothing; it is being read back.\n"
                f"{STILL_TRADING}*Reason*: bad fills\n"
                f"{SMALL} · answered 03:12:05 UTC · last read 03:12:06 UTC"
            ),
        ),
        (
            VERIFIED,
            (
                "✅ KILL verified: the fleet is stopped\n"
                "Verified in 0.8 s: kill switch active, 3 of 3 bots stopped (seen at 03:12:05 UTC).\n"
                "Being watched until 03:13:05 UTC: a bot that comes back is stopped again.\n"
                "*Reason*: bad fills\n"
                f"{SMALL} · answered 03:12:05 UTC · seen stopped 03:12:05 UTC · last read 03:12:05 UTC"
            ),
        ),
        (
            NOT_CONFIRMED,
            (
                f"🚨 KILL NOT CONFIRMED after 3 s\n{STILL_TRADING}"
                "Tried 7 times so far; last error: The coordinator answered 500. "
                "Sending goes on until the fleet is seen stopped or a person closes this card.\n"
                f"{BY_HAND}*Reason*: bad fills\n{SMALL} · last read 03:12:07 UTC"
            ),
        ),
        (
            LAST_WARNING,
            (
                "🚨 KILL NOT CONFIRMED after 30 s\n"
                "*Nothing could be read yet*: treat every bot as trading.\n"
                "Tried 12 times so far; last error: It hangs. "
                "Sending goes on until the fleet is seen stopped or a person closes this card.\n"
                f"{BY_HAND}{CALL_NOW}*Reason*: bad fills\n{SMALL}"
            ),
        ),
        (
            CLOSED,
            (
                "☑️ KILL closed by hand\n"
                "<@U0ADMIN2> closed this and says how it was stopped: pulled the plug\n"
                "Nothing more is sent for this kill. Our record keeps the fleet as killed.\n"
                f"{STILL_TRADING}*Reason*: bad fills\n{SMALL} · last read 03:12:07 UTC"
            ),
        ),
    ],
    ids=["sending", "sent", "verified", "not-confirmed", "last-warning", "closed"],
)
def test_the_card_says_the_whole_thing_in_words(state: KillCard, text: str) -> None:
    assert kill.card(state).text == text


def test_times_are_shown_in_the_readers_zone_in_the_blocks() -> None:
    section = kill.card(VERIFIED).blocks[1]["text"]["text"]
    assert f"<!date^{int(KILLED.timestamp())}^{{time_secs}}|03:12:05 UTC>" in section


def test_paused_and_failed_bots_are_counted_as_what_they_are() -> None:
    bots = (*STOPPED[:2], BotStatus(name="shadowforge", status="paused"))
    card = kill_card(Phase.VERIFIED, verified_at=after(2), seen_at=after(2), bots=bots)
    assert "3 of 3 bots not trading (2 stopped, 1 paused)" in kill.card(card).text


def test_an_old_read_is_called_old() -> None:
    card = kill_card(Phase.NOT_CONFIRMED, seen_at=after(2), doubts=DOUBTS, now=after(30), warn_after=30.0)
    assert "That was read 28 s ago; *since then nothing could be read*." in kill.card(card).text


def test_what_came_back_stays_on_the_card() -> None:
    card = kill_card(
        Phase.VERIFIED, verified_at=after(20), seen_at=after(20), bots=STOPPED, now=after(90),
        returned=("ndax", "ndax", "quantum"), switch_lost=1, watching_until=after(80),
    )  # fmt: skip
    text = kill.card(card).text
    assert "Verified again at 03:12:25 UTC" in text
    assert "*Came back and was stopped again*: ndax (2 times) and quantum." in text
    assert "*The coordinator forgot the kill* once; it was sent again." in text
    assert "It was watched until 03:13:25 UTC, and our record holds it until it is released." in text


def test_who_else_asked_and_the_audit_entry_are_shown() -> None:
    joined = tuple(Joined(by="terminal:root", reason="me too", at=after(1)) for _ in range(10))
    text = kill.card(kill_card(Phase.SENT, joined=joined, audit=(12, "3fa9c2d1e0b7ffff"))).text
    assert "Also killed by root at the terminal at 03:12:06 UTC: me too" in text
    assert "... and 2 more." in text
    assert "audit #12 3fa9c2d1e0b7" in text
    assert "3fa9c2d1e0b7f" not in text


def test_a_kill_outside_the_database_says_so() -> None:
    assert "*Not yet in the audit*" in kill.card(kill_card(Phase.SENT, recorded=False)).text
    assert "*Not yet in the audit*" in kill.outcome(kill_card(Phase.VERIFIED, recorded=False)).text
    acknowledged = kill.acknowledged("kill-1", "C0OPS", KILLED, reason="", recorded=False)
    assert "*Not yet in the audit*" in acknowledged.text
    assert "audit" not in kill.card(SENT).text


RECOVER = ("Recover", "walk.open", "fleet:")


@pytest.mark.parametrize(
    ("phase", "reason", "wanted"),
    [
        (Phase.NOT_CONFIRMED, "x", [("Close", "kill.close", "kill-1")]),
        (
            Phase.NOT_CONFIRMED,
            "",
            [("Close", "kill.close", "kill-1"), ("Say why", "kill.reason", "kill-1")],
        ),
        (Phase.SENDING, "", [("Say why", "kill.reason", "kill-1")]),
        (Phase.VERIFIED, "", [("Say why", "kill.reason", "kill-1"), RECOVER]),
        (Phase.SENT, "x", []),
        (Phase.VERIFIED, "x", [RECOVER]),
        (Phase.CLOSED, "", [RECOVER]),
    ],
)
def test_the_buttons_fit_the_phase(
    phase: Phase, reason: str, wanted: list[tuple[str, str, str | None]]
) -> None:
    assert buttons(kill.card(kill_card(phase, reason=reason))) == wanted
    assert RECOVER not in buttons(kill.card(kill_card(phase, reason=reason, released_at=after(100))))


@pytest.mark.parametrize(
    ("after_seconds", "levels", "shown", "mentioned"),
    [
        (3.0, (3.0, 10.0, 30.0), False, False),
        (10.0, (3.0, 10.0, 30.0), True, False),
        (30.0, (3.0, 10.0, 30.0), True, True),
        (0.5, (0.5, 1.0, 1.5), False, False),
        (1.0, (0.5, 1.0, 1.5), True, False),
        (1.5, (0.5, 1.0, 1.5), True, True),
        (5.0, (5.0,), True, True),
    ],
)
def test_the_contacts_are_shown_from_the_second_warning_and_called_at_the_last(
    after_seconds: float, levels: tuple[float, ...], shown: bool, mentioned: bool
) -> None:
    state = kill_card(Phase.NOT_CONFIRMED, warn_after=after_seconds, warn_levels=levels)
    assert ("tel. +1 555 0100" in kill.card(state).text) is shown
    assert ("<@U0ADMIN1>" in kill.alarm(state).text) is mentioned


def test_only_ids_from_the_configuration_are_called() -> None:
    state = kill_card(Phase.NOT_CONFIRMED, by="U0OTHER", reason="<@U0VICTIM>", warn_after=30.0)
    text = kill.alarm(state).text
    assert "<@U0ADMIN1>" in text
    assert "<@U0OTHER>" not in text
    assert "<@U0VICTIM>" not in kill.card(state).text


def test_nobody_to_call_is_said() -> None:
    state = kill_card(Phase.NOT_CONFIRMED, warn_after=30.0, contacts=())
    assert "No emergency contacts are configured" in kill.alarm(state).text


def test_the_manual_procedure_cannot_be_broken_out_of_by_an_address() -> None:
    state = kill_card(Phase.NOT_CONFIRMED, coordinator_url="http://host/;rm -rf '", contacts=CONTACTS)
    assert "curl -m 5 'http://host/;rm -rf '\"'\"'/status'" in kill.card(state).text
