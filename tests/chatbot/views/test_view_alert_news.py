"""News beside the alerts, word by word: silences, on call, a broken channel, an unwatched time, the digest."""

from dataclasses import replace

import pytest
from alert_cases import DIGEST, GAP, QUIET_DIGEST, after, member, silenced

from chatbot.views import alert_news
from chatbot.views.blocks import Message

AUDIT = (
    "*Audit*: #1234 23274a58b0d2. Keep this message: it is a witness outside the database. To hold the record against "
    "it, run `chatbot audit verify --expect` with the line below.\n"
    f"1234:23274a58b0d2{'0' * 52} · Time zone of the digest: Europe/Berlin"
)
REFUSED = "⚠️ A channel takes no messages of this bot\n*Slack refuses what is posted in <#C0ALERTS>*: "
MEANWHILE = (
    "*Until that is mended its messages come here*, 3 so far. Nothing was dropped, and stops work all the same.\n"
    "*What to do*: "
)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            alert_news.silence_began(silenced(pattern="ndax slippage")),
            (
                "🔕 *Silenced* by <@U0ADMIN2> until 04:13:05 UTC: what matches “ndax slippage”.\n"
                "*Why*: known feed problem\n"
                "It is still watched and listed by /alerts; nothing in the fleet was changed. *A critical alert is "
                "quiet for an hour at most.* To end it early type /silences and press End on #3."
            ),
        ),
        (
            alert_news.silence_ends_soon(silenced(matching=2), after(51)),
            (
                "<@U0ADMIN2>, your silence #3 of alert #12 ends in 10 min, at 04:13:05 UTC.\n"
                "2 alerts are kept quiet by it now. What still fires then is told to everybody again.\n"
                "If you are not done, make a new one with /silence, or with Silence on the alert's card."
            ),
        ),
        (
            alert_news.silence_ended(silenced(ended_by="U0ADMIN1"), 2),
            (
                "🔔 *Silence #3 has ended* (ended by <@U0ADMIN1>): alert #12, made by <@U0ADMIN2>.\n"
                "*2 alerts that it kept quiet still fire and are told again now.*"
            ),
        ),
        (
            alert_news.silence_ended(silenced(), 1),
            (
                "🔔 *Silence #3 has ended* (its time was over): alert #12, made by <@U0ADMIN2>.\n"
                "*1 alert that it kept quiet still fires and is told again now.*"
            ),
        ),
        (
            alert_news.silence_ended(silenced(until_resolved=True, ended_at=after(9)), 0),
            (
                "🔔 *Silence #3 has ended* (the alert is over): alert #12, made by <@U0ADMIN2>.\n"
                "Nothing that it kept quiet fires now."
            ),
        ),
        (
            alert_news.on_call_changed("U0ONCALL", "U0ADMIN1", after(300)),
            (
                "📟 *<@U0ONCALL> is on call now*, until 2026-11-24 08:12:05 UTC: a critical alert that nobody takes "
                "calls them first. <@U0ADMIN1> said so."
            ),
        ),
        (
            alert_news.on_call_changed("U0ONCALL", None, None),
            (
                "📟 *<@U0ONCALL> is on call now*, until somebody changes it: a critical alert that nobody takes calls "
                "them first."
            ),
        ),
        (
            alert_news.on_call_changed(None, "U0ADMIN1", None),
            (
                "📟 *Nobody is on call any more.* <@U0ADMIN1> said so. A critical alert that nobody takes calls the "
                "contacts and everybody here. To be on call type /oncall me."
            ),
        ),
        (
            alert_news.unwatched(GAP, after(13)),
            (
                "⚠️ *The fleet was unwatched from 03:12:05 UTC to 03:24:05 UTC* (12 min): this bot was not running.\n"
                "*What happened in that time is not known*, and an alert that began and ended in it was told to nobody."
                " What to do: look at /status now, and at the exchange for orders of that time."
            ),
        ),
    ],
    ids=[
        "silence-began", "silence-ends-soon", "silence-ended-by", "silence-ended", "silence-ended-with-alert",
        "on-call", "on-call-for-long", "on-call-nobody", "unwatched",
    ],
)  # fmt: skip
def test_news_say_what_happened_what_did_not_and_what_is_next(message: Message, text: str) -> None:
    assert message.text == text


@pytest.mark.parametrize(
    ("word", "meaning", "remedy"),
    [
        (
            "is_archived",
            "the channel is archived.",
            "Unarchive it in Slack, or set another channel in the settings and restart this bot.",
        ),
        (
            "not_in_channel",
            "this bot is not a member of the channel.",
            "Open the channel, type /invite and choose this bot.",
        ),
        (
            "channel_not_found",
            "there is no such channel, or it is a private one that this bot was not invited to.",
            "Invite this bot with /invite where the channel is there; else correct its id in the settings.",
        ),
        (
            "restricted_action",
            "a rule of the workspace does not let this bot post there.",
            "Ask an owner of the workspace to let this bot post in it, or set another channel in the settings.",
        ),
        (
            "some_new_word",
            "Slack's word for it is “some_new_word”.",
            "Look whether the channel is there and this bot is a member of it; its id stands in the settings.",
        ),
    ],
)
def test_a_channel_that_takes_nothing_is_explained(word: str, meaning: str, remedy: str) -> None:
    text = alert_news.channel_broken("C0ALERTS", word, moved=3).text
    assert text == f"{REFUSED}{meaning}\n{MEANWHILE}{remedy}"


def test_a_channel_without_a_known_id_is_quoted() -> None:
    text = alert_news.channel_broken("#alerts <!here>", "is_archived", moved=0).text
    assert "*Slack refuses what is posted in “#alerts &lt;!here&gt;”*: the channel is archived.\n" in text
    assert "*Until that is mended its messages come here*. Nothing was dropped" in text


def test_the_digest_tells_the_day() -> None:
    assert alert_news.digest(DIGEST).text == (
        "🗞️ The last 24 hours\n*Open alerts*: 3\n"
        "#21 *🟠 HIGH* The run of losses of ndax has reached its limit (since 03:12:05 UTC, once)\n"
        "... and 2 more, see /alerts\n"
        "*Alerts*: 12 began, 9 ended; 34 occurrences had no message of their own\n"
        "*Kills*: 1\n2026-11-24 03:12:05 UTC by <@U0ADMIN1>: bad fills\n"
        "*Asked of a second admin*: 1\nStart ndax in safe mode: approved by <@U0ADMIN2>\n"
        "*Bots whose trouble is over*: 1\nndax runs again\n"
        "*⚠️ The fleet was unwatched*: 1\nfrom 03:12:05 UTC to 03:24:05 UTC (12 min): this bot was not running\n"
        "*Silences that stand*: 1\n#3 alert #12, by <@U0ADMIN2> until 04:13:05 UTC: known feed problem\n"
        "*On call*: <@U0ONCALL>\n*Messages*: 1 refused by Slack, 2 still wait\n" + AUDIT
    )


def test_a_quiet_day_is_told_as_well() -> None:
    assert alert_news.digest(QUIET_DIGEST).text == (
        "🗞️ The last 24 hours\n*Open alerts*: none\n*Alerts*: 12 began, 9 ended\n*Kills*: none\n"
        "*Asked of a second admin*: nothing\n*Watched*: all the time, as far as is known\n*Silences*: none stands\n"
        "*On call*: *nobody*, so a critical alert calls the contacts and everybody. Take it with /oncall me.\n"
        "*Messages*: all were delivered\n" + AUDIT
    )


def test_the_digest_stays_short() -> None:
    busy = replace(
        DIGEST,
        open_alerts=tuple(member(number) for number in range(10)),
        open_count=40,
        gaps=(GAP,) * 9,
        approvals=(("Start ndax", "expired", ""),),
    )
    text = alert_news.digest(busy).text
    assert "... and 34 more, see /alerts\n" in text
    assert "*⚠️ The fleet was unwatched*: 9\n" in text
    assert "... and 3 more\n" in text
    assert "\nStart ndax: expired\n" in text
