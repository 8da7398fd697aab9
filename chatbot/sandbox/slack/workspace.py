"""The workspace itself: everything said and shown, and a way to wait for the next change."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from chatbot.sandbox.slack.cast import CHANNELS, GROUPS, PEOPLE
from chatbot.sandbox.slack.model import BOT_USER, Call, Channel, Json, Message, Person, Shown, View

T = TypeVar("T")


class Workspace:
    """All state of one local Slack; every change wakes those who wait for one."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {person.id: person for person in PEOPLE}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in CHANNELS}
        self.groups: dict[str, tuple[str, frozenset[str]]] = dict(GROUPS)
        self._by_ts: dict[str, Message] = {}  # a ts is given once in the whole workspace; oldest first
        self.views: dict[str, View] = {}  # open modals of everybody, oldest first
        self.homes: dict[str, View] = {}  # person -> home tab
        self.uploads: dict[str, Json] = {}  # file id -> its wire form with "content" once it was uploaded
        self.calls: list[Call] = []
        self.revision = 0
        self._woken = asyncio.Event()
        self._last_ts = 0

    def changed(self) -> None:
        """Wake everybody who waits for a change."""
        self.revision += 1
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    async def next_change(self, *, after: int, timeout: float) -> None:
        """Return once the revision is another than ``after``, or after ``timeout`` seconds."""
        if self.revision == after:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout)

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first truthy value of ``predicate``; TimeoutError after ``timeout`` seconds.

        It is asked again after each change here, and every 50 ms for what changes elsewhere.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate()):
                    await self.next_change(after=self.revision, timeout=0.05)
                return value
        except TimeoutError:
            raise TimeoutError(
                f"not seen within {timeout} s; the last messages were:\n{self.told()}"
            ) from None

    def told(self, last: int = 8) -> str:
        """The last messages in words, for the report of a failed wait."""
        recent = self.all_messages[-last:]
        return "\n".join(
            f"[{m.channel} {m.ts}{' only ' + m.only_for if m.only_for else ''}] {m.text}" for m in recent
        )

    def new_ts(self) -> str:
        """A message timestamp: seconds with six decimals, never given twice."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A fresh id such as ``V0A1B2C3D4``."""
        return f"{prefix}0{secrets.token_hex(5).upper()}"

    def post(self, message: Message) -> Message:
        """Store a new message."""
        self._by_ts[message.ts] = message
        self.changed()
        return message

    def show(self, message: Message, *, text: str, blocks: Iterable[Json]) -> Message:
        """Edit a message: what it showed before stays in its history."""
        now = Shown(at=datetime.now(UTC), text=text, blocks=tuple(blocks))
        return self.swap(message, replace(message, history=(*message.history, now)))

    def swap(self, old: Message, new: Message) -> Message:
        """Put ``new`` in the place of ``old``."""
        self._by_ts[old.ts] = new
        self.changed()
        return new

    def remove(self, message: Message) -> None:
        """Delete a message."""
        del self._by_ts[message.ts]
        self.changed()

    @property
    def all_messages(self) -> list[Message]:
        """Everything said in every channel, ephemerals included, oldest first."""
        return list(self._by_ts.values())

    def messages(self, channel: str) -> tuple[Message, ...]:
        """Top-level messages that everybody in the channel sees, oldest first."""
        return tuple(
            m
            for m in self.all_messages
            if m.channel == channel and m.only_for is None and m.thread_ts in {None, m.ts}
        )

    def replies(self, channel: str, ts: str) -> tuple[Message, ...]:
        """Replies in the thread under ``ts``, oldest first, without the parent."""
        return tuple(
            m
            for m in self.all_messages
            if m.channel == channel and m.only_for is None and m.thread_ts == ts and m.ts != ts
        )

    def ephemerals(self, person: str, channel: str | None = None) -> tuple[Message, ...]:
        """What only this person can see, oldest first."""
        return tuple(m for m in self.all_messages if m.only_for == person and channel in {None, m.channel})

    def message(self, channel: str, ts: str, person: str | None = None) -> Message | None:
        """The message with this ts; ephemeral ones only for ``person``."""
        message = self._by_ts.get(ts)
        visible = message is not None and message.channel == channel and message.only_for in {None, person}
        return message if visible else None

    def modals(self, person: str) -> tuple[View, ...]:
        """The person's stack of open modals, the visible one last."""
        return tuple(view for view in self.views.values() if view.person == person)

    def put_view(self, view: View) -> View:
        """Show a modal or its next state."""
        self.views[view.id] = view
        self.changed()
        return view

    def close_views(self, person: str, view_id: str | None = None) -> None:
        """Close one modal, or all of the person's."""
        for view in self.modals(person):
            if view_id in {None, view.id}:
                del self.views[view.id]
        self.changed()

    def find_channel(self, id_or_name: str) -> Channel | None:
        """A channel by id, name or #name."""
        name = id_or_name.removeprefix("#")
        by_name = (channel for channel in self.channels.values() if channel.name == name)
        return self.channels.get(id_or_name) or next(by_name, None)

    def dm(self, person: str) -> Channel:
        """The direct message between the bot and a person, opened on demand."""
        channel_id = "D" + person[1:]
        if channel_id not in self.channels:
            members = frozenset({BOT_USER, person})
            self.channels[channel_id] = Channel(id=channel_id, name=person, members=members, im_with=person)
            self.changed()
        return self.channels[channel_id]
