"""What is known and told of one running kill: its card, the alarms in its thread, the steps in the record."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chatbot.desk import Desk
from chatbot.steps import Owing
from chatbot.views import kill as view
from chatbot.views.blocks import Message
from chatbot.views.kill import Joined, KillCard, Phase
from commands.coordinator.model import BotStatus, FleetStatus
from commands.kill import Doubt
from storage.actions import Action, State
from storage.audit import Entry

SHORTLY_SECONDS = 0.05
REDRAW_SECONDS = 2.0  # at most so often for a change that needs nobody's eyes
RESPONSE_URL_LIFE = timedelta(minutes=29)


@dataclass(slots=True, kw_only=True)
class KillRecord:
    """The state of a run that its loops share, and the only way it speaks."""

    action: Action
    desk: Desk
    recorded: bool  # False: accepted while the database did not answer
    resumed: bool  # True: begun by another process, which may have posted already
    phase: Phase = Phase.SENDING
    attempts: int = 0
    sent_at: datetime | None = None
    verified_at: datetime | None = None
    watching_until: datetime | None = None
    since: datetime  # from when the seconds to a warning count
    warned: float | None = None  # seconds of the last warning
    warnings: int = 0
    episode: int = 0  # how often the fleet came back; part of the keys, so that each episode warns anew
    returned: list[str] = field(default_factory=list)
    switch_lost: int = 0
    status: FleetStatus | None = None  # as read last
    doubts: tuple[Doubt, ...] = ()
    error: str | None = None
    reason: str = ""
    joined: list[Joined] = field(default_factory=list)
    closed: tuple[str, str] | None = None  # by whom and why
    released: tuple[datetime, str] | None = None  # when, and by which request
    audit: tuple[int, str] | None = None
    redraw_due: float = 0.0
    drawing_shortly: bool = False
    drawn: int = 0  # how many cards were drawn; see `_overtaken`

    @classmethod
    def of(cls, action: Action, desk: Desk, *, recorded: bool, resumed: bool) -> "KillRecord":
        """The record at the start of a run; a watch that was cut off is not taken for a stop that is late."""
        return cls(
            action=action,
            desk=desk,
            recorded=recorded,
            resumed=resumed,
            sent_at=action.sent_at,
            verified_at=action.verified_at,
            since=action.accepted_at if action.verified_at is None else desk.now(),
            reason=action.reason,
        )

    @classmethod
    def ended(
        cls,
        action: Action,
        desk: Desk,
        *,
        audit: tuple[int, str],
        released: tuple[datetime, str] | None = None,
    ) -> "KillRecord":
        """The record of a kill that is over, as the database tells it; ``released`` when, and by which request.

        ``audit`` is the number and hash of the newest row of the audit: its card stays a witness of it.
        """
        record = cls.of(action, desk, recorded=True, resumed=True)
        record.audit = audit
        record.released = released
        record.phase = Phase.VERIFIED if action.state is State.VERIFIED else Phase.CLOSED
        if action.state is State.CLOSED:
            record.closed = (action.closed_by or "", action.close_reason or "")
        words = action.outcome.get("bots")
        bots = words if isinstance(words, dict) else {}
        record.status = FleetStatus(
            observed_at=action.verified_at or action.accepted_at,
            kill_switch_active=action.outcome.get("kill_switch") == "active" or None,
            bots={name: BotStatus(name=name, status=str(word)) for name, word in bots.items()},
        )
        return record

    def verified(self, status: FleetStatus) -> None:
        """The wanted state was seen."""
        self.phase = Phase.VERIFIED
        self.verified_at = status.observed_at
        self.watching_until = status.observed_at + timedelta(seconds=self.desk.watch_seconds)
        self.warned, self.warnings, self.error = None, 0, None

    def anew(self, now: datetime) -> None:
        """The fleet has to be seen stopped once more: the seconds to a warning count from now."""
        self.phase = Phase.SENT
        self.since, self.warned, self.warnings = now, None, 0

    def card(self) -> KillCard:
        """Everything as it stands now."""
        action, status = self.action, self.status
        return KillCard(
            id=action.id,
            by=action.requested_by,
            reason=self.reason,
            accepted_at=action.accepted_at,
            phase=self.phase,
            now=self.desk.now(),
            sent_at=self.sent_at,
            verified_at=self.verified_at,
            seen_at=status.observed_at if status else None,
            doubts=self.doubts,
            bots=tuple(status.bots.values()) if status else (),
            attempts=self.attempts,
            last_error=self.error,
            joined=tuple(self.joined),
            returned=tuple(self.returned),
            switch_lost=self.switch_lost,
            watching_until=self.watching_until,
            recorded=self.recorded,
            audit=self.audit,
            closed_by=self.closed[0] if self.closed else None,
            close_reason=self.closed[1] if self.closed else None,
            released_at=self.released[0] if self.released else None,
            released_by=self.released[1] if self.released else "",
            coordinator_url=self.desk.coordinator_url,
            contacts=self.desk.contacts,
            warn_after=self.warned,
            warn_levels=self.desk.warn_seconds,
        )

    def outcome(self) -> dict[str, Any]:
        """What was read last, for the record."""
        status = self.status
        if status is None:
            return {"kill_switch": "unknown", "bots": {}}
        word = {True: "active", False: "inactive", None: "unknown"}[status.kill_switch_active]
        bots = {name: bot.status or "unknown" for name, bot in sorted(status.bots.items())}
        return {"kill_switch": word, "bots": bots}

    # -- speaking ----------------------------------------------------------------------------------------------

    async def write(
        self, step: str, *, once: str, at: datetime, owing: Sequence[Owing] = (), **arguments: Any
    ) -> None:
        """Record a step with the card and further messages; without a database the messages go all the same."""
        snapshot, number = self.card(), self._next_drawing()

        def compose(entry: Entry | None) -> tuple[Owing, ...]:
            # The card carries the number and hash of this very row: a witness of the chain outside the database.
            shown = replace(snapshot, audit=(entry.seq, entry.hash), recorded=True) if entry else snapshot
            return (self._card_owing(shown), *owing)

        stored, entry = await self.desk.recorder.step(
            step,
            once=f"{self.action.id}/{once}",
            compose=compose,
            action_id=self.action.id,
            at=at.isoformat(),
            actor="chatbot",
            **arguments,
        )
        self.recorded = stored
        if not stored:
            self.desk.show_unrecorded((self._card_owing(self.card()), *owing))
        elif entry is None:
            await self.draw()  # said before, by the process that began this run; only the card moves on
        else:
            self.audit = (entry.seq, entry.hash)
            self.desk.metrics.audit(entry.seq)
            self.desk.sender.wake()
        self._overtaken(number)

    async def draw(self, *owing: Owing) -> None:
        """Show the card as things stand now, and further messages."""
        self.redraw_due, number = 0.0, self._next_drawing()
        await self.desk.show((self._card_owing(self.card()), *owing))
        self._overtaken(number)

    def _next_drawing(self) -> int:
        self.drawn += 1
        return self.drawn

    def _overtaken(self, number: int) -> None:
        """Draw once more when a later card was on its way beside this one.

        A step goes before a mere drawing, so the older of the two may have been written last, and would stand there
        until something else happens.
        """
        if self.drawn != number:
            self.draw_soon()

    def draw_shortly(self) -> None:
        """Show the card in a moment, once for all that changes until then: many may join a kill at once."""
        if not self.drawing_shortly:
            self.drawing_shortly = True
            self.desk.spawn(self._draw_shortly())

    async def _draw_shortly(self) -> None:
        await asyncio.sleep(SHORTLY_SECONDS)
        self.drawing_shortly = False
        await self.draw()

    def draw_soon(self) -> None:
        """Show the card a little later, together with what else changes until then."""
        if not self.redraw_due:
            self.redraw_due = self.desk.clock() + REDRAW_SECONDS

    def thread(self, name: str, message: Message) -> Owing:
        """A reply under the card: an edit notifies nobody, so what needs eyes comes as a new message."""
        return Owing(
            key=f"{self.action.id}/{name}",
            channel=self.desk.ops,
            payload=message.payload(),
            thread_key=card_key(self.action.id),
            priority=1,
            maybe_posted=self.resumed,
        )

    def reply(self, name: str) -> list[Owing]:
        """The same news to the one who typed it, where they typed it, while Slack still takes it there."""
        url = self.action.response_url
        if url is None or self.desk.now() - self.action.accepted_at > RESPONSE_URL_LIFE:
            return []
        payload = view.outcome(self.card()).payload()
        return [
            Owing(key=f"{self.action.id}/{name}", channel="", payload=payload, response_url=url, priority=1)
        ]

    def card_now(self) -> Owing:
        """The card as things stand now, to be owed."""
        return self._card_owing(self.card())

    def _card_owing(self, card: KillCard) -> Owing:
        owing = card_owing(card, self.desk.ops)
        return replace(owing, maybe_posted=self.resumed or not self.recorded)


def opening_card(action: Action, desk: Desk, entry: Entry | None) -> Owing:
    """The card as it is first owed, in the transaction that accepts the kill."""
    card = KillCard(
        id=action.id,
        by=action.requested_by,
        reason=action.reason,
        accepted_at=action.accepted_at,
        phase=Phase.SENDING,
        now=action.accepted_at,
        audit=(entry.seq, entry.hash) if entry else None,
        recorded=entry is not None,
        coordinator_url=desk.coordinator_url,
        contacts=desk.contacts,
    )
    return card_owing(card, desk.ops)


def card_owing(card: KillCard, ops: str) -> Owing:
    """The one card of a kill, most urgent of all messages."""
    return Owing(key=card_key(card.id), channel=ops, payload=view.card(card).payload(), priority=0)


def card_key(action: str) -> str:
    """The outbox key of a stop's one card."""
    return f"{action}/card"


def in_words_of(doubts: tuple[Doubt, ...]) -> list[str]:
    """What keeps the fleet from being seen stopped, as the record keeps it."""
    return [f"{doubt.bot or 'kill switch'}: {doubt.word}" for doubt in doubts]
