"""One `/stop` or `/pause`, from the committed row to the verdict: send, read back, say what was seen.

Unlike a kill it has an end: after a minute without the wanted state it is *not verified*, which is said as loudly as
a failure, with `/kill` as the next thing to do.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog

from chatbot.desk import Desk
from chatbot.kill_record import card_key
from chatbot.steps import Owing
from chatbot.views import actions as view
from chatbot.views.actions import BotCard
from commands import pause, stop
from commands.coordinator.errors import CoordinatorError, Refused
from commands.coordinator.model import FleetStatus
from storage.actions import Action, State
from storage.audit import Entry

DEADLINE = timedelta(seconds=60)
FIRST_RETRY = 0.2
LAST_RETRY = 5.0
SETTLED = {"stop": stop.settled, "pause": pause.settled}
ALREADY = frozenset({"BOT_NOT_RUNNING"})
"""A refusal that may mean the wanted state is there already: the read decides."""

log = structlog.get_logger(__name__)


class BotRun:
    """The run of one stop or pause of one bot."""

    def __init__(self, *, action: Action, desk: Desk, maybe_posted: bool) -> None:
        """``maybe_posted``: a process that died, or this one without a database, may have shown its card already."""
        self.id = action.id
        self._action = action
        self._bot = action.bot or ""
        self._desk = desk
        self._maybe_posted = maybe_posted
        self._status: FleetStatus | None = None
        self._error: str | None = None

    async def run(self) -> None:
        """Send until accepted, read until settled or the deadline passes."""
        structlog.contextvars.bind_contextvars(action=self.id, person=self._action.requested_by)
        deadline = self._action.accepted_at + DEADLINE
        retry, answered = FIRST_RETRY, False
        while True:
            if not answered:
                try:
                    answered = await self._send()
                except Refused as error:
                    await self._finish(State.FAILED, str(error))
                    return
            if await self._settled():
                await self._finish(State.VERIFIED, None)
                return
            if self._desk.now() >= deadline:
                await self._finish(State.NOT_VERIFIED, self._error)
                return
            await asyncio.sleep(retry)
            retry = min(retry * 2, LAST_RETRY if not answered else 2.0)

    async def _send(self) -> bool:
        action, coordinator = self._action, self._desk.coordinator
        words = f"{action.reason or action.command} (by {action.requested_by}, {action.id})"
        taken = True
        try:
            if action.command == "pause":
                await coordinator.pause(self._bot)
            else:
                await coordinator.stop(self._bot, reason=words)
        except Refused as error:
            if error.code not in ALREADY:
                raise
            # The wanted state may be there already, which the read decides; or the bot is only starting and can
            # not be paused yet: then it is told again until it can.
            self._error, taken = str(error), False
        except CoordinatorError as error:
            self._error = str(error)
            log.warning("a stop was not answered", error=str(error))
            return False
        now = self._desk.now()
        await self._desk.recorder.step(
            "sent",
            once=f"{self.id}/sent",
            action_id=self.id,
            at=now.isoformat(),
            actor="chatbot",
            detail={"bot": self._bot},
        )
        return taken

    async def _settled(self) -> bool:
        try:
            self._status = await self._desk.coordinator.read_back()
        except CoordinatorError as error:
            self._error = str(error)
            return False
        return SETTLED[self._action.command](self._status, self._bot)

    async def _finish(self, state: State, error: str | None) -> None:
        now = self._desk.now()
        outcome: dict[str, Any] = {"bot": self._bot, "status": self._word(), "error": error}
        payload = view.card(
            bot_card(self._action, now, state=state, status=self._status, error=error)
        ).payload()
        messages = [
            Owing(
                key=card_key(self.id),
                channel=self._desk.ops,
                payload=payload,
                priority=2,
                maybe_posted=self._maybe_posted,
            )
        ]
        url = self._action.response_url
        if url is not None and now - self._action.accepted_at < timedelta(minutes=29):
            messages.append(
                Owing(key=f"{self.id}/reply", channel="", payload=payload, response_url=url, priority=2)
            )
        owed = tuple(messages)
        recorded, _ = await self._desk.recorder.step(
            "finished",
            once=f"{self.id}/finished",
            compose=lambda _: owed,
            action_id=self.id,
            at=now.isoformat(),
            actor="chatbot",
            state=state.value,
            outcome=outcome,
        )
        if recorded:
            self._desk.sender.wake()
        else:
            self._desk.show_unrecorded(owed)
        self._desk.metrics.action(self._action.command, state.value)

    def _word(self) -> str:
        bot = self._status.bots.get(self._bot) if self._status else None
        return (bot.status if bot else None) or "unknown"


def bot_card(
    action: Action,
    now: datetime,
    *,
    state: State,
    status: FleetStatus | None = None,
    error: str | None = None,
) -> BotCard:
    """The data of the card of a stop or pause."""
    return BotCard(
        id=action.id,
        command=action.command,
        bot=action.bot or "",
        by=action.requested_by,
        reason=action.reason,
        accepted_at=action.accepted_at,
        now=now,
        state=state.value,
        observed=status.bots.get(action.bot or "") if status else None,
        seen_at=status.observed_at if status else None,
        error=error,
    )


def opening_card(action: Action, desk: Desk, entry: Entry | None) -> Owing:
    """The card as it is first owed, in the transaction that accepts the stop."""
    _ = entry
    card = bot_card(action, action.accepted_at, state=State.RUNNING)
    return Owing(key=card_key(action.id), channel=desk.ops, payload=view.card(card).payload(), priority=2)
