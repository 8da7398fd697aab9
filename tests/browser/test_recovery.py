"""Two people in two browsers walk one whole recovery: every step is read and pressed on the page, as at night."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from commands.configuring.checking import EXPECTED
from tests.browser.test_two_people import SECONDS, opens, sits_down, types
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import at, change
from tests.e2e.alerting import card as shown_card
from tests.e2e.two_people import two_people
from tests.e2e.walking import Walking

pytestmark = pytest.mark.browser
CAUSE = "the feed of <ndax> sent stale prices & no bids since 02:40"
PHONE: ViewportSize = {"width": 390, "height": 844}
LINES_3 = 80
"""Pixels of a button whose label takes three lines: one that takes more was squeezed beside others."""
STEPS = 15
VERIFIED = r"verified (just now|\d+ min ago) \("
"""What only a look makes of a step: the word, and how long ago it was seen."""
TOO_WIDE = """() => {
    const inside = document.querySelectorAll("#messages, #messages article, dialog[open]");
    const places = [document.documentElement, ...inside];
    return places.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.id || each.textContent);
}"""

IN_SIGHT = """(button) => {
    button.scrollIntoView({ block: "nearest" });
    const { left, top, right, bottom } = button.getBoundingClientRect();
    return [left, top, right, bottom];
}"""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with two_people(tmp_path, CHATBOT_ALERTS__POLL_SECONDS="1") as talk:
        yield talk


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person before the card of the recovery, in a browser of their own."""

    page: Page

    @property
    def card(self) -> Locator:
        """The card, with its thread."""
        title = self.page.locator("> .title", has_text="🧭 Recovery #1: ndax")
        return self.page.locator("#messages > article:not(.only)").filter(has=title)

    @property
    def parts(self) -> Locator:
        """The blocks of the card itself, from its headline to its small print."""
        return self.card.locator("> .block")

    def button(self, label: str) -> Locator:
        """A button of the card."""
        return self.card.locator("> .block").get_by_role("button", name=label, exact=True)

    async def reads(self, *words: str | re.Pattern[str]) -> None:
        """Wait until one block of the card says this, for each of these."""
        for each in words:
            await expect(self.parts.filter(has_text=each).first).to_be_visible(timeout=SECONDS)

    async def hears(self, *words: str | re.Pattern[str]) -> None:
        """Wait until one reply in the thread says all this."""
        reply = self.card.locator("> .replies > article")
        for each in words:
            reply = reply.filter(has_text=each)
        await expect(reply.first).to_be_visible(timeout=SECONDS)

    async def at(self, number: int, title: str) -> None:
        """Wait until this step is next, in the headline and in words."""
        await self.reads(f"(step {number} of {STEPS})", f"Next: step {number}, {title}")

    async def fills(self, title: str, **fields: str) -> None:
        """Fill in the form that is open, and send it: block of the form -> what to write."""
        form = self.page.locator("#modal")
        await expect(form.locator("#modal-title")).to_have_text(title, timeout=SECONDS)
        for block, text in fields.items():
            await form.locator(f"[data-block={block}]").fill(text)
        await form.locator("#modal-submit").click()
        await expect(form).to_be_hidden(timeout=SECONDS)

    async def fits(self) -> None:
        """See that nothing lies beyond the right edge, on the page and in what scrolls in it."""
        wide = await self.page.evaluate(TOO_WIDE)
        assert wide == [], wide

    async def reaches(self, *labels: str) -> None:
        """See that each of these buttons of the card can be brought before one's eyes whole, and be pressed.

        Nothing may be on its way to the card any more: what is drawn anew may scroll.
        """
        size = self.page.viewport_size
        assert size is not None
        for each in labels:
            button = self.button(each)
            await button.click(trial=True)
            left, top, right, bottom = await button.evaluate(IN_SIGHT)
            assert 0 <= left < right <= size["width"], each
            assert 0 <= top < bottom <= size["height"], each
            assert bottom - top <= LINES_3, f"{each} is squeezed"

    async def says(self, label: str, number: int, note: str) -> None:
        """Done or Skip, with a note in the form."""
        await self.button(label).click()
        await self.fills(f"{label}: step {number}", note=note)


async def on_the_phone(browser: Browser, talk: Conversation, role: str, faults: list[str]) -> Seat:
    """A seat for somebody who holds a narrow screen upright."""
    seat = Seat(page=await sits_down(browser, talk, role, faults))
    await seat.page.set_viewport_size(PHONE)
    return seat


async def chooses(seat: Seat, title: str) -> None:
    """Another runbook than the proposed one, in the form."""
    await seat.button("Choose another").click()
    form = seat.page.locator("#modal")
    await form.get_by_label("Runbook").select_option(label=title)
    await form.get_by_role("button", name="Choose", exact=True).click()
    await expect(form).to_be_hidden(timeout=SECONDS)


async def approves(seat: Seat, what: str, *seen: str) -> None:
    """The second look: the request in the approvals channel, its confirm dialog, and what was read back."""
    await opens(seat.page, "fleet-approvals")
    messages = seat.page.locator("#messages > article")
    card = messages.filter(has_text=f"Approve? To {what}")
    await expect(card).to_contain_text("Asked by @admin", timeout=SECONDS)
    await seat.fits()
    await card.get_by_role("button", name="Approve").click()
    await seat.page.locator("#confirm").get_by_role("button", name="Approve").click()
    done = messages.filter(has_text=f"Done and read back: {what}")
    for each in ("Approved by @second-admin", *seen):
        await expect(done).to_contain_text(each, timeout=SECONDS)
    await expect(done.get_by_role("button", name="Approve")).to_have_count(0)
    await opens(seat.page, "fleet-ops")


async def proposed_and_chosen(talk: Conversation, admin: Seat, second: Seat) -> None:
    """Everything is looked at, and what is proposed brings its evidence; a person chooses all the same."""
    talk.fleet.faults.set("exchange_down")
    await types(admin.page, "/recover ndax")
    for each in (admin, second):
        await each.reads(
            "(choose a runbook)",
            re.compile(r"Proposed: Connections fail \(\d+ points\).*timed out.*GET /status", re.DOTALL),
        )
    await expect(admin.button("Choose Connections fail")).to_be_visible()
    await chooses(admin, "A bot crashes again and again")
    for each in (admin, second):
        await each.hears("@admin chose A bot crashes again and again")
        await each.at(1, "See which bot falls, and how often")
    await second.says("Done", 1, "ndax alone, four times in an hour")
    for each in (admin, second):
        await each.at(2, "Keep it down")


async def killed(talk: Conversation, admin: Seat, second: Seat) -> None:
    """One press kills and nothing is asked before; the look says that it is so."""
    talk.fleet.faults.clear("exchange_down")
    await admin.button("/kill").click()
    for each in (admin, second):
        await each.at(3, "Take the evidence")
        await each.reads(re.compile(rf"✅ 2\. Keep it down: {VERIFIED}"))
        await each.hears("Step 2, Keep it down is verified", "seen stopped (GET /status")
    assert len(talk.posts()) == 1
    # the alert of this kill belongs to before the release, not into the window after it
    await opens(second.page, "fleet-alerts")
    await expect(second.page.locator("#messages")).to_contain_text("KILL SWITCH TRIGGERED", timeout=SECONDS)
    await opens(second.page, "fleet-ops")
    await admin.button("/evidence").click()
    await admin.at(4, "Name the cause")


async def asserted(talk: Conversation, admin: Seat, second: Seat) -> None:
    """What a person says is told in other words than what was seen, which grows older before their eyes."""
    await admin.button("Take").click()
    await second.reads("@admin is on step 4")
    await second.says("Done", 4, CAUSE)
    for each in (admin, second):
        await each.at(5, "If memory ran out: give it room")
        told = rf"☑️ 4\. Name the cause: asserted by @second-admin at .+: {re.escape(CAUSE)}"
        await each.reads(re.compile(told))
        await expect(each.parts.filter(has_text="4. Name the cause: verified")).to_have_count(0)
        await expect(each.parts.filter(has_text="2. Keep it down: asserted")).to_have_count(0)
        await each.reads("✅ was seen by a look, ☑️ is what a person says")
    change(talk, "update walk_steps set seen_at = ? where name = 'stop'", at(minutes=-3))
    await second.hears("Step 4, Name the cause is asserted by @second-admin")
    await second.reaches("Look", "Done", "Skip", "Take")
    await second.fits()
    await second.says("Skip", 5, "memory was never short")
    await second.at(6, "If it is refused: mend the access")
    await admin.reads(
        re.compile(r"✅ 2\. Keep it down: verified 3 min ago \("),
        re.compile(r"⏭️ 5\. .*: skipped by @second-admin at .*: memory was never short"),
    )


async def mended(admin: Seat, second: Seat) -> None:
    """What does not apply is skipped; what could not be looked at is not verified, and a person answers for it."""
    await second.says("Done", 6, "the exchange answers again, no key was changed")
    await second.at(7, "If the code is at fault: go back")
    await second.says("Skip", 7, "no change of code this week")
    await second.at(8, "Restart the coordinator if it has to read the change")
    await second.says("Skip", 8, "it has nothing to read")
    await admin.at(10, "See that the ground is firm")
    await admin.reads(re.compile(rf"✅ 9\. See that it is still down: {VERIFIED}"))
    await admin.button("Check").click()
    await admin.reads("• not known: whether every address is reached could not be seen")
    await admin.says("Done", 10, "addresses were tried by hand")


async def released_and_started(admin: Seat, second: Seat) -> None:
    """A release and a start take the other admin, and are seen to have taken effect."""
    await admin.at(11, "Release the kill, if there is one")
    await admin.button("/override").click()
    await approves(second, "release the kill switch", "kill switch is inactive")
    for each in (admin, second):
        await each.at(12, "Start it alone, in safe mode")
        await each.reads(re.compile(rf"✅ 11\. Release the kill, if there is one: {VERIFIED}"))
    await admin.button("/start ndax").click()
    await approves(second, "start ndax in safe mode", "ndax is running")
    for each in (admin, second):
        await each.at(13, "Test it alone for 60 minutes")
        await each.reads(re.compile(rf"✅ 12\. Start it alone, in safe mode \(ndax\): {VERIFIED}"))


async def watched_and_handed_over(talk: Conversation, admin: Seat, second: Seat) -> None:
    """The window is opened, and whoever leads from now on is told all; it ends stable."""
    await admin.button("/monitor ndax 60m").click()
    window = admin.page.locator("#messages > article", has_text="Watching ndax for 60 min")
    await expect(window).to_contain_text("opened by @admin", timeout=SECONDS)
    await admin.button("Hand over").click()
    form = admin.page.locator("#modal")
    await form.get_by_label("Who leads from now on?").select_option(label="second-admin")
    await form.get_by_role("button", name="Hand over").click()
    await expect(form).to_be_hidden(timeout=SECONDS)
    for each in (admin, second):
        await each.reads("Lead: @second-admin")
        await each.hears(
            "@second-admin, @admin hands this recovery over to you. You lead it now.",
            "Next: step 13 of 15, Test it alone for 60 minutes",
            re.compile(
                r"☑️ 10\. See that the ground is firm: asserted by @admin at .*: addresses were tried by hand"
            ),
        )
    await Walking(
        talk=talk, shown=await shown_card(talk, "Recovery #1:", where=OPS), number=1
    ).window_ends_well()
    await second.at(14, "Keep watching for a day or two")
    await second.reads(re.compile(rf"✅ 13\. Test it alone for 60 minutes \(ndax\): {VERIFIED}"))
    await second.says("Skip", 14, "the day shift watches it")


async def written_down(second: Seat) -> None:
    """The log is filled from what was recorded, and saved."""
    await second.at(15, "Write down what happened")
    await second.button("/recoveries new ndax").click()
    form = second.page.locator("#modal")
    await expect(form.get_by_label("Root cause ('unknown' is an answer)")).to_have_value(
        CAUSE, timeout=SECONDS
    )
    await expect(form.get_by_label("Actions taken")).to_have_value(
        re.compile(r"Keep it down.*memory was never short", re.DOTALL)
    )
    await expect(form.get_by_label("Scenario").locator("option:checked")).to_have_text(
        re.compile("crash", re.IGNORECASE)
    )
    await form.get_by_label("Outcome").select_option("success")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_be_hidden(timeout=SECONDS)


async def test_two_people_walk_one_whole_recovery_each_in_the_others_sight(
    browser: Browser, talk: Conversation
) -> None:
    faults: list[str] = []
    admin = Seat(page=await sits_down(browser, talk, "admin", faults))
    second = await on_the_phone(browser, talk, "second-admin", faults)
    await proposed_and_chosen(talk, admin, second)
    await killed(talk, admin, second)
    await asserted(talk, admin, second)
    await mended(admin, second)
    await released_and_started(admin, second)
    await watched_and_handed_over(talk, admin, second)
    await written_down(second)
    for each in (admin, second):
        await each.reads(
            "Recovery #1: ndax (done)", re.compile(r"✅ 15\. Write down what happened: verified at ")
        )
        await each.reads("⏭️ 14. Keep watching for a day or two: skipped by @second-admin")
        await each.hears("Recovery #1 is done", "15 steps")
        await expect(each.card.locator("> .block").get_by_role("button")).to_have_count(0)
    assert talk.rows("select state, lead from walks") == [("done", "U0ADMIN2")]
    assert len(talk.posts()) == 2
    assert faults == []


async def test_on_a_phone_the_next_step_and_all_its_buttons_are_within_reach(
    browser: Browser, talk: Conversation
) -> None:
    faults: list[str] = []
    seat = await on_the_phone(browser, talk, "admin", faults)
    talk.fleet.faults.set("exchange_down")
    await types(seat.page, "/recover ndax")
    await seat.reads("Proposed: Connections fail")
    await seat.hears("No recovery log of ndax is kept yet")
    await seat.reaches("Choose Connections fail", "Choose another", "Hand over", "Abandon")
    await seat.fits()
    await chooses(seat, "The configuration is broken")
    await seat.reads("Next: step 1, See what is not read, and who runs")
    await seat.hears("@admin chose The configuration is broken")
    await seat.reaches(
        "/status", "/config check", "Look", "Done", "Take", "Hand over", "Choose another", "Abandon"
    )
    await seat.button("Done").click()
    await expect(seat.page.locator("#modal")).to_be_visible(timeout=SECONDS)
    await seat.fits()
    await seat.fills("Done: step 1", note="bot-limits.json" + "_" * 200)
    await seat.button("/kill").click()
    await seat.reads("Next: step 3, Keep the files as they are")
    await seat.button("/evidence").click()
    for number in (4, 5):
        await seat.reads(f"Next: step {number},")
        await seat.says("Done", number, f"looked at by hand: {number}")
    # the step with the most and the longest buttons
    await seat.reads("Next: step 6, Put the last good state back")
    await seat.hears("Step 5, Ask whether the change was meant is asserted by @admin")
    await seat.reaches(
        "/config diff",
        *(f"/config restore {each} from latest" for each in sorted(EXPECTED)),
        "Check",
        "Done",
    )
    await seat.fits()
    assert faults == []
