"""The Web API through the real SDK client: what is answered, and how each limit is refused."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.slack import LocalSlack, Pace
from chatbot.sandbox.slack.pace import Bucket, Limits


async def refused(call: Any) -> Any:
    """The answer of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def test_the_bot_learns_who_it_is(web: AsyncWebClient) -> None:
    me = await web.auth_test()
    assert (me["team_id"], me["user_id"], me["bot_id"]) == ("T0FLEET", "U0FLEETBOT", "B0FLEETBOT")
    assert (await web.bots_info(bot="B0FLEETBOT"))["bot"]["app_id"] == "A0FLEETBOT"
    assert (await web.api_test(foo="bar"))["args"] == {"foo": "bar"}
    assert (await refused(web.api_test(error="my_error")))["error"] == "my_error"


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-other", "auth.test", "invalid_auth"),
        ("xoxb-sandbox", "apps.connections.open", "not_allowed_token_type"),
        ("xapp-sandbox", "chat.postMessage", "not_allowed_token_type"),
        ("xoxb-sandbox", "chat.shout", "unknown_method"),
    ],
)
async def test_tokens_are_checked(slack: LocalSlack, token: str, method: str, error: str) -> None:
    client = AsyncWebClient(token, base_url=slack.api_url, retry_handlers=[])
    assert (await refused(client.api_call(method)))["error"] == error


async def test_a_form_body_means_the_same_as_json(slack: LocalSlack) -> None:
    blocks = json.dumps([{"type": "divider"}])
    form = {"token": slack.bot_token, "channel": "C0OPS", "text": "hi", "blocks": blocks}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + "chat.postMessage", data=form) as answer,
    ):
        assert (await answer.json())["ok"] is True
    assert slack.messages("C0OPS")[0].blocks[0]["type"] == "divider"
    assert "token" not in slack.calls[0].args


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NONE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0PRIVATE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0ARCHIVE", "text": "x"}, "is_archived"),
        ({"channel": "C0LOBBY", "text": "x"}, "not_in_channel"),
        ({"channel": "U0DELETED", "text": "x"}, "user_disabled"),
        ({"channel": "C0OPS"}, "no_text"),
        ({"channel": "C0OPS", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "C0OPS", "text": "x", "blocks": [{"type": "nope"}]}, "invalid_blocks"),
        ({"channel": "C0OPS", "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        (
            {"channel": "C0OPS", "text": "x", "metadata": {"event_type": 1, "event_payload": {}}},
            "invalid_metadata_schema",
        ),
        ({"channel": "C0OPS", "text": "x", "metadata": {"type": "k"}}, "invalid_metadata_format"),
    ],
)
async def test_posts_are_refused_by_name(
    web: AsyncWebClient, slack: LocalSlack, args: dict[str, Any], error: str
) -> None:
    answer = await refused(web.api_call("chat.postMessage", json=args))
    assert answer["error"] == error
    assert slack.workspace.all_messages == []
    if error == "invalid_blocks":
        assert answer["response_metadata"]["messages"] == [
            "[ERROR] unsupported type: nope [json-pointer:/blocks/0/type]"
        ]


async def test_an_edit_keeps_what_was_shown_before(web: AsyncWebClient, slack: LocalSlack) -> None:
    blocks = [{"type": "divider"}]
    ts = (await web.chat_postMessage(channel="C0OPS", text="one", blocks=blocks))["ts"]
    await web.chat_update(channel="C0OPS", ts=ts, text="two")
    message = slack.messages("C0OPS")[0]
    assert [shown.text for shown in message.history] == ["one", "two"]
    assert message.blocks == ()  # text alone drops the blocks
    assert message.history[0].at <= message.history[1].at
    said = slack.say("admin", "C0OPS", "hello")
    assert (await refused(web.chat_update(channel="C0OPS", ts=said.ts, text="x")))[
        "error"
    ] == "cant_update_message"
    assert (await refused(web.chat_update(channel="C0OPS", ts="1.0", text="x")))[
        "error"
    ] == "message_not_found"
    assert (await refused(web.chat_delete(channel="C0OPS", ts=said.ts)))["error"] == "cant_delete_message"
    assert ts.replace(".", "") in (await web.chat_getPermalink(channel="C0OPS", message_ts=ts))["permalink"]
    await web.chat_delete(channel="C0OPS", ts=ts)
    assert [m.text for m in slack.messages("C0OPS")] == ["hello"]


async def test_history_finds_a_post_by_its_metadata(web: AsyncWebClient) -> None:
    metadata = {"event_type": "outbox", "event_payload": {"id": "17"}}
    ts = (await web.chat_postMessage(channel="C0OPS", text="card", metadata=metadata))["ts"]
    await web.chat_postMessage(channel="C0OPS", text="reply", thread_ts=ts, metadata=metadata)
    await web.chat_postMessage(channel="C0OPS", text="later")
    assert "metadata" not in (await web.conversations_history(channel="C0OPS"))["messages"][1]
    found = await web.conversations_history(channel="C0OPS", include_all_metadata=True)
    assert [m["text"] for m in found["messages"]] == ["later", "card"]
    assert found["messages"][1]["metadata"] == metadata
    assert found["messages"][1]["reply_count"] == 1
    thread = await web.conversations_replies(channel="C0OPS", ts=ts, include_all_metadata=True)
    assert [m["metadata"] for m in thread["messages"]] == [metadata, metadata]
    page = await web.conversations_history(channel="C0OPS", limit=1)
    assert page["has_more"]
    rest = await web.conversations_history(channel="C0OPS", cursor=page["response_metadata"]["next_cursor"])
    assert [m["text"] for m in rest["messages"]] == ["card"]
    assert (await web.conversations_history(channel="C0OPS", oldest=ts, limit=5))["messages"][0][
        "text"
    ] == "later"


async def test_only_one_person_sees_an_ephemeral(web: AsyncWebClient, slack: LocalSlack) -> None:
    await web.chat_postEphemeral(channel="C0OPS", user="U0OPER01", text="psst")
    assert [m.text for m in slack.ephemerals("operator")] == ["psst"]
    assert slack.messages("C0OPS") == ()
    assert (await refused(web.chat_postEphemeral(channel="C0OPS", user="U0NONE", text="x")))[
        "error"
    ] == "user_not_found"
    assert (await refused(web.chat_postEphemeral(channel="C0OPS", user="U0FOREIGN", text="x")))[
        "error"
    ] == "user_not_in_channel"


async def test_channels_people_and_groups_can_be_read(web: AsyncWebClient, slack: LocalSlack) -> None:
    assert (await web.conversations_info(channel="C0SHARED"))["channel"]["is_ext_shared"] is True
    assert (await refused(web.conversations_info(channel="C0PRIVATE")))["error"] == "channel_not_found"
    names = [c["name"] for c in (await web.conversations_list(exclude_archived=True))["channels"]]
    assert "fleet-ops" in names
    assert "old-fleet-ops" not in names
    opened = (await web.conversations_open(users="U0ADMIN1"))["channel"]["id"]
    await web.chat_postMessage(channel="U0ADMIN1", text="directly")
    assert [m.text for m in slack.messages(opened)] == ["directly"]
    assert "U0OPER01" in (await web.conversations_members(channel="C0OPS"))["members"]
    assert (await web.users_info(user="U0GUEST2"))["user"]["is_ultra_restricted"] is True
    assert (await refused(web.users_info(user="U0NONE")))["error"] == "user_not_found"
    assert len((await web.users_list())["members"]) == len(slack.people)
    assert (await web.usergroups_list(include_users=True))["usergroups"][0]["users"] == [
        "U0ADMIN1",
        "U0ADMIN2",
    ]
    assert (await web.usergroups_users_list(usergroup="S0ADMINS"))["users"] == ["U0ADMIN1", "U0ADMIN2"]
    assert (await refused(web.usergroups_users_list(usergroup="S0")))["error"] == "no_such_subteam"


async def test_presence_is_one_word_of_people_here_and_more_of_the_bot_itself(
    web: AsyncWebClient, slack: LocalSlack
) -> None:
    assert slack.people["U0ADMIN3"].name == "third-admin"
    answer = await web.users_getPresence(user="U0ADMIN3")
    assert answer.data == {"ok": True, "presence": "active"}
    await slack.change_person("third-admin", presence="away")
    assert (await web.users_getPresence(user="U0ADMIN3"))["presence"] == "away"
    assert slack.deliveries == []  # no event tells of it
    own = await web.api_call("users.getPresence")
    assert (own["presence"], own["online"]) == ("active", True)
    for nobody in ("U0NONE", "U0DELETED", "U0FOREIGN"):
        assert (await refused(web.users_getPresence(user=nobody)))["error"] == "user_not_found"
    slack.scopes.discard("users:read")
    refusal = await refused(web.users_getPresence(user="U0ADMIN3"))
    assert (refusal["error"], refusal["needed"]) == ("missing_scope", "users:read")


async def test_reactions_and_pins(web: AsyncWebClient, slack: LocalSlack) -> None:
    ts = (await web.chat_postMessage(channel="C0OPS", text="x"))["ts"]
    await web.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")
    await web.pins_add(channel="C0OPS", timestamp=ts)
    assert slack.messages("C0OPS")[0].reactions == ("eyes",)
    assert slack.messages("C0OPS")[0].pinned
    assert (await refused(web.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")))[
        "error"
    ] == "already_reacted"


async def test_a_file_is_uploaded_in_three_steps(web: AsyncWebClient, slack: LocalSlack) -> None:
    await web.files_upload_v2(
        channel="C0OPS", filename="log.md", content="# recovery", initial_comment="the log"
    )
    message = slack.messages("C0OPS")[0]
    assert message.text == "the log"
    assert message.files[0]["name"] == "log.md"
    assert slack.workspace.uploads[message.files[0]["id"]]["content"] == b"# recovery"


async def test_a_missing_scope_is_named(web: AsyncWebClient, slack: LocalSlack) -> None:
    slack.scopes.discard("channels:history")
    answer = await refused(web.conversations_history(channel="C0OPS"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:history")


async def test_a_channel_takes_one_post_a_second_after_a_burst() -> None:
    async with LocalSlack.running(pace=Pace(post_burst=2)) as slack:
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        for _ in range(2):
            await web.chat_postMessage(channel="C0OPS", text="x")
        answer = await refused(web.chat_postMessage(channel="C0OPS", text="x"))
        assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (
            429,
            "ratelimited",
            "1",
        )
        await web.chat_postMessage(channel="C0ALERTS", text="another channel")
        assert len(slack.messages("C0OPS")) == 2
        assert slack.calls[2].status == 429


def test_limits_refill_with_time() -> None:
    bucket = Bucket(burst=1, per_second=0.5, now=0.0)
    assert [bucket.take(0.0), bucket.take(0.0), bucket.take(1.0), bucket.take(2.0)] == [0, 2, 1, 0]
    limits = Limits(Pace())
    assert [limits.wait("chat.update", "C0OPS", 0.0) for _ in range(50)] == [0] * 50
    assert limits.wait("chat.update", "C0ALERTS", 0.0) == 2  # the whole workspace shares it
    assert [limits.wait("users.info", None, 0.0) for _ in range(101)][-1] == 1
    assert Pace().faster(60).posts_per_second == 60


async def test_a_trigger_opens_one_modal_in_time() -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Why?"}, "blocks": [{"type": "divider"}]}
    async with LocalSlack.running(pace=Pace(trigger=0.2)) as slack:
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        first = (await slack.command("admin", "C0OPS", "/x")).trigger_id
        late = (await slack.command("admin", "C0OPS", "/x")).trigger_id
        opened = await web.views_open(trigger_id=first, view=view)
        assert (await refused(web.views_open(trigger_id=first, view=view)))["error"] == "exchanged_trigger_id"
        assert (await refused(web.views_open(trigger_id="1.2.x", view=view)))["error"] == "invalid_trigger_id"
        bad = await refused(
            web.views_open(trigger_id=late, view={**view, "title": {"type": "plain_text", "text": "t" * 25}})
        )
        assert bad["error"] == "invalid_arguments"
        assert "[json-pointer:/view/title/text]" in bad["response_metadata"]["messages"][0]
        changed = await web.views_update(view_id=opened["view"]["id"], view=view, hash=opened["view"]["hash"])
        assert changed["view"]["id"] == opened["view"]["id"]
        stale = web.views_update(view_id=opened["view"]["id"], view=view, hash=opened["view"]["hash"])
        assert (await refused(stale))["error"] == "hash_conflict"
        assert (await refused(web.views_update(view_id="V0", view=view)))["error"] == "not_found"
        with pytest.raises(TimeoutError):
            await slack.wait_for(lambda: False, timeout=0.25)
        assert (await refused(web.views_open(trigger_id=late, view=view)))["error"] == "expired_trigger_id"
