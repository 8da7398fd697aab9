"""The page in a real browser, with an unmodified bolt app behind it."""

import struct
import zlib
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from slack_conversation import bolt_app, connected
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.sandbox.fleet import Fleet
from chatbot.sandbox.slack import LocalSlack

pytestmark = pytest.mark.browser


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), "action_id": label.lower(), **more}


def one_pixel() -> bytes:
    """The smallest PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")


SURE = {"title": plain("Sure?"), "text": plain("All of it."), "confirm": plain("Yes"), "deny": plain("No")}
ASK = {
    "type": "modal",
    "callback_id": "why",
    "title": plain("Why?"),
    "submit": plain("Send it"),
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@pytest.fixture
async def page(slack: LocalSlack, browser: Browser) -> Page:
    page = await browser.new_page()
    page.set_default_timeout(10_000)
    await page.goto(slack.page_url)
    return page


async def opened_as(browser: Browser, slack: LocalSlack, person: str) -> Page:
    """The page on another machine, opened by a link that names a person."""
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(10_000)
    await page.goto(f"{slack.page_url}/?person={person}")
    return page


async def test_an_evening_on_the_page(slack: LocalSlack, page: Page) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    app = bolt_app(slack)

    @app.command("/kill")
    async def kill(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack("*Accepted* by <@U0ADMIN1> &lt;b&gt;<script>alert(1)</script>")
        await client.views_open(trigger_id=body["trigger_id"], view=ASK)

    @app.view("why")
    async def why(ack: Any, view: dict[str, Any], client: Any) -> None:
        await ack()
        text = view["state"]["values"]["reason"]["text"]["value"]
        blocks = [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"why: `{text}`"}},
            {"type": "actions", "elements": [button("Approve", confirm=SURE, style="danger")]},
        ]
        await client.chat_postMessage(channel="C0OPS", text=text, blocks=blocks)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        ts = body["message"]["ts"]
        await client.chat_postMessage(channel="C0OPS", thread_ts=ts, text=f"by <@{body['user']['id']}>")

    async with connected(slack, app):
        await page.get_by_text("1 socket(s) from the bot").wait_for()
        await page.get_by_label("Type as this person").fill("/kill bad fills")
        await page.keyboard.press("Enter")
        await page.get_by_label("Reason").fill("bad <i>fills</i>")
        await page.get_by_role("button", name="Send it").click()
        await page.locator("article code", has_text="bad <i>fills</i>").wait_for()
        ephemeral = page.locator("article.only")
        assert await ephemeral.locator("strong").inner_text() == "Accepted"
        assert "@admin" in await ephemeral.inner_text()
        assert await ephemeral.locator("script, b:not(header b)").count() == 0

        await page.get_by_label("You are").select_option("second-admin")
        await ephemeral.wait_for(state="detached")
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("button", name="No", exact=True).click()
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("button", name="Yes", exact=True).click()
        await page.locator(".replies", has_text="by @second-admin").wait_for()
        assert len(slack.replies("C0OPS", slack.messages("C0OPS")[0].ts)) == 1

        await page.get_by_role("button", name="hang").click()
        await slack.wait_for(lambda: slack.faults.active("hang"))
        await page.get_by_role("button", name="Repair Slack").click()
        await slack.wait_for(lambda: not slack.faults.active("hang"))
    assert faults == []


async def test_two_people_at_once_and_each_sees_their_own(slack: LocalSlack, browser: Browser) -> None:
    app = bolt_app(slack)

    @app.command("/resume")
    async def resume(ack: Any, client: Any) -> None:
        await ack("asked")
        blocks = [{"type": "actions", "elements": [button("Approve", confirm=SURE)]}]
        await client.chat_postMessage(channel="U0ADMIN2", text="May they?", blocks=blocks)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], respond: Any, client: Any) -> None:
        await ack()
        await respond(text="You approved it.", replace_original=True)
        await client.chat_postMessage(channel="C0OPS", text=f"approved by <@{body['user']['id']}>")

    async with connected(slack, app):
        first = await opened_as(browser, slack, "U0ADMIN1")
        second = await opened_as(browser, slack, "second-admin")
        assert await first.get_by_label("You are").input_value() == "U0ADMIN1"
        await first.get_by_label("Type as this person").fill("/resume")
        await first.keyboard.press("Enter")
        await first.locator("article.only", has_text="asked").wait_for()

        await second.get_by_role("button", name="fleet-bot (direct message)").click()
        await second.get_by_role("button", name="Approve").click()
        await second.get_by_role("button", name="Yes", exact=True).click()
        await second.get_by_text("You approved it.").wait_for()
        assert await second.title() == "second-admin · Fleet sandbox"

        await first.get_by_text("approved by @second-admin").wait_for()
        assert await first.get_by_role("button", name="fleet-bot (direct message)").count() == 0
        assert await second.locator("article.only").count() == 0


async def test_the_address_follows_the_person_and_may_name_nobody(slack: LocalSlack, page: Page) -> None:
    await page.get_by_label("You are").select_option("third-admin")
    await page.wait_for_url("**/?person=third-admin")
    await page.reload()
    await expect(page).to_have_title("third-admin · Fleet sandbox", timeout=10_000)
    await page.goto(f"{slack.page_url}/?person=no<b>body")
    await page.get_by_text("The address names nobody here").wait_for()
    await expect(page).to_have_title("admin · Fleet sandbox", timeout=10_000)


async def test_the_home_tab_is_drawn_and_pressed(slack: LocalSlack, browser: Browser) -> None:
    app = bolt_app(slack)
    rows = [
        {
            "type": "section",
            "block_id": number,
            "text": plain(f"request {number}"),
            "accessory": button("Look", action_id="look", value=number),
        }
        for number in ("one", "two")
    ]

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: Any) -> None:
        head = {"type": "header", "text": plain(f"Home of {event['user']}")}
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [head, *rows]})

    @app.action("look")
    async def look(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        title = {"title": plain(f"Request {body['actions'][0]['value']}")}
        await client.views_open(trigger_id=body["trigger_id"], view={**ASK, **title})

    async with connected(slack, app):
        page = await opened_as(browser, slack, "admin")
        await page.get_by_role("button", name="App home").click()
        await page.get_by_role("heading", name="Home of U0ADMIN1").wait_for()
        await page.get_by_label("You are").select_option("second-admin")
        await page.get_by_role("heading", name="Home of U0ADMIN2").wait_for()
        await page.locator(".section", has_text="request two").get_by_role("button", name="Look").click()
        await page.get_by_role("heading", name="Request two").wait_for()
        assert slack.modals("admin") == ()
        await page.get_by_role("button", name="Cancel").click()
    await page.locator(".section", has_text="request one").get_by_role("button", name="Look").click()
    await page.get_by_text("The press reached nobody: dispatch_failed").wait_for()


async def test_alerts_are_raised_and_cleared_and_a_bot_is_crashed_on_the_page(browser: Browser) -> None:
    fleet = Fleet()
    async with LocalSlack.running(mounts={"/sandbox/fleet": fleet.control}) as slack:
        page = await opened_as(browser, slack, "admin")
        behind = page.get_by_role("complementary")
        await behind.get_by_label("Bot, also for faults of one bot").select_option("quantum")
        await behind.get_by_role("button", name="Raise a warning").click()
        await behind.get_by_role("button", name="Raise a critical alert").click()
        await expect(behind).to_contain_text("Alerts at the monitor: 2", timeout=10_000)
        raised = fleet.engine.journal.alerts(fleet.engine.floor.settle())
        assert [(each.type, each.bot) for each in raised] == [("warning", "quantum"), ("critical", "quantum")]
        await behind.get_by_role("button", name="Raise 20 alerts").click()
        await expect(behind).to_contain_text("Alerts at the monitor: 22", timeout=10_000)
        await behind.get_by_role("button", name="Clear alerts").click()
        await expect(behind).to_contain_text("Alerts at the monitor: 0", timeout=10_000)
        await behind.get_by_role("button", name="Crash this bot").click()
        await fleet.wait_for(lambda: fleet.engine.status("quantum") == "error")
        await behind.get_by_role("button", name="slow_bot").click()
        await fleet.wait_for(lambda: list(fleet.faults))
        assert [fault.text("bot") for fault in fleet.faults] == ["quantum"]
        await behind.get_by_role("button", name="Repair the fleet").click()
        await fleet.wait_for(lambda: not list(fleet.faults))


async def test_channels_that_changed_are_marked_or_gone(slack: LocalSlack, page: Page) -> None:
    channels = page.get_by_role("navigation")
    await slack.change_channel("C0ALERTS", is_archived=True)
    await channels.get_by_role("button", name="#fleet-alerts (archived)").wait_for()
    await slack.change_channel("C0APPROVE", read_only=True)
    await channels.get_by_role("button", name="#fleet-approvals (read-only)").wait_for()
    await slack.change_channel("C0RANDOM", gone=True)
    await channels.get_by_role("button", name="#random").wait_for(state="detached")


async def test_a_picture_is_shown_and_told_in_words(
    slack: LocalSlack, web: AsyncWebClient, page: Page
) -> None:
    for name, content in (("chart.png", one_pixel()), ("log.md", b"# recovery")):
        await web.files_upload_v2(
            channel="C0OPS",
            filename=name,
            content=content,
            title=f"The {name}",
            alt_txt="Health over two hours",
        )
    picture = page.get_by_role("img", name="Health over two hours")
    await expect(picture).to_have_js_property("naturalWidth", 1)
    await expect(page.get_by_text("The chart.png (chart.png)")).to_be_visible()
    await expect(page.locator("figure", has_text="log.md")).to_be_visible()
    assert await page.locator("figure img").count() == 1


async def test_people_and_days_are_chosen_in_a_modal(slack: LocalSlack, page: Page) -> None:
    app = bolt_app(slack)
    sent: list[dict[str, Any]] = []
    person = {"type": "users_select", "action_id": "who", "initial_user": "U0ADMIN2"}
    people = {"type": "multi_users_select", "action_id": "who", "initial_users": ["U0ADMIN1"]}
    day = {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-26"}
    asked = {"owner": ("Owner", person), "crew": ("Crew", people), "due": ("Due", day)}
    blocks = [
        {"type": "input", "block_id": block_id, "label": plain(label), "element": element}
        for block_id, (label, element) in asked.items()
    ]

    @app.command("/kill")
    async def kill(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view={**ASK, "blocks": blocks})

    @app.view("why")
    async def why(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        sent.append(view["state"]["values"])

    async with connected(slack, app):
        await page.get_by_label("Type as this person").fill("/kill")
        await page.keyboard.press("Enter")
        modal = page.locator("#modal")
        await expect(modal.get_by_label("Owner")).to_have_value("U0ADMIN2")
        await expect(modal.get_by_label("Due")).to_have_value("2026-11-26")
        await modal.get_by_label("Owner").select_option(label="operator")
        await modal.get_by_label("Crew").select_option(label=["admin", "viewer"])
        await modal.get_by_label("Due").fill("2026-12-01")
        await modal.get_by_role("button", name="Send it").click()
        await expect(modal).to_be_hidden()
    (values,) = sent
    assert values["owner"]["who"]["selected_user"] == "U0OPER01"
    assert values["crew"]["who"]["selected_users"] == ["U0ADMIN1", "U0VIEW01"]
    assert values["due"]["day"]["selected_date"] == "2026-12-01"
