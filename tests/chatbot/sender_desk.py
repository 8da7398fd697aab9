"""A sender between a real outbox and the local Slack with Slack's own limits."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from chatbot.metrics import Metrics
from chatbot.posting import Poster, web_client
from chatbot.sandbox.slack import LocalSlack
from chatbot.sender import Sender
from storage import outbox
from storage.database import Database
from storage.outbox import Owed, SendState

OPS, ALERTS = "C0OPS", "C0ALERTS"


def now() -> datetime:
    return datetime.now(UTC)


def saying(words: str) -> dict[str, Any]:
    return {"text": words, "blocks": [{"type": "section", "text": {"type": "plain_text", "text": words}}]}


@dataclass
class Desk:
    """One sender on its own database and a Slack with Slack's own limits."""

    slack: LocalSlack
    database: Database
    sender: Sender
    session: aiohttp.ClientSession

    async def owe(self, key: str, words: str, *, channel: str = OPS, **more: Any) -> Owed:
        owed = await self.database.write(
            lambda conn: outbox.owe(conn, key=key, channel=channel, payload=saying(words), now=now(), **more)
        )
        self.sender.wake()
        return owed

    async def row(self, key: str) -> Owed:
        found = await self.database.read(lambda conn: outbox.get(conn, key))
        assert found is not None
        return found

    async def settled(self, *keys: str, state: SendState = SendState.SENT, timeout: float = 12) -> list[Owed]:
        """The rows, once all of them are in this state."""
        async with asyncio.timeout(timeout):
            while True:
                rows = [await self.row(key) for key in keys]
                if all(row.state is state for row in rows):
                    return rows
                await asyncio.sleep(0.01)

    def calls(self, method: str) -> list[Any]:
        return [call for call in self.slack.calls if call.method == method]

    def accepted(self) -> list[Any]:
        """The posts that Slack took."""
        return [call for call in self.calls("chat.postMessage") if call.ok]

    def refused(self) -> list[Any]:
        return [call for call in self.slack.calls if call.status == 429]

    def another(self) -> Sender:
        """A second sender, as in another process on the same database."""
        return new_sender(self.database, self.slack, self.session, owner="second")


def new_sender(
    database: Database, slack: LocalSlack, session: aiohttp.ClientSession, *, owner: str
) -> Sender:
    web = web_client(token="xoxb-sandbox", api_url=slack.api_url, session=session)
    return Sender(
        database=database,
        poster=Poster(web=web, session=session),
        metrics=Metrics(),
        owner=owner,
        now=now,
        clock=time.monotonic,
    )


@contextlib.asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
