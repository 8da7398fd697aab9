"""A conversation in which the bot is killed at chosen moments, and what its remains must look like afterwards."""

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.sandbox.slack.model import Delivery, Message
from storage import audit
from storage.database import Database
from tests.conversation import OPS, Conversation, conversation
from tests.crash.moments import PATIENCE, until

STOPS = {"/kill": "/kill-switch", "/stop": "/stop", "/pause": "/pause"}  # command -> endpoint


@dataclass(kw_only=True)
class Request:
    """One typed stop, known by its trigger_id; ``acked`` once Slack has seen the acknowledgement."""

    line: str
    trigger: str
    task: asyncio.Task[Delivery] = field(repr=False)
    posts_before: int

    @property
    def acked(self) -> bool:
        """True when the person was told that it is accepted."""
        return self.task.done() and not self.task.cancelled() and self.task.result().error is None


@dataclass(kw_only=True)
class Crashing:
    """One conversation; `types` does not wait for the acknowledgement, `dies` collects what Slack still got."""

    talk: Conversation
    requests: list[Request] = field(default_factory=list)

    # -- what happens ------------------------------------------------------------------------------------------

    def types(self, line: str, *, who: str = "admin", trigger: str | None = None) -> Request:
        """Type a stop and go on at once."""
        trigger = trigger or f"{len(self.requests) + 1}.{time.time_ns()}.crash"
        work = self.talk.person(who).types(line, trigger_id=trigger)
        request = Request(
            line=line,
            trigger=trigger,
            task=asyncio.create_task(work),
            posts_before=len(self.stops(line)),
        )
        self.requests.append(request)
        return request

    def typed_elsewhere(self, line: str) -> Request:
        """The only kill there is, which came from a terminal: it has no acknowledgement to wait for."""
        ((key,),) = self.talk.rows("select key from actions")

        async def nobody() -> Delivery:
            return Delivery(kind="terminal", payload={})

        request = Request(line=line, trigger=key, task=asyncio.create_task(nobody()), posts_before=0)
        self.requests.append(request)
        return request

    async def acknowledged(self, request: Request) -> None:
        """Wait until Slack has seen the acknowledgement."""
        await asyncio.wait({request.task}, timeout=PATIENCE)
        assert request.acked, request.task.result()

    async def dies(self) -> None:
        """SIGKILL; afterwards every acknowledgement that was on the wire has been seen."""
        await self.talk.bot.dies()
        if any(link.frozen for link in self.talk.slack.hub.links):
            self.talk.slack.hub.cut()  # a half-open path does not notice that the other end is gone
        await until(lambda: self.talk.slack.socket_count == 0, "the end of the dead bot's sockets")
        waiting = {request.task for request in self.requests if not request.task.done()}
        if waiting:  # an acknowledgement that was read needs a few turns of the loop to become a Delivery
            await asyncio.wait(waiting, timeout=0.05)
        for task in waiting:
            task.cancel()

    async def starts(self, **environment: str) -> None:
        """Start it again and wait until it is ready."""
        await self.talk.bot.start(ready=True, **environment)

    async def called(self, path: str, *, more_than: int = 0, method: str = "POST") -> None:
        """Wait until the coordinator was called so at least once more."""

        def arrived() -> bool:
            return len([c for c in self.talk.fleet.calls_to(path) if c.method == method]) > more_than

        await until(arrived, f"{method} {path}")

    async def event(self, name: str) -> None:
        """Wait until the audit holds such an event."""
        await until(lambda: any(event == name for _, event, _ in self.talk.events()), f"audit event {name!r}")

    def begins_anew(self) -> None:
        """Release the latch behind the bot's back and let the fleet trade, for the next kill of the same bot.

        The latch first: a bot that saw the fleet trade while the latch stands would stop it.
        """
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE)) as connection, connection:
            connection.execute("update latches set released_at = engaged_at where released_at is null")
        self.talk.fleet.restart(start_bots=True)

    # -- what is there -----------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        """The bot's database file."""
        return self.talk.data / "chatbot.db"

    @property
    def journal(self) -> Path:
        """The bot's journal file."""
        return self.talk.data / "journal.jsonl"

    def journaled(self) -> str:
        """What waits in the journal, or was imported from it."""
        return "".join(path.read_text() for path in self.talk.data.glob("journal.jsonl*"))

    def stops(self, line: str) -> list[str]:
        """What the coordinator was told, oldest first, by the endpoint of this command."""
        name = line.split(maxsplit=1)[0]
        return [str(call.body or {}) for call in self.talk.fleet.calls_to(STOPS[name])]

    def committed(self, request: Request) -> bool:
        """True when the request has its row."""
        return self.talk.rows("select 1 from actions where key = ?", request.trigger) != []

    def cards(self, action: str) -> list[Message]:
        """The cards of an action in the ops channel."""
        found = []
        for message in self.talk.slack.messages(OPS):
            event = (message.metadata or {}).get("event_payload") or {}
            if event.get("key") == f"{action}/card":
                found.append(message)
        return found

    def replies(self, card: Message) -> list[str]:
        """The outbox keys of the messages in a card's thread."""
        thread = self.talk.slack.replies(OPS, card.ts)
        return [((each.metadata or {}).get("event_payload") or {}).get("key", "") for each in thread]

    # -- the verdict -------------------------------------------------------------------------------------------

    async def carried_out(self, request: Request, *, state: str = "verified") -> str:
        """Everything that must be true of an accepted stop in the end, however often the bot died; its id."""
        query = "select id from actions where key = ? and state = ?"
        found = await until(
            lambda: self.talk.rows(query, request.trigger, state), f"{request.line} {state}; {self.remains()}"
        )
        action: str = found[0][0]
        name = request.line.split(maxsplit=1)[0].removeprefix("/")
        assert self.talk.rows("select count(*) from actions where key = ?", request.trigger) == [(1,)]
        accepted = [
            event
            for _, event, subject in self.talk.events()
            if (event, subject) == (f"{name} accepted", action)
        ]
        assert len(accepted) == 1
        finished = [
            event
            for _, event, subject in self.talk.events()
            if (event, subject) == (f"finished {state}", action)
        ]
        assert len(finished) == 1
        if name == "kill":
            assert self.talk.rows("select count(*) from latches where action_id = ?", action) == [(1,)]
            assert self.talk.rows("select count(*) from latches where released_at is null") == [(1,)]
            assert not self.talk.fleet.engine.trading
        told = self.stops(request.line)[request.posts_before :]
        assert any(action in words or name == "pause" for words in told), told
        await self.audit_is_sound()
        return action

    async def shown_once(self, action: str) -> Message:
        """The one card of an action, once nothing is owed to Slack any more."""
        owed = "select count(*) from outbox where version > sent_version and state != 'failed'"
        await until(lambda: self.talk.rows(owed) == [(0,)], f"an empty outbox; {self.remains()}")
        assert self.talk.rows("select count(*) from outbox where state = 'failed'") == [(0,)]
        cards = self.cards(action)
        assert len(cards) == 1, [card.words for card in cards]
        assert cards[0].text.startswith("✅"), cards[0].words
        replies = self.replies(cards[0])
        assert len(replies) == len(set(replies)), replies
        return cards[0]

    async def nothing_happened(self, request: Request) -> None:
        """Neither a row nor a latch nor a word in the audit nor a stop on its way: nothing was half done."""
        assert not request.acked
        assert not self.committed(request)
        assert request.trigger not in self.journaled()
        assert self.stops(request.line)[request.posts_before :] == []
        standing = self.talk.rows("select action_id from latches where released_at is null")
        known = {each for (each,) in self.talk.rows("select id from actions")}
        assert {each for (each,) in standing} <= known
        assert {subject for _, event, subject in self.talk.events() if event.endswith(" accepted")} == known
        await self.audit_is_sound()

    async def judged(self, request: Request) -> str | None:
        """The verdict that fits: carried out when it was accepted, else nothing; its id when it was accepted."""
        await until(
            lambda: not self.journal.exists() or not self.journal.stat().st_size, "an imported journal"
        )
        if request.acked or self.committed(request) or request.trigger in self.journaled():
            return await self.carried_out(request)
        await self.nothing_happened(request)
        return None

    async def audit_is_sound(self) -> None:
        """The chain of the audit verifies from end to end."""
        database = Database(f"sqlite:///{self.database}")
        try:
            report = await database.read(audit.verify)
        finally:
            await database.close()
        assert report.faults == ()
        assert report.count > 0 or self.talk.events() == []

    def remains(self) -> str:
        """What there is to see when a verdict fails."""
        rows = self.talk.rows("select id, key, state, claimed_by from actions")
        owed = self.talk.rows("select key, state, version, sent_version, last_error from outbox")
        return f"actions {rows}\noutbox {owed}\n{self.talk.bot.words()[-3000:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where conversations with crashes take place."""

    data: Path
    template: Path

    @contextlib.asynccontextmanager
    async def opens(self, *, watch: str = "0", **settings: str) -> AsyncIterator[Crashing]:
        """A running bot over an empty database, which watches so many seconds after a verified stop."""
        shutil.copy(self.template, self.data / "chatbot.db")
        environment = {
            "CHATBOT_KILL__WATCH_SECONDS": watch,
            "CHATBOT_COORDINATOR__POLL_SECONDS": "1",
            **settings,
        }
        async with conversation(self.data, http_mode=False, start=True, fleet=None, **environment) as talk:
            crashing = Crashing(talk=talk)
            try:
                yield crashing
            finally:
                for request in crashing.requests:
                    request.task.cancel()
