"""`/kill` from the typed command to the verified stop, through the real protocols, in the real process."""

from pathlib import Path

from tests.conversation import OPS, Conversation, conversation


async def test_one_person_one_step_and_the_fleet_is_seen_stopped(both: Conversation) -> None:
    said = await both.admin.types("/kill bad fills")
    assert said.error is None
    assert said.ack is not None
    assert said.ack["response_type"] == "ephemeral"

    card = await both.admin.sees("verified", "bad fills")
    assert not both.fleet.engine.trading
    assert both.posts()[0]["action"] == "activate"
    assert "bad fills" in both.posts()[0]["reason"]
    assert len([each for each in both.slack.messages(OPS) if each.bot]) == 1  # one message, updated
    await both.admin.reads("verified")
    assert card.thread_ts is None


async def test_the_card_is_committed_before_the_stop_is_sent(talk: Conversation) -> None:
    await talk.admin.types("/kill")
    await talk.admin.sees("verified")
    events = [event for _, event, _ in talk.events()]
    assert events.index("kill accepted") < events.index("sent") < events.index("verified")
    code, printed = await talk.bot.command_line("audit", "verify")
    assert code == 0, printed


async def test_every_text_after_kill_is_the_reason_and_stops_the_whole_fleet(talk: Conversation) -> None:
    await talk.admin.types("/kill ndax payload mismatch")
    await talk.admin.sees("verified", "ndax payload mismatch")
    assert not talk.fleet.engine.trading


async def test_a_kill_without_words_asks_for_them_afterwards(talk: Conversation) -> None:
    await talk.admin.types("/kill")
    card = await talk.admin.sees("verified")
    await talk.admin.clicks("Say why", card)
    form = await talk.admin.gets_form()
    await talk.slack.submit("admin", form.id, {"reason": "fills at bad prices"})
    await talk.admin.sees("fills at bad prices")
    assert talk.rows("select reason from latches") == [("fills at bad prices",)]


async def test_an_operator_may_stop_and_a_viewer_may_not(talk: Conversation) -> None:
    refused = await talk.person("viewer").types("/kill now")
    assert refused.ack is not None
    assert "operator" in refused.ack["text"]
    assert talk.posts() == []
    await talk.person("operator").types("/kill now")
    await talk.admin.sees("verified")
    assert ("U0VIEW01", "refused", "/kill") in talk.events()


async def test_the_root_command_and_a_mention_reach_the_same_kill(talk: Conversation) -> None:
    await talk.admin.types("/fleet kill from the root")
    await talk.admin.sees("verified", "from the root")
    assert len(talk.posts()) >= 1


async def test_a_mention_in_a_thread_stops_the_fleet(talk: Conversation) -> None:
    first = talk.slack.say("admin", OPS, "something is wrong")
    await talk.admin.mentions("kill strange orders", thread_ts=first.ts)
    await talk.admin.sees("verified", "strange orders")
    assert not talk.fleet.engine.trading


async def test_a_second_kill_joins_the_first_and_the_first_reason_stays(talk: Conversation) -> None:
    talk.fleet.faults.set("ignores_stop", bot="quantum")
    await talk.admin.types("/kill first reason")
    await talk.person("second-admin").types("/kill second reason")
    await talk.admin.sees("first reason", "second reason")
    assert talk.rows("select count(*), min(reason) from latches") == [(1, "first reason")]
    assert len(talk.rows("select id from actions where state = 'joined'")) == 1
    talk.fleet.faults.clear()
    await talk.admin.sees("verified", "first reason")


async def test_the_same_delivery_twice_is_one_kill(talk: Conversation) -> None:
    await talk.admin.types("/kill once", trigger_id="111.222.abc")
    await talk.admin.types("/kill once", trigger_id="111.222.abc")
    await talk.admin.sees("verified", "once")
    assert talk.rows("select count(*) from actions") == [(1,)]


async def test_a_bot_that_ignores_the_stop_is_said_at_3_10_and_30_seconds_and_closed_by_hand(
    tmp_path: Path,
) -> None:
    async with conversation(tmp_path, CHATBOT_KILL__WARN_SECONDS="[0.5, 1.0, 1.5]") as talk:
        talk.fleet.faults.set("ignores_stop", bot="quantum")
        await talk.admin.types("/kill runaway")
        card = await talk.admin.sees("NOT CONFIRMED", "quantum", "curl")
        await talk.admin.sees_in_thread(card, "quantum")
        last = await talk.admin.sees_in_thread(card, "<@U0ADMIN2>")  # the contacts are called
        assert last.thread_ts == card.ts
        await talk.admin.reads("quantum")  # and the one who typed it is told where it was typed
        await talk.admin.clicks("Close", card)
        form = await talk.admin.gets_form()
        await talk.slack.submit("admin", form.id, {"reason": "stopped on its host"})
        await talk.admin.sees("stopped on its host")
        sent = len(talk.posts())
        assert sent > 1  # it was sent again and again until then
        assert ("U0ADMIN1", "closed by hand", talk.rows("select id from actions")[0][0]) in talk.events()


async def test_a_bot_that_comes_back_is_stopped_again_with_an_alarm(talk: Conversation) -> None:
    await talk.admin.types("/kill first")
    card = await talk.admin.sees("verified")
    talk.fleet.faults.set("behind_back", bot="ndax", seen=True)
    await talk.admin.sees_in_thread(card, "ndax")
    talk.fleet.faults.clear()
    await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 15)
    assert any(event == "came back" for _, event, _ in talk.events())


async def test_a_coordinator_that_forgets_the_kill_is_told_again_long_after(talk: Conversation) -> None:
    await talk.admin.types("/kill first")
    await talk.admin.sees("verified", "first")
    await talk.slack.wait_for(lambda: talk.rows("select 1 from actions where state = 'verified'"), 15)
    before = len(talk.posts())
    talk.fleet.restart(start_bots=True)  # a restart of the back end: it forgets, and its bots run again
    await talk.admin.sees("no longer holds", "verified")
    assert len(talk.posts()) > before
    assert talk.rows("select count(*) from latches") == [(1,)]


async def test_429_and_a_retry_after_of_a_minute_are_not_waited_out(talk: Conversation) -> None:
    talk.fleet.faults.set("rate_limited", retry_after=60, header=True, times=3, paths=["/kill-switch"])
    await talk.admin.types("/kill limited")
    await talk.admin.sees("verified", "limited")
    assert len(talk.posts()) >= 4


async def test_lying_success_is_not_believed(tmp_path: Path) -> None:
    async with conversation(tmp_path, CHATBOT_KILL__WARN_SECONDS="[0.5, 5, 9]") as talk:
        talk.fleet.faults.set("lying_success")
        await talk.admin.types("/kill liar")
        card = await talk.admin.sees("NOT CONFIRMED")
        assert "verified in" not in card.text.lower()
        talk.fleet.faults.clear()
        await talk.admin.sees("verified", "liar")


async def test_a_look_that_shows_nothing_does_not_disarm_the_watch(talk: Conversation) -> None:
    await talk.admin.types("/kill first")
    await talk.admin.sees("verified", "first")
    await talk.slack.wait_for(lambda: talk.rows("select 1 from actions where state = 'verified'"), 15)
    await talk.bot.dies()
    talk.fleet.faults.set("missing_fields")
    await talk.bot.start()
    seen = len(talk.fleet.calls_to("/status"))
    await talk.fleet.wait_for(lambda: len(talk.fleet.calls_to("/status")) >= seen + 2, 15)
    talk.fleet.faults.clear()
    talk.fleet.restart(start_bots=True)
    await talk.admin.sees("no longer holds", "verified")
    assert not talk.fleet.engine.trading
