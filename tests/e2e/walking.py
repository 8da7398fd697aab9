"""What conversations about recoveries share: the card, its buttons and forms, and the record behind it."""

import re
from dataclasses import dataclass
from typing import Any

from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS, Conversation
from tests.e2e.alerting import at, buttons, card, change, now, until
from tests.e2e.two_people import approve, text_of

BY_THEMSELVES = frozenset({"still-stopped"})
"""Steps that the fleet's status alone verifies."""

NOTE = "the feed sent stale prices since 02:40"


@dataclass
class Walking:
    """One recovery, as the people in it see it."""

    talk: Conversation
    shown: Message
    number: int

    @property
    def card(self) -> Message:
        """The card as it is shown by now."""
        return now(self.talk, self.shown)

    @property
    def steps(self) -> list[tuple[int, str, str | None, str, str]]:
        """(number, name, bot, phase, state) of every step."""
        query = "select number, name, bot, phase, state from walk_steps where walk_id = ? order by number"
        return self.talk.rows(query, self.number)

    @property
    def current(self) -> tuple[int, str, str | None, str, str] | None:
        """The step that is next."""
        return next((each for each in self.steps if each[4] == "open"), None)

    def state(self, name: str, bot: str | None = None) -> str:
        """Where a step stands."""
        return next(each[4] for each in self.steps if each[1] == name and each[2] == bot)

    def expects(self, name: str) -> bool:
        """True for a step that a look can verify."""
        query = "select expects from walk_steps where walk_id = ? and name = ?"
        return bool(self.talk.rows(query, self.number, name)[0] != ("{}",))

    async def at(self, name: str, bot: str | None = None) -> None:
        """Wait until this step is next, also on the card."""
        await until(self.talk, lambda: self.current is not None and self.current[1:3] == (name, bot))
        assert self.current is not None
        number, count = self.current[0], len(self.steps)
        await until(self.talk, lambda: f"(step {number} of {count})" in self.card.words)

    async def press(self, label: str, who: str = "admin") -> None:
        """Press a button of the card, once it shows the step that is next."""
        if self.current is not None:
            await self.at(*self.current[1:3])
        said = await self.talk.person(who).clicks(label, self.card)
        assert said.error is None, said.error

    async def says(self, label: str = "Done", note: str = NOTE, who: str = "admin") -> None:
        """Say that the step is done or does not apply."""
        before = self.current
        await self.press(label, who)
        form = await self.talk.person(who).gets_form()
        sent = await self.talk.slack.submit(who, form.id, {"note": note})
        assert sent.ack in (None, {}), sent.ack
        await until(self.talk, lambda: self.current != before)

    async def past(self, *phases: str, note: str = "not the cause", who: str = "admin") -> None:
        """Skip what can be skipped of these phases, and assert the rest."""
        while self.current is not None and self.current[3] in phases:
            here, shown = self.current, f"(step {self.current[0]} of {len(self.steps)})"
            await until(self.talk, lambda: self.current != here or shown in self.card.words)  # noqa: B023 - read at once
            if here[1] in BY_THEMSELVES and self.expects(here[1]):
                await until(self.talk, lambda: self.current != here)  # noqa: B023 - likewise
                continue
            await self.says("Skip" if "Skip" in buttons(self.card) else "Done", note, who)

    async def assessed(self, who: str = "admin", note: str = "ndax, four times since 02:40") -> None:
        """Say what was seen in the first step, and see that the stop is next."""
        await self.past("assess", note=note, who=who)
        await self.at("stop")

    async def until_settled(self, name: str) -> None:
        """Skip this step, unless a look has settled it."""
        if self.state(name) == "open":
            await self.says("Skip", "there is no kill")

    async def agreed(self, label: str, who: str = "admin", by: str = "second-admin") -> str:
        """Press a command that takes two, and have another admin approve it; the id of the request."""
        before = self.talk.rows("select count(*) from approvals")[0][0]
        await self.press(label, who)
        await until(self.talk, lambda: self.talk.rows("select count(*) from approvals")[0][0] > before)
        action = self.talk.rows("select action_id from approvals order by asked_at desc limit 1")[0][0]
        shown = await self.talk.person(by).sees(action, where="C0APPROVE")
        await approve(self.talk, shown, who=by)
        return str(action)

    async def window_ends_well(self) -> None:
        """Open the window that the step takes, and let what is open end now, having been read all the time."""
        before = self.talk.rows("select count(*) from windows")[0][0]
        await self.press(next(each for each in buttons(self.card) if each.startswith("/monitor")))
        await until(self.talk, lambda: self.talk.rows("select count(*) from windows")[0][0] > before)
        count = "select count(*) from windows where state = 'open'"
        await until(self.talk, lambda: self.talk.rows(count)[0][0] > 0)
        await until(
            self.talk, lambda: self.talk.rows("select min(reads) from windows where state = 'open'")[0][0] > 1
        )
        # all that are open end now, and are said to have been as long as they were meant to be
        meant = self.talk.rows("select id, ends_at from windows where state = 'open'")
        change(self.talk, "update windows set ends_at = ? where state = 'open'", at(minutes=0))
        await until(self.talk, lambda: self.talk.rows(count)[0][0] == 0)
        for number, ends_at in meant:
            change(self.talk, "update windows set ends_at = ? where id = ?", ends_at, number)


async def opened(talk: Conversation, line: str = "/recover ndax crash-loop", who: str = "admin") -> Walking:
    """Open a recovery, and see its card."""
    said = text_of(await talk.person(who).types(line))
    found = re.search(r"Recovery #(\d+) .* is open in", said)
    assert found is not None, said
    shown = await card(talk, f"Recovery #{found[1]}:", where=OPS)
    return Walking(talk=talk, shown=shown, number=int(found[1]))


async def document(walk: Walking, who: str = "admin", **fields: Any) -> None:
    """Write and save the recovery log from the last step."""
    label = next(each for each in buttons(walk.card) if each.startswith("/recoveries new"))
    await walk.press(label, who)
    form = await walk.talk.person(who).gets_form()
    sent = await walk.talk.slack.submit(who, form.id, {"cause": NOTE, "outcome": "success", **fields})
    assert sent.ack in (None, {}), sent.ack


async def hands_over(talk: Conversation, number: int, to: str, *, who: str) -> str:
    """Type /recover handover with a mention; the answer."""
    return text_of(await talk.person(who).types(f"/recover handover {number} @{to}"))
