"""A person in a real browser: opens a window, watches it move, and closes it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from chatbot.sandbox.fleet.policy import Policy
from tests.browser.test_two_people import SECONDS, sits_down, types
from tests.conversation import Conversation
from tests.e2e.alerting import NO_MONITOR, watching

pytestmark = pytest.mark.browser


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    settings = {**NO_MONITOR, "CHATBOT_COORDINATOR__POLL_SECONDS": "1"}
    async with watching(tmp_path, fleet=Policy(running=("ndax", "quantum")), **settings) as talk:
        yield talk


async def test_a_window_moves_before_ones_eyes_and_is_closed(browser: Browser, talk: Conversation) -> None:
    faults: list[str] = []
    page = await sits_down(browser, talk, "operator", faults)
    await types(page, "/monitor fleet 30m")
    card = page.locator("article:not(.only)", has_text="opened by @operator").first
    await expect(card).to_contain_text("30 min left", timeout=SECONDS)
    await expect(card).to_contain_text("ndax running · health", timeout=SECONDS)
    await expect(card).to_contain_text("shadowforge stopped", timeout=SECONDS)

    talk.fleet.faults.set("behind_back", bot="shadowforge", seen=True)
    await expect(card).to_contain_text("shadowforge running", timeout=SECONDS)

    await card.get_by_role("button", name="Extend").click()
    await page.locator("#modal").get_by_role("button", name="Extend").click()
    await expect(card).to_contain_text("60 min left", timeout=SECONDS)

    await card.get_by_role("button", name="Close").click()
    await page.locator("#confirm").get_by_role("button", name="Close").click()
    await expect(page.locator("article:not(.only)", has_text="CLOSED: the fleet").first).to_contain_text(
        "It proves nothing", timeout=SECONDS
    )
    assert faults == []


async def test_the_log_is_written_in_a_form_and_closed(browser: Browser, talk: Conversation) -> None:
    faults: list[str] = []
    page = await sits_down(browser, talk, "operator", faults)
    await types(page, "/kill drill: the feed")
    await page.get_by_text("KILL verified: the fleet is stopped").first.wait_for()
    await types(page, "/recoveries new fleet")
    form = page.locator("#modal")
    await expect(form.get_by_label("Issue: what was seen")).to_have_value(
        re.compile("drill: the feed"), timeout=SECONDS
    )
    await form.get_by_label("Root cause ('unknown' is an answer)").fill("unknown")
    await form.get_by_label("Outcome").select_option("partly")
    await form.get_by_role("button", name="Save").click()
    card = page.locator("article:not(.only)", has_text="Recovery log #1: the fleet").first
    await expect(card).to_contain_text("Root cause: unknown", timeout=SECONDS)
    await card.get_by_role("button", name="Close").click()
    await page.locator("#confirm").get_by_role("button", name="Close").click()
    await expect(card).to_contain_text("(closed)", timeout=SECONDS)
    await expect(card.get_by_role("button", name="Correct")).to_be_visible(timeout=SECONDS)
    assert faults == []
