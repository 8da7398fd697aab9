"""Who may decide a request, how often, and what every other click gets: one sentence, one audit row, no effect."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.two_people import (
    APPROVALS,
    approve,
    ask,
    card,
    direct,
    finished,
    kill,
    refused,
    releases,
    state,
    stopped,
    text_of,
    two_people,
    writes,
)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    """A fleet in which nothing runs and nothing is killed."""
    async with two_people(tmp_path, fleet=stopped()) as talk:
        yield talk


async def audited(talk: Conversation, *wanted: tuple[str, str]) -> None:
    """Wait until the refusals in the audit are exactly these."""
    await talk.slack.wait_for(lambda: len(refused(talk)) >= len(wanted), 10)
    assert sorted(refused(talk)) == sorted(wanted)


async def test_the_one_who_asks_never_approves(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    await approve(talk, shown, who="admin")
    told = await talk.admin.reads("You asked for this yourself", where=APPROVALS)
    assert action in told.words
    assert "it waits with 0 of 1 approvals" in told.words
    assert state(talk, action) == ("pending", "waiting")
    await talk.admin.clicks("Deny", shown)
    await talk.admin.reads("withdraw it instead", where=APPROVALS)
    await audited(talk, ("U0ADMIN1", "own request"), ("U0ADMIN1", "own request"))
    assert writes(talk, "/start") == []


async def test_a_click_counts_once_whatever_comes_after_it(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    first, second, twice = await asyncio.gather(
        approve(talk, shown),
        approve(talk, shown, who="third-admin"),
        approve(talk, shown),
    )
    await card(talk, action, "Done and read back")
    # the same payload again, and a click on what the card showed before
    again = await talk.slack.courier.ask("interactive", first.payload)
    assert again.error is None
    stale = await talk.slack.courier.ask("interactive", second.payload | {"trigger_id": "7.7.stale"})
    assert stale.error is None
    # two lost the race, then the stale one; what is redelivered word for word is audited once, refused before or not
    await talk.slack.wait_for(lambda: len(refused(talk)) >= 3, 10)
    assert {why for _, why in refused(talk)} <= {"decided already", "voted already", "old version"}
    assert writes(talk, "/start") == [{"bot": "ndax", "safe_mode": True}]
    assert talk.rows("select count(*) from votes") == [(1,)]
    told = await talk.person("third-admin").reads("out of date", action, where=APPROVALS)
    assert "it was approved at" in told.words
    assert "U0ADMIN" in told.words
    assert twice.error is None


async def test_a_button_counts_only_where_we_put_it(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    real = (await approve(talk, shown, who="admin")).payload
    copy = talk.slack.say("second-admin", "C0RANDOM", "a copy of the card")
    await direct(talk, "third-admin", action)
    theirs = await direct(talk, "third-admin", action, "Approve")
    user = {"id": "U0ADMIN2", "team_id": "T0FLEET"}
    places: tuple[tuple[Any, Any], ...] = (
        ({"id": "C0RANDOM", "name": "random"}, copy.ts),
        ({"id": "C0RANDOM", "name": "random"}, shown.ts),
        ({"id": APPROVALS, "name": "a"}, "1.000001"),
        ({"id": APPROVALS, "name": "a"}, None),
        (None, shown.ts),
        ({"id": theirs.channel, "name": "directmessage"}, theirs.ts),  # somebody else's copy
    )
    for channel, ts in places:
        container = {"type": "message", "message_ts": ts, "is_ephemeral": False}
        if channel is not None:
            container["channel_id"] = channel["id"]
        body = real | {
            "channel": channel,
            "container": container,
            "user": user,
            "trigger_id": f"1.1.{ts}{channel}",
        }
        assert (await talk.slack.courier.ask("interactive", body)).error is None
    values: tuple[Any, ...] = (
        "",
        "start-XXXXXXXX:1",
        f"{action}:0",
        f"{action}:99",
        f"{action}",
        f"x{action}:1",
        None,
        7,
    )
    for value in values:
        pressed = [{**real["actions"][0], "value": value}]
        body = real | {"actions": pressed, "user": user, "trigger_id": f"1.2.{value}"}
        assert (await talk.slack.courier.ask("interactive", body)).error is None
    await talk.slack.wait_for(lambda: len(refused(talk)) >= 1 + len(places) + len(values), 10)
    whys = [why for who, why in refused(talk) if who == "U0ADMIN2"]
    assert sorted(whys) == ["forged button"] * (len(places) + len(values) - 1) + ["old version"]
    assert state(talk, action) == ("pending", "waiting")
    assert writes(talk, "/start") == []


async def test_a_card_that_somebody_deletes_comes_back_with_its_decision(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    payload = (await approve(talk, shown, who="admin")).payload
    talk.slack.workspace.remove(shown)
    body = payload | {"user": {"id": "U0ADMIN2", "team_id": "T0FLEET"}, "trigger_id": "1.1.gone"}
    await asyncio.gather(*(talk.slack.courier.ask("interactive", body) for _ in range(2)))
    done = await card(talk, action, "Done and read back")
    assert done.ts != shown.ts
    assert len(writes(talk, "/start")) == 1


async def test_one_denial_beats_any_number_of_approvals(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__APPROVERS='{"start": 2}') as talk:
        action, shown = await ask(talk, "/start ndax")
        assert "it takes 2 besides the one who asks" in shown.words
        await approve(talk, shown)
        half = await card(talk, action, "1 of 2 approvals, by <@U0ADMIN2>")
        assert state(talk, action) == ("pending", "waiting")
        await approve(talk, half)  # a second vote of the same person
        await talk.person("second-admin").reads("You voted on this already", where=APPROVALS)
        # who sees the old copy presses in vain, and is told what has changed
        said = await talk.slack.courier.ask("interactive", _as(talk, half, "U0ADMIN3", f"{action}:1"))
        assert said.error is None
        await talk.person("third-admin").reads(
            "out of date", "1 of 2 approvals, by <@U0ADMIN2>", where=APPROVALS
        )
        await talk.person("third-admin").clicks("Deny", half)
        form = await talk.person("third-admin").gets_form()
        assert "1 of 2 approvals" in str(form.body)
        await talk.slack.submit("third-admin", form.id, {"reason": "not before <noon>"})
        denied = await card(talk, action, "Denied", "<@U0ADMIN3>", "not before &lt;noon&gt;")
        assert "Approve\n" not in denied.words
        await talk.admin.sees_in_thread(denied, "<@U0ADMIN1>", "denied", "Nothing was sent")
        assert state(talk, action) == ("denied", "void")
        assert writes(talk, "/start") == []


def _as(talk: Conversation, shown: Message, person: str, value: str) -> dict[str, Any]:
    """A click of this person with this value, as the copy that they still saw would send it."""
    from chatbot.sandbox.slack import payloads

    element = {"type": "button", "action_id": "approval.approve", "value": value}
    pressed = payloads.action(element, "b", None)
    where = talk.slack.channel(shown.channel)
    return payloads.click_on_message(
        talk.slack.person(person), where, shown, pressed, response_url=_hook(talk, person)
    )


def _hook(talk: Conversation, person: str) -> str:
    key = talk.slack._reply_passes.issue(channel=APPROVALS, person=person)
    return f"{talk.slack.api_url.removesuffix('/api/')}/hooks/actions/{key}"


async def test_two_approvers_are_two_people(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__APPROVERS='{"start": 2}') as talk:
        action, shown = await ask(talk, "/start ndax")
        await asyncio.gather(*(approve(talk, shown) for _ in range(3)))
        half = await card(talk, action, "1 of 2 approvals")
        await approve(talk, half, who="third-admin")
        await card(talk, action, "Done and read back", "<@U0ADMIN2>, <@U0ADMIN3>")
        assert len(writes(talk, "/start")) == 1


async def test_more_approvers_than_there_are_is_said_at_once(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__APPROVERS='{"start": 3}') as talk:
        text = text_of(await talk.admin.types("/start ndax"))
        assert "takes 3 other admins and the configuration names 2" in text
    alone = {"CHATBOT_ROLES__ADMINS": '["U0ADMIN1"]'}
    (tmp_path / "alone").mkdir()
    async with two_people(tmp_path / "alone", fleet=stopped(), **alone) as talk:
        assert "add one under roles.admins" in text_of(await talk.admin.types("/start ndax"))


async def test_the_one_who_asked_can_withdraw_and_nobody_else(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    own = await direct(talk, "admin", action, "Withdraw")
    body = _as(talk, own, "U0ADMIN2", f"{action}:1")
    body["actions"][0]["action_id"] = "approval.withdraw"
    await talk.slack.courier.ask("interactive", body)
    assert state(talk, action) == ("pending", "waiting")
    await talk.admin.clicks("Withdraw", own)
    gone = await card(talk, action, "Withdrawn", "<@U0ADMIN1>")
    assert gone.ts == shown.ts
    assert state(talk, action) == ("withdrawn", "void")
    await audited(talk, ("U0ADMIN2", "not the requester"))


async def test_who_approves_is_who_slack_and_the_configuration_say_now(tmp_path: Path) -> None:
    toml = tmp_path / "chatbot.toml"
    everybody = ["U0ADMIN1", "U0ADMIN2", "U0ADMIN3", "U0GUEST1", "U0DELETED", "U0BOTUSER", "U0FOREIGN"]
    toml.write_text(f"[roles]\nadmins = {json.dumps(everybody)}\n")
    async with two_people(
        tmp_path, fleet=stopped(), CHATBOT_CONFIG=str(toml), CHATBOT_ROLES__ADMINS=""
    ) as talk:
        action, shown = await ask(talk, "/start ndax")
        for who, why in (
            ("guest", "a guest account"),
            ("another-bot", "a bot"),
            ("stranger", "foreign"),
            ("operator", "role too low"),
            ("viewer", "role too low"),
            ("no-role", "no role"),
        ):
            person = talk.slack.person(who)
            body = _as(talk, shown, person.id, f"{action}:1")
            await talk.slack.courier.ask("interactive", body)
            await talk.slack.wait_for(lambda p=person.id, w=why: (p, w) in refused(talk), 10)
        # deactivated a moment ago, though our memory still knows them as fine
        talk.slack.workspace.people["U0ADMIN2"] = replace(talk.slack.person("second-admin"), deleted=True)
        await approve(talk, shown)
        await talk.slack.wait_for(lambda: ("U0ADMIN2", "deactivated") in refused(talk), 10)
        # Slack does not answer: nobody is believed
        talk.slack.faults.set("http_500", methods=["users.info"])
        await approve(talk, shown, who="third-admin")
        await talk.slack.wait_for(lambda: ("U0ADMIN3", "unverified") in refused(talk), 10)
        talk.slack.faults.clear()
        # taken out of the file while the bot runs
        toml.write_text('[roles]\nadmins = ["U0ADMIN1", "U0ADMIN2"]\n')
        await approve(talk, shown, who="third-admin")
        await talk.slack.wait_for(lambda: ("U0ADMIN3", "no admin now") in refused(talk), 10)
        toml.write_text("[roles\n")
        await approve(talk, shown, who="third-admin")
        await talk.slack.wait_for(lambda: ("U0ADMIN3", "configuration unreadable") in refused(talk), 10)
        assert state(talk, action) == ("pending", "waiting")
        toml.write_text(f"[roles]\nadmins = {json.dumps(everybody)}\n")
        await approve(talk, shown, who="third-admin")
        await card(talk, action, "Done and read back")


async def test_an_admin_who_was_added_waits_before_approving(tmp_path: Path) -> None:
    founders = '["U0ADMIN1", "U0ADMIN2"]'
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_ROLES__ADMINS=founders) as talk:
        await talk.bot.stops()
        await talk.bot.start(CHATBOT_ROLES__ADMINS='["U0ADMIN1", "U0ADMIN2", "U0ADMIN3"]')
        await talk.admin.sees("<@U0ADMIN3>", "added as an admin", "may approve from")
        action, shown = await ask(talk, "/start ndax")
        await approve(talk, shown, who="third-admin")
        await talk.person("third-admin").reads("added as an admin lately", where=APPROVALS)
        await audited(talk, ("U0ADMIN3", "new admin"))
        assert "may approve from" in text_of(await talk.admin.types("/fleet who"))
        await approve(talk, shown)  # named in the first configuration: nothing to wait for
        await card(talk, action, "Done and read back")


async def test_in_a_channel_shared_with_others_nothing_is_asked_or_approved(talk: Conversation) -> None:
    action, shown = await ask(talk, "/start ndax")
    await talk.slack.share_channel(APPROVALS)
    await approve(talk, shown)
    await talk.person("second-admin").reads("shared with another organisation", where=APPROVALS)
    assert "shared with another organisation" in text_of(await talk.admin.types("/start-sequential"))
    theirs = await direct(talk, "second-admin", action, "Approve")
    await approve(talk, theirs)  # in a message of their own it is still possible
    await card(talk, action, "Done and read back")


async def test_a_request_is_reminded_of_and_then_expires_in_sight_of_all(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), CHATBOT_POLICY__APPROVAL_MINUTES="0.05") as talk:
        action, shown = await ask(talk, "/start ndax")
        await talk.admin.sees_in_thread(shown, "<@U0ADMIN2> <@U0ADMIN3>", "still waits", "expires in")
        await card(talk, action, "Expired")
        await talk.admin.sees_in_thread(
            shown, "<@U0ADMIN1>", "expired", "0 of 1 approvals", "Nothing was sent"
        )
        assert state(talk, action) == ("expired", "void")
        await talk.slack.courier.ask("interactive", _as(talk, shown, "U0ADMIN2", f"{action}:1"))
        await talk.person("second-admin").reads("it expired at", where=APPROVALS)
        assert writes(talk, "/start") == []
        reminders = [m for m in talk.slack.replies(APPROVALS, shown.ts) if "still waits" in m.words]
        assert len(reminders) == 1


async def test_whatever_changes_makes_a_request_void_and_says_what(talk: Conversation) -> None:
    async def void(line: str, change: Any, why: str) -> None:
        action, shown = await ask(talk, line)
        await change()
        gone = await card(talk, action, "Void", why)
        assert gone.ts == shown.ts
        assert "Approve\n" not in gone.words
        await talk.admin.sees_in_thread(gone, "<@U0ADMIN1>", "void", why)
        assert state(talk, action) == ("void", "void")

    async def somebody_starts() -> None:
        talk.fleet.engine.start("ndax")

    async def it_fails() -> None:
        await talk.fleet.wait_for(lambda: talk.fleet.engine.status("ndax") == "running")
        talk.fleet.crash("ndax")

    async def killed() -> None:
        await kill(talk)

    async def lockdown() -> None:
        await talk.person("operator").types("/lockdown on strange orders")

    await void("/start ndax", somebody_starts, "ndax went from stopped to ")
    await talk.fleet.wait_for(lambda: talk.fleet.engine.status("ndax") == "running")
    await void("/start quantum", it_fails, "ndax went from running to error")
    await void("/start ndax full", killed, "the fleet was killed again")
    await void("/override it is fixed", killed, "the fleet was killed again")
    await void("/override it is fixed", lockdown, "a lockdown began")
    assert releases(talk) == []
    assert writes(talk, "/start") == []


async def test_a_kill_between_the_click_and_the_sending_wins(talk: Conversation) -> None:
    await kill(talk)
    action, shown = await ask(talk, "/override it is fixed")
    # the read before the sending takes its time, and the kill comes in that time
    talk.fleet.faults.set("slow", paths=["/status"], seconds=0.6)
    before = finished(talk, "kill")
    await asyncio.gather(approve(talk, shown), _later(talk))
    talk.fleet.faults.clear()
    await talk.slack.wait_for(lambda: finished(talk, "kill") > before, 20)
    await talk.slack.wait_for(lambda: state(talk, action)[1] in {"void", "abandoned"}, 20)
    assert releases(talk) == []
    assert talk.fleet.engine.kill_switch_active
    assert talk.rows("select count(*) from latches where released_at is null") == [(1,)]


async def _later(talk: Conversation) -> None:
    await asyncio.sleep(0.2)  # while the approval waits for its read
    await talk.person("operator").types("/kill again", where=OPS)


async def test_the_same_thing_is_asked_once(talk: Conversation) -> None:
    action, _ = await ask(talk, "/start ndax")
    assert action in text_of(await talk.person("second-admin").types("/start ndax"))
    again = await talk.slack.courier.ask("slash_commands", talk.admin.said.payload)  # type: ignore[union-attr]
    assert action in str(again.ack)
    assert talk.rows("select count(*) from approvals") == [(1,)]
    await ask(talk, "/start ndax full")  # another thing
