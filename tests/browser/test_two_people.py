"""Two people in two browsers: one asks, the other approves, each in the other's sight."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.conversation import Conversation
from tests.e2e.two_people import releases, two_people

pytestmark = pytest.mark.browser
SECONDS = 30_000


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path) as talk:
        yield talk


async def sits_down(browser: Browser, talk: Conversation, role: str, faults: list[str]) -> Page:
    """A page of their own for somebody, in a browser context of its own."""
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(SECONDS)
    page.on("pageerror", lambda error: faults.append(f"{role}: {error}"))
    await page.goto(f"{talk.slack.page_url}/?person={role}")
    await expect(page.get_by_label("You are")).to_have_value(talk.slack.person(role).id, timeout=SECONDS)
    return page


async def types(page: Page, line: str) -> None:
    await page.get_by_label("Type as this person").fill(line)
    await page.keyboard.press("Enter")


async def opens(page: Page, channel: str) -> None:
    await (
        page.get_by_role("navigation")
        .get_by_role("button", name=f"#{channel}" if channel != "App home" else channel, exact=True)
        .click()
    )


async def test_one_asks_and_the_other_approves_each_in_the_others_sight(
    browser: Browser, talk: Conversation
) -> None:
    faults: list[str] = []
    admin = await sits_down(browser, talk, "admin", faults)
    second = await sits_down(browser, talk, "second-admin", faults)
    await types(admin, "/kill bad fills")
    for page in (admin, second):
        await page.get_by_text("KILL verified: the fleet is stopped").first.wait_for()

    await types(admin, "/override feed is fixed")
    await admin.get_by_text("Nothing was sent yet").first.wait_for()
    for page in (admin, second):
        await opens(page, "fleet-approvals")
        card = page.locator("article", has_text="Approve? To release the kill switch").first
        await expect(card).to_contain_text('"action": "override"', timeout=SECONDS)
        await expect(card).to_contain_text("feed is fixed")
        await expect(card).to_contain_text("kill switch active")

    # who asked presses in vain, and only they are told
    await admin.get_by_role("button", name="Approve").first.click()
    await admin.locator("#confirm").get_by_role("button", name="Approve").click()
    await admin.locator("article.only", has_text="You asked for this yourself").wait_for()
    assert await second.locator("article.only", has_text="You asked for this yourself").count() == 0
    assert releases(talk) == []

    # the other one looks again before they say yes
    await second.get_by_role("button", name="Approve").first.click()
    await second.locator("#confirm").get_by_role("button", name="Cancel").click()
    assert releases(talk) == []
    await second.get_by_role("button", name="Approve").first.click()
    await second.locator("#confirm").get_by_role("button", name="Approve").click()
    for page in (admin, second):
        done = page.locator("article", has_text="Done and read back: release the kill switch").first
        await expect(done).to_contain_text("Approved by @second-admin", timeout=SECONDS)
        await expect(done).to_contain_text("kill switch is inactive")
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0, timeout=SECONDS)
    assert len(releases(talk)) == 1
    assert faults == []


async def test_a_denial_with_its_reason_and_a_withdrawal_from_the_home_tab(
    browser: Browser, talk: Conversation
) -> None:
    faults: list[str] = []
    admin = await sits_down(browser, talk, "admin", faults)
    second = await sits_down(browser, talk, "second-admin", faults)
    await types(admin, "/kill bad fills")
    await admin.get_by_text("KILL verified: the fleet is stopped").first.wait_for()
    await types(admin, "/override too early")
    await opens(second, "fleet-approvals")
    await second.get_by_role("button", name="Deny").first.click()
    await second.get_by_label("Why not?").fill("the <feed> is still down")
    await second.locator("#modal").get_by_role("button", name="Deny").click()
    await opens(admin, "fleet-approvals")
    denied = admin.locator("article", has_text="Denied: not going to release the kill switch").first
    await expect(denied).to_contain_text("the <feed> is still down", timeout=SECONDS)

    await opens(admin, "fleet-ops")
    await types(admin, "/override second try")
    await opens(second, "App home")
    await second.locator("#home").get_by_role("button", name="Approve").wait_for()
    await opens(admin, "App home")
    await admin.locator("#home").get_by_role("button", name="Withdraw").click()
    for page in (admin, second):
        await expect(page.locator("#home")).to_contain_text("Nothing waits", timeout=SECONDS)
        await expect(page.locator("#home")).to_contain_text("Withdrawn")
    assert releases(talk) == []
    assert faults == []
