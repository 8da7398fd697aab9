"""The card of an alert, word by word, in each of its standings; and its buttons."""

from dataclasses import replace

import pytest
from alert_cases import BEGAN, CRITICAL, HANDBOOK, OVER, OWNED, STORM, SUMMARY, after, alerting, silenced
from view_cases import KILLED, fleet, status_report

from chatbot.views import alert, status
from chatbot.views.alert_state import AlertCard
from chatbot.views.blocks import Message
from commands.alerting.model import Kind, Severity, Source

WHAT = "*What*: ndax is in error: OrderRejected\n*Bot*: ndax\n"
SINCE = "*Since*: 03:12:05 UTC (2 min), seen 3 times\n"
TO_DO = (
    "*What to do*: Type `/stop ndax`, so that it does not come up and fall again; if others suffer, `/kill`.\n"
    f"More: <{HANDBOOK}#scenario-1-bot-crashes-repeatedly|Scenario 1: Bot Crashes Repeatedly>\n"
)
SMALL = "#12 · says the coordinator's status · 3 times, last at 03:14:05 UTC"
GENERAL = (
    "*What to do*: Look first: `/status` for the fleet, `/alerts` for what else is open.\n"
    f"More: <{HANDBOOK}#general-recovery-process|General Recovery Process>\n"
)
HOW_MANY = "7 alerts since 03:12:05 UTC (2 min); *5 still fire*.\n*By bot*: ndax 4, no bot named 3\n"
NEWEST = (
    "*The newest*\n"
    "#21 *🟠 HIGH* The run of losses of ndax has reached its limit (since 03:12:05 UTC, once)\n"
    "#20 *🟡 WARNING* The run of losses of ndax has reached its limit (over, began 03:12:05 UTC, 2 times)\n"
    "... and 5 more: everything is listed by /alerts.\n"
)


def said(**known: object) -> str:
    return alert.card(alerting(**known)).text


def buttons(message: Message) -> dict[str, dict[str, object]]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {button["text"]["text"]: button for row in rows for button in row}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            alerting(),
            f"🟠 HIGH: ndax is in error\n{WHAT}{SINCE}*Nobody has taken it.*\n{TO_DO}{SMALL}",
        ),
        (
            CRITICAL,
            (
                f"🔴 CRITICAL: ndax is in error\n{WHAT}{SINCE}"
                "*Nobody has taken it.* Next call at 03:17:05 UTC, unless somebody presses Acknowledge. "
                f"People were called once so far.\n{TO_DO}{SMALL}"
            ),
        ),
        (
            OWNED,
            (
                f"🔴 CRITICAL: ndax is in error\n{WHAT}{SINCE}"
                f"*Acknowledged* at 03:13:05 UTC · owned by <@U0ADMIN1>\n{TO_DO}{SMALL}"
            ),
        ),
        (
            OVER,
            (
                f"✅ RESOLVED after 12 min: ndax was in error\n*It was*: 🟠 HIGH\n{WHAT}"
                "*From*: 03:12:05 UTC to 03:24:05 UTC (12 min), seen 3 times\nNobody took it.\n"
                "#12 · says the coordinator's status · 3 times, last at 03:23:05 UTC"
            ),
        ),
        (
            replace(OVER, source=Source.COORDINATOR, kind="event_bot_crashed", message="out of memory", unheard=True),
            (
                "⚪ NO LONGER REPORTED, not seen to end: ndax: out of memory\n*It was*: 🟠 HIGH\n"
                "*What*: out of memory\n*Bot*: ndax\n"
                "*From*: 03:12:05 UTC to 03:24:05 UTC (12 min), seen 3 times\nNobody took it.\n"
                "*Nobody saw it end*: the coordinator just did not say it again. Look at /status before you believe "
                "it.\n#12 · says the coordinator · 3 times, last at 03:23:05 UTC"
            ),
        ),
        (
            alerting(flapping=True, changes=4),
            (
                f"🟠 HIGH · 🔁 FLAPPING: ndax is in error\n{WHAT}{SINCE}*Nobody has taken it.*\n"
                "🔁 *FLAPPING*: 4 changes in 10 min, it fires now. The next message about it comes when it stays as it "
                f"is for 10 min.\n{TO_DO}{SMALL}"
            ),
        ),
        (
            alerting(flapping=True, changes=4, firing=False, ended_at=after(1)),
            (
                f"🟠 HIGH · 🔁 FLAPPING: ndax was in error\n{WHAT}"
                "*From*: 03:12:05 UTC to 03:13:05 UTC (60 s), seen 3 times\nNobody took it.\n"
                "🔁 *FLAPPING*: 4 changes in 10 min, just now it is quiet. The next message about it comes when it "
                f"stays as it is for 10 min.\n{SMALL}"
            ),
        ),
        (
            alerting(silence=silenced()),
            (
                f"🟠 HIGH: ndax is in error\n{WHAT}{SINCE}*Nobody has taken it.*\n"
                "🔕 *SILENCED* by <@U0ADMIN2> until 04:13:05 UTC: known feed problem. It is still watched, and nobody "
                f"is called. To hear of it again, type /silences and press End.\n{TO_DO}{SMALL}"
            ),
        ),
        (
            alerting(was_silenced=silenced()),
            (
                f"🟠 HIGH: ndax is in error\n{WHAT}{SINCE}*Nobody has taken it.*\n"
                f"It was silenced by <@U0ADMIN2> until now (known feed problem).\n{TO_DO}{SMALL}"
            ),
        ),
        (
            SUMMARY,
            (
                f"🟠 HIGH: 7 similar alerts: consecutive loss limit\n{HOW_MANY}{NEWEST}*Nobody has taken it.*\n"
                f"{GENERAL}#12 · several alerts in one message, last at 03:14:05 UTC"
            ),
        ),
        (
            STORM,
            (
                f"🟠 HIGH: More alerts than can be told one by one\n{HOW_MANY}"
                "Slack takes only so many messages, so these have none of their own. *Nothing was dropped*.\n"
                f"{NEWEST}*Nobody has taken it.*\n{GENERAL}"
                "#12 · several alerts in one message, last at 03:14:05 UTC"
            ),
        ),
    ],
    ids=[
        "high", "critical", "owned", "over", "unheard", "flapping", "flapping-quiet", "silenced", "was-silenced",
        "several", "storm",
    ],
)  # fmt: skip
def test_the_card_says_how_bad_what_whose_and_what_to_do(state: AlertCard, text: str) -> None:
    assert alert.card(state).text == text


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (Severity.CRITICAL, "🔴 CRITICAL: "),
        (Severity.HIGH, "🟠 HIGH: "),
        (Severity.WARNING, "🟡 WARNING: "),
        (Severity.INFO, "🔵 INFO: "),
    ],
)
def test_how_bad_it_is_stands_first_as_a_word(severity: Severity, word: str) -> None:
    assert said(severity=severity).startswith(word)
    assert said(severity=severity, owner="U0ADMIN1").startswith(word)
    assert f"*It was*: {word.removesuffix(': ')}\n" in alert.card(replace(OVER, severity=severity)).text


@pytest.mark.parametrize(
    ("kind", "now", "afterwards"),
    [
        (Kind.BOT_LEFT_RUNNING, "ndax no longer runs, and nobody here stopped it", "ndax did not run"),
        (Kind.BOT_RECOVERY, "ndax is in recovery", "ndax was in recovery"),
        (Kind.HEALTH_LOW, "ndax is in poor health", "ndax was in poor health"),
        (Kind.ERRORS_RISING, "ndax has more and more errors", "ndax had more and more errors"),
        (Kind.BREAKER_OPEN, "The circuit breaker is open", "The circuit breaker was open"),
        (Kind.LATCH_MISMATCH, "The kill no longer holds", "The kill did not hold"),
        (
            Kind.COORDINATOR_UNREACHABLE,
            "The coordinator cannot be reached",
            "The coordinator could not be reached",
        ),
        (
            Kind.MONITOR_UNREACHABLE,
            "The health monitor cannot be reached",
            "The health monitor could not be reached",
        ),
        (Kind.KILL, "The fleet is killed", "The fleet was killed"),
        (Kind.STOP_NOT_VERIFIED, "NOT SEEN TO STOP", "Was not seen to stop at first"),
        (Kind.WINDOW_UNSTABLE, "A watched bot is unstable", "A watched bot was unstable"),
        (Kind.CHANNEL_BROKEN, "A channel takes no messages", "A channel took no messages"),
    ],
)
def test_our_own_kinds_have_plain_words(kind: Kind, now: str, afterwards: str) -> None:
    bot = "ndax" if now.startswith("ndax") else None
    assert said(kind=kind, bot=bot).startswith(f"🟠 HIGH: {now}\n")
    assert alert.card(replace(OVER, kind=kind, bot=bot)).text.startswith(
        f"✅ RESOLVED after 12 min: {afterwards}\n"
    )


def test_the_names_of_others_do_not_speak_in_our_words() -> None:
    text = said(source=Source.ALERTMANAGER, kind="kill", bot=None, message="Disk is full")
    assert text.startswith("🟠 HIGH: Disk is full\n*What*: Disk is full\n")
    assert "is killed" not in text


def test_the_bot_stands_before_words_that_do_not_name_it() -> None:
    monitor = {"source": Source.MONITOR, "kind": Kind.MONITOR_ALERT}
    assert said(**monitor, message="Slippage").startswith("🟠 HIGH: ndax: Slippage\n")
    assert said(**monitor, message="Slippage of NDAX").startswith("🟠 HIGH: Slippage of NDAX\n")
    assert said(**monitor, message="Slippage of ndax2").startswith("🟠 HIGH: ndax: Slippage of ndax2\n")
    assert said(kind=Kind.STOP_NOT_VERIFIED).startswith("🟠 HIGH: ndax: NOT SEEN TO STOP\n")


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({"value": 312.0, "limit": 400.0, "unit": "account currency"}, "312 of 400 account currency (78 %)"),
        ({"value": 399.99, "limit": 400.0}, "399.99 of 400 (99 %)"),  # rounded up it would look reached
        ({"value": 1234567.5, "limit": 1000000.0}, "1,234,567.5 of 1,000,000 (123 %)"),
        ({"value": 91.5, "limit": 90.0, "unit": "%"}, "91.5 %, the limit is 90 %"),
        ({"value": 5.0, "unit": "s"}, "5 s"),
        ({"value": -5.0, "limit": 10.0}, "-5 of 10"),
        ({"value": float("nan"), "limit": 10.0}, "not a number of 10"),
        ({"kind": Kind.HEALTH_LOW, "value": 34.0, "limit": 50.0}, "34 of 100, an alert below 50"),
        ({"kind": Kind.ERRORS_RISING, "value": 7, "limit": 3}, "7 new errors, an alert from 3 on"),
    ],
)
def test_a_value_stands_beside_its_limit(known: dict[str, object], shown: str) -> None:
    assert f"\n*Value*: {shown}\n" in said(**known)


def test_a_critical_alert_is_not_shown_as_quiet_for_longer_than_it_is() -> None:
    silence = silenced(pattern="ndax", ends_at=after(500))
    critical = alerting(severity=Severity.CRITICAL, silence=silence)
    assert "by <@U0ADMIN2> until 04:13:05 UTC:" in alert.card(critical).text
    assert "by <@U0ADMIN2> until 11:32:05 UTC:" in said(silence=silence)
    assert "until it is resolved, at the latest until 11:32:05 UTC:" in said(
        silence=replace(silence, until_resolved=True)
    )


def test_a_time_of_another_day_has_its_date() -> None:
    assert "*Since*: 2026-11-24 03:12:05 UTC (12 h 0 min)" in said(now=after(720))


def test_a_call_that_is_late_is_not_announced_for_the_past() -> None:
    assert "The next call is due now, unless" in alert.card(replace(CRITICAL, next_call_at=BEGAN)).text


def test_the_last_log_lines_are_harmless_few_and_short() -> None:
    logs = (*("old",) * 3, "a <!here>", "", "b\x1b[31m\nc", "d" * 900, "e", "f")
    message = alert.card(alerting(logs=logs))
    shown = [block for block in message.blocks if block["type"] == "rich_text"]
    text = shown[0]["elements"][0]["elements"][0]["text"]
    assert text == f"a <!here>\nb[31m c\n{'d' * 199}…\ne\nf"
    assert "*Last log lines*\na &lt;!here&gt;\n" in message.text


def test_a_drill_is_called_one_everywhere() -> None:
    text = said(drill=True, severity=Severity.CRITICAL)
    assert text.startswith("🔴 CRITICAL · DRILL: ndax is in error\n*This is a drill.*\n")
    assert alert.card(replace(OVER, drill=True)).text.startswith("✅ RESOLVED after 12 min · DRILL: ")


def test_several_alerts_of_which_none_fires() -> None:
    quiet = alert.card(replace(SUMMARY, firing_members=0)).text
    assert "*none fires now*. This closes when nothing new has come for some minutes." in quiet
    over = alert.card(replace(SUMMARY, firing=False, ended_at=after(30), firing_members=0)).text
    assert over.startswith(
        "✅ RESOLVED after 30 min: 7 similar alerts: consecutive loss limit\n*It was*: 🟠 HIGH\n"
    )
    assert "7 alerts from 03:12:05 UTC to 03:42:05 UTC (30 min); *none fires any more*." in over


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.BOT_ERROR, "a bot is in error"),
        (Kind.BREAKER_OPEN, "the circuit breaker is open"),
        (Kind.MONITOR_ALERT, "from the health monitor"),
        ("event_bot_crashed", "event bot crashed"),
        ("", "of a kind without a name"),
    ],
)
def test_similar_alerts_are_named_by_their_kind(kind: str, words: str) -> None:
    assert alert.card(replace(SUMMARY, kind=kind)).text.startswith(f"🟠 HIGH: 7 similar alerts: {words}\n")


def test_buttons_are_there_while_it_fires_and_carry_its_number() -> None:
    shown = buttons(alert.card(alerting()))
    assert {label: each["action_id"] for label, each in shown.items()} == {
        "Acknowledge": "alert.ack",
        "Silence": "alert.silence",
        "Recover": "alert.recover",
        "Kill": "alert.kill",
    }
    assert {each["value"] for each in shown.values()} == {"12"}
    assert list(buttons(alert.card(OWNED))) == ["Silence", "Recover", "Kill"]
    assert list(buttons(alert.card(SUMMARY))) == ["Acknowledge", "Silence", "Kill"]
    assert buttons(alert.card(OVER)) == {}


@pytest.mark.parametrize("kind", list(Kind))
def test_recover_is_offered_where_a_start_can_mend_something(kind: Kind) -> None:
    no_bot = {
        Kind.KILL,
        Kind.LATCH_MISMATCH,
        Kind.COORDINATOR_UNREACHABLE,
        Kind.MONITOR_UNREACHABLE,
        Kind.CHANNEL_BROKEN,
    }
    assert ("Recover" in buttons(alert.card(alerting(kind=kind)))) == (kind not in no_bot)


def test_kill_asks_the_same_question_as_under_status() -> None:
    ours = buttons(alert.card(alerting()))["Kill"]
    theirs = buttons(status.report(status_report(fleet(False)), public=False))["Kill"]
    assert ours["confirm"] == theirs["confirm"]
    assert ours["style"] == theirs["style"] == "danger"
    assert KILLED == BEGAN  # one night


def test_a_kill_needs_no_name_in_the_card() -> None:
    text = alert.card(alerting(source=Source.RECORD, kind=Kind.KILL, bot=None, message="bad fills")).text
    assert "*Bot*" not in text
    assert "#12 · says our own record · 3 times" in text
