"""/override and /force-override: what is asked, what is refused, what is sent, and when our own record lets go."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import OPS, Conversation
from tests.e2e.two_people import (
    APPROVALS,
    approve,
    ask,
    card,
    direct,
    kill,
    releases,
    state,
    text_of,
    two_people,
)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path) as talk:
        yield talk


async def test_two_people_release_the_kill_switch_and_all_copies_tell(talk: Conversation) -> None:
    await kill(talk)
    action, shown = await ask(talk, "/override feed is <fixed> & tested")
    words = shown.words
    sent = '"action": "override", "reason": "feed is <fixed> & tested (' + action + ')"'
    assert sent in words
    assert "kill switch active" in words
    assert "ndax stopped, quantum stopped, shadowforge stopped" in words
    assert "No bot is started by it" in words
    assert "takes a second admin" in words
    assert releases(talk) == []
    theirs = await direct(talk, "second-admin", action, "Approve")
    own = await direct(talk, "admin", action, "Withdraw")
    assert "Approve\n" not in own.words
    await talk.slack.open_home("second-admin")
    home = await talk.slack.wait_for(lambda: talk.slack.workspace.homes.get("U0ADMIN2"), 10)
    assert action in json.dumps(home.body)

    await approve(talk, shown)
    done = await card(talk, action, "Done and read back", "As read back at", "kill switch is inactive")
    assert done.ts == shown.ts
    assert "Approve\n" not in done.words
    assert "Deny" not in done.words
    assert "<@U0ADMIN2>" in done.words
    assert releases(talk) == [
        {"action": "override", "reason": f"feed is <fixed> & tested ({action})", "approved_by": "U0ADMIN2"}
    ]
    assert state(talk, action) == ("approved", "verified")
    assert talk.rows("select released_by from latches") == [(action,)]
    for person, copy in (("second-admin", theirs), ("admin", own)):
        redrawn = await direct(talk, person, action, "Done and read back")
        assert redrawn.ts == copy.ts
        assert "Withdraw" not in redrawn.words
    await talk.admin.sees_in_thread(done, "<@U0ADMIN1>", "Done and read back")
    await talk.slack.wait_for(
        lambda: "Approve?" not in json.dumps(talk.slack.workspace.homes["U0ADMIN2"].body), 10
    )
    assert not talk.fleet.engine.trading  # a release starts nothing
    text = text_of(await talk.admin.types("/approvals"))
    assert action in text
    assert "Nothing waits" in text


async def test_nothing_is_released_that_is_not_killed(talk: Conversation) -> None:
    for line in ("/override it is fixed", "/force-override it is really fixed now"):
        assert "is not killed" in text_of(await talk.admin.types(line))
    assert talk.rows("select count(*) from approvals") == [(0,)]


async def test_a_kill_without_a_cause_is_not_released_before_somebody_says_why(talk: Conversation) -> None:
    await kill(talk, "")
    for line in ("/override it is fixed", "/force-override it is really fixed now"):
        assert "No cause" in text_of(await talk.admin.types(line))
    shown = await talk.admin.sees("KILL verified")
    await talk.admin.clicks("Say why", shown)
    form = await talk.admin.gets_form()
    await talk.slack.submit("admin", form.id, {"reason": "bad fills"})
    await talk.slack.wait_for(lambda: talk.rows("select reason from latches") == [("bad fills",)], 10)
    await ask(talk, "/override it is fixed")


async def test_cooldown_and_breaker_hold_an_override_and_force_says_what_it_goes_past(tmp_path: Path) -> None:
    rules = {"CHATBOT_POLICY__COOLDOWN_MINUTES": "60", "CHATBOT_POLICY__BREAKER_KILLS": "1"}
    async with two_people(tmp_path, **rules) as talk:
        await kill(talk)
        text = text_of(await talk.admin.types("/override it is fixed"))
        assert "cooldown" in text
        assert "60 min left" in text
        status = text_of(await talk.admin.types("/status"))
        assert "60 min left before a release" in status
        assert "1 of 1 kills, closes in 24 h" in status
        assert "at least 15 characters" in text_of(await talk.admin.types("/force-override too short"))
        action, shown = await ask(talk, "/force-override the breaker is stuck open")
        assert (
            "*This goes past*: the cooldown, of which 60 min are left; the circuit breaker, open after 1 kills"
            in (shown.words)
        )
        await approve(talk, shown)
        await card(talk, action, "Done and read back")
        (sent,) = releases(talk)
        assert sent["action"] == "force_override"


async def test_the_breaker_alone_holds_an_override(tmp_path: Path) -> None:
    async with two_people(tmp_path, CHATBOT_POLICY__BREAKER_KILLS="1") as talk:
        await kill(talk)
        assert "circuit breaker is open" in text_of(await talk.admin.types("/override it is fixed"))


async def test_a_drill_is_a_real_stop_that_the_rules_do_not_count(tmp_path: Path) -> None:
    rules = {"CHATBOT_POLICY__COOLDOWN_MINUTES": "60", "CHATBOT_POLICY__BREAKER_KILLS": "1"}
    async with two_people(tmp_path, **rules) as talk:
        await kill(talk, "drill: monthly test")
        assert not talk.fleet.engine.trading
        status = text_of(await talk.admin.types("/status"))
        assert "a drill" in status
        assert "0 of 1 kills" in status
        action, shown = await ask(talk, "/override drill is over")
        await approve(talk, shown)
        await card(talk, action, "Done and read back")


async def test_a_kill_that_is_not_verified_is_not_released(tmp_path: Path) -> None:
    async with two_people(tmp_path, CHATBOT_KILL__WARN_SECONDS="[0.2, 30, 60]") as talk:
        talk.fleet.faults.set("ignores_stop", bot="quantum")
        await talk.admin.types("/kill runaway")
        shown = await talk.admin.sees("NOT CONFIRMED after")
        for line in ("/override it is fixed", "/force-override it is really fixed now"):
            assert "not verified yet" in text_of(await talk.admin.types(line))
        await talk.admin.clicks("Close", shown)
        form = await talk.admin.gets_form()
        await talk.slack.submit("admin", form.id, {"reason": "pulled the plug of quantum"})
        await talk.admin.sees("closed by hand")
        assert "/force-override goes past that" in text_of(await talk.admin.types("/override it is fixed"))
        talk.fleet.faults.clear()
        talk.fleet.crash("quantum")  # its plug is pulled at last; the watch sees that, and nothing more
        _, asked = await ask(talk, "/force-override quantum is unplugged and checked")
        assert "never seen stopped" in asked.words


async def test_a_coordinator_that_says_no_is_told_as_it_said_it(tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.e2e.two_people import OBEDIENT

    async with two_people(tmp_path, fleet=replace(OBEDIENT, cooldown=timedelta(minutes=5))) as talk:
        await kill(talk)
        action, shown = await ask(talk, "/override it is fixed")
        await approve(talk, shown)
        failed = await card(talk, action, "FAILED", "Cooldown: 5 minutes left")
        assert "As read back" not in failed.words
        assert state(talk, action) == ("approved", "failed")
        assert talk.rows("select count(*) from latches where released_at is null") == [(1,)]


async def test_a_success_that_is_a_lie_releases_nothing_in_our_record(talk: Conversation) -> None:
    await kill(talk)
    action, shown = await ask(talk, "/override it is fixed")
    talk.fleet.faults.set("lying_success", paths=["/kill-switch"])
    await approve(talk, shown)
    await card(talk, action, "NOT VERIFIED", "was not seen inactive")
    assert talk.rows("select count(*) from latches where released_at is null") == [(1,)]
    assert len(releases(talk)) == 1


async def test_an_answer_that_got_lost_is_read_back_and_not_sent_again(talk: Conversation) -> None:
    await kill(talk)
    for fault, options in (
        ("reset", {"apply": True}),
        ("http_500", {"apply": True}),
        ("garbage", {"kind": "html"}),
    ):
        before = len(releases(talk))
        action, shown = await ask(talk, f"/override after {fault}")
        talk.fleet.faults.set(fault, paths=["/kill-switch"], times=1, **options)
        await approve(talk, shown)
        await card(talk, action, "Done and read back")
        assert len(releases(talk)) == before + 1, fault
        talk.fleet.faults.clear()
        await kill(talk)


async def test_told_to_wait_it_waits_and_sends_once_more(talk: Conversation) -> None:
    await kill(talk)
    action, shown = await ask(talk, "/override it is fixed")
    talk.fleet.faults.set("rate_limited", paths=["/kill-switch"], times=1, retry_after=0.3)
    await approve(talk, shown)
    await card(talk, action, "Done and read back")
    assert state(talk, action) == ("approved", "verified")


async def test_a_kill_made_elsewhere_is_taken_into_our_record(talk: Conversation) -> None:
    talk.fleet.engine.activate("somebody's curl")
    shown = await talk.admin.sees("KILL verified", "made elsewhere")
    assert "somebody elsewhere" in shown.words
    assert talk.rows('select "by", reason from latches') == [("elsewhere", "made elsewhere")]
    await talk.slack.wait_for(lambda: talk.rows("select state from actions") == [("verified",)], 10)
    action, asked = await ask(talk, "/override that was a mistake")
    await approve(talk, asked)
    await card(talk, action, "Done and read back")
    assert talk.rows("select count(*) from actions where command = 'kill'") == [(1,)]


async def test_a_coordinator_that_forgets_is_told_again_with_an_alarm(talk: Conversation) -> None:
    await kill(talk)
    _, asked = await ask(talk, "/override it is fixed")
    talk.fleet.restart()
    alarm = await talk.admin.sees("THE KILL NO LONGER HOLDS", "kill switch inactive", "<@U0ADMIN1>")
    assert "sent again" in alarm.words
    await talk.slack.wait_for(lambda: talk.fleet.engine.kill_switch_active, 10)
    void = await card(talk, asked.words.splitlines()[-1].split(" ")[0], "Void", "the fleet was killed again")
    assert void.ts == asked.ts
    assert talk.rows("select count(*) from latches") == [(1,)]
    assert releases(talk) == []


async def test_without_reassertion_a_release_elsewhere_is_alarmed_and_can_be_adopted(tmp_path: Path) -> None:
    async with two_people(tmp_path, CHATBOT_POLICY__REASSERT="false") as talk:
        await kill(talk)
        talk.fleet.engine.release("somebody's curl")
        await talk.admin.sees("THE KILL NO LONGER HOLDS", "not* sent again")
        assert not talk.fleet.engine.kill_switch_active
        action, shown = await ask(talk, "/override they were right")
        assert "Nothing is sent; our record takes that in" in shown.words
        assert "POST" not in shown.words
        await approve(talk, shown)
        await card(talk, action, "Done and read back", "Released elsewhere")
        assert releases(talk) == []
        assert talk.rows("select released_by from latches") == [(action,)]
        alarms = [each for each in talk.slack.messages(OPS) if "NO LONGER HOLDS" in each.words]
        assert len(alarms) == 1


async def test_without_a_coordinator_nothing_is_asked_and_nothing_approved(talk: Conversation) -> None:
    await kill(talk)
    action, shown = await ask(talk, "/override it is fixed")
    talk.fleet.faults.set("unreachable")
    assert "could not be read" in text_of(await talk.person("third-admin").types("/override me too"))
    await approve(talk, shown)
    await talk.person("second-admin").reads("could not be read", "nothing was approved", where=APPROVALS)
    talk.fleet.faults.clear()
    assert state(talk, action) == ("pending", "waiting")
    await approve(talk, shown)
    await card(talk, action, "Done and read back")
