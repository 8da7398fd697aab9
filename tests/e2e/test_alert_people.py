"""What people do with alerts: who is called when, who has one, what is kept quiet, and what nobody may."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack import payloads
from chatbot.sandbox.slack.forms import FormError
from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import (
    ALERTS,
    ONLY_MONITOR,
    STILL,
    at,
    button,
    buttons,
    card,
    change,
    headline,
    known,
    now,
    on_call,
    posted,
    reply,
    said,
    silenced,
    told,
    until,
    watching,
)
from tests.e2e.two_people import refused, text_of

FAST = {
    **ONLY_MONITOR,
    "CHATBOT_ALERTS__ESCALATE_MINUTES": "[0.03, 0.06]",
    "CHATBOT_ALERTS__ESCALATE_EVERY_MINUTES": "0.04",
}
"""Calls after 1.8 s, after 3.6 s, and then every 2.4 s."""

FORGED = "does not belong to a message of mine"


def calls(talk: Conversation, title: str) -> list[Message]:
    """The calls for somebody to take this alert, as they were posted, oldest first."""
    return [each for each in posted(talk, title) if "NOBODY HAS IT" in each.history[0].text]


async def called(talk: Conversation, title: str, times: int) -> list[Message]:
    """The calls once there are so many."""
    return await until(talk, lambda: found if len(found := calls(talk, title)) >= times else [])


def first_words(message: Message) -> str:
    """The text with which it was posted, by which people were notified."""
    return message.history[0].text


# -- calling and owning ------------------------------------------------------------------------------------------


async def test_nobody_takes_it_so_the_on_call_person_then_another_and_everybody_are_called(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path, fleet=STILL, **FAST) as talk:
        await on_call(talk, "U0OPER01")
        talk.fleet.alert("high", "Slippage is high")  # calls nobody
        talk.fleet.alert("critical", "Margin call")
        shown = await card(talk, "🔴 CRITICAL: Margin call", "Nobody has taken it", "Next call at")
        first, second, third, *_ = await called(talk, "Margin call", 3)
        assert "<@U0OPER01>" in first_words(first)
        assert "<!here>" not in first_words(first)
        assert "<@U0ADMIN1>" not in first_words(first)
        for words in ("<@U0OPER01>", "<@U0ADMIN1>", "<!here>"):
            assert words in first_words(second), words
        assert "<@U0ADMIN2>" not in first_words(second)
        for words in ("<@U0OPER01>", "<@U0ADMIN1>", "<@U0ADMIN2>", "<!here>", "exchange support"):
            assert words in first_words(third), words
        await until(talk, lambda: "People were called" in said(now(talk, shown)))
        assert calls(talk, "Slippage is high") == []
        assert {"Acknowledge", "Kill"} <= set(buttons(calls(talk, "Margin call")[-1]))
        await talk.admin.clicks("Acknowledge", shown)
        await card(talk, "🔴 CRITICAL: Margin call", "owned by <@U0ADMIN1>")
        # None of the calls goes on saying that nobody has it.
        await until(talk, lambda: not posted(talk, "NOBODY HAS IT"))
        assert "<@U0ADMIN1> took #1" in said(calls(talk, "Margin call")[-1])
        assert "Goes on in a newer message" in headline(now(talk, first))


async def test_whoever_takes_it_is_shown_and_nobody_else_is_called(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **FAST) as talk:
        talk.fleet.alert("critical", "Margin call")
        talk.fleet.alert("critical", "The exchange refuses all orders")  # which nobody takes
        shown = await card(talk, "🔴 CRITICAL: Margin call")
        await talk.admin.clicks("Acknowledge", shown)
        mine = await told(talk, "admin", "is yours", "Nothing in the fleet was changed")
        assert "Nobody else is called" in mine.words
        await card(talk, "🔴 CRITICAL: Margin call", "*Acknowledged*", "owned by <@U0ADMIN1>")
        await reply(talk, shown, "<@U0ADMIN1> took", "Margin call")
        assert "Acknowledge" not in buttons(now(talk, shown))
        taken = len(calls(talk, "Margin call"))  # it may have been called for just before
        assert taken <= 1

        await pressed(talk, "operator", "alert.ack", "1", shown)  # drawn before that, on another phone
        assert "<@U0ADMIN1> took it" in said(
            await told(talk, "operator", "stays theirs", "nothing was changed")
        )
        before = len(calls(talk, "refuses all orders"))
        await called(talk, "refuses all orders", before + 3)
        assert len(calls(talk, "Margin call")) == taken
        assert known(talk, "owner") == [("U0ADMIN1",), (None,)]
        taken_by = [(actor, event) for actor, event, _ in talk.events() if "alert" in event]
        assert taken_by == [("U0ADMIN1", "alert acknowledged")]


async def test_what_is_over_cannot_be_taken_any_more(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **FAST) as talk:
        talk.fleet.alert("critical", "Margin call")
        shown = await card(talk, "🔴 CRITICAL: Margin call")
        await called(talk, "Margin call", 1)
        talk.fleet.clear_alerts()
        over = await card(talk, "✅ RESOLVED after", "Margin call", "Nobody took it", "#1 ·")
        await until(talk, lambda: not posted(talk, "NOBODY HAS IT"))
        over = now(talk, over)
        await pressed(talk, "admin", "alert.ack", "1", shown)
        assert "nothing to acknowledge" in (await told(talk, "admin", "That alert was resolved at")).words
        await pressed(talk, "admin", "alert.silence", "1", shown)
        await until(talk, lambda: talk.slack.ephemerals("admin", ALERTS)[1:] or talk.slack.modals("admin"))
        for form in talk.slack.modals("admin"):
            done = await talk.slack.submit("admin", form.id, {"span": "15m", "reason": "too late"})
            assert "over already" in json.dumps(done.ack)
        assert known(talk, "owner", "firing") == [(None, 0)]
        assert talk.rows("select id from silences") == []
        assert len(now(talk, over).history) == len(over.history)


async def test_an_owner_is_asked_again_keeps_it_with_still_mine_and_loses_it_without_an_answer(
    tmp_path: Path,
) -> None:
    lapsing = {"CHATBOT_ALERTS__ACK_MINUTES": "0.05", "CHATBOT_ALERTS__ACK_GRACE_MINUTES": "0.1"}
    async with watching(tmp_path, fleet=STILL, **{**FAST, **lapsing}) as talk:
        talk.fleet.alert("critical", "Margin call")
        shown = await card(talk, "🔴 CRITICAL: Margin call")
        await talk.admin.clicks("Acknowledge", shown)
        asked = await reply(talk, shown, "<@U0ADMIN1>, you took this", "Are you still on it?", "Still mine")
        await talk.admin.clicks("Still mine", asked)
        assert await until(talk, lambda: owned(talk, 2)) == [
            ("U0ADMIN1", "alert acknowledged"),
            ("U0ADMIN1", "alert still owned"),
        ]
        assert headline(now(talk, shown)).startswith("🔴 CRITICAL")
        assert "owned by <@U0ADMIN1>" in said(now(talk, shown))

        # This time nobody answers.
        lost = await card(talk, "NOBODY HAS IT any more", "Margin call")
        assert "<@U0ADMIN1> took it" in said(lost)
        assert "did not answer when asked again" in said(lost)
        asked_again = [each for each in talk.slack.replies(ALERTS, shown.ts) if "still on it" in each.words]
        assert len(asked_again) == 2
        assert known(talk, "owner") == [(None,)]
        await card(talk, "<!here>", "Margin call")  # and the calls begin anew
        await talk.person("second-admin").clicks("Acknowledge", shown)
        await card(talk, "🔴 CRITICAL: Margin call", "owned by <@U0ADMIN2>")


def owned(talk: Conversation, times: int) -> list[tuple[str, str]]:
    """Who took or kept an alert, once it happened so often."""
    found = [(actor, event) for actor, event, _ in talk.events() if event.startswith("alert ")]
    return found if len(found) >= times else []


# -- silences ----------------------------------------------------------------------------------------------------


async def test_a_critical_alert_is_silenced_by_its_form_for_an_hour_at_most_and_ended_early(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path, fleet=STILL, **FAST) as talk:
        talk.fleet.alert("critical", "Margin call")
        talk.fleet.alert("critical", "The exchange refuses all orders")
        shown = await card(talk, "🔴 CRITICAL: Margin call")
        await talk.admin.clicks("Silence", shown)
        form = await talk.admin.gets_form()
        assert "Margin call" in json.dumps(form.body)
        for span in ("4h", "resolved"):
            with pytest.raises(FormError):
                await talk.slack.submit("admin", form.id, {"span": span, "reason": "known"})
        short = await talk.slack.submit("admin", form.id, {"span": "1h", "reason": "x"})
        assert "write why" in json.dumps(short.ack)
        assert talk.rows("select id from silences") == []

        done = await talk.slack.submit("admin", form.id, {"span": "15m", "reason": "the desk knows"})
        assert done.error is None
        assert talk.slack.modals("admin") == ()
        began = await card(talk, "*Silenced* by <@U0ADMIN1> until", "alert #1", "*Why*: the desk knows")
        await card(talk, "🔴 CRITICAL: Margin call", "SILENCED", "the desk knows")
        quiet = len(calls(talk, "Margin call"))
        await called(talk, "refuses all orders", len(calls(talk, "refuses all orders")) + 3)
        assert len(calls(talk, "Margin call")) == quiet

        listed = text_of(await talk.admin.types("/silences", where=ALERTS))
        assert "Silence #1" in listed
        assert "1 alert fires and is kept quiet by it now" in listed
        answer = talk.slack.ephemerals("admin", ALERTS)[-1]
        assert "told to everybody at once" in json.dumps(button(answer, "End")["confirm"])
        await talk.person("operator").types("/silences", where=ALERTS)
        await talk.person("operator").clicks("End", talk.slack.ephemerals("operator", ALERTS)[-1])
        await reply(
            talk, began, "Silence #1 has ended", "ended by <@U0OPER01>", "still fires and is told again"
        )
        anew = await card(talk, "🔴 CRITICAL: Margin call", "It was silenced by <@U0ADMIN1> until now")
        assert anew.ts != shown.ts
        await until(talk, lambda: "Goes on in a newer message" in headline(now(talk, shown)))
        await called(talk, "Margin call", quiet + 1)
        await talk.admin.clicks("End", answer)
        assert "over already" in (await told(talk, "admin", "That silence is over")).words
        assert {("U0ADMIN1", "silence began"), ("U0OPER01", "silence ended")} <= {
            (actor, event) for actor, event, _ in talk.events()
        }


async def test_nothing_keeps_a_critical_alert_quiet_for_more_than_an_hour(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **FAST) as talk:
        talk.fleet.alert("critical", "Margin call")
        talk.fleet.alert("high", "Margin usage is high")
        await card(talk, "HIGH: Margin usage is high")
        await talk.admin.types('/silence "margin *" 4h the desk knows')
        shown = await card(talk, "CRITICAL: Margin call", "SILENCED")
        await card(talk, "HIGH: Margin usage is high", "SILENCED")
        ends = [datetime.fromisoformat(due) for (due,) in known(talk, "due_at")]
        assert [round((each - datetime.now(UTC)) / timedelta(minutes=1)) for each in ends] == [60, 240]

        change(talk, "update silences set begun_at = ?", at(minutes=-60.1))
        change(talk, "update alerts set due_at = ?", at(minutes=0))
        anew = await card(talk, "🔴 CRITICAL: Margin call", "It was silenced by <@U0ADMIN1> until now")
        assert anew.ts != shown.ts
        await called(talk, "Margin call", 1)
        assert known(talk, "severity", "silence") == [("critical", None), ("high", 1)]
        assert talk.rows("select ended_at from silences") == [(None,)]  # for all that is milder it goes on


async def test_a_pattern_keeps_quiet_warns_before_its_end_and_what_still_fires_is_told_anew(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "Slippage above limit", bot="ndax")
        shown = await card(talk, "🟠 HIGH: ndax: Slippage above limit")
        answer = text_of(await talk.admin.types('/silence "slippage above" 2h known feed problem'))
        assert "Silenced" in answer
        began = await card(
            talk, "*Silenced* by <@U0ADMIN1>", "what matches “slippage above”", "known feed problem"
        )
        await card(talk, "HIGH: ndax: Slippage above limit", "SILENCED")
        talk.fleet.alert("high", "Slippage above limit", bot="quantum")  # is quiet from the beginning
        talk.fleet.alert("high", "The feed is away", bot="quantum")  # and this one is not meant
        await card(talk, "The feed is away")
        assert sorted(known(talk, "message", "bot", "silence"), key=str) == [
            ("Slippage above limit", "ndax", 1),
            ("Slippage above limit", "quantum", 1),
            ("The feed is away", "quantum", None),
        ]
        assert posted(talk, "quantum: Slippage") == []
        assert talk.slack.replies(ALERTS, began.ts) == ()

        change(talk, "update silences set begun_at = ?, ends_at = ?", at(minutes=-20), at(minutes=9.9))
        soon = await reply(talk, began, "<@U0ADMIN1>, your silence #1", "ends in")
        assert "2 alerts are kept quiet by it now" in said(soon)
        change(talk, "update silences set ends_at = ?", at(minutes=-0.01))
        await reply(
            talk, began, "Silence #1 has ended", "its time was over", "2 alerts that it kept quiet still fire"
        )
        for bot in ("ndax", "quantum"):
            await card(
                talk, f"🟠 HIGH: {bot}: Slippage above limit", "It was silenced by <@U0ADMIN1> until now"
            )
        await until(talk, lambda: "Goes on in a newer message" in headline(now(talk, shown)))
        assert len(talk.slack.replies(ALERTS, began.ts)) == 2


async def test_a_silence_until_it_is_resolved_ends_with_the_alert(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "Slippage above limit")
        shown = await card(talk, "🟠 HIGH: Slippage above limit")
        await silenced(talk, shown, "resolved", "the feed is being mended")
        began = await card(talk, "*Silenced* by <@U0ADMIN1> until it is resolved", "alert #1", "*Why*")
        await card(talk, "HIGH: Slippage above limit", "SILENCED")
        talk.fleet.clear_alerts()
        assert "Nothing that it kept quiet" in said(
            await reply(talk, began, "has ended", "the alert is over")
        )
        assert (await card(talk, "✅ RESOLVED after", "Slippage")).ts == shown.ts
        assert "Nothing is silenced" in text_of(await talk.admin.types("/silences"))
        talk.fleet.alert("high", "Slippage above limit")  # another time it is told again
        assert (await card(talk, "🟠 HIGH: Slippage above limit")).ts != shown.ts


async def test_what_begins_and_ends_in_a_silence_is_told_to_nobody(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        await talk.admin.types("/silence ndax 1h being repaired")
        await card(talk, "Silenced", "ndax")
        talk.fleet.alert("high", "Slippage above limit", bot="ndax")
        await until(talk, lambda: known(talk, "firing", "silence") == [(1, 1)])
        assert "🔕 silenced until" in text_of(await talk.admin.types("/alerts"))
        talk.fleet.clear_alerts()
        await until(talk, lambda: known(talk, "firing") == [(0,)])
        talk.fleet.alert("high", "The feed is away", bot="quantum")
        await card(talk, "The feed is away")
        assert len(posted(talk)) == 2
        everything_said = "\n".join(
            each.words for each in talk.slack.workspace.all_messages if not each.only_for
        )
        assert "ndax: Slippage" not in everything_said
        history = text_of(await talk.admin.types("/alerts 1"))
        assert "silenced by #1" in history  # it is not lost: who looks finds it, and why


# -- buttons -----------------------------------------------------------------------------------------------------


async def test_recover_shows_the_steps_to_whoever_presses_and_does_nothing(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "Connection to the exchange timed out", bot="quantum")
        shown = await card(talk, "Connection to the exchange timed out")
        await talk.person("viewer").clicks("Recover", shown)
        steps = await told(talk, "viewer", "Recover: API Connection Failures", "1. ", "6. ", "/stop quantum")
        assert "Nothing was done yet" in steps.words
        assert "Every start needs a second admin" in steps.words
        assert talk.slack.ephemerals("admin", ALERTS) == ()
        assert talk.rows("select id from actions") == []


async def test_kill_on_a_card_asks_and_stops_the_whole_fleet(tmp_path: Path) -> None:
    async with watching(tmp_path, **ONLY_MONITOR) as talk:
        talk.fleet.alert("critical", "Margin call", bot="quantum")
        shown = await card(talk, "🔴 CRITICAL", "Margin call")
        kill = button(shown, "Kill")
        assert kill["style"] == "danger"
        assert "stops every bot now, not only one" in kill["confirm"]["text"]["text"]
        for nobody in ("viewer", "no-role", "stranger"):
            await talk.person(nobody).clicks("Kill", shown)
        await until(talk, lambda: len(refused(talk)) >= 3)
        assert talk.posts() == []
        await talk.person("operator").clicks("Kill", shown)
        await card(talk, "KILL verified", "pressed on alert #1", where=OPS)
        assert not talk.fleet.engine.trading
        assert talk.rows("select requested_by, reason from actions") == [("U0OPER01", "pressed on alert #1")]


async def test_viewers_and_strangers_change_nothing(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "Slippage above limit")
        shown = await card(talk, "Slippage above limit")
        await silenced(talk, shown, "15m", "known", who="operator")
        await card(talk, "Silenced", "<@U0OPER01>")
        await talk.person("operator").types("/silences", where=ALERTS)
        ends = talk.slack.ephemerals("operator", ALERTS)[-1]
        people = ("viewer", "no-role", "guest", "stranger", "deleted", "another-bot")
        for person in people:
            for name, value, where in (
                ("alert.ack", "1", shown),
                ("alert.silence", "1", shown),
                ("silence.end", "1", ends),
            ):
                await pressed(talk, person, name, value, where)
        await until(talk, lambda: len(refused(talk)) == 3 * len(people))
        assert all(not talk.slack.modals(person) for person in people)
        assert known(talk, "owner") == [(None,)]
        assert talk.rows("select ended_at from silences") == [(None,)]
        for person in people:
            for line in ('/silence "slippage" 1h known', "/oncall me", "/oncall nobody"):
                answer = text_of(await talk.person(person).types(line))
                assert "operator" in answer or "nothing was" in answer.lower() or "may not" in answer, answer
        assert talk.rows("select count(*) from silences") == [(1,)]
        assert talk.rows("select count(*) from on_call") == [(0,)]
        # A form that was opened by somebody who may is not sent by somebody who may not.
        await talk.admin.clicks("Silence", shown)
        form = await talk.admin.gets_form()
        viewer = {"id": "U0VIEW01", "team_id": "T0FLEET"}
        done = await talk.slack.submit(
            "admin", form.id, {"span": "1h", "reason": "for the viewer"}, user=viewer
        )
        assert "operator" in json.dumps(done.ack)
        assert talk.rows("select count(*) from silences") == [(1,)]


async def test_a_forged_value_or_a_button_on_another_message_is_refused(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("high", "Slippage above limit")
        first = await card(talk, "Slippage above limit")
        talk.fleet.alert("high", "The feed is away")
        second = await card(talk, "The feed is away")
        copied = talk.slack.say("admin", ALERTS, "a copy of the card")
        tries: tuple[tuple[str, Any, Message], ...] = (
            ("alert.ack", "2", first),  # another alert's number
            ("alert.ack", "1", second),
            ("alert.ack", "1", copied),
            ("alert.ack", "99", first),
            ("alert.ack", "-1", first),
            ("alert.ack", "", first),
            ("alert.ack", None, first),
            ("alert.ack", {"number": 1}, first),
            ("alert.ack", "1" * 2_000, first),
            ("alert.ack", "١", second),
            ("alert.silence", "2", first),
            ("alert.recover", "2", first),
        )
        for name, value, where in tries:
            await pressed(talk, "admin", name, value, where)
        await until(talk, lambda: len(refused(talk)) == len(tries))
        assert {why for _, why in refused(talk)} == {"forged button"}
        await told(talk, "admin", FORGED)
        assert known(talk, "owner") == [(None,), (None,)]
        assert talk.slack.modals("admin") == ()
        assert "Traceback" not in talk.bot.words()


async def pressed(talk: Conversation, person: str, name: str, value: Any, where: Message) -> None:
    """A press as Slack would send it, of a button that need not stand on the message."""
    element = {"type": "button", "action_id": name, "value": value}
    who, channel = talk.slack.person(person), talk.slack.channel(where.channel)
    press = payloads.action(element, "b", None) | {"value": value}
    payload = payloads.click_on_message(who, channel, where, press, response_url="")
    delivery = await talk.slack.courier.ask("interactive", payload)
    assert delivery.error is None


# -- commands ----------------------------------------------------------------------------------------------------


async def test_alerts_lists_what_is_open_what_is_over_one_bots_and_one_in_full(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        talk.fleet.alert("warning", "Slippage above limit", bot="ndax")
        await card(talk, "Slippage above limit")
        talk.fleet.alert("critical", "Margin call", bot="quantum")
        await card(talk, "Margin call")
        viewer = talk.person("viewer")
        listed = text_of(await viewer.types("/alerts"))
        assert "2 alerts are open" in listed
        assert listed.index("Margin call") < listed.index("Slippage")  # the worst first
        talk.fleet.clear_alerts("Slippage above limit")
        await card(talk, "RESOLVED", "Slippage")
        assert "Slippage" not in text_of(await viewer.types("/alerts open"))
        everything = text_of(await viewer.types("/alerts all"))
        assert "2 alerts*, open and over" in everything
        assert "was warning" in everything
        one_bot = text_of(await viewer.types("/alerts quantum"))
        assert "Margin call" in one_bot
        assert "No alert of ndax is open" in text_of(await viewer.types("/alerts ndax"))
        full = text_of(await viewer.types("/alerts #2"))
        for words in (
            "Margin call",
            "What was decided, newest first",
            "it began",
            "a message was posted",
            "new",
        ):
            assert words in full, words
        assert text_of(await viewer.types("/alerts 2")).splitlines()[0] == full.splitlines()[0]
        for line, no in (
            ("/alerts 99", "There is no such alert"),
            ("/alerts phantom", "There is no bot 'phantom'"),
            ("/alerts 1 2", "takes one number"),
        ):
            assert no in text_of(await viewer.types(line)), line
        assert "Nothing is silenced" in text_of(await viewer.types("/silences"))


async def test_who_is_on_call_is_set_for_a_while_by_an_operator_and_ends_by_itself(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        viewer, operator = talk.person("viewer"), talk.person("operator")
        assert "Nobody is on call" in text_of(await viewer.types("/oncall"))
        assert "set by an operator" in text_of(await viewer.types("/oncall me"))
        assert "<@U0OPER01> is on call now" in text_of(await operator.types("/oncall me until 8h"))
        await card(talk, "<@U0OPER01> is on call now", "<@U0OPER01> said so")
        shown = text_of(await viewer.types("/oncall"))
        assert "<@U0OPER01> is on call* until" in shown
        change(talk, "update on_call set until = ?", at(minutes=-0.1))
        assert "Nobody is on call" in text_of(await viewer.types("/oncall"))

        assert "<@U0ADMIN2> is on call now" in await on_call(talk, "U0ADMIN2", "tomorrow 08:00")
        assert "<@U0ADMIN2> is on call*" in text_of(await viewer.types("/oncall"))
        for line, no in (
            ("/oncall fred", "I cannot tell who 'fred' is"),
            ("/oncall me until yesterday", "is not a time"),
            ("/oncall me 2020-01-01", "over already"),
            ("/oncall nobody 8h", "takes no time"),
        ):
            assert no in text_of(await operator.types(line)), line
        for nobody in ("viewer", "guest"):  # who could neither acknowledge nor stop anything
            assert "Only an operator or admin can be on call" in await on_call(
                talk, talk.slack.person(nobody).id
            )
        assert "<@U0ADMIN2> is on call*" in text_of(await viewer.types("/oncall"))
        await operator.types("/oncall nobody")
        await card(talk, "Nobody is on call any more", "<@U0OPER01>")
        assert "Nobody is on call" in text_of(await viewer.types("/oncall"))
        changes = [(actor, subject) for actor, event, subject in talk.events() if event == "on call changed"]
        assert changes == [("U0OPER01", "U0OPER01"), ("U0ADMIN1", "U0ADMIN2"), ("U0OPER01", "nobody")]
