"""Two admins, a double click and a kill in the same instant, again and again, against real processes.

Never is anything sent twice, never after a newer kill, and whatever the order was, the fleet is killed in the end.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import random
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from chatbot.sandbox.fleet.limits import Limits
from chatbot.sandbox.run import SIGNING_SECRET
from chatbot.sandbox.slack import payloads
from chatbot.sandbox.slack.model import View
from storage import audit
from storage.database import Database
from tests.conversation import Bot, Conversation, conversation, free_port
from tests.e2e.two_people import OBEDIENT, QUICK
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

FINAL = {"verified", "not_verified", "failed", "abandoned", "void"}
_ID = re.compile(r"override-[0-9A-Z]{8}")
Query = Callable[[str], list[Any]]


@dataclass(kw_only=True)
class Ring:
    """The processes, and what the database and the fleet say of them."""

    talk: Conversation
    bots: tuple[Bot, ...]
    rows: Query
    url: str
    client: httpx.AsyncClient
    chance: random.Random

    async def send(self, bot: Bot, payload: dict[str, Any]) -> str:
        """One signed request to one process; the text of its acknowledgement."""
        fields = payload if "command" in payload else {"payload": json.dumps(payload)}
        body = urlencode(fields).encode()
        stamp = str(int(time.time()))
        signed = hmac.new(SIGNING_SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        answer = await self.client.post(
            f"http://127.0.0.1:{bot.port}/slack/events",
            content=body,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": f"v0={signed}",
            },
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def typed(self, who: str, name: str, text: str) -> dict[str, Any]:
        person, where = self.talk.slack.person(who), self.talk.slack.channel("C0OPS")
        return payloads.command(person, where, name, text, response_url="http://127.0.0.1:1/none")

    def click(self, who: str, action: str) -> dict[str, Any]:
        """Approve, pressed on the home tab."""
        home = View(
            id="V1", person=who, body={"type": "home", "blocks": []}, hash="h", root="V1", previous=None
        )
        pressed = {"action_id": "approval.approve", "block_id": "b", "type": "button", "value": f"{action}:1"}
        return payloads.click_on_view(self.talk.slack.person(who), home, pressed, {})

    async def later(self, most: float, bot: Bot, payload: dict[str, Any]) -> None:
        """Send a random moment later: what races with what is left to chance, and to the machine."""
        await asyncio.sleep(most * self.chance.random())
        await self.send(bot, payload)

    async def until(self, met: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not met():
            assert time.monotonic() < deadline, f"never came: {what}\n" + self.bots[0].words()[-3000:]
            await asyncio.sleep(0.01)

    def kills_over(self) -> bool:
        return self.rows("select count(*) from actions where command = 'kill' and finished_at is null") == [
            (0,)
        ]

    async def asked(self) -> str:
        """The id of a new request, however long a slow machine takes for it."""
        waiting = "select id from actions where command = 'override' and state = 'waiting'"
        for _ in range(20):
            said = await self.send(
                self.chance.choice(self.bots), self.typed("U0ADMIN1", "/override", "next round")
            )
            if found := _ID.search(said):
                return found[0]
            if "Reading the fleet" in said:
                await self.until(lambda: self.rows(waiting) != [], "the request")
                return str(self.rows(waiting)[0][0])
            # A kill may have gone to the journal: until it is imported nothing is asked.
            assert "does not answer" in said, said
            await asyncio.sleep(0.5)
        raise AssertionError("nothing could be asked")

    async def round(self, order: str = "by chance") -> str:
        """One round; how the request ended. The kill comes by chance, "before" the clicks or "while" it is sent."""
        pick = self.chance.choice
        action = await self.asked()
        kill = self.typed("U0OPER01", "/kill", "a newer one")
        clicks = [self.click(who, action) for who in ("U0ADMIN2", "U0ADMIN3", "U0ADMIN2")]
        acts = [self.later(pick((0.0, 0.01)), pick(self.bots), each) for each in clicks]
        if order == "before":
            await self.send(pick(self.bots), kill)
        else:
            acts.append(self.killed(action, kill, order))
        self.chance.shuffle(acts)
        await asyncio.gather(*acts)

        def over() -> bool:
            ((state,),) = self.rows(f"select state from actions where id = '{action}'")
            # On a slow machine the kill may have gone to the journal: it is waited for as well.
            newer = "select count(*) from audit where event = 'kill accepted' and seq > "
            after = f"(select seq from audit where event = 'override asked' and subject = '{action}')"
            return state in FINAL and self.kills_over() and self.rows(newer + after) != [(0,)]

        await self.until(over, f"the end of {action}")
        return self.judged(action)

    async def killed(self, action: str, kill: dict[str, Any], order: str) -> None:
        """Kill after a moment by chance, or once it stands in the record that the release is being sent."""
        bot, most = self.chance.choice(self.bots), self.chance.choice((0.0, 0.05, 0.1, 0.2))
        if order == "while":
            sending = f"select 1 from audit where event = 'sending' and subject = '{action}'"
            await self.until(lambda: self.rows(sending) != [], f"the sending of {action}")
        await self.later(most, bot, kill)

    def judged(self, action: str) -> str:
        """What must be true of a round, and how it ended."""
        ((state, verdict, given),) = self.rows(
            "select a.state, p.state, p.given from actions a join approvals p on p.action_id = a.id "
            f"where a.id = '{action}'"
        )
        assert given <= 1
        posted = [c for c in self.talk.fleet.calls if action in str((c.body or {}).get("reason", ""))]
        posted = [c for c in posted if (c.body or {})["action"] == "override"]
        assert len(posted) <= 1, "sent twice"
        sending = self.rows(f"select seq from audit where event = 'sending' and subject = '{action}'")
        assert (
            len(posted) <= len(sending) <= 1
        )  # a kill may come between the word that it is sent and the sending
        ((asked,),) = self.rows(
            f"select seq from audit where event = 'override asked' and subject = '{action}'"
        )
        ((newer,),) = self.rows(f"select min(seq) from audit where event = 'kill accepted' and seq > {asked}")
        assert not sending or sending[0][0] < newer, "sent after a newer kill"
        if state == "void":
            assert not posted
            assert verdict in {"void", "approved"}
        assert self.talk.fleet.engine.kill_switch_active, "the kill stands in the end"
        assert not self.talk.fleet.engine.trading
        assert self.rows("select count(*) from latches where released_at is null") == [(1,)]
        return str(state)

    async def play(self, rounds: int) -> dict[str, int]:
        """So many rounds; how often each ending was seen."""
        await self.send(self.bots[0], self.typed("U0OPER01", "/kill", "the first"))
        await self.until(
            lambda: self.rows("select 1 from actions where state = 'verified'") != [], "the first kill"
        )
        endings: dict[str, int] = {}
        for number in range(rounds):
            try:
                # So that both endings are seen on any machine, every fourth round takes each of the two fixed orders.
                ending = await self.round({0: "before", 2: "while"}.get(number % 4, "by chance"))
            except AssertionError as error:
                raise AssertionError(f"round {number}: {error}") from error
            endings[ending] = endings.get(ending, 0) + 1
        database = Database(self.url)
        try:
            assert (await database.read(audit.verify)).faults == ()
        finally:
            await database.close()
        return endings


@asynccontextmanager
async def ring(data: Path, *, url: str | None, processes: int, seed: int) -> AsyncIterator[Ring]:
    """So many processes over one database, and a Slack that takes no messages, so that none hold the rounds up."""
    database = url or f"sqlite:///{data / 'chatbot.db'}"
    fleet = {"policy": OBEDIENT, "limits": Limits(per_minute=1_000_000, per_hour=10_000_000)}
    settings = {**QUICK, "CHATBOT_POLICY__BREAKER_KILLS": "100", "CHATBOT_POLICY__BREAKER_HOURS": "0.0001"}
    settings |= {"CHATBOT_COORDINATOR__POLL_SECONDS": "60", "CHATBOT_DATABASE__URL": database}
    async with conversation(data, http_mode=True, start=False, fleet=fleet, **settings) as talk:
        silent = [
            "chat.postMessage",
            "chat.update",
            "chat.postEphemeral",
            "views.publish",
            "conversations.open",
        ]
        talk.slack.faults.set("rate_limited", methods=silent, retry_after=300)
        port = free_port()
        other = replace(
            talk.bot, port=port, env={**talk.bot.env, "CHATBOT_HTTP__PORT": str(port)}, log=data / "other.log"
        )
        bots = (talk.bot, other)[:processes]
        try:
            for bot in bots:
                await bot.start()
            with contextlib.ExitStack() as stack:
                rows = _rows(stack, data, url)
                async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                    yield Ring(
                        talk=talk,
                        bots=bots,
                        rows=rows,
                        url=database,
                        client=client,
                        chance=random.Random(seed),
                    )
        finally:
            if other.process is not None:
                await other.dies()


def _rows(stack: contextlib.ExitStack, data: Path, url: str | None) -> Query:
    if url is None:
        file = stack.enter_context(contextlib.closing(sqlite3.connect(data / "chatbot.db", timeout=10)))
        return lambda query: file.execute(query).fetchall()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    server = stack.enter_context(psycopg.connect(plain, autocommit=True))
    return lambda query: server.execute(query.encode()).fetchall()


async def test_twenty_rounds_on_sqlite(tmp_path: Path) -> None:
    async with ring(tmp_path, url=None, processes=1, seed=1) as all_of_them:
        endings = await all_of_them.play(20)
    assert min(endings.get("void", 0), sum(endings.values()) - endings.get("void", 0)) >= 5, endings


async def test_twenty_rounds_of_two_processes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with ring(tmp_path, url=postgres_url, processes=2, seed=2) as all_of_them:
        endings = await all_of_them.play(20)
    assert min(endings.get("void", 0), sum(endings.values()) - endings.get("void", 0)) >= 5, endings


@pytest.mark.long
async def test_a_thousand_rounds_on_sqlite(tmp_path: Path) -> None:
    async with ring(tmp_path, url=None, processes=1, seed=3) as all_of_them:
        endings = await all_of_them.play(1000)
    assert min(endings.get("void", 0), sum(endings.values()) - endings.get("void", 0)) > 50, endings


@pytest.mark.long
async def test_a_thousand_rounds_of_two_processes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with ring(tmp_path, url=postgres_url, processes=2, seed=4) as all_of_them:
        endings = await all_of_them.play(1000)
    assert min(endings.get("void", 0), sum(endings.values()) - endings.get("void", 0)) > 50, endings
