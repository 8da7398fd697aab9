"""What is said of an alert beside its card: news, calls for help, answers, its form, the way to recover."""

from dataclasses import replace

import pytest
from alert_cases import CALL, CONTACTS, CRITICAL, HANDBOOK, OVER, OWNED, STORM, SUMMARY, after, alerting

from chatbot.views import alert
from chatbot.views.alert_state import AlertCard, CallOut
from chatbot.views.blocks import Message
from commands.alerting.model import Kind, Severity, Source

WHAT = "*What*: ndax is in error: OrderRejected\n*Bot*: ndax\n"
NOW = (
    "*Now*: press Acknowledge, and it is yours and the calls stop. That stops no bot: to stop the fleet press Kill, or "
    "type /kill.\n"
)
SEE = "That it is over does not say what ndax does now: look at /status."


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            alert.resolved(OVER),
            (
                "*✅ RESOLVED after 12 min: ndax was in error*\n"
                "It was 🟠 HIGH. The coordinator's status no longer says so.\n"
                f"Nobody took it.\n{SEE}"
            ),
        ),
        (
            alert.resolved(replace(OVER, owner="U0ADMIN1", owned_at=after(1), source=Source.RECORD)),
            (
                "*✅ RESOLVED after 12 min: ndax was in error*\nIt was 🟠 HIGH. Our own record no longer says so.\n"
                f"*Acknowledged* at 03:13:05 UTC · owned by <@U0ADMIN1>\n{SEE}"
            ),
        ),
        (
            alert.resolved(replace(OVER, source=Source.COORDINATOR, message="crashed", unheard=True)),
            (
                "*⚪ NO LONGER REPORTED, not seen to end: ndax: crashed*\n"
                "It was 🟠 HIGH. *Nobody saw it end*: the coordinator just did not say it again. Look at /status "
                "before you believe it.\nNobody took it."
            ),
        ),
        (
            alert.resolved(replace(SUMMARY, firing=False, ended_at=after(30))),
            (
                "*✅ RESOLVED after 30 min: 7 similar alerts: consecutive loss limit*\n"
                "It was 🟠 HIGH. None of the 7 fires any more.\nNobody took it.\n"
                "That it is over does not say what the fleet does now: look at /status."
            ),
        ),
        (
            alert.escalated(CRITICAL, CALL),
            (
                "🔴 CRITICAL, NOBODY HAS IT for 2 min: ndax is in error\n<@U0ONCALL>\n"
                f"*Nobody has taken this for 2 min*, and it is not over.\n{WHAT}{NOW}"
                "If nobody does, the next call comes at 03:17:05 UTC, in 3 min.\n#12"
            ),
        ),
        (
            alert.escalated(
                CRITICAL,
                CallOut(
                    step=1,
                    waited_seconds=300,
                    on_call="U0ONCALL",
                    contacts=CONTACTS,
                    here=True,
                    lapsed_owner="U0ADMIN2",
                ),
            ),
            (
                "🔴 CRITICAL, NOBODY HAS IT any more: ndax is in error\n<@U0ONCALL> <@U0ADMIN1> <!here>\n"
                "<@U0ADMIN2> took it 5 min ago and did not answer when asked again: *it is nobody's now*, and it is "
                f"not over.\n{WHAT}{NOW}If nobody does, the next call comes at 03:17:05 UTC, in 10 min.\n"
                "*Call now*\n*primary administrator*: <@U0ADMIN1>, tel. +1 555 0100\n"
                "*second administrator*: Grace, tel. +1 555 0101\n#12"
            ),
        ),
        (
            alert.escalated(
                replace(CRITICAL, next_call_at=None), CallOut(step=0, waited_seconds=120, on_call=None, here=True)
            ),
            (
                "🔴 CRITICAL, NOBODY HAS IT for 2 min: ndax is in error\n"
                "<!here> *Nobody is on call*: take it if you can.\n"
                f"*Nobody has taken this for 2 min*, and it is not over.\n{WHAT}{NOW}"
                "If nobody does, the next call comes in 10 min.\n#12"
            ),
        ),
        (
            alert.rose(CRITICAL, Severity.WARNING),
            (
                f"🔴 CRITICAL, was warning: ndax is in error\n{WHAT}*Since*: 03:12:05 UTC (2 min), seen 3 times\n"
                "*Nobody has taken it.* Next call at 03:17:05 UTC, unless somebody presses Acknowledge. People were "
                "called once so far."
            ),
        ),
        (
            alert.asked(replace(OWNED, now=after(31)), minutes=10),
            (
                "<@U0ADMIN1>, you took this at 03:13:05 UTC and *it is not over*: ndax is in error, for 31 min now.\n"
                "*Are you still on it?* Press Still mine within 10 min. Otherwise it is nobody's, and everybody is "
                "called again.\nTo stop the fleet press Kill, or type /kill.\n#12"
            ),
        ),
        (
            alert.settled(alerting()),
            (
                "*🟠 HIGH: ndax is in error*\n*It no longer flaps*: nothing changed for 10 min, and *it goes on "
                "firing*. From now on it is told as any other alert.\n*Nobody has taken it.*"
            ),
        ),
        (
            alert.settled(OVER),
            (
                "*✅ RESOLVED after 12 min: ndax was in error*\n"
                "*It no longer flaps*: nothing changed for 10 min, and it stayed quiet.\n"
                "It was 🟠 HIGH. The coordinator's status no longer says so.\n"
                f"Nobody took it.\n{SEE}"
            ),
        ),
        (
            alert.acknowledged(OWNED),
            (
                "<@U0ADMIN1> took #12 at 03:13:05 UTC: ndax is in error. Nobody else is called while it is theirs.\n"
                "*It is not over*, and nothing in the fleet was changed by that."
            ),
        ),
        (
            alert.continued(CRITICAL),
            (
                "☑️ Goes on in a newer message: ndax is in error\n"
                "#12 has a newer message further down in this channel. *This one is not kept up to date any more*, and "
                "its buttons are gone."
            ),
        ),
        (
            alert.answer_acknowledged(OWNED),
            (
                "*#12 is yours*: ndax is in error. Nobody else is called meanwhile. You are asked again if it goes on "
                "for long.\n"
                "*Nothing in the fleet was changed*: to stop a bot type /stop and its name, to stop them all /kill."
            ),
        ),
        (
            alert.answer_over(OVER),
            (
                "That alert was resolved at 03:24:05 UTC: nothing to acknowledge. For what goes on now type /alerts."
            ),
        ),
        (
            alert.answer_over(replace(OVER, unheard=True)),
            (
                "That alert was closed at 03:24:05 UTC, for nobody reported it again: nothing to acknowledge. For what "
                "goes on now type /alerts."
            ),
        ),
        (
            alert.answer_owned(OWNED),
            (
                "<@U0ADMIN1> took it at 03:13:05 UTC, so it stays theirs and nothing was changed. Talk to them if you "
                "can help; to stop the fleet type /kill."
            ),
        ),
    ],
    ids=[
        "resolved", "resolved-owned", "unheard", "resolved-several", "call", "call-all", "call-nobody", "rose",
        "asked", "settled-firing", "settled-quiet", "acknowledged", "continued", "yours", "over", "over-unheard",
        "theirs",
    ],
)  # fmt: skip
def test_each_message_says_what_happened_what_did_not_and_what_is_next(message: Message, text: str) -> None:
    assert message.text == text


def test_everybody_here_is_called_only_when_it_is_their_turn() -> None:
    assert "<!here>" not in alert.escalated(CRITICAL, CALL).text
    assert "<!here>" in alert.escalated(CRITICAL, replace(CALL, here=True)).text


def test_a_drill_that_nobody_takes_is_called_a_drill() -> None:
    assert alert.escalated(replace(CRITICAL, drill=True), CALL).text.startswith(
        "🔴 CRITICAL · DRILL, NOBODY HAS IT"
    )


@pytest.mark.parametrize(
    ("message", "labels"),
    [
        (alert.escalated(CRITICAL, CALL), ["Acknowledge", "Kill"]),
        (alert.asked(OWNED, minutes=10), ["Still mine", "Kill"]),
        (alert.resolved(OVER), []),
        (alert.continued(CRITICAL), []),
    ],
    ids=["call", "asked", "resolved", "continued"],
)
def test_what_asks_for_a_press_brings_its_button(message: Message, labels: list[str]) -> None:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    shown = [button for row in rows for button in row]
    assert [button["text"]["text"] for button in shown] == labels
    assert [button["value"] for button in shown] == ["12"] * len(labels)
    assert [button["action_id"] for button in shown] == ["alert.ack", "alert.kill"][: len(labels)]


@pytest.mark.parametrize(
    ("state", "choices", "words"),
    [
        (CRITICAL, {"15m": "15 minutes", "1h": "1 hour"}, "It is critical, so an hour is the most: "),
        (
            alerting(),
            {
                "15m": "15 minutes",
                "1h": "1 hour",
                "4h": "4 hours",
                "resolved": "Until it is resolved, at most 24 hours",
            },
            "*🟠 HIGH: ndax is in error*\nNobody is told or called about it for that time. It is still watched",
        ),
        (
            STORM,
            {
                "15m": "15 minutes",
                "1h": "1 hour",
                "4h": "4 hours",
                "resolved": "Until it is resolved, at most 24 hours",
            },
            "This makes every alert quiet that this message tells, *also those that join it later*.\nNobody is told",
        ),
    ],
    ids=["critical", "high", "several"],
)
def test_the_form_offers_what_the_rules_allow_and_says_why(
    state: AlertCard, choices: dict[str, str], words: str
) -> None:
    view = alert.silence_form(state)
    explanation, span, reason = view["blocks"]
    options = {each["value"]: each["text"]["text"] for each in span["element"]["options"]}
    assert options == choices
    assert span["element"]["initial_option"]["value"] == "15m"
    assert (view["callback_id"], view["private_metadata"]) == ("alert.silence", "12")
    assert (span["block_id"], span["element"]["type"], span["element"]["action_id"]) == (
        "span",
        "static_select",
        "choice",
    )
    assert (reason["block_id"], reason["element"]["action_id"]) == ("reason", "text")
    assert not reason.get("optional", False)
    assert words in explanation["text"]["text"]
    assert "*nothing in the fleet is changed*" in explanation["text"]["text"]


def test_recover_shows_the_steps_and_does_nothing() -> None:
    assert alert.recover_plan(alerting()).text == (
        "Recover: Bot Crashes Repeatedly\n"
        "This is for *🟠 HIGH: ndax is in error*.\n"
        "*Nothing was done yet*: these are the steps in short. Recover opens a recovery that leads through all of them "
        "together, in the ops channel.\n"
        "1. Type `/stop ndax`, so that it does not come up and fall again; if others suffer, `/kill`.\n"
        "2. Read its latest errors with `/status ndax`, and what came with them with `/alerts`.\n"
        "3. Name the cause before anything else: too little memory, a fault in the code, refused credentials.\n"
        "4. Mend that cause; after a bad release go back to the last good one.\n"
        "5. Ask for `/start ndax` in safe mode, with no other change, and watch it for 60 minutes.\n"
        "6. If it falls again, `/stop ndax` and go back to its errors: a third try proves nothing new.\n"
        "*Every start needs a second admin*: what you ask for waits until another one approves. A stop never does: if "
        "money is being lost, type `/kill` first and read on afterwards.\n"
        f"#12 · <{HANDBOOK}#scenario-1-bot-crashes-repeatedly|Scenario 1: Bot Crashes Repeatedly>"
    )


def test_a_step_without_a_bot_says_where_its_name_goes() -> None:
    text = alert.recover_plan(alerting(bot=None)).text
    assert "`/stop &lt;bot&gt;`, so that" in text
    text = alert.recover_plan(alerting(source=Source.MONITOR, kind=Kind.MONITOR_ALERT, message="breach")).text
    assert "2. Type `/lockdown on`: nothing is started" in text
    assert "config/api-endpoints.json" in alert.recover_plan(alerting(kind=Kind.MONITOR_UNREACHABLE)).text
