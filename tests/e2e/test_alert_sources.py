"""Where alerts come from: the monitor's rows and figures, changes of the fleet's status, and our own record."""

from datetime import datetime
from pathlib import Path

import pytest

from chatbot.sandbox.fleet.policy import Policy
from tests.conversation import OPS, PATIENCE, Conversation
from tests.e2e.alerting import (
    NO_MONITOR,
    ONLY_MONITOR,
    STILL,
    buttons,
    card,
    headline,
    known,
    looks,
    now,
    posted,
    quick,
    reply,
    said,
    to_coordinator,
    until,
    watching,
)
from tests.e2e.test_stop_pause import accepted_earlier
from tests.e2e.two_people import QUICK, approve, ask, kill, text_of

# -- the monitor -------------------------------------------------------------------------------------------------


async def test_armed_conditions_are_no_alerts_and_every_severity_has_its_word(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        await looks(talk, count=2)
        assert known(talk, "id") == []
        assert posted(talk) == []
        for line in ("/status", "/alerts"):
            assert "max_daily_loss_reached" in text_of(await talk.admin.types(line)), line

        words = {"info": "🔵 INFO", "warning": "🟡 WARNING", "high": "🟠 HIGH", "critical": "🔴 CRITICAL"}
        for severity in words:
            talk.fleet.alert(severity, f"{severity} slippage on the feed", bot="ndax")
        for severity, word in words.items():
            shown = await card(talk, f"{severity} slippage", "the health monitor")
            assert headline(shown) == f"{word}: ndax: {severity} slippage on the feed"
        assert known(talk, "count(*)", "sum(firing)") == [(4, 4)]

        assert talk.fleet.clear_alerts() == 4
        for severity, word in words.items():
            shown = await card(talk, "✅ RESOLVED after", f"{severity} slippage", word)
            assert "no longer says so" in (await reply(talk, shown, "RESOLVED after")).words
        assert len(posted(talk)) == 4
        assert "No alert is open" in text_of(await talk.admin.types("/alerts"))


async def test_a_limit_that_is_near_is_one_card_that_rises_when_it_is_reached(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.earn("ndax", -319)
        talk.fleet.set_figures("system", account_equity_drop=0.24)  # of 0.3
        await card(talk, "The drop of the account's equity is near its limit", "0.24 of 0.3 (80 %)")
        assert known(talk, "kind") == [("account_equity_threshold",)]  # 319 is not yet 80 % of 400

        talk.fleet.earn("ndax", -11)
        loss = await card(talk, "The fleet's loss over 24 h is near its limit", "330 of 400", "(82 %)")
        assert headline(loss).startswith("🟡 WARNING")
        talk.fleet.earn("quantum", -80)
        risen = await card(talk, "has reached its limit", "410 of 400 account currency (102 %)")
        assert risen.ts == loss.ts
        assert headline(risen).startswith("🟠 HIGH")
        assert "HIGH, was warning" in (await reply(talk, loss, "was warning")).words

        talk.fleet.earn("quantum", -400)
        stop = await card(talk, "is near the emergency stop", "810 of 1,000", "WARNING")
        await talk.admin.clicks("Acknowledge", stop)
        await card(talk, "is near the emergency stop", "owned by <@U0ADMIN1>")
        talk.fleet.earn("ndax", -190)
        worst = await card(
            talk, "🔴 CRITICAL", "the emergency stop", "1,000 of 1,000 account currency (100 %)"
        )
        assert worst.ts != stop.ts  # what became critical is said anew, for an edit notifies nobody
        assert "Nobody has taken it" in said(worst)  # for it was taken when it was a warning
        assert "Acknowledge" in buttons(worst)
        await until(talk, lambda: "Goes on in a newer message" in headline(now(talk, stop)))
        assert buttons(now(talk, stop)) == []

        talk.fleet.set_figures("shadowforge", consecutive_losses=5.0)
        await card(talk, "The run of losses of shadowforge has reached its limit", "HIGH", "5 of 5 (100 %)")
        assert known(talk, "count(*)") == [(4,)]
        talk.fleet.earn("ndax", 900)
        assert (await card(talk, "RESOLVED", "the emergency stop")).ts == worst.ts
        await card(talk, "RESOLVED", "24 h has reached its limit")
        assert known(talk, "sum(firing)") == [(2,)]


# -- the fleet's status ------------------------------------------------------------------------------------------


async def test_a_bot_that_stops_behind_our_back_is_told_and_our_own_stops_are_not(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=quick(start_delay=0.1), **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        for line, seen in (("/stop quantum", "quantum stopped"), ("/pause ndax", "ndax paused")):
            await talk.admin.types(line)
            await card(talk, seen, "verified", where=OPS)
        await looks(talk, "/status", server="coordinator", count=2)
        await to_coordinator(talk, "/stop", bot="shadowforge", reason="by another program")
        left = await card(talk, "🟠 HIGH: shadowforge no longer runs, and nobody here stopped it")
        assert "was running and is stopped now, without a command from here" in left.words
        assert known(talk, "kind", "bot") == [("bot_left_running", "shadowforge")]

        for path, bot in (("/resume", "ndax"), ("/start", "quantum")):
            await to_coordinator(talk, path, bot=bot)
            await until(talk, lambda bot=bot: talk.fleet.engine.status(bot) == "running")
        await to_coordinator(talk, "/start", bot="shadowforge")
        await card(talk, "RESOLVED", "shadowforge did not run")
        await talk.admin.types("/kill enough")
        await card(talk, "🔴 CRITICAL: The fleet is killed", "enough")
        await looks(talk, "/status", server="coordinator", count=2)
        assert known(talk, "kind") == [("bot_left_running",), ("kill",)]


async def test_error_recovery_health_and_rising_errors_are_told(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=quick(recovery_delay=4), **NO_MONITOR) as talk:
        await looks(talk, "/status", server="coordinator")
        talk.fleet.crash("shadowforge", "segmentation fault in the model")
        crashed = await card(talk, "🟠 HIGH: shadowforge is in error", "segmentation fault in the model")
        assert "Scenario 1: Bot Crashes Repeatedly" in crashed.words

        talk.fleet.set_health("ndax", 49)
        ill = await card(talk, "🟡 WARNING: ndax is in poor health", "49 of 100, an alert below 50")
        talk.fleet.set_health("ndax", 20)
        await reply(talk, ill, "HIGH, was warning", "20 of 100")
        talk.fleet.set_health("ndax", 50)  # is not below 50
        await card(talk, "RESOLVED", "ndax was in poor health")

        talk.fleet.errors("quantum", 2)  # below the three that are told
        await looks(talk, "/status", server="coordinator")
        assert posted(talk, "errors of quantum") == []
        talk.fleet.errors("quantum", 1)
        await card(talk, "🟡 WARNING: quantum has more and more errors", "3 new errors, an alert from 3 on")

        await to_coordinator(talk, "/recovery", bot="shadowforge")
        await card(talk, "🟡 WARNING: shadowforge is in recovery")
        await card(talk, "RESOLVED", "shadowforge was in error")
        await card(talk, "RESOLVED", "shadowforge was in recovery")
        assert known(talk, "kind", "firing") == [
            ("bot_error", 0),
            ("health_low", 0),
            ("errors_rising", 1),  # until five minutes passed without so many
            ("bot_recovery", 0),
        ]


async def test_back_ends_count_as_unreachable_and_as_back_only_after_so_many_reads(tmp_path: Path) -> None:
    thresholds = {"CHATBOT_ALERTS__FAILURE_THRESHOLD": "3", "CHATBOT_ALERTS__SUCCESS_THRESHOLD": "2"}
    async with watching(tmp_path, fleet=STILL, **thresholds) as talk:
        await looks(talk)
        talk.fleet.faults.set("http_500", times=2, paths=["/status"])
        await until(talk, lambda: not list(talk.fleet.faults))
        await looks(talk, "/status", server="coordinator")
        assert known(talk, "kind") == []  # two in a row are not three

        talk.fleet.faults.set("http_500", paths=["/status"])
        broken = len(talk.fleet.calls_to("/status"))
        talk.fleet.faults.set("unreachable", server="monitor")
        shown = await card(talk, "🟠 HIGH: The coordinator cannot be reached")
        assert "Scenario 2: API Connection Failures" in shown.words
        quiet = await card(talk, "🟡 WARNING: The health monitor cannot be reached")
        assert reads_before(talk, broken, "coordinator_unreachable", "began_at") == 3

        talk.fleet.faults.clear()
        mended = len(talk.fleet.calls_to("/status"))
        assert (await card(talk, "RESOLVED", "The coordinator could not be reached")).ts == shown.ts
        assert (await card(talk, "RESOLVED", "The health monitor could not be reached")).ts == quiet.ts
        assert reads_before(talk, mended, "coordinator_unreachable", "ended_at") == 2
        assert len(posted(talk)) == 2


def reads_before(talk: Conversation, first: int, kind: str, field: str) -> int:
    """How many reads of the status, from the ``first`` on, were made before this moment of the alert of that kind."""
    (moment,) = talk.rows(f"select {field} from alerts where kind = ?", kind)[0]
    calls = talk.fleet.calls_to("/status")[first:]
    return sum(call.at <= datetime.fromisoformat(moment) for call in calls)


# -- kills -------------------------------------------------------------------------------------------------------


async def test_a_kill_made_elsewhere_is_critical_whatever_is_set_and_the_breaker_is_told(
    tmp_path: Path,
) -> None:
    severities = {"CHATBOT_ALERTS__SEVERITIES": '{"kill":"info","breaker_open":"warning"}'}
    async with watching(tmp_path, fleet=Policy(breaker_kills=1), **NO_MONITOR, **severities) as talk:
        await looks(talk, "/status", server="coordinator")
        await to_coordinator(talk, "/kill-switch", action="activate", reason="by another program")
        killed = await card(talk, "🔴 CRITICAL: The fleet is killed", "made elsewhere")
        assert "our own record" in killed.words
        await card(talk, "🟡 WARNING: The circuit breaker is open", "Scenario 4")
        talk.fleet.engine.kill_switch.kills.clear()
        await card(talk, "RESOLVED", "The circuit breaker was open")
        assert "The fleet is killed" in now(talk, killed).words


async def test_a_kill_is_critical_from_birth_until_two_people_released_it(tmp_path: Path) -> None:
    settings = {**QUICK, **NO_MONITOR, "CHATBOT_ALERTS__SEVERITIES": '{"kill":"info"}'}
    async with watching(tmp_path, fleet=Policy(cooldown=Policy().sequence_gap * 0), **settings) as talk:
        await kill(talk, "bad fills")
        killed = await card(talk, "🔴 CRITICAL: The fleet is killed", "bad fills")
        _, request = await ask(talk, "/override the feed is mended")
        assert headline(now(talk, killed)).startswith("🔴 CRITICAL")
        await approve(talk, request)
        over = await card(talk, "✅ RESOLVED after", "The fleet was killed")
        assert over.ts == killed.ts
        assert known(talk, "kind", "severity", "firing") == [("kill", "critical", 0)]


async def test_a_kill_that_no_longer_holds_is_critical_until_it_holds_again(tmp_path: Path) -> None:
    held = {"CHATBOT_POLICY__REASSERT": "false"}
    async with watching(tmp_path, fleet=quick(start_delay=0.1), **NO_MONITOR, **held) as talk:
        await kill(talk, "first")
        await card(talk, "The fleet is killed")
        talk.fleet.restart(start_bots=True)  # it forgot the kill
        lost = await card(talk, "🔴 CRITICAL: The kill no longer holds", "kill switch inactive")
        assert "*What to do*: If anything trades that should not, type `/kill` again" in lost.words
        await talk.fleet.wait_for(lambda: talk.fleet.engine.trading, PATIENCE)
        await kill(talk, "again")
        assert (await card(talk, "RESOLVED", "The kill did not hold")).ts == lost.ts


async def test_a_stop_that_was_not_seen_to_work_is_critical_until_one_is(tmp_path: Path) -> None:
    async with watching(tmp_path, **NO_MONITOR) as talk:
        talk.fleet.faults.set("ignores_stop", bot="quantum")
        await talk.admin.types("/stop quantum strange fills")
        await card(talk, "Stopping quantum: not yet verified", where=OPS)
        assert known(talk, "kind") == []  # it is being worked on, and its card says so
        # It is given up a minute after it was accepted: let that be two minutes ago for the next process.
        await talk.bot.dies()
        accepted_earlier(talk.data / "chatbot.db", Policy().sequence_gap * 24)
        await talk.bot.start()
        unseen = await card(talk, "🔴 CRITICAL", "quantum was told to stop and was not seen to")
        assert "Acknowledge" in unseen.words
        talk.fleet.faults.clear()
        await talk.admin.types("/stop quantum")
        await card(talk, "quantum stopped: verified", where=OPS)
        assert (await card(talk, "RESOLVED", "quantum was told to stop")).ts == unseen.ts


@pytest.mark.parametrize("died", [True, False], ids=["died", "stopped"])
async def test_a_restart_of_the_bot_tells_nothing_twice_and_misses_nothing(
    tmp_path: Path, died: bool
) -> None:
    """What was told stays one card; what changed while nobody looked is told afterwards."""
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "The order book is stale", bot="ndax")
        first = await card(talk, "The order book is stale")
        await talk.bot.dies() if died else await talk.bot.stops()
        talk.fleet.alert("high", "The price feed is silent", bot="ndax")
        await talk.bot.start()
        await card(talk, "The price feed is silent")
        await looks(talk)
        assert [message.ts for message in posted(talk, "The order book is stale")] == [first.ts]
        assert known(talk, "firing") == [(1,), (1,)]
        talk.fleet.clear_alerts("The order book is stale")
        assert (await card(talk, "RESOLVED", "The order book is stale")).ts == first.ts
