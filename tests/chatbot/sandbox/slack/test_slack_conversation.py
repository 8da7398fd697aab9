"""People and an unmodified bolt app talking to each other through the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_conversation import bolt_app, connected

from chatbot.sandbox.slack import LocalSlack, Pace
from chatbot.sandbox.slack.forms import FormError

BUTTONS = [
    {
        "type": "actions",
        "block_id": "b",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": "Approve"},
                "action_id": "go",
                "value": "7",
            }
        ],
    }
]
MODAL = {
    "type": "modal",
    "callback_id": "why",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20},
        }
    ],
}


@pytest.fixture
async def app(slack: LocalSlack) -> AsyncIterator[AsyncApp]:
    app = bolt_app(slack)
    async with connected(slack, app):
        yield app


async def test_a_command_is_acknowledged_and_answered(slack: LocalSlack, app: AsyncApp) -> None:
    @app.command("/kill")
    async def kill(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack(f"stopping: {command['text']}")
        await respond("stopped")

    delivery = await slack.command("admin", "fleet-ops", "/kill", "P&L <bad>")

    assert delivery.error is None
    assert delivery.seconds is not None
    assert delivery.seconds < 1
    assert delivery.payload["text"] == "P&amp;L &lt;bad&gt;"
    await slack.wait_for(lambda: len(slack.ephemerals("admin")) == 2)
    assert {m.text for m in slack.ephemerals("admin", "C0OPS")} == {
        "stopping: P&amp;L &lt;bad&gt;",
        "stopped",
    }
    assert slack.ephemerals("second-admin") == ()


async def test_a_command_answered_in_channel_shows_what_was_typed(slack: LocalSlack, app: AsyncApp) -> None:
    @app.command("/status")
    async def status(ack: Any) -> None:
        await ack(response_type="in_channel", text="all is well")

    await slack.command("U0ADMIN1", "C0OPS", "/status", "public")

    assert [m.text for m in slack.messages("C0OPS")] == ["/status public", "all is well"]


async def test_of_several_buttons_with_one_action_id_the_block_tells_which(
    slack: LocalSlack, app: AsyncApp
) -> None:
    pressed: list[str] = []

    @app.action("go")
    async def go(ack: Any, action: dict[str, Any]) -> None:
        await ack()
        pressed.append(action["block_id"])

    rows = [BUTTONS[0] | {"block_id": name} for name in ("one", "two")]
    posted = await app.client.chat_postMessage(channel="C0OPS", text="which?", blocks=rows)
    await slack.click("admin", "C0OPS", posted["ts"], "go", block="two")
    await slack.click("admin", "C0OPS", posted["ts"], "go")
    assert pressed == ["two", "one"]


async def test_a_command_without_acknowledgement_times_out() -> None:
    async with LocalSlack.running(pace=Pace(ack=0.15)) as slack:
        app = bolt_app(slack)

        @app.command("/kill")
        async def kill() -> None: ...

        async with connected(slack, app):
            delivery = await slack.command("admin", "C0OPS", "/kill")
    assert delivery.error == "operation_timeout"
    assert slack.ephemerals("admin")[0].text == '/kill failed with the error "operation_timeout"'


async def test_a_command_reaches_nobody_when_no_app_is_connected(slack: LocalSlack) -> None:
    assert (await slack.command("admin", "C0OPS", "/kill")).error == "dispatch_failed"


async def test_slack_can_keep_its_own_status_command() -> None:
    async with LocalSlack.running(status_is_builtin=True) as slack:
        delivery = await slack.command("admin", "C0OPS", "/status")
    assert delivery.error == "slack_builtin"
    assert slack.deliveries == []


async def test_a_button_is_pressed_by_label_or_action_id(slack: LocalSlack, app: AsyncApp) -> None:
    seen: list[dict[str, Any]] = []

    @app.action("go")
    async def go(ack: Any, body: dict[str, Any], respond: Any) -> None:
        seen.append(body)
        await ack()
        await respond(text="approved", replace_original=True)

    posted = await app.client.chat_postMessage(channel="C0APPROVE", text="may I?", blocks=BUTTONS)
    assert (await slack.click("second-admin", "C0APPROVE", posted["ts"], "Approve")).error is None
    await slack.wait_for(lambda: slack.messages("C0APPROVE")[0].text == "approved")

    assert seen[0]["user"]["id"] == "U0ADMIN2"
    assert seen[0]["user"]["team_id"] == "T0FLEET"
    assert seen[0]["actions"][0]["value"] == "7"
    assert seen[0]["message"]["ts"] == posted["ts"]
    assert [shown.text for shown in slack.messages("C0APPROVE")[0].history] == ["may I?", "approved"]
    with pytest.raises(LookupError, match="nothing called 'Deny'"):
        await slack.click(
            "admin",
            "C0RANDOM",
            (await app.client.chat_postMessage(channel="C0RANDOM", text="hi"))["ts"],
            "Deny",
        )


async def test_a_stranger_presses_with_their_own_team(slack: LocalSlack, app: AsyncApp) -> None:
    @app.action("go")
    async def go(ack: Any) -> None:
        await ack()

    posted = await app.client.chat_postMessage(channel="C0SHARED", text="may I?", blocks=BUTTONS)
    delivery = await slack.click("stranger", "C0SHARED", posted["ts"], "go")
    assert delivery.payload["user"]["team_id"] == "T0OTHER"
    assert (await app.client.users_info(user="U0FOREIGN"))["user"]["is_stranger"] is True


async def test_a_modal_goes_from_open_over_errors_to_closed(slack: LocalSlack, app: AsyncApp) -> None:
    closed: list[str] = []

    @app.command("/why")
    async def why(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("why")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        text = view["state"]["values"]["reason"]["text"]["value"]
        if text == "because":
            await ack(response_action="errors", errors={"reason": "Say more."})
        else:
            await ack()

    @app.view_closed("why")
    async def gone(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        closed.append(view["id"])

    await slack.command("admin", "C0OPS", "/why")
    view = (await slack.wait_for(lambda: slack.modals("admin")))[0]
    assert slack.modals("second-admin") == ()
    with pytest.raises(FormError, match="required"):
        await slack.submit("admin", view.id)
    with pytest.raises(FormError, match="too long"):
        await slack.submit("admin", view.id, {"reason": "x" * 21})
    await slack.submit("admin", view.id, {"Reason": "because"})
    assert slack.modals("admin")[0].errors == {"reason": "Say more."}
    await slack.submit("admin", view.id, {"text": "bad fills"})
    assert slack.modals("admin") == ()

    await slack.command("admin", "C0OPS", "/why")
    view = (await slack.wait_for(lambda: slack.modals("admin")))[0]
    await slack.close_view("admin", view.id)
    assert closed == [view.id]


async def test_a_mention_is_an_event_and_comes_again_until_acknowledged() -> None:
    async with LocalSlack.running(speed=100, pace=Pace(ack=0.5)) as slack:
        app = bolt_app(slack)
        heard: list[dict[str, Any]] = []

        @app.event("app_mention")
        async def mentioned(body: dict[str, Any], request: Any) -> None:
            heard.append(body | {"retry": request.headers.get("x-slack-retry-num")})

        first = await slack.mention("operator", "C0OPS", "status")
        assert first.error == "dispatch_failed"
        async with connected(slack, app):
            await slack.wait_for(lambda: heard)
    assert heard[0]["event"]["text"] == "<@U0FLEETBOT> status"
    assert int(heard[0]["retry"][0]) >= 1


async def test_people_change_and_the_bot_hears_of_it(slack: LocalSlack, app: AsyncApp) -> None:
    heard: list[dict[str, Any]] = []

    @app.event("user_change")
    async def changed(event: dict[str, Any]) -> None:
        heard.append(event)

    await slack.change_person("operator", deleted=True)
    assert heard[0]["user"]["id"] == "U0OPER01"
    assert (await app.client.users_info(user="U0OPER01"))["user"]["deleted"] is True


async def test_the_home_tab_is_published(slack: LocalSlack, app: AsyncApp) -> None:
    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: Any) -> None:
        await client.views_publish(
            user_id=event["user"], view={"type": "home", "blocks": [{"type": "divider"}]}
        )

    await slack.open_home("viewer")
    home = await slack.wait_for(lambda: slack.home("viewer"))
    assert home.body["blocks"][0]["type"] == "divider"


async def test_the_bot_hears_nothing_from_channels_it_is_not_in(slack: LocalSlack) -> None:
    assert (await slack.mention("operator", "C0LOBBY", "status")).error == "not_in_channel"
    assert slack.deliveries == []


async def test_what_bolt_pushes_and_clears_moves_the_stack_of_modals(
    slack: LocalSlack, app: AsyncApp
) -> None:
    @app.command("/why")
    async def why(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("why")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        text = view["state"]["values"]["reason"]["text"]["value"]
        if text == "more":
            await ack(response_action="push", view=MODAL)
        elif text == "change":
            await ack(response_action="update", view={**MODAL, "private_metadata": "changed"})
        elif text == "wrong":
            await ack(response_action="errors", errors={"nowhere": "?"})
        else:
            await ack(response_action="clear")

    await slack.command("admin", "C0OPS", "/why")
    await slack.wait_for(lambda: slack.modals("admin"))

    async def send(text: str) -> str | None:
        return (await slack.submit("admin", slack.modals("admin")[-1].id, {"reason": text})).error

    assert await send("more") is None
    assert [view.previous is None for view in slack.modals("admin")] == [True, False]
    assert await send("change") is None
    assert slack.modals("admin")[1].body["private_metadata"] == "changed"
    assert await send("wrong") == "invalid_errors"
    assert await send("more") is None
    assert await send("more") == "invalid_response_action"  # three deep is the most
    assert await send("done") is None
    assert slack.modals("admin") == ()


async def test_user_groups_and_shared_channels_change_and_the_bot_hears_of_it(
    slack: LocalSlack, app: AsyncApp
) -> None:
    heard: list[str] = []

    @app.event("subteam_members_changed")
    async def group(event: dict[str, Any]) -> None:
        heard.append(event["added_users"][0])

    @app.event("channel_shared")
    async def shared(event: dict[str, Any]) -> None:
        heard.append(event["channel"])

    await slack.change_group("S0ADMINS", frozenset({"U0ADMIN1", "U0OPER01"}))
    await slack.share_channel("C0OPS")
    assert heard == ["U0OPER01", "C0OPS"]
    assert slack.channels["C0OPS"].is_ext_shared
