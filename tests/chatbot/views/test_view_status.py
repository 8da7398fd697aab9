"""What /status shows: both sides of the kill switch, everything unknown called unknown, and how fresh it is."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from view_cases import KILLED, LATCH, after, fleet, status_report

from chatbot.views.blocks import Message
from chatbot.views.status import StatusReport, Verdict, as_data, plain, report, verdict
from commands.cooldown import Breaker
from commands.coordinator.model import BotStatus, FleetStatus, MonitorBot, MonitorMetrics

STILL = {"ndax": "stopped", "quantum": "paused", "shadowforge": "error"}
RUNNING = {"ndax": "running", "quantum": "running", "shadowforge": "running"}


def said(found: StatusReport) -> str:
    return report(found, public=False).text


def labels(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row]


@pytest.mark.parametrize(
    ("found", "wanted", "headline"),
    [
        (status_report(fleet(False, **RUNNING)), Verdict.OPEN, "▶️ Fleet: not killed"),
        (status_report(fleet(True, **STILL), LATCH), Verdict.KILLED, "🛑 Fleet: killed"),
        (
            status_report(fleet(False, **RUNNING), LATCH),
            Verdict.FORGOTTEN,
            "🚨 THE COORDINATOR FORGOT THE KILL",
        ),
        (
            status_report(fleet(False, **RUNNING), replace(LATCH, verified_at=None)),
            Verdict.NOT_HELD,
            "🚨 THE COORDINATOR DOES NOT HOLD THE KILL",
        ),
        (status_report(fleet(True, **STILL)), Verdict.FOREIGN, "🚨 KILLED, BUT NOT BY US"),
        (
            status_report(fleet(True, **{**STILL, "ndax": "running"}), LATCH),
            Verdict.MOVING,
            "🚨 KILLED, BUT NOT EVERY BOT IS SEEN STILL",
        ),
        (
            status_report(fleet(True, ndax="stopped", quantum="stopped"), LATCH),  # one is not listed
            Verdict.MOVING,
            "🚨 KILLED, BUT NOT EVERY BOT IS SEEN STILL",
        ),
        (
            status_report(fleet(None, **STILL), LATCH),
            Verdict.UNKNOWN,
            "⚠️ Fleet: not known whether it is killed",
        ),
        (
            status_report(None, error="refused"),
            Verdict.UNKNOWN,
            "⚠️ Fleet: not known whether it is killed",
        ),
        (
            status_report(fleet(False, **RUNNING), storage_error="locked"),
            Verdict.UNKNOWN,
            "⚠️ Fleet: not known whether it is killed",
        ),
        (
            status_report(fleet(False, **RUNNING), LATCH, storage_error="locked"),
            Verdict.FORGOTTEN,
            "🚨 THE COORDINATOR FORGOT THE KILL",
        ),
    ],
)
def test_the_headline_compares_the_coordinator_with_our_record(
    found: StatusReport, wanted: Verdict, headline: str
) -> None:
    assert verdict(found) is wanted
    assert said(found).splitlines()[0] == headline


def test_a_difference_is_shouted_with_what_to_do() -> None:
    assert "OUR RECORD SAYS KILLED, THE COORDINATOR SAYS ITS KILL SWITCH IS OFF" in said(
        status_report(fleet(False, **RUNNING), LATCH)
    )
    never = said(status_report(fleet(False, **RUNNING), replace(LATCH, verified_at=None)))
    assert "The kill was never seen to hold there. Type /kill to send it again." in never
    assert "restart" not in never
    assert "forgot" not in never.lower()
    assert "OUR RECORD KNOWS OF NO KILL" in said(status_report(fleet(True, **STILL)))
    moving = said(status_report(fleet(True, **{**STILL, "quantum": "starting"}), LATCH))
    assert "NOT SEEN STILL: quantum" in moving
    assert moving.count("Type /kill") == 1
    assert "Type /kill" not in said(status_report(fleet(True, **STILL), LATCH))


def test_an_ordinary_answer_reads_well() -> None:
    bot = BotStatus(
        name="ndax", status="running", health=97.5, error_count=2, latest_errors=("older", "lost <it>")
    )
    status = replace(fleet(False, **RUNNING), bots={"ndax": bot}, breaker_open=False, breaker="closed")
    assert said(status_report(status, bots=("ndax",))) == (
        "▶️ Fleet: not killed\n"
        "*Kill switch*, says the coordinator: not active\n"
        "*Kill switch*, says our record: not killed\n"
        "*Cooldown*: none, nothing is killed\n"
        "*Circuit breaker*: coordinator closed, ours closed (0 of 3 kills)\n"
        "*ndax*: *running*, health 97.5 of 100, errors 2\n"
        "> latest error: lost &lt;it&gt;\n"
        "*Since the coordinator started*: trades *unknown*, profit and loss *unknown*, bots started *unknown*, "
        "errors handled *unknown*, kills *unknown*, recoveries *unknown* of *unknown*\n"
        "Read 0.4 s ago (at 03:12:04 UTC); the coordinator's own time was 12 s old then."
    )


def test_a_kill_shows_who_why_since_when_and_the_cooldown() -> None:
    text = said(status_report(fleet(True, **STILL), LATCH))
    assert (
        "*killed* since 2026-11-24 02:54:05 UTC by <@U0ADMIN1> (bad fills), seen stopped at 2026-11-24"
        in text
    )
    assert "*Cooldown*: 42 min left before a release" in text
    over = status_report(fleet(True, **STILL), replace(LATCH, verified_at=None), cooldown_left=timedelta())
    assert "*never seen stopped*" in said(over)
    assert "*Cooldown*: over" in said(over)


def test_nothing_known_is_unknown_and_never_no() -> None:
    text = said(
        status_report(
            None,
            error="The coordinator cannot be reached.",
            storage_error="It is locked.",
            outbox_waiting=3,
            outbox_oldest=12.0,
        )
    )
    assert "*Kill switch*, says the coordinator: *unknown*" in text
    assert "*Kill switch*, says our record: *unknown*" in text
    assert "*Cooldown*: *unknown*" in text
    assert "coordinator *unknown*, ours *unknown* (at least 0 of 3 kills)" in text
    assert "*ndax*: *unknown*" in text
    assert "*The coordinator could not be read*: The coordinator cannot be reached. A /kill is sent" in text
    assert "*The database does not answer*: It is locked. A /kill works all the same" in text
    assert "*Messages that wait for Slack*: 3, the oldest for 12 s." in text
    assert "not active" not in text


def test_missing_fields_of_a_bot_are_unknown() -> None:
    status = replace(fleet(False), bots={"ndax": BotStatus(name="ndax"), "extra": BotStatus(name="extra")})
    text = said(status_report(status, bots=("ndax", "quantum")))
    assert "*ndax*: *unknown*, health *unknown*, errors *unknown*" in text
    assert "*quantum*: *unknown*, the coordinator does not list it" in text
    assert "*extra*: *unknown* (not in our configuration)" in text


@pytest.mark.parametrize(
    ("open_", "words", "shown"),
    [
        (True, "true", "coordinator *open*,"),
        (True, "tripped by losses", "coordinator *open* (tripped by losses),"),
        (False, "closed", "coordinator closed,"),
        (None, "half-open?", "coordinator *unknown* (half-open?),"),
        (None, None, "coordinator *unknown*,"),
    ],
)
def test_the_coordinators_breaker_in_its_own_words(open_: bool | None, words: str | None, shown: str) -> None:
    status = replace(fleet(False, **RUNNING), breaker_open=open_, breaker=words)
    assert shown in said(status_report(status))


def test_our_breaker_counts_kills() -> None:
    text = said(
        status_report(
            fleet(True, **STILL),
            LATCH,
            breaker=Breaker(open=True, kills=3, limit=3, closes_in=timedelta(hours=2)),
        )
    )
    assert "ours *open* (3 of 3 kills, closes in 2 h 0 min)" in text


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        (None, "the coordinator gives no time of its own"),
        (after(-12.4), "the coordinator's own time was 12 s old then"),
        (after(300), "the coordinator's own time is 5 min ahead"),
    ],
)
def test_freshness_by_both_clocks(reported: object, shown: str) -> None:
    status: FleetStatus = replace(fleet(False, **RUNNING), reported_at=reported)  # type: ignore[arg-type]  # a table
    assert shown in said(status_report(status))


def test_one_bot_is_shown_alone() -> None:
    text = said(status_report(fleet(False, **RUNNING), only="quantum"))
    assert "*quantum*" in text
    assert "*ndax*" not in text
    assert "Since the coordinator started" not in text


def test_the_buttons_fit_the_person_and_the_place() -> None:
    found = status_report(fleet(False, **RUNNING), only="ndax")
    assert labels(report(found, public=False)) == ["Refresh", "Share", "Kill"]
    assert labels(report(found, public=True)) == ["Refresh", "Kill"]
    assert labels(report(replace(found, may_kill=False), public=False)) == ["Refresh", "Share"]
    buttons = next(block for block in report(found, public=False).blocks if block["type"] == "actions")[
        "elements"
    ]
    assert [button["action_id"] for button in buttons] == ["status.refresh", "status.share", "kill.fleet"]
    assert buttons[0]["value"] == "ndax"  # a refresh shows the same again
    assert buttons[2]["style"] == "danger"
    assert "every bot now, not only one" in buttons[2]["confirm"]["text"]["text"]


def test_the_monitor_is_shown_when_it_was_read() -> None:
    bots = {"ndax": MonitorBot(name="ndax", status="ok", positions=2, pnl_24h=-1234.5, trades_24h=7)}
    text = said(status_report(fleet(False, **RUNNING), monitor=MonitorMetrics(observed_at=KILLED, bots=bots)))
    assert "ndax: ok, positions 2, 24 h: 7 trades, profit and loss -1,234.50" in text


def test_a_terminal_reads_the_same_without_markup() -> None:
    text = plain(status_report(fleet(False, **RUNNING), replace(LATCH, reason="a <b> & *c* ~d~ _e_ f_g")))
    assert "THE COORDINATOR FORGOT THE KILL" in text
    assert "killed since 2026-11-24 02:54:05 UTC by @U0ADMIN1 (a <b> & *c* ~d~ _e_ f_g)" in text
    assert not any(sign in text for sign in ("<!date", "&lt;", "*ndax*", "<@"))


def test_a_program_reads_null_for_what_is_not_known() -> None:
    data = as_data(status_report(None, error="refused", storage_error="locked"))
    assert json.loads(json.dumps(data)) == data
    assert data["verdict"] == "unknown"
    assert data["kill_switch_active"] is None
    assert data["latch"] is None
    assert data["latch_known"] is False
    assert data["bots"]["ndax"] == {
        "status": None,
        "health": None,
        "error_count": None,
        "latest_errors": [],
        "listed": False,
    }
    full = as_data(status_report(fleet(True, **STILL), LATCH))
    assert full["latch"]["by"] == "U0ADMIN1"
    assert full["bots"]["quantum"]["status"] == "paused"
    assert full["cooldown_left_seconds"] == 2520.0
