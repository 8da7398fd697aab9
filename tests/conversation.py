"""A conversation with the real bot: people type, see and click in a local Slack, and a reference fleet obeys or not.

The bot is the unmodified program in a process of its own; only its environment points at loopback.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chatbot.sandbox.fleet import Fleet
from chatbot.sandbox.run import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, environment
from chatbot.sandbox.slack import LocalSlack
from chatbot.sandbox.slack.model import Delivery, Message, View

OPS = "C0OPS"
PATIENCE = 20.0  # seconds a person in a test waits for what must come; generous, for machines are shared
SPEED = 20.0  # how much faster than Slack's own the local limits refill


def free_port() -> int:
    """A port on loopback that nobody listens on, outside the range from which outgoing connections take theirs."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Bot:
    """The bot's process."""

    env: Mapping[str, str]
    port: int
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self, *, ready: bool = True, **extra: str) -> None:
        """Start it; wait until it says that it is ready."""
        with self.log.open("ab") as sink:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chatbot",
                "serve",
                env={**self.env, **extra},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        if ready:
            await self.until("/readyz")

    async def until(self, path: str, status: int = 200) -> httpx.Response:
        """Wait until a path of its HTTP face answers with this status."""
        async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
            async with asyncio.timeout(PATIENCE * 2):
                while True:
                    if self.process is not None and self.process.returncode is not None:
                        raise AssertionError(
                            f"the bot ended with {self.process.returncode}:\n{self.words()[-4000:]}"
                        )
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.get(f"http://127.0.0.1:{self.port}{path}")
                        if answer.status_code == status:
                            return answer
                    await asyncio.sleep(0.02)

    async def get(self, path: str) -> httpx.Response:
        """One GET of its HTTP face."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}")

    async def dies(self) -> None:
        """SIGKILL, as by the kernel at the worst moment."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def stops(self) -> int:
        """SIGTERM, as by a supervisor; the exit code."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), PATIENCE * 2)

    def words(self) -> str:
        """What it logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def command_line(self, *arguments: str, **extra: str) -> tuple[int, str]:
        """Run `chatbot ...` in a terminal beside it: (exit code, what it printed)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chatbot",
            *arguments,
            env={**self.env, **extra},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE * 3)
        return process.returncode or 0, printed.decode()


@dataclass
class Someone:
    """A person in the conversation."""

    name: str
    slack: LocalSlack
    said: Delivery | None = None

    async def types(self, line: str, *, where: str = OPS, **overrides: object) -> Delivery:
        """Type a slash command such as "/kill bad fills"."""
        name, _, text = line.partition(" ")
        self.said = await self.slack.command(self.name, where, name, text, **overrides)
        return self.said

    async def mentions(self, text: str, *, where: str = OPS, thread_ts: str | None = None) -> Delivery:
        """Mention the bot."""
        return await self.slack.mention(self.name, where, text, thread_ts)

    async def clicks(self, label: str, message: Message, **overrides: object) -> Delivery:
        """Press a button on a message."""
        return await self.slack.click(self.name, message.channel, message.ts, label, **overrides)

    async def reads(self, *words: str, where: str = OPS) -> Message:
        """Wait until a message only for this person holds all these words."""
        return await self._wait(lambda: self.slack.ephemerals(self.name, where), words)

    async def sees(self, *words: str, where: str = OPS) -> Message:
        """Wait until a message in the channel holds all these words."""
        return await self._wait(lambda: self.slack.messages(where), words)

    async def sees_in_thread(self, parent: Message, *words: str) -> Message:
        """Wait until a reply under a message holds all these words."""
        return await self._wait(lambda: self.slack.replies(parent.channel, parent.ts), words)

    async def gets_form(self) -> View:
        """Wait until a modal is open before this person."""
        return await self.slack.wait_for(lambda: next(iter(self.slack.modals(self.name)), None), PATIENCE)

    async def _wait(self, shown: Callable[[], tuple[Message, ...]], words: tuple[str, ...]) -> Message:
        def found() -> Message | None:
            holding = [each for each in shown() if all(word.lower() in each.words.lower() for word in words)]
            return holding[-1] if holding else None

        try:
            return await self.slack.wait_for(found, PATIENCE)
        except TimeoutError:
            there = "\n---\n".join(each.words for each in shown()) or "nothing"
            raise AssertionError(f"{self.name} never saw {words}; there was:\n{there}") from None


@dataclass
class Conversation:
    """A local Slack, a reference fleet and the bot between them."""

    slack: LocalSlack
    fleet: Fleet
    bot: Bot
    data: Path
    people: dict[str, Someone] = field(default_factory=dict)

    def person(self, name: str) -> Someone:
        """Somebody of the local Slack by role name or id: "admin", "second-admin", "operator", "viewer" ..."""
        return self.people.setdefault(name, Someone(name=name, slack=self.slack))

    @property
    def admin(self) -> Someone:
        """The first admin."""
        return self.person("admin")

    def posts(self) -> list[Mapping[str, Any]]:
        """The bodies of the kill switch posts that reached the coordinator, oldest first."""
        return [
            call.body or {}
            for call in self.fleet.calls
            if call.method == "POST" and call.path == "/kill-switch"
        ]

    def events(self) -> list[tuple[str, str, str]]:
        """(actor, event, subject) of the whole audit, oldest first, read from the database file."""
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.data / "chatbot.db")) as connection:
            return connection.execute("select actor, event, subject from audit order by seq").fetchall()

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """Rows of the database file."""
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.data / "chatbot.db")) as connection:
            return connection.execute(query, parameters).fetchall()


@contextlib.asynccontextmanager
async def conversation(
    data: Path,
    *,
    http_mode: bool = False,
    start: bool = True,
    fleet: Mapping[str, Any] | None = None,
    **settings: str,
) -> AsyncIterator[Conversation]:
    """A running conversation; `settings` are environment variables of the bot."""
    async with (
        Fleet.running(**(fleet or {})) as running,
        LocalSlack.running(
            speed=SPEED, bot_token=BOT_TOKEN, app_token=APP_TOKEN, signing_secret=SIGNING_SECRET
        ) as slack,
    ):
        port = free_port()
        env = environment(
            slack_api=slack.api_url,
            coordinator=running.coordinator_url,
            monitor=running.monitor_url,
            data=data,
            http_port=port,
            http_mode=http_mode,
            fleet=running,
        )
        coverage = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
        # A machine that runs many tests at once may be slow; that alone should not send steps to the journal.
        patient = {"CHATBOT_KILL__STORAGE_TIMEOUT_MS": "1200", "CHATBOT_LOG__FORMAT": "json"}
        kept = {"CHATBOT_RECOVERY__EVIDENCE": str(data / "evidence")}
        bot = Bot(
            env={**env, **patient, **kept, **coverage, **settings},
            port=port,
            log=data / "bot.log",
        )
        if http_mode:
            slack.deliver_over_http(f"http://127.0.0.1:{port}/slack/events", SIGNING_SECRET)
        talk = Conversation(slack=slack, fleet=running, bot=bot, data=data)
        try:
            if start:
                await bot.start()
            yield talk
        finally:
            for each in (bot, talk.bot):  # a test may have put another one in its place
                if each.process is not None and each.process.returncode is None:
                    await each.dies()
