"""Accepting what stops the fleet: one transaction, then the run starts; without a database it starts all the same."""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from chatbot import kill_record, stopping
from chatbot.desk import Desk
from chatbot.executor import Executor
from chatbot.kill_record import KillRecord, card_key
from chatbot.steps import Accepted, Owing, owe
from chatbot.views import actions as action_view
from chatbot.views import kill as kill_view
from chatbot.views.blocks import Message, View
from chatbot.views.kill import Joined
from commands.coordinator.errors import CoordinatorError
from commands.kill import Doubt
from commands.masking import masked_text
from commands.spec import Request
from storage import actions, audit, outbox
from storage.actions import OPEN, Action, State
from storage.database import StorageError
from storage.latch import Latch

REMEMBERED = 500
TURNS = 8  # of the event loop, from starting a run to its first bytes on the way

log = structlog.get_logger(__name__)


class Intake:
    """Accepts kills, stops and pauses from any source, once per key."""

    def __init__(self, *, desk: Desk, executor: Executor) -> None:
        self._desk = desk
        self._executor = executor
        self._recent: OrderedDict[str, Action] = (
            OrderedDict()
        )  # what was accepted while the database was away

    async def accept(
        self,
        request: Request,
        *,
        by: str,
        source: str,
        key: str,
        channel: str | None,
        response_url: str | None,
    ) -> Message:
        """Accept one stop and start its run; returns what the person is told now."""
        action, accepted = await self.take(
            request, by=by, source=source, key=key, channel=channel, response_url=response_url
        )
        recorded = accepted is not None
        if action.command != "kill":
            return action_view.acknowledged(
                stopping.bot_card(action, self._desk.now(), state=action.state), recorded=recorded
            )
        joined = accepted.joined if accepted is not None else None
        if joined is not None:
            return kill_view.joined(
                joined.id,
                self._desk.ops,
                Joined(by=joined.requested_by, reason=joined.reason, at=joined.accepted_at),
            )
        return kill_view.acknowledged(
            action.id, self._desk.ops, action.accepted_at, reason=action.reason, recorded=recorded
        )

    async def take(
        self,
        request: Request,
        *,
        by: str,
        source: str,
        key: str,
        channel: str | None,
        response_url: str | None,
    ) -> tuple[Action, Accepted | None]:
        """Accept and start: the action, and what accepting found (``None`` when it went to the journal)."""
        now = self._desk.now()
        fields: dict[str, Any] = {
            "id": actions.new_id(request.command),
            "key": "",
            "command": request.command,
            "bot": request.bot,
            "reason": request.reason,
            "requested_by": by,
            "source": source,
            "channel": channel,
            "response_url": response_url,
        }
        # A request without a key of its own can only be itself.
        fields["key"] = key or fields["id"]
        before = self._recent.get(fields["key"])
        if before is not None:
            return before, None
        compose = partial(_opening, desk=self._desk)
        recorded, accepted = await self._desk.recorder.step(
            "accept", compose=compose, at=now.isoformat(), owner=self._executor.owner, **fields
        )
        if recorded and accepted is not None:
            self._begin(accepted)
            await _let_go_first()
            return accepted.action, accepted
        action = Action(accepted_at=now, **fields)
        self._begin_unrecorded(action)
        return action, None

    def _begin(self, accepted: Accepted) -> None:
        action = accepted.action
        if not accepted.fresh:
            return
        if action.command == "kill":
            self._executor.abandon_starts()  # also by a kill that another process runs
        if accepted.joined is None:
            self._executor.start(action)
            self._desk.sender.wake()
            return
        joined = Joined(by=action.requested_by, reason=action.reason, at=action.accepted_at)
        run = self._executor.kill_run(accepted.joined.id)
        if run is not None:
            run.join(joined)
        else:
            # Another process runs that kill. Asked twice, the fleet is told twice: it does no harm.
            self._desk.spawn(self._send_once(action))
            note = kill_view.joined_note(accepted.joined.id, joined).payload()
            thread = card_key(accepted.joined.id)
            owing = Owing(
                key=f"{action.id}/joined", channel=self._desk.ops, payload=note, thread_key=thread, priority=2
            )
            self._desk.spawn(self._desk.show((owing,)))

    async def take_up(self) -> None:
        """Run what a process that died accepted into the journal, for the database may stay away for long."""
        for arguments in await self._desk.recorder.left_open():
            fields = {name: value for name, value in arguments.items() if name not in ("at", "owner")}
            try:
                action = Action(accepted_at=datetime.fromisoformat(arguments["at"]), **fields)
            except (KeyError, TypeError, ValueError) as error:
                log.exception("a journal line is not understood", error=repr(error))
                continue
            log.info("taking up a journaled action", action=action.id, command=action.command)
            self._begin_unrecorded(action, resumed=True)

    def _begin_unrecorded(self, action: Action, *, resumed: bool = False) -> None:
        self._recent[action.key] = action
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        run = self._executor.kill_run() if action.command == "kill" else None
        if run is not None:
            run.join(Joined(by=action.requested_by, reason=action.reason, at=action.accepted_at))
            return
        self._executor.start(action, recorded=False, resumed=resumed)
        module = kill_record if action.command == "kill" else stopping
        card = replace(module.opening_card(action, self._desk, None), maybe_posted=resumed)
        self._desk.show_unrecorded((card,))

    async def reassert(self, held: Latch, doubts: tuple[Doubt, ...]) -> None:
        """The fleet moves against the latch: kill it anew, in our own name, and say why."""
        what = ", ".join(f"{doubt.bot or 'kill switch'} {doubt.word}" for doubt in doubts)
        reason = f"the kill of {held.engaged_at:%Y-%m-%d %H:%M} UTC no longer holds: {what}"
        # The minute makes one of several replicas that see the same thing do it.
        minute = int(self._desk.now().timestamp() // 60)
        await self.take(
            Request(command="kill", reason=reason),
            by="chatbot",
            source="watch",
            key=f"reassert-{held.id}-{minute}",
            channel=None,
            response_url=None,
        )

    async def adopt(self, kills: int) -> None:
        """The coordinator is killed and nobody did it here: take that into our record, and see it through."""
        # How many kills there were makes one of several replicas that see the same thing do it.
        await self.take(
            Request(command="kill", reason="made elsewhere"),
            by="elsewhere",
            source="watch",
            key=f"elsewhere-{kills}",
            channel=None,
            response_url=None,
        )

    async def _send_once(self, action: Action) -> None:
        try:
            await self._desk.coordinator.activate_kill(
                f"{action.reason or 'emergency stop'} (by {action.requested_by}, {action.id})"
            )
        except CoordinatorError:
            return  # the run that was joined goes on sending

    async def redraw(self, action_ids: tuple[str, ...]) -> None:
        """Bring the cards of imported actions up to date: who ran them may have died before they could say the end."""
        for action_id in action_ids:
            action = await self._stored(action_id)
            if action is None or action.state in (*OPEN, State.JOINED):
                continue  # a run draws it
            if action.command == "kill":
                # Straight into the outbox, before the journal is put aside: a crash between the two only repeats it.
                await self._desk.database.write(partial(_owe_ended, action=action, desk=self._desk))
                self._desk.sender.wake()

    # -- what may be done to a kill's card ---------------------------------------------------------------------

    async def shown_here(self, action_id: str, channel: str | None, ts: str | None) -> bool:
        """True when the pressed button stands on the card of this action, where we posted it."""
        if channel is None or ts is None:
            return False
        try:
            row = await self._desk.database.read(lambda conn: outbox.get(conn, card_key(action_id)))
        except StorageError:
            # Without the record a button can still lead to a form; what the form asks is checked again.
            return self._executor.kill_run(action_id) is not None
        # A card that was posted a moment ago may be pressed before its place is written down.
        return row is not None and row.channel == channel and row.ts in (None, ts)

    def modal(self, name: str, action_id: str) -> View:
        """The form behind "Close" or "Say why"."""
        return kill_view.close_modal(action_id) if name == "kill.close" else kill_view.reason_modal(action_id)

    async def close(self, action_id: str, *, by: str, reason: str) -> str | None:
        """Close a kill by hand: ``None`` when it is closed now, else the sentence that says why not."""
        stored = await self._stored(action_id)
        run = self._executor.kill_run(action_id)
        if run is None and (stored is None or stored.command != "kill"):
            return "There is no such kill, so nothing was closed."
        if stored is not None and stored.state not in OPEN:
            state = stored.state.value.replace("_", " ")
            return f"{action_id} is not open any more: it is {state}. Nothing was changed."
        at = self._desk.now()
        recorded, entry = await self._desk.recorder.step(
            "closed",
            once=f"{action_id}/closed",
            action_id=action_id,
            at=at.isoformat(),
            actor=by,
            reason=reason,
        )
        if recorded and entry is None:
            return f"Somebody else closed {action_id} a moment ago. Nothing was changed."
        if run is not None:
            run.close(by, reason)
        return None

    async def reason(self, action_id: str, *, by: str, reason: str) -> str | None:
        """Keep the reason of a kill that had none: ``None`` when kept, else the sentence that says why not."""
        reason = masked_text(reason)
        recorded, entry = await self._desk.recorder.step(
            "reasoned",
            once=f"{action_id}/reason",
            action_id=action_id,
            at=self._desk.now().isoformat(),
            actor=by,
            reason=reason,
        )
        if recorded and entry is None:
            return f"{action_id} has a reason already: the first one stays. Nothing was changed."
        run = self._executor.kill_run(action_id)
        if run is not None:
            run.reason_given(reason)
        else:
            await self._desk.show(
                (
                    Owing(
                        key=f"{action_id}/reason",
                        channel=self._desk.ops,
                        thread_key=card_key(action_id),
                        payload=kill_view.reason_given(action_id, by, reason).payload(),
                        priority=2,
                    ),
                )
            )
        return None

    async def _stored(self, action_id: str) -> Action | None:
        try:
            return await self._desk.database.read(lambda conn: actions.get(conn, action_id))
        except StorageError:
            return None


def _owe_ended(conn: Connection, action: Action, desk: Desk) -> None:
    card = KillRecord.ended(action, desk, audit=audit.head(conn)).card_now()
    owe(conn, (card,), desk.now())


async def _let_go_first() -> None:
    """Let the stop that was just started reach the network before its acknowledgement is put together."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _opening(accepted: Accepted, *, desk: Desk) -> tuple[Owing, ...]:
    """The first card of a fresh action; a kill that joined another is shown on the card of that one."""
    if not accepted.fresh or accepted.joined is not None:
        return ()
    action = accepted.action
    module = kill_record if action.command == "kill" else stopping
    return (module.opening_card(action, desk, accepted.entry),)
