"""Who may do what: the configuration grants, Slack's word takes away, and a refusal has no effect but an audit row."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Delivery
from tests.conversation import OPS, Conversation, conversation

REFUSED_BY_SLACK = {
    "guest": "a guest account",
    "single-channel-guest": "a guest account",
    "deleted": "deactivated",
    "another-bot": "a bot",
}
EVERYBODY = '["U0ADMIN1","U0ADMIN2","U0GUEST1","U0GUEST2","U0DELETED","U0BOTUSER","U0FOREIGN","U0GONE"]'
LINES = (
    "/kill now",
    "/stop ndax",
    "/pause ndax",
    "/status",
    "/help",
    "/contacts",
    "/fleet kill",
    "/fleet nonsense",
)


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    """Everybody is an admin in the configuration: only Slack's word is between them and the fleet."""
    async with conversation(
        tmp_path, CHATBOT_ROLES__ADMINS=EVERYBODY, CHATBOT_SLACK__APP_ID="A0FLEETBOT"
    ) as talk:
        yield talk


def sentence(said: Delivery) -> str:
    """The refusal in the acknowledgement: one sentence that says that nothing was done."""
    assert said.error is None
    assert said.ack is not None
    assert said.ack["response_type"] == "ephemeral"
    text = str(said.ack["text"])
    assert "nothing was done" in text.lower(), text
    assert text.count("\n") == 0
    assert len(text) < 250
    return text


def untouched(talk: Conversation) -> bool:
    writes = [call for call in talk.fleet.calls if call.method == "POST"]
    return not writes and talk.fleet.engine.trading and talk.rows("select count(*) from actions") == [(0,)]


async def refusals(talk: Conversation, count: int) -> list[dict[str, Any]]:
    """The audit's rows of refusals, once there are so many: actor, subject and detail."""

    def rows() -> list[Any]:
        found = talk.rows("select actor, subject, detail from audit where event = 'refused' order by seq")
        return found if len(found) >= count else []

    found = await talk.slack.wait_for(rows, 10)
    assert len(found) == count
    return [{"actor": actor, "subject": subject, **json.loads(detail)} for actor, subject, detail in found]


async def test_slacks_word_wins_over_the_list_for_every_command(talk: Conversation) -> None:
    count = 0
    for name, why in REFUSED_BY_SLACK.items():
        for line in LINES:
            assert why in sentence(await talk.person(name).types(line)), (name, line)
            count += 1
        rows = await refusals(talk, count)
        assert {row["actor"] for row in rows[-len(LINES) :]} == {talk.slack.person(name).id}
        assert {row["why"] for row in rows[-len(LINES) :]} == {why}
    for line in LINES:
        assert "another workspace" in sentence(await talk.person("stranger").types(line))
    assert untouched(talk)


async def test_another_workspace_or_app_is_refused_whoever_asks(talk: Conversation) -> None:
    wrong = (
        ({"team_id": "T0OTHER"}, "another workspace", "foreign team"),
        ({"team_id": ""}, "another workspace", "foreign team"),
        ({"team_id": None}, "another workspace", "foreign team"),
        ({"api_app_id": "A0OTHER"}, "another app", "other app"),
        ({"api_app_id": None}, "another app", "other app"),
        ({"user_id": "U0NOBODY"}, "no role", "no role"),
        ({"user_id": ""}, "no role", "no role"),
        ({"user_id": "u0admin1"}, "no role", "no role"),
        ({"user_id": "U0GONE"}, "unknown to this workspace", "unknown to this workspace"),
    )
    for overrides, words, _ in wrong:
        for line in ("/kill now", "/status", "/stop ndax"):
            assert words in sentence(await talk.admin.types(line, **overrides)), overrides
    rows = await refusals(talk, 3 * len(wrong))
    assert sorted(row["why"] for row in rows) == sorted(why for *_, why in wrong for _ in range(3))
    assert untouched(talk)


async def test_a_role_opens_only_what_it_is_for(talk: Conversation) -> None:
    viewer, nobody = talk.person("viewer"), talk.person("no-role")
    for line in ("/kill now", "/stop ndax", "/pause ndax", "/fleet KILL", "/fleet stop nonsense"):
        assert "operator" in sentence(await viewer.types(line))
    for line in LINES:
        assert "no role" in sentence(await nobody.types(line))
    await nobody.mentions("kill everything")
    await nobody.reads("no role")
    await viewer.mentions("stop ndax")
    await viewer.reads("operator")
    rows = await refusals(talk, 5 + len(LINES) + 2)
    assert {row["actor"] for row in rows} == {"U0VIEW01", "U0NOROLE"}
    assert untouched(talk)
    status = await viewer.types("/status")
    assert status.ack is not None
    assert "kill.fleet" not in json.dumps(status.ack)  # no button that would only be refused


async def test_a_foreign_clicker_is_refused(talk: Conversation) -> None:
    await talk.admin.types("/status public", where="C0SHARED")
    shown = await talk.admin.sees("Kill switch", where="C0SHARED")
    stranger = talk.person("stranger")
    for label in ("Kill", "Refresh"):
        await stranger.clicks(label, shown)
    # in a shared channel the payload's team may be ours, and only the clicker's own is not
    await talk.admin.clicks("Kill", shown, user={"id": "U0ADMIN1", "team_id": "T0OTHER"})
    await talk.person("deleted").slack.click("guest", "C0SHARED", shown.ts, "Kill")
    rows = await refusals(talk, 4)
    assert [row["why"] for row in rows] == ["foreign", "foreign", "foreign", "a guest account"]
    assert untouched(talk)


async def test_a_person_deleted_while_the_bot_runs_is_refused_from_then_on(talk: Conversation) -> None:
    second = talk.person("second-admin")
    assert (await second.types("/status")).ack is not None
    await talk.slack.change_person("second-admin", deleted=True)
    await talk.slack.wait_for(lambda: _looked_up(talk, "U0ADMIN2") > 1, 5)

    async def refused(line: str) -> str:
        return sentence(await second.types(line))

    assert "deactivated" in await refused("/kill after leaving")
    assert "deactivated" in await refused("/status")
    assert untouched(talk)
    await talk.slack.change_person("second-admin", deleted=False)
    await talk.slack.wait_for(lambda: _looked_up(talk, "U0ADMIN2") > 2, 5)
    await second.types("/kill back again")
    await talk.admin.sees("verified", "back again")


async def test_a_user_group_narrows_and_follows_its_changes(tmp_path: Path) -> None:
    async with conversation(tmp_path, CHATBOT_ROLES__ADMIN_GROUP="S0ADMINS") as talk:
        second = talk.person("second-admin")
        assert "Kill switch" in str((await second.types("/status")).ack)
        await talk.slack.change_group("S0ADMINS", frozenset({"U0ADMIN1", "U0VIEW01", "U0NOROLE"}))
        await talk.slack.wait_for(
            lambda: len([each for each in talk.slack.calls if each.method == "usergroups.users.list"]) > 1, 5
        )
        for line in ("/kill now", "/status", "/fleet stop ndax"):
            assert "user group" in sentence(await second.types(line))
        # It only narrows: who is put into the group gets nothing by it.
        assert "operator" in sentence(await talk.person("viewer").types("/kill now"))
        assert "no role" in sentence(await talk.person("no-role").types("/kill now"))
        assert untouched(talk)
        await talk.person("operator").types("/stop ndax")  # the group is the admins'
        await talk.admin.sees("verified", "ndax")
        await talk.admin.types("/kill still in it")
        await talk.admin.sees("verified", "still in it")


async def test_when_slack_does_not_know_people_stops_work_and_the_rest_waits(tmp_path: Path) -> None:
    async with conversation(
        tmp_path,
        start=False,
        CHATBOT_ROLES__ADMIN_GROUP="S0ADMINS",
        CHATBOT_KILL__WARN_SECONDS="[0.2, 5, 9]",
    ) as talk:
        talk.slack.faults.set("http_500", methods=["users.info", "usergroups.users.list"])
        await talk.bot.start()
        for line in ("/status", "/help", "/contacts"):
            for who in (talk.admin, talk.person("operator")):
                assert "a stop always works" in sentence(await who.types(line))
        assert "no role" in sentence(await talk.person("no-role").types("/kill now"))
        assert "operator" in sentence(await talk.person("viewer").types("/kill now"))
        await talk.admin.types("/stop ndax")
        await talk.admin.sees("verified", "ndax")
        talk.fleet.faults.set("ignores_stop", bot="quantum")
        await talk.admin.types("/kill nobody is known")
        card = await talk.admin.sees("NOT CONFIRMED after", "nobody is known")
        await talk.admin.clicks("Close", card)  # it would end the retrying: nobody unknown may do that
        await talk.admin.reads("a stop always works")
        assert talk.slack.modals("admin") == ()
        talk.fleet.faults.clear()
        await talk.admin.sees("verified", "nobody is known")
        talk.slack.faults.clear()
        assert "Kill switch" in str(
            (await talk.admin.types("/status")).ack
        )  # asked again at once, not in 45 s


async def test_a_channel_outside_the_allowed_ones_takes_only_stops(tmp_path: Path) -> None:
    async with conversation(tmp_path, CHATBOT_CHANNELS__ALLOWED='["C0OPS"]') as talk:
        assert "channel" in sentence(await talk.admin.types("/status", where="C0RANDOM"))
        assert "Kill switch" in str((await talk.admin.types("/status", where=OPS)).ack)
        await talk.admin.types("/kill from anywhere", where="C0RANDOM")
        await talk.admin.sees("verified", "from anywhere", where=OPS)


def _looked_up(talk: Conversation, user: str) -> int:
    return len(
        [each for each in talk.slack.calls if each.method == "users.info" and each.args.get("user") == user]
    )
