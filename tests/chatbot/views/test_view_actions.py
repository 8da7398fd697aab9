"""What is said of one stop or pause."""

from dataclasses import replace

import pytest
from view_cases import after, bot_card

from chatbot.views import actions
from commands.coordinator.model import BotStatus

SMALL = "*Reason*: odd orders\nstop-1 · /stop from <@U0OPER01>, accepted 03:12:05 UTC"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            bot_card("running"),
            f"🛑 Stopping ndax: not yet verified\nIt is being sent and read back. Nothing was seen yet.\n{SMALL}",
        ),
        (
            bot_card("verified", observed=BotStatus(name="ndax", status="stopped"), seen_at=after(1)),
            f"✅ ndax stopped: verified\nVerified in 1.0 s: ndax is stopped (seen at 03:12:06 UTC).\n{SMALL}",
        ),
        (
            bot_card(
                "not_verified",
                observed=BotStatus(name="ndax", status="running"),
                seen_at=after(59),
                now=after(60),
                error="No answer in time.",
            ),
            (
                "🚨 ndax NOT VERIFIED: not seen stopped\n"
                "ndax was sent a stop and was *not seen stopped* within 60 s, so treat it as trading. "
                "ndax is running (seen at 03:13:04 UTC).\nLast error: No answer in time.\n"
                f"Next: stop its process on its own host, or type /kill to stop the whole fleet.\n{SMALL}"
            ),
        ),
        (
            bot_card("not_verified", seen_at=after(59), now=after(60)),
            (
                "🚨 ndax NOT VERIFIED: not seen stopped\n"
                "ndax was sent a stop and was *not seen stopped* within 60 s, so treat it as trading. "
                "The coordinator does not list ndax (seen at 03:13:04 UTC).\n"
                f"Next: stop its process on its own host, or type /kill to stop the whole fleet.\n{SMALL}"
            ),
        ),
        (
            bot_card("failed", error="BOT_NOT_FOUND"),
            (
                "🚨 ndax NOT STOPPED: the coordinator said no\n"
                "The coordinator refused to stop ndax, so this did *not* get it stopped: BOT_NOT_FOUND\n"
                "What it does now was not read.\n"
                f"Next: look at it with /status; if it trades and should not, type /kill.\n{SMALL}"
            ),
        ),
        (
            bot_card("closed", observed=BotStatus(name="ndax"), seen_at=after(1)),
            (
                "☑️ Stopping ndax: closed by hand\n"
                "A person closed this by hand; nothing more is sent for it. ndax is *unknown* (seen at 03:12:06 UTC)."
                f"\n{SMALL}"
            ),
        ),
    ],
    ids=["running", "verified", "still-running", "not-listed", "failed", "closed"],
)
def test_the_card_says_what_was_seen_and_what_is_next(state: actions.BotCard, text: str) -> None:
    assert actions.card(state).text == text


def test_a_pause_is_called_a_pause() -> None:
    state = bot_card("verified", command="pause", observed=BotStatus(name="ndax", status="paused"))
    assert actions.card(state).text.startswith("✅ ndax paused: verified")
    still = replace(state, observed=BotStatus(name="ndax", status="stopped"), seen_at=after(1))
    assert actions.card(still).text.startswith(
        "✅ ndax does not trade: it is stopped\nVerified in 1.0 s: ndax is stopped"
    )
    assert "paused" not in actions.card(still).text
    assert "*Pausing ndax*" in actions.acknowledged(state, recorded=True).text


def test_the_answer_promises_nothing() -> None:
    said = actions.acknowledged(bot_card("queued"), recorded=False).text
    assert "is being sent now and is *not verified yet*" in said
    assert "*Not yet in the audit*" in said
    assert "audit" not in actions.acknowledged(bot_card("queued"), recorded=True).text
