"""A channel that takes no messages: what was meant for it goes where it is seen, and everybody is told once.

Messages go to the ops channel instead; when that one is broken too, to the admins directly.
"""

from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from chatbot.channels import Channels
from chatbot.desk import Desk
from chatbot.steps import Owing, owe
from chatbot.views import alert_news as view
from storage import audit, marks, outbox
from storage.database import StorageError
from storage.outbox import Owed

BROKEN = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_only_channel",
        "cannot_reply_to_message",
        "team_access_not_granted",
        "no_permission",
    }
)
"""What Slack says of a channel that will take no message from us."""

SEEN_BY_LOOKING = frozenset({"channel_not_found", "is_archived", "not_in_channel"})
"""Of these a look at the channel shows whether they are still so; of the others only a message that arrives."""

PROBE_SECONDS = 300.0

log = structlog.get_logger(__name__)


class Delivery:
    """Knows which of our channels are broken."""

    def __init__(self, *, desk: Desk, channels: Channels, ours: tuple[str, ...]) -> None:
        self._desk = desk
        self._channels = channels
        self._ours = tuple(dict.fromkeys(each for each in ours if each))
        self._broken: dict[str, str] = {}

    @property
    def broken(self) -> dict[str, str]:
        """Channel -> Slack's word, as far as this process knows."""
        return dict(self._broken)

    async def refused(self, row: Owed, word: str) -> bool:
        """Slack refused a message: True when it was sent on to another place, False when it can only be given up."""
        if word not in BROKEN or row.channel not in self._ours:
            return False
        self._broken[row.channel] = word
        moved = await self._desk.database.write(
            partial(_move, desk=self._desk, row=row, word=word, now=self._desk.now())
        )
        log.error("a channel takes no messages", channel=row.channel, error=word, moved=moved)
        return moved

    async def arrived(self, channel: str) -> None:
        """A message stands in this channel: if it was broken, it is no longer."""
        if self._broken.pop(channel, None) is not None:
            await self._mended(channel)

    async def probe(self) -> None:
        """Look at every channel of ours before a message has to find out."""
        for channel in self._ours:
            word = await self._channels.trouble(channel)
            if word is None:
                continue  # Slack does not say
            if word:
                self._broken[channel] = word
                verb = partial(_alarm, desk=self._desk, channel=channel, word=word, now=self._desk.now())
                if await self._desk.database.write(verb):
                    self._desk.sender.wake()
                continue
            noted = await self._noted(channel)
            if noted in SEEN_BY_LOOKING:
                self._broken.pop(channel, None)
                await self._mended(channel)
            elif noted:
                self._broken[channel] = noted  # found out by another process, or by one before this
            else:
                self._broken.pop(channel, None)

    async def _noted(self, channel: str) -> str:
        mark = await self._desk.database.read(lambda conn: marks.get(conn, _name(channel)))
        return str(mark.data.get("word", "")) if mark is not None else ""

    async def _mended(self, channel: str) -> None:
        now = self._desk.now()
        try:
            await self._desk.database.write(lambda conn: marks.put(conn, _name(channel), at=now))
        except StorageError as error:
            log.warning("not noted that a channel works again", channel=channel, error=str(error))


def _name(channel: str) -> str:
    return f"channel/{channel}"


def elsewhere(desk: Desk, channel: str) -> tuple[str, ...]:
    """Where messages for a broken channel go: the ops channel, else each admin directly."""
    return (desk.ops,) if channel != desk.ops and desk.ops else desk.admins


def _move(conn: Connection, *, desk: Desk, row: Owed, word: str, now: datetime) -> bool:
    _alarm(conn, desk=desk, channel=row.channel, word=word, now=now)
    places = elsewhere(desk, row.channel)
    if not places:
        return False
    stored = outbox.get(conn, row.key)
    if stored is None or stored.channel != row.channel:
        return True  # on its way to another place already: with its card, or by another process
    parent = outbox.get(conn, row.thread_key) if row.thread_key is not None else None
    if parent is not None and parent.channel == row.channel:  # Slack takes a reply only beside its card
        outbox.reroute(conn, parent.id, channel=places[0], at=now)
    outbox.reroute(conn, row.id, channel=places[0], at=now)
    for person in places[1:]:
        copy = Owing(
            key=f"{row.key}/for/{person}", channel=person, payload=row.payload, priority=row.priority
        )
        owe(conn, (copy,), now)
    return True


def _alarm(conn: Connection, *, desk: Desk, channel: str, word: str, now: datetime) -> bool:
    """Say once that a channel is broken; False when it was said before."""
    mark = marks.lock(conn, _name(channel), at=now)
    if mark.data.get("word") == word:
        return False
    marks.put(conn, _name(channel), at=now, data={"word": word})
    audit.append(
        conn,
        at=now,
        actor="chatbot",
        event="channel takes no messages",
        subject=channel,
        detail={"said": word},
    )
    message = view.channel_broken(channel, word, moved=outbox.waiting_for(conn, channel)).payload()
    for place in elsewhere(desk, channel):
        key = f"broken/{channel}/{int(now.timestamp())}/{place}"
        owe(conn, (Owing(key=key, channel=place, payload=message, priority=1),), now)
    return True
