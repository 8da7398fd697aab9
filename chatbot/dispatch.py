"""From a request to its acknowledgement: who, what, may they; then accept and commit, or read and answer.

The way of a stop touches nothing but memory and one transaction; when that fails it goes on all the same. Every
refusal is an answer in one sentence, and is audited.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import structlog

from chatbot.admission import Admission
from chatbot.alerting.answering import NAMES, Answering
from chatbot.answers import Answers
from chatbot.approvals import copies
from chatbot.approvals.asking import Asking
from chatbot.approvals.locking import lock
from chatbot.approvals.tending import Tending
from chatbot.buttons import Buttons
from chatbot.channels import Channels
from chatbot.desk import Desk
from chatbot.diagnosing.answering import NAMES as DIAGNOSES
from chatbot.diagnosing.answering import DiagnosisAnswering
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.monitoring.answering import NAMES as WINDOWS
from chatbot.monitoring.answering import WindowAnswering
from chatbot.recovering.answering import NAMES as RECOVERIES
from chatbot.recovering.answering import RecoveryAnswering
from chatbot.replies import Replies
from chatbot.views import refusals
from chatbot.views.blocks import Message
from chatbot.views.markup import escape
from chatbot.walking.answering import NAMES as WALKS
from chatbot.walking.answering import WalkAnswering
from chatbot.walking.pressing import RUNS, WalkPressing
from commands import find
from commands.masking import masked_text
from commands.parsing import parse, split_root
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, Role, UserError
from storage.database import StorageError

REMEMBERED = 500  # mentions that were answered, for when Slack sends one again
ANSWER_SECONDS = 1.0  # a read that takes longer is answered later, and said to be under way now
BEFORE_ASKING = (
    "Reading the fleet before anything is asked: it takes its time. Nothing was asked yet; wait for it."
)
READING = "Reading the fleet's status: the coordinator takes its time. The answer follows here."

LOOKING = {
    "diagnose": "Looking at everything: this takes up to 15 s. The report follows here.",
    "logs": "Reading the logs. The answer follows here.",
    "config": "Reading the configuration. The answer follows here.",
    "evidence": "Taking the evidence: this takes up to a minute. The answer follows here.",
    "host": "It is running. How it ends follows here.",
}

log = structlog.get_logger(__name__)


class Dispatcher:
    """`handle` answers every request within Slack's three seconds and never raises."""

    def __init__(
        self,
        *,
        root_command: str,
        desk: Desk,
        people: People,
        admission: Admission,
        intake: Intake,
        asking: Asking,
        tending: Tending,
        channels: Channels,
        answers: Answers,
        alerting: Answering,
        windows: WindowAnswering,
        recoveries: RecoveryAnswering,
        walks: WalkAnswering,
        diagnosis: DiagnosisAnswering,
        walk_pressing: WalkPressing,
        buttons: Buttons,
        replies: Replies,
    ) -> None:
        self._root = root_command.lower()
        self._desk = desk
        self._people = people
        self._admission = admission
        self._intake = intake
        self._asking = asking
        self._tending = tending
        self._channels = channels
        self._answers = answers
        self._alerting = alerting
        self._windows = windows
        self._recoveries = recoveries
        self._walks = walks
        self._diagnosis = diagnosis
        self._walk_pressing = walk_pressing
        self._buttons = buttons
        self._replies = replies
        self._answered: OrderedDict[str, None] = OrderedDict()

    async def handle(self, incoming: Incoming) -> Reply:
        """The acknowledgement of one request; what follows it is on its way already."""
        started = self._desk.clock()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(person=incoming.user, what=incoming.name)
        try:
            return await self._handle(incoming)
        except UserError as error:
            return await self._replies.now(incoming, refusals.refusal(str(error)))
        except Exception:
            reference = f"ref-{secrets.token_hex(3)}"
            log.exception("a request failed", reference=reference)
            return await self._replies.now(incoming, refusals.fault(reference))
        finally:
            self._desk.metrics.acknowledged(incoming.kind.value, self._desk.clock() - started)

    async def _handle(self, incoming: Incoming) -> Reply:
        stranger = self._admission.wrong_place(incoming)
        if stranger is not None:
            return await self._admission.refuse(incoming, stranger)
        match incoming.kind:
            case Kind.COMMAND:
                return await self._typed(incoming, incoming.name, incoming.text)
            case Kind.MENTION:
                name, rest = split_root(incoming.text)
                return await self._typed(incoming, name, rest)
            case Kind.CLICK if incoming.name in RUNS:
                return await self._run(incoming)
            case Kind.CLICK | Kind.SUBMIT:
                return await self._buttons.pressed(incoming)
            case Kind.EVENT:
                self._desk.spawn(self._event(incoming))
                return Reply()

    async def _run(self, incoming: Incoming) -> Reply:
        """A command of a runbook: from here on exactly as if this person had typed it."""
        line = await self._walk_pressing.command(incoming)
        if isinstance(line, Refusal):
            return await self._admission.refuse(incoming, line)
        name, _, text = line.removeprefix("/").partition(" ")
        return await self._typed(incoming, name, escape(text))

    async def _typed(self, incoming: Incoming, name: str, text: str) -> Reply:
        if name.lower() == self._root:
            name, text = split_root(text)
        command, clicked = find(name or "help"), incoming.kind is Kind.CLICK
        if command is None:
            # The sentence names commands, so only those who may read get it.
            refusal = await self._admission.refusal(incoming, risk=Risk.READ, role=Role.VIEWER, clicked=False)
            if refusal is not None:
                return await self._admission.refuse(incoming, refusal)
            parse(name, text, self._desk.bots, root=self._root)  # raises the UserError with "did you mean"
            raise UserError("There is no such command.")
        refusal = await self._admission.refusal(
            incoming, risk=command.risk, role=command.role, clicked=clicked
        )
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        request = parse(command.name, text, self._desk.bots, root=self._root)
        request, notes = self._diagnosis.named(request)
        match command.risk_of(request):
            case Risk.LOWER if command.name == "lockdown":
                return await self._replies.now(incoming, await self._lock(incoming, request))
            case Risk.LOWER:
                return await self._accept(incoming, command, request)
            case Risk.RAISE:
                return await self._ask(incoming, command, request, notes)
            case Risk.READ:
                return await self._answer(incoming, request)

    async def _lock(self, incoming: Incoming, request: Request) -> Message:
        message = await lock(self._desk, request, by=incoming.user, source="slack", key=incoming.key)
        self._tending.wake()  # what waits for approval is void now
        return message

    async def _ask(
        self, incoming: Incoming, command: Command, request: Request, notes: tuple[str, ...]
    ) -> Reply:
        """Ask for a second admin; who asks is checked by the option's own risk, and as Slack knows them now."""
        if command.risk is not Risk.RAISE:
            refusal = await self._admission.refusal(
                incoming, risk=Risk.RAISE, role=ROLE_FOR[Risk.RAISE], clicked=False
            )
            if refusal is not None:
                return await self._admission.refuse(incoming, refusal)
        work = self._asked(incoming, request, notes)
        return await self._soon(incoming, work, public=False, meanwhile=BEFORE_ASKING)

    async def _asked(self, incoming: Incoming, request: Request, notes: tuple[str, ...]) -> Message:
        request = replace(request, reason=masked_text(request.reason))  # it stands on every copy of the card
        request, more = await self._diagnosis.settled(request)
        await self._walks.refuse(request)
        return await self._asking.ask(
            request,
            by=incoming.user,
            source="slack",
            key=incoming.key,
            channel=incoming.channel,
            response_url=incoming.response_url,
            notes=(*notes, *more),
        )

    async def _soon(
        self, incoming: Incoming, work: Coroutine[Any, Any, Message], *, public: bool, meanwhile: str
    ) -> Reply:
        """The answer at once when it is quick, else a word that it follows, and then the answer."""
        task = asyncio.ensure_future(_told(work))
        done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        if done:
            return await self._replies.now(incoming, task.result(), public=public)

        async def later() -> None:
            await self._replies.later(incoming, await task, public=public)

        self._desk.spawn(later())
        return await self._replies.now(incoming, refusals.refusal(meanwhile))

    async def _accept(self, incoming: Incoming, command: Command, request: Request) -> Reply:
        message = await self._intake.accept(
            request,
            by=incoming.user,
            source="slack",
            key=incoming.key,
            channel=incoming.channel,
            response_url=incoming.response_url,
        )
        self._tending.wake()  # a kill makes void what waits for approval
        log.info("accepted", command=command.name, bot=request.bot)
        return await self._replies.now(incoming, message)

    async def _answer(self, incoming: Incoming, request: Request) -> Reply:
        """A read: at once when it is quick, else "reading ..." now and the answer when it is there."""
        if incoming.kind is Kind.MENTION:
            # Slack sends an event again when our acknowledgement was late; the answer is on its way already. What
            # changes the fleet is not kept from running here: it is known by its key in the database.
            if incoming.key in self._answered:
                return Reply()
            self._answered[incoming.key] = None
            while len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        role = self._people.role(incoming.user) or Role.VIEWER
        if request.command in NAMES:
            work = self._alerting.answer(request, by=incoming.user, role=role)
        elif request.command in WINDOWS:
            work = self._windows.answer(request, by=incoming.user, role=role, key=incoming.key)
        elif request.command in RECOVERIES:
            work = self._recoveries.answer(request, role=role, trigger_id=incoming.trigger_id)
        elif request.command in WALKS:
            work = self._walks.answer(request, by=incoming.user, role=role, key=incoming.key)
        elif request.command in DIAGNOSES:
            work = self._diagnosis.answer(request, by=incoming.user, role=role, key=incoming.key)
            return await self._soon(incoming, work, public=request.public, meanwhile=LOOKING[request.command])
        else:
            work = self._answers.answer(request, role=role)
        return await self._soon(incoming, work, public=request.public, meanwhile=READING)

    async def _event(self, incoming: Incoming) -> None:
        user, group = incoming.event.get("user"), incoming.event.get("subteam_id")
        if incoming.name == "user_change" and isinstance(user, dict):
            await self._people.changed(str(user.get("id")))
        elif incoming.name == "subteam_members_changed" and isinstance(group, str):
            await self._people.group_changed(group)
        elif incoming.name == "channel_shared" and incoming.channel is not None:
            self._channels.forget(incoming.channel)
        elif incoming.name == "app_home_opened" and self._people.role(incoming.user) is not None:
            await self._home(incoming.user)

    async def _home(self, person: str) -> None:
        """Draw the home tab of somebody with a role, who has just opened it."""
        try:
            await copies.show_homes(self._desk, (person,))
        except StorageError as error:
            log.warning("no home tab", error=str(error))


async def _told(work: Coroutine[Any, Any, Message]) -> Message:
    """The answer, or the sentence that says why there is none."""
    try:
        return await work
    except UserError as error:
        return refusals.refusal(str(error))
