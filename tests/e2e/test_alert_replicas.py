"""Two bots over one PostgreSQL: each alert is posted once, people are called once, one polls and another takes over."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conversation import Bot, Conversation, conversation
from tests.e2e.alerting import (
    ALERTS,
    HOOKS,
    LOOKING,
    ONE_BY_ONE,
    card,
    headline,
    now,
    posted,
    reply,
    to_hook,
    until,
)
from tests.e2e.test_alert_faults import QUICK_CALLS, alert, called, key_of, once
from tests.e2e.test_replicas import intact, rows, twin
from tests.postgres import postgres_server, postgres_url

pytestmark = pytest.mark.long  # each waits for clocks, leases or processes that die

__all__ = ["postgres_server", "postgres_url"]

TAKEN_OVER = 15.0  # seconds after a poller died until another polls


@dataclass
class Two:
    """A conversation with two bots on one database."""

    talk: Conversation
    other: Bot
    url: str

    @property
    def both(self) -> tuple[Bot, Bot]:
        return self.talk.bot, self.other

    async def hook(self, *messages: dict[str, Any]) -> None:
        """Alertmanager posts each of these to both at the same moment, and both accept it."""
        for each in messages:
            answers = await asyncio.gather(*(self._to(bot, each) for bot in self.both))
            assert [answer.status_code for answer in answers] == [202, 202]

    async def _to(self, bot: Bot, message: dict[str, Any]) -> Any:
        talk = Conversation(slack=self.talk.slack, fleet=self.talk.fleet, bot=bot, data=self.talk.data)
        return await to_hook(talk, "alertmanager", message)

    async def polls(self) -> list[Bot]:
        """Which of them say that they poll."""
        found = []
        for bot in self.both:
            if bot.process is not None and bot.process.returncode is None:
                health = (await bot.get("/healthz")).json()
                found += [bot] if health["polls_here"] else []
        return found

    async def leader(self, *, among: tuple[Bot, ...]) -> Bot:
        """The one that polls, once just one does and it is one of these."""
        async with asyncio.timeout(30):
            while True:
                polls = await self.polls()
                if len(polls) == 1 and polls[0] in among:
                    return polls[0]
                await asyncio.sleep(0.1)

    async def nothing_owed(self) -> None:
        """Wait until the outbox is empty; nothing in it was given up."""
        owed = "select count(*) from outbox where version > sent_version and state != 'failed'"
        await until(self.talk, lambda: rows(self.url, owed) == [(0,)])
        assert rows(self.url, "select key, last_error from outbox where state = 'failed'") == []


@asynccontextmanager
async def two(data: Path, url: str, **settings: str) -> AsyncIterator[Two]:
    """Two bots that look at the fleet every second, started together."""
    chosen = {**LOOKING, **ONE_BY_ONE, **HOOKS, "CHATBOT_DATABASE__URL": url, **settings}
    async with conversation(data, start=False, **chosen) as talk:
        other = twin(talk.bot)
        try:
            await asyncio.gather(talk.bot.start(), other.start())
            yield Two(talk=talk, other=other, url=url)
        finally:
            if other.process is not None and other.process.returncode is None:
                await other.dies()


async def test_each_alert_is_posted_once_and_people_are_called_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with two(tmp_path, postgres_url, **QUICK_CALLS) as pair:
        talk = pair.talk
        began = datetime.now(UTC)
        names = [f"disk-{number}" for number in range(4)]
        await pair.hook(*(alert(name, began=began) for name in names))
        await pair.hook(alert("margin", severity="critical", began=began))
        talk.fleet.alert("high", "Slippage above the limit", bot="ndax", count=3)  # type: ignore[arg-type]
        talk.fleet.crash("quantum")
        for name in (*names, "margin", "Slippage above the limit", "quantum is in error"):
            await card(talk, name)
        critical = await card(talk, "🔴 CRITICAL: margin")
        calls = await called(talk, critical, 3)
        times = [float(key_of(each).partition("/call-")[2]) for each in calls]
        assert all(later - one > 2.9 for one, later in itertools.pairwise(times)), times
        assert rows(postgres_url, "select calls, count from alerts where kind = 'margin'") == [
            (len(calls), 1)
        ]

        said = await talk.admin.clicks("Acknowledge", now(talk, critical))
        assert said.error is None
        await until(talk, lambda: "owned by <@U0ADMIN1>" in now(talk, critical).words)
        await pair.hook(*(alert(name, began=began, resolved=True) for name in (*names, "margin")))
        for name in names:
            await reply(talk, await card(talk, "RESOLVED", name), "RESOLVED after")
        await until(talk, lambda: "RESOLVED" in headline(now(talk, critical)))
        await pair.nothing_owed()
        cards = [key for key in once(talk) if key.startswith("alert/") and key.count("/") == 2]
        assert rows(postgres_url, "select sum(card) from alerts") == [(len(cards),)]
        twice = (
            "select alert_id, news, count(*) from alert_events where news in ('began', 'ended') group by 1, 2"
        )
        assert {many for _, _, many in rows(postgres_url, twice)} == {1}
        assert await intact(postgres_url)


async def test_one_of_them_polls_and_when_it_is_killed_another_does(
    tmp_path: Path, postgres_url: str
) -> None:
    async with two(tmp_path, postgres_url) as pair:
        talk = pair.talk
        leader = await pair.leader(among=pair.both)
        [left] = [bot for bot in pair.both if bot is not leader]
        began = len(talk.fleet.calls)
        await asyncio.sleep(6)
        assert await pair.polls() == [leader]
        polled = Counter((call.server, call.path) for call in talk.fleet.calls[began:])
        assert polled["monitor", "/alerts"] <= 8, polled  # one a second, of one of them
        assert polled["coordinator", "/status"] <= 8, polled

        await leader.dies()
        died = time.monotonic()
        began = len(talk.fleet.calls)
        talk.fleet.alert("high", "Said while nobody looked")  # type: ignore[arg-type]
        # what the dead one had asked for is still counted for a moment
        polls = await until(talk, lambda: [c for c in talk.fleet.calls[began + 4 :] if c.path == "/alerts"])
        assert polls[0].monotonic - died < TAKEN_OVER
        assert await pair.polls() == [left]
        await card(talk, "Said while nobody looked")
        assert posted(talk, "unwatched") == []  # too short to speak of

        await leader.start()
        assert await pair.polls() == [left]  # who comes back waits for its turn
        assert await left.stops() == 0
        await pair.leader(among=(leader,))  # who stops in order lets go at once
        once(talk)
        assert len(posted(talk, "Said while nobody looked", where=ALERTS)) == 1


async def test_one_that_dies_in_the_middle_leaves_nothing_undone(tmp_path: Path, postgres_url: str) -> None:
    async with two(tmp_path, postgres_url, **QUICK_CALLS) as pair:
        talk = pair.talk
        talk.slack.faults.set("reset_after_accept", methods=["chat.postMessage"], times=1)
        began = datetime.now(UTC)
        await pair.hook(alert("margin", severity="critical", began=began), alert("disk", began=began))
        critical = await card(talk, "🔴 CRITICAL: margin")
        await called(talk, critical, 1)
        await talk.bot.dies()
        so_far = len(await called(talk, critical, 1))
        await called(talk, critical, so_far + 2)
        pair.talk.bot = pair.other
        assert (
            await to_hook(talk, "alertmanager", alert("disk", began=began, resolved=True))
        ).status_code == 202
        await card(talk, "RESOLVED after", "disk")
        await talk.admin.clicks("Acknowledge", now(talk, critical))
        await until(talk, lambda: "owned by <@U0ADMIN1>" in now(talk, critical).words)
        await pair.nothing_owed()
        once(talk)
