"""A person in a real browser: opens a window, watches it move, and closes it."""

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
