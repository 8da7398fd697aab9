"""The answers to /alerts, /silences and /oncall, word by word."""

from dataclasses import replace

import pytest
from alert_cases import BEGAN, CONTACTS, CRITICAL, HANDBOOK, OVER, OWNED, SUMMARY, after, alerting, silenced

from chatbot.views import alert_lists
from chatbot.views.alert_state import AlertCard
from chatbot.views.blocks import Message

NOW = after(2)


def listed(*rows: AlertCard, only: str = "open", bot: str | None = None, **known: object) -> str:
    known.setdefault("total", len(rows))
    return alert_lists.alerts(rows, only=only, bot=bot, now=NOW, **known).text  # type: ignore[arg-type]  # as above


def test_open_alerts_stand_as_they_are_given_with_who_has_each() -> None:
    flapping = alerting(flapping=True)
    text = listed(
        CRITICAL, OWNED, alerting(silence=silenced()), flapping, SUMMARY, total=30, armed=("max_loss", "x")
    )
    assert text == (
        "🔔 Open alerts\n*30 alerts are open*, the worst first.\n"
        "#12 *🔴 CRITICAL*: ndax is in error, since 03:12:05 UTC (2 min), seen 3 times, *nobody has taken it*\n"
        "#12 *🔴 CRITICAL*: ndax is in error, since 03:12:05 UTC (2 min), seen 3 times, owned by <@U0ADMIN1>\n"
        "#12 *🟠 HIGH*: ndax is in error, since 03:12:05 UTC (2 min), seen 3 times, 🔕 silenced until 04:13:05 UTC\n"
        "#12 *🟠 HIGH · 🔁 FLAPPING*: ndax is in error, since 03:12:05 UTC (2 min), seen 3 times, "
        "*nobody has taken it*\n"
        "#12 *🟠 HIGH*: 7 similar alerts: consecutive loss limit, since 03:12:05 UTC (2 min), seen 7 times, "
        "*nobody has taken it*\n"
        "... and *25 more*, not shown: name a bot behind /alerts to see only its alerts.\n"
        "One in full: /alerts and its number. What is kept quiet: /silences.\n"
        "Armed kill conditions, says the health monitor (ready, none of them has struck): max_loss, x\n"
        "As of 03:14:05 UTC"
    )


def test_alerts_that_are_over_are_told_from_those_that_nobody_saw_end() -> None:
    text = listed(
        replace(OVER, owner="U0ADMIN1"), replace(OVER, unheard=True), only="all", bot="ndax", total=3
    )
    assert text == (
        "🔔 Alerts, also those that are over\n*3 alerts of ndax*, open and over.\n"
        "#12 *was high*: ndax was in error, over since 03:24:05 UTC, after 12 min, seen 3 times, "
        "owned by <@U0ADMIN1>\n"
        "#12 *was high*: ndax was in error, not reported any more since 03:24:05 UTC, after 12 min, seen 3 times, "
        "nobody took it\n"
        "... and *1 more*, not shown.\n"
        "One in full: /alerts and its number. What is kept quiet: /silences.\nAs of 03:14:05 UTC"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            listed(bot="ndax"),
            "🔔 Open alerts\n*No alert of ndax is open*, at 03:14:05 UTC. Type /alerts all to see what is over.",
        ),
        (
            listed(only="all", watched_since=BEGAN, armed=("max_loss",)),
            (
                "🔔 Alerts, also those that are over\n*No alert is known*, at 03:14:05 UTC.\n"
                "The fleet has been watched since 03:12:05 UTC, and nothing is known before.\n"
                "Armed kill conditions, says the health monitor (ready, none of them has struck): max_loss"
            ),
        ),
    ],
    ids=["open", "all"],
)
def test_that_there_is_none_is_said_in_words(text: str, wanted: str) -> None:
    assert text == wanted


def test_at_most_twenty_alerts_are_shown() -> None:
    text = listed(*(alerting(number=number) for number in range(1, 31)), total=30)
    assert "#20 *" in text
    assert "#21 *" not in text
    assert "... and *10 more*, not shown" in text


def test_one_alert_is_shown_with_what_was_decided_of_it() -> None:
    history = (
        (after(4), "act, acknowledged", "by U0ADMIN1"),
        (after(3), "again, hold", "owned by U0ADMIN1"),
        (after(2), "time, escalate", "nobody took it"),
        (after(1), "time", ""),
        (BEGAN, "began, post", "new"),
    )
    message = alert_lists.one(OWNED, history)
    assert message.text == (
        "🔴 CRITICAL: ndax is in error\n*What*: ndax is in error: OrderRejected\n*Bot*: ndax\n"
        "*Since*: 03:12:05 UTC (2 min), seen 3 times\n*Acknowledged* at 03:13:05 UTC · owned by <@U0ADMIN1>\n"
        "*What to do*: Type `/stop ndax`, so that it does not come up and fall again; if others suffer, `/kill`.\n"
        f"More: <{HANDBOOK}#scenario-1-bot-crashes-repeatedly|Scenario 1: Bot Crashes Repeatedly>\n"
        "*What was decided, newest first*\n"
        "03:16:05 UTC acknowledged: by <@U0ADMIN1>\n"
        "03:15:05 UTC it was seen again, nobody was told: owned by <@U0ADMIN1>\n"
        "03:14:05 UTC people were called: nobody took it\n"
        "03:13:05 UTC looked at anew\n"
        "03:12:05 UTC it began, a message was posted: new\n"
        "#12 · says the coordinator's status · 3 times, last at 03:14:05 UTC"
    )
    assert all(block["type"] != "actions" for block in message.blocks)
    assert "Nothing was decided of it yet." in alert_lists.one(OWNED, ()).text
    assert "... and 10 earlier" in alert_lists.one(OWNED, history * 6).text


def ends(message: Message) -> list[tuple[str, str]]:
    rows = [block for block in message.blocks if block["type"] == "actions"]
    return [(row["block_id"], row["elements"][0]["value"]) for row in rows]


def test_silences_say_what_who_why_and_until_when() -> None:
    active = (
        silenced(matching=1),
        silenced(number=4, pattern="*", matching=2),
        silenced(number=5, pattern="a *b*"),
    )
    ended = (
        silenced(ended_at=after(3), ended_by="U0ADMIN1"),
        silenced(ended_at=after(61)),
        silenced(ended_at=after(9), until_resolved=True),
    )
    message = alert_lists.silences(active, ended, NOW)
    lasts = "until 04:13:05 UTC (59 min left)\nby <@U0ADMIN2> since 03:13:05 UTC: known feed problem\n"
    assert message.text == (
        "🔕 Silences\n"
        f"*Silence #3*: alert #12, {lasts}*1 alert fires and is kept quiet by it now.*\n"
        f"*Silence #4*: everything that is not critical, {lasts}*2 alerts fire and are kept quiet by it now.*\n"
        f"*Silence #5*: what matches “a ∗b∗”, {lasts}It keeps nothing quiet now.\n"
        "*Lately ended*\n"
        "#3 alert #12, by <@U0ADMIN2> (known feed problem): ended by <@U0ADMIN1> at 03:15:05 UTC\n"
        "#3 alert #12, by <@U0ADMIN2> (known feed problem): its time was over at 04:13:05 UTC\n"
        "#3 alert #12, by <@U0ADMIN2> (known feed problem): the alert is over at 03:21:05 UTC\n"
        "As of 03:14:05 UTC · a critical alert is quiet for an hour at most, whatever stands here"
    )
    assert ends(message) == [("silence-3", "3"), ("silence-4", "4"), ("silence-5", "5")]
    button = message.blocks[2]["elements"][0]
    assert (button["action_id"], button["text"]["text"]) == ("silence.end", "End")
    assert (
        button["confirm"]["text"]["text"]
        == "What it keeps quiet and still fires is told to everybody at once."
    )


def test_at_most_ten_silences_have_their_button() -> None:
    message = alert_lists.silences(tuple(silenced(number=number) for number in range(1, 13)), (), NOW)
    assert len(ends(message)) == 10
    assert "... and *2 more*, not shown: end some of these first." in message.text


def test_no_silence_is_said_in_words() -> None:
    assert (
        "*Nothing is silenced*: everybody hears of every alert.\n" in alert_lists.silences((), (), NOW).text
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            alert_lists.on_call("U0ONCALL", after(300), "U0ADMIN1", fallback=CONTACTS, now=NOW),
            (
                "📟 On call\n*<@U0ONCALL> is on call* until 08:12:05 UTC, as <@U0ADMIN1> said.\n"
                "A critical alert that nobody takes calls them first, then another contact and everybody in the alerts "
                "channel, then all of them.\n"
                "*Contacts*\n*primary administrator*: <@U0ADMIN1>, tel. +1 555 0100\n"
                "*second administrator*: Grace, tel. +1 555 0101\n"
                "As of 03:14:05 UTC; nobody was called or notified by this answer."
            ),
        ),
        (
            alert_lists.on_call(None, None, None, fallback=(), now=NOW),
            (
                "📟 On call\n"
                "*Nobody is on call.* To be it type /oncall me; to name somebody, /oncall and a mention.\n"
                "Until then a critical alert that nobody takes calls everybody in the alerts channel.\n"
                "*Contacts*\n"
                "No emergency contacts are configured: an admin adds them under `contacts` in the settings.\n"
                "As of 03:14:05 UTC; nobody was called or notified by this answer."
            ),
        ),
    ],
    ids=["somebody", "nobody"],
)
def test_who_is_on_call_and_who_comes_after(message: Message, text: str) -> None:
    assert message.text == text


def test_on_call_without_an_end_and_with_contacts_alone() -> None:
    text = alert_lists.on_call("U0ONCALL", None, None, fallback=CONTACTS, now=NOW).text
    assert "*<@U0ONCALL> is on call* until somebody changes it.\n" in text
    text = alert_lists.on_call(None, None, None, fallback=CONTACTS, now=NOW).text
    assert "calls the first contact below and everybody in the alerts channel.\n" in text
