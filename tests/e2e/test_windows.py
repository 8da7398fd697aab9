"""Monitoring windows through the real process: opened, watched, ended by rules and people."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import (
    HOOKS,
    LOOKING,
    NO_MONITOR,
    ONE_BY_ONE,
    at,
    buttons,
    card,
    change,
    from_prometheus,
    headline,
    now,
    posted,
    reply,
    to_hook,
    until,
    watching,
)
from tests.e2e.two_people import approve, ask, stopped, text_of, two_people

QUICK = {**NO_MONITOR, "CHATBOT_COORDINATOR__POLL_SECONDS": "1"}
THREE = Policy(running=("ndax", "quantum", "shadowforge"))


async def opened(talk: Conversation, what: str = "ndax 30m") -> Message:
    """The card of a window that was just opened and read."""
    before = talk.rows("select coalesce(max(id), 0) from windows")[0][0]
    said = text_of(await talk.person("operator").types(f"/monitor {what}"))
    assert f"window #{before + 1}" in said
    shown = await card(talk, f"window #{before + 1}", where=OPS)
    await read(talk, before + 1)
    return shown


async def read(talk: Conversation, number: int, times: int = 1) -> None:
    """Wait until a window was read so often."""
    query = "select reads from windows where id = ?"
    await until(talk, lambda: talk.rows(query, number)[0][0] >= times)


def shorten(talk: Conversation) -> None:
    """The end of every window that is open comes with its last read."""
    for number, last in talk.rows("select id, last_read_at from windows where state = 'open'"):
        change(talk, "update windows set ends_at = ? where id = ?", last, number)


def ended(talk: Conversation) -> list[tuple[str, str]]:
    """(state, rule) of every window, oldest first."""
    return talk.rows("select state, rule from windows order by id")


# -- people --------------------------------------------------------------------------------------------------------


async def test_a_window_is_opened_watched_extended_and_closed(tmp_path: Path) -> None:
    async with watching(tmp_path, **QUICK) as talk:
        shown = await opened(talk)
        await until(talk, lambda: "running · health" in now(talk, shown).words)
        assert buttons(now(talk, shown)) == ["Extend", "Close"]
        await talk.person("operator").clicks("Extend", shown)
        form = await talk.person("operator").gets_form()
        await talk.slack.submit("operator", form.id, {"span": "1h"})
        await reply(talk, shown, "extended this window by 60 min")
        await talk.person("operator").clicks("Close", shown)
        over = await reply(talk, shown, "CLOSED")
        assert "proves nothing" in over.words
        await until(talk, lambda: buttons(now(talk, shown)) == [])
        assert "CLOSED" in headline(now(talk, shown))
        listed = text_of(await talk.person("viewer").types("/windows"))
        assert "None is open" in listed
        assert "#1 ndax" in listed
        events = [event for _, event, subject in talk.events() if subject == "window 1"]
        assert events == ["window opened", "window extended", "window ended closed"]


async def test_typed_commands_and_who_may(tmp_path: Path) -> None:
    async with watching(tmp_path, **QUICK) as talk:
        await opened(talk, "fleet 24h 1m")
        viewer, operator = talk.person("viewer"), talk.person("operator")
        assert "#1 the fleet" in text_of(await viewer.types("/windows"))
        assert "by an operator" in text_of(await viewer.types("/windows close 1"))
        assert "operator" in text_of(await viewer.types("/monitor ndax 30m"))
        assert "extended this window by 30 min" in text_of(await operator.types("/windows extend #1 30m"))
        assert "at most 7 days" in text_of(await operator.types("/windows extend 1 7d"))
        assert "no such window" in text_of(await operator.types("/windows close 99"))
        assert "is closed" in text_of(await operator.types("/windows close 1"))
        assert "over already" in text_of(await operator.types("/windows close 1"))
        assert talk.rows("select count(*) from windows") == [(1,)]


# -- rules ---------------------------------------------------------------------------------------------------------


async def test_every_rule_ends_a_window_and_none_of_another_bot(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=THREE, **QUICK, **HOOKS) as talk:
        other = await opened(talk, "quantum 30m")
        fleet = talk.fleet
        near = await opened(talk)  # just not bad enough
        fleet.set_health("ndax", 50)
        fleet.errors("ndax", 2)
        began = datetime.now(UTC)
        warning = from_prometheus(began=began, name="Slow", labels={"severity": "warning"}, fingerprint="w")
        await to_hook(talk, "alertmanager", warning)
        await read(talk, 2, 5)
        assert ended(talk) == [("open", ""), ("open", "")]
        fleet.set_health("ndax", 40)
        over = await reply(talk, near, "UNSTABLE")
        assert "the health of ndax is 40, under 50" in over.words
        alarm = await card(talk, "⛔ UNSTABLE: ndax", where=OPS)
        assert buttons(alarm) == ["Stop", "Keep", "Kill"]
        await talk.person("operator").clicks("Keep", alarm)
        await reply(talk, alarm, "lets it go on")
        fleet.set_health("ndax", None)

        rising = await opened(talk, "ndax 20m")
        fleet.errors("ndax", 3)
        assert "new errors" in (await reply(talk, rising, "UNSTABLE")).words

        stopping = await opened(talk, "shadowforge 20m")
        await talk.person("operator").types("/stop shadowforge too slow")
        assert "shadowforge was told to stop (stop-" in (await reply(talk, stopping, "UNSTABLE")).words

        await until(talk, lambda: ended(talk)[0] == ("open", ""))
        critical = from_prometheus(
            began=datetime.now(UTC),
            name="Fire",
            labels={"severity": "critical", "bot": "quantum"},
            fingerprint="c",
            summary="the room is on fire",
        )
        await to_hook(talk, "alertmanager", critical)
        assert "critical alert #" in (await reply(talk, other, "UNSTABLE")).words

        crashing = await opened(talk, "quantum 20m")
        fleet.crash("quantum")
        assert "quantum left running: it is error" in (await reply(talk, crashing, "UNSTABLE")).words

        killed = await opened(talk, "ndax 20m")
        await talk.admin.types("/kill drill: a rule")
        assert "the fleet was killed (kill-" in (await reply(talk, killed, "UNSTABLE")).words
        rules = ["alert", "health", "errors", "stopped", "left_running", "kill"]
        assert ended(talk) == [("unstable", rule) for rule in rules]
        loud = [headline(each) for each in posted(talk, "⛔ UNSTABLE", where=OPS) if "Stop" in buttons(each)]
        assert len(loud) == 4  # not for what people did themselves


async def test_by_the_policy_what_is_unstable_is_stopped_at_once(tmp_path: Path) -> None:
    stops = {"CHATBOT_WINDOWS__ON_UNSTABLE": "stop"}
    async with watching(tmp_path, fleet=THREE, **QUICK, **stops) as talk:
        await opened(talk, "fleet 30m")
        await opened(talk, "quantum 30m")
        talk.fleet.set_health("quantum", 10)
        await card(talk, "By the policy quantum is being stopped now", where=OPS)
        await until(talk, lambda: talk.fleet.engine.bot("quantum").status == "stopped")
        await until(talk, lambda: talk.rows("select 1 from windows where settled_by is null") == [])
        # two windows found the same: it is stopped once
        rows = talk.rows("select command, bot, requested_by, source from actions")
        assert rows == [("stop", "quantum", "chatbot", "window")]
        assert talk.fleet.engine.bot("ndax").status == "running"


async def test_the_alarm_is_an_alert_until_somebody_answers_and_its_button_stops(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=THREE, **QUICK) as talk:
        await opened(talk)
        talk.fleet.set_health("ndax", 10)
        alert = await card(talk, "CRITICAL: ndax: A watched bot is unstable")
        alarm = await card(talk, "⛔ UNSTABLE: ndax", where=OPS)
        await talk.person("operator").clicks("Stop", alarm)
        await reply(talk, alarm, "stops ndax")
        await until(talk, lambda: talk.fleet.engine.bot("ndax").status == "stopped")
        await until(talk, lambda: "RESOLVED" in headline(now(talk, alert)))


# -- starts --------------------------------------------------------------------------------------------------------


async def test_an_approved_start_is_watched_and_a_stable_end_offers_the_next(tmp_path: Path) -> None:
    quick = {**QUICK, "CHATBOT_WINDOWS__SAFE_MODE_MINUTES": "60"}
    async with two_people(tmp_path, fleet=stopped(), **quick) as talk:
        action, shown = await ask(talk, "/start ndax feed is fixed")
        assert "a monitoring window of 30 min opens by itself" in shown.words
        await approve(talk, shown)
        window = await card(talk, "opened by an approved start", where=OPS)
        await read(talk, 1, 3)
        assert talk.rows("select action_id, next_bot, bot from windows") == [(action, "quantum", "ndax")]
        shorten(talk)
        over = await reply(talk, window, "STABLE")
        assert "Start quantum" in buttons(over)
        await talk.person("operator").clicks("Start quantum", over)
        await talk.person("operator").reads("admin")
        await talk.admin.clicks("Start quantum", over)
        request = await card(talk, "Approve? To start quantum", where="C0APPROVE")
        assert '{"bot": "quantum", "safe_mode": true}' in request.words
        # the safe mode of ndax is over: somebody has to say how it goes on
        change(talk, "update safe_modes set due_at = ?", at(-1))
        told = await card(talk, "Safe mode of ndax", where=OPS)
        assert "/start ndax full" in told.words
        assert buttons(told) == ["Stop"]


async def test_a_bot_that_falls_before_the_first_look_at_it_left_running_all_the_same(tmp_path: Path) -> None:
    slow = {**QUICK, "CHATBOT_COORDINATOR__POLL_SECONDS": "4"}
    async with two_people(tmp_path, fleet=stopped(), **slow) as talk:
        _, shown = await ask(talk, "/start ndax feed is fixed")
        await approve(talk, shown)
        window = await card(talk, "opened by an approved start", where=OPS)
        talk.fleet.crash("ndax")
        await reply(talk, window, "UNSTABLE", "ndax left running")


# -- what was not read ---------------------------------------------------------------------------------------------


async def test_a_coordinator_that_cannot_be_read_is_a_blind_time(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=THREE, **QUICK) as talk:
        shown = await opened(talk)
        talk.fleet.faults.set("unreachable")
        await asyncio.sleep(6.5)  # six reads that nobody makes
        talk.fleet.faults.clear()
        await until(talk, lambda: talk.rows("select missed from windows")[0][0] >= 4)
        await read(talk, 1, 3)
        shorten(talk)
        over = await reply(talk, shown, "NOT PROVED")
        assert "the coordinator could not be read" in over.words
        [(reads, missed)] = talk.rows("select reads, missed from windows")
        assert f"{reads} of {reads + missed} times" in over.words


async def test_a_restart_is_a_blind_time_and_the_window_goes_on(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=THREE, **QUICK) as talk:
        shown = await opened(talk)
        await talk.bot.dies()
        await asyncio.sleep(5)
        await talk.bot.start()
        await until(talk, lambda: talk.rows("select missed from windows")[0][0] >= 4)
        shorten(talk)
        over = await reply(talk, shown, "NOT PROVED")
        assert "restart of this bot" in over.words
        assert len(posted(talk, "window #1", where=OPS)) == 1


async def test_slack_may_be_away_and_every_read_counts(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=THREE, **QUICK) as talk:
        shown = await opened(talk)
        talk.slack.faults.set("http_500")
        await read(talk, 1, 8)
        talk.slack.faults.clear()
        shorten(talk)
        over = await reply(talk, shown, "STABLE")
        assert "blind" not in over.words
        [chart] = await until(talk, lambda: [f for m in talk.slack.replies(OPS, shown.ts) for f in m.files])
        assert (chart["name"], chart["title"]) == ("window-1.png", "Window #1: ndax")
        assert talk.rows("select missed from windows") == [(0,)]


# -- many ----------------------------------------------------------------------------------------------------------


async def test_two_hundred_windows_cost_no_more_reads_than_one(tmp_path: Path) -> None:
    settings = {**LOOKING, **ONE_BY_ONE, **QUICK}
    async with watching(tmp_path, fleet=THREE, **settings) as talk:
        people = talk.person("operator")
        for number in range(200):
            bot = ("ndax", "quantum", "shadowforge", "fleet")[number % 4]
            await people.types(f"/monitor {bot} 30m")
        await until(talk, lambda: talk.rows("select min(reads) from windows")[0][0] >= 2)
        assert talk.rows("select count(*) from windows where state = 'open'") == [(200,)]
        before, asked = datetime.now(UTC), len(talk.fleet.calls_to("/status"))
        await read(talk, 200, 8)
        spent = (datetime.now(UTC) - before).total_seconds()
        assert len(talk.fleet.calls_to("/status")) - asked <= spent + 3  # one a second, as with one window
        assert talk.rows("select max(missed) from windows")[0][0] <= 2
        edits = [each for each in talk.slack.calls if each.method == "chat.update" and each.at > before]
        assert len(edits) <= spent + 20  # fifty a minute, and the burst that Slack allows
        assert not [each for each in talk.slack.calls if each.status == 429]
        await people.types("/kill drill: two hundred")
        await until(talk, lambda: not talk.rows("select 1 from windows where state = 'open'"))
