"""The page in a real browser, with an unmodified bolt app behind it."""

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from slack_conversation import bolt_app, connected

from chatbot.sandbox.slack import LocalSlack

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), "action_id": label.lower(), **more}


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
async def page(slack: LocalSlack) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = await browser.new_page()
        page.set_default_timeout(10_000)
        await page.goto(slack.page_url)
        yield page
        await browser.close()


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
