"""A modal with a select and a text input, filled in from Python and on the page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from slack_bolt.async_app import AsyncApp
from slack_conversation import bolt_app, connected

from chatbot.sandbox.slack import LocalSlack
from chatbot.sandbox.slack.forms import FormError

SECONDS = 10_000  # ms that a browser has for what must come


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(label: str, value: str) -> dict[str, Any]:
    return {"text": plain(label), "value": value}


HOURS = [option("15 minutes", "900"), option("1 hour", "3600"), option("4 hours", "14400")]
SILENCE: dict[str, Any] = {
    "type": "modal",
    "callback_id": "silence",
    "title": plain("Silence"),
    "submit": plain("Silence it"),
    "blocks": [
        {
            "type": "input",
            "block_id": "how_long",
            "label": plain("For how long?"),
            "element": {
                "type": "static_select",
                "action_id": "span",
                "placeholder": plain("Choose a time"),
                "options": HOURS,
            },
        },
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why?"),
            "element": {"type": "plain_text_input", "action_id": "reason", "max_length": 200},
        },
    ],
}


def silence(**more: Any) -> dict[str, Any]:
    """The modal with more said of its select."""
    select, why = SILENCE["blocks"]
    return SILENCE | {"blocks": [select | {"element": select["element"] | more}, why]}


class Form:
    """What the bot shows when asked, and the state of each submission that it took."""

    def __init__(self) -> None:
        self.view = silence()
        self.states: list[dict[str, Any]] = []


@pytest.fixture
async def form(slack: LocalSlack) -> AsyncIterator[Form]:
    app: AsyncApp = bolt_app(slack)
    form = Form()

    @app.command("/silence")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=form.view)

    @app.view("silence")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        if values["how_long"]["span"]["selected_option"]["value"] == "14400":
            await ack(response_action="errors", errors={"how_long": "An hour is the most."})
            return
        await ack()
        form.states.append(values)

    async with connected(slack, app):
        yield form


async def opened(slack: LocalSlack) -> str:
    await slack.command("admin", "C0OPS", "/silence")
    return (await slack.wait_for(lambda: slack.modals("admin")))[-1].id


@pytest.mark.parametrize(
    "values",
    [
        {"how_long": "3600", "why": "known"},  # blocks
        {"span": "3600", "reason": "known"},  # actions
        {"For how long?": "1 hour", "Why?": "known"},  # labels, as a person sees them
    ],
)
async def test_a_submission_carries_the_whole_option(
    slack: LocalSlack, form: Form, values: dict[str, Any]
) -> None:
    delivery = await slack.submit("admin", await opened(slack), values)
    assert delivery.error is None
    state = {
        "how_long": {"span": {"type": "static_select", "selected_option": option("1 hour", "3600")}},
        "why": {"reason": {"type": "plain_text_input", "value": "known"}},
    }
    assert form.states == [state]
    assert delivery.payload["type"] == "view_submission"
    assert delivery.payload["view"]["state"] == {"values": state}
    assert slack.modals("admin") == ()


async def test_what_slack_would_not_let_a_person_send_is_not_sent(slack: LocalSlack, form: Form) -> None:
    view = await opened(slack)
    for values, why in (
        ({"why": "known"}, "'For how long\\?' is required"),
        ({"how_long": "", "why": "known"}, "'For how long\\?' is required"),
        ({"how_long": "2 hours", "why": "known"}, "no option '2 hours'"),
        ({"how_long": "900"}, "'Why\\?' is required"),
    ):
        with pytest.raises(FormError, match=why):
            await slack.submit("admin", view, values)
    assert form.states == []
    await slack.submit("admin", view, {"how_long": "4 hours", "why": "known"})
    assert slack.modals("admin")[0].errors == {"how_long": "An hour is the most."}


async def test_a_first_option_and_groups_count_as_in_slack(slack: LocalSlack, form: Form) -> None:
    form.view = silence(initial_option=HOURS[0])
    await slack.submit("admin", await opened(slack), {"why": "known"})
    groups = [{"label": plain("Short"), "options": HOURS[:1]}, {"label": plain("Long"), "options": HOURS[1:]}]
    form.view = silence(options=None, option_groups=groups, initial_option=HOURS[1])
    await slack.submit("admin", await opened(slack), {"why": "known"})
    chosen = [state["how_long"]["span"]["selected_option"]["value"] for state in form.states]
    assert chosen == ["900", "3600"]


@pytest.mark.browser
async def test_the_page_draws_the_select_and_sends_what_was_chosen(
    slack: LocalSlack, form: Form, browser: Browser
) -> None:
    page = await browser.new_page()
    page.set_default_timeout(SECONDS)
    await page.goto(slack.page_url)
    await page.get_by_label("Type as this person").fill("/silence")
    await page.keyboard.press("Enter")
    select = page.get_by_label("For how long?")
    labels = ["Choose a time", "15 minutes", "1 hour", "4 hours"]
    await expect(select.locator("option")).to_have_text(labels, timeout=SECONDS)
    send = page.get_by_role("button", name="Silence it")
    await page.get_by_label("Why?").fill("known")
    await send.click()
    await expect(page.locator("#modal-outcome")).to_contain_text(
        "Not sent: 'For how long?' is required, says Slack.", timeout=SECONDS
    )
    await select.select_option(label="4 hours")
    await send.click()
    await page.get_by_text("An hour is the most.").wait_for()
    await expect(select).to_have_value("14400", timeout=SECONDS)  # what was filled in stays
    await select.select_option(label="15 minutes")
    await send.click()
    await page.locator("#modal").wait_for(state="hidden")
    assert form.states[0]["how_long"]["span"]["selected_option"] == HOURS[0]
    assert form.states[0]["why"]["reason"]["value"] == "known"

    form.view = silence(initial_option=HOURS[1])
    await page.get_by_label("Type as this person").fill("/silence")
    await page.keyboard.press("Enter")
    await expect(select).to_have_value("3600", timeout=SECONDS)
    await page.get_by_label("Why?").fill("known")
    await send.click()
    await slack.wait_for(lambda: len(form.states) == 2)
    assert form.states[1]["how_long"]["span"]["selected_option"] == HOURS[1]
