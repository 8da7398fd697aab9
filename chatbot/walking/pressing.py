"""Buttons and forms of recoveries: checked like every press, and believed only on the card that we posted."""

import asyncio
from contextlib import suppress

from sqlalchemy import Connection

from chatbot.admission import Admission
from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.posting import Poster
from chatbot.recovering import filling
from chatbot.replies import Replies
from chatbot.views import walk as view
from chatbot.views import walk_forms as forms
from chatbot.views.blocks import Message
from chatbot.walking.acts import WalkActs
from chatbot.walking.answering import refuse_without_role
from chatbot.walking.showing import card_key
from commands import recover as command
from commands.masking import masked_text
from commands.spec import Request, Risk, Role, UserError
from commands.walking import stepping
from storage import latch, outbox
from storage.database import StorageError
from storage.outbox import Owed
from storage.walk_steps import StepState

RUNS = frozenset(f"walk.run.{number}" for number in range(view.COMMANDS_SHOWN))
CHOICES = frozenset(f"walk.choose.{number}" for number in range(view.PROPOSALS_SHOWN))
FORMS = frozenset({"walk.pick", "walk.done", "walk.skip", "walk.hand", "walk.abandon"})
OPEN = "walk.open"
PRESSES = RUNS | CHOICES | FORMS | {"walk.check", "walk.take", OPEN}
FORGED = "This button does not belong to a message of mine, so nothing was done. Type /recover instead."
RELEASES = ("/override", "/force-override")
STOP_SECONDS = 0.3
"""So long a stop waits for the reason that the recovery has for it."""

CHECKING = "Looking: the card tells what was seen, within some 12 s."


class WalkPressing:
    """What pressing a button or sending a form does; for operators, but for commands that others may type."""

    def __init__(
        self,
        *,
        desk: Desk,
        people: People,
        admission: Admission,
        intake: Intake,
        acts: WalkActs,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._people = people
        self._admission = admission
        self._intake = intake
        self._acts = acts
        self._poster = poster
        self._replies = replies

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a press or a form, but for those of commands."""
        refusal = await self._refusal(incoming)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._submitted(incoming)
        if incoming.name == OPEN:
            return await self._replies.now(incoming, await self._open(incoming))
        number, rest = _numbers(incoming.text)
        if incoming.name in CHOICES:
            await self._acts.choose(number, rest, by=incoming.user)
            return Reply()
        step = int(rest) if rest.isascii() and rest.isdecimal() else 0
        if incoming.name == "walk.check":
            self._desk.spawn(self._check(incoming, number))
            return Reply()
        if incoming.name == "walk.take":
            return await self._replies.now(incoming, await self._acts.take(number, step, by=incoming.user))
        form = await self._acts.form(incoming.name, number, step)
        if incoming.trigger_id is None or not await self._poster.open_modal(incoming.trigger_id, form):
            raise UserError("Slack did not open the form, so nothing was changed. Press it again.")
        return Reply()

    async def command(self, incoming: Incoming) -> str | Refusal:
        """The command behind a pressed button, which then goes the way of every typed one; or why not."""
        number, rest = _numbers(incoming.text)
        rest, _, short = rest.partition(":")
        step = int(rest) if rest.isascii() and rest.isdecimal() else 0
        index = int(incoming.name.rpartition(".")[2])
        if stepping.stop_of(short, None) is not None:
            return await self._stop(incoming, short, number, step, index)
        # whether they may do it is asked of the command itself, as if it were typed
        refusal = await self._refusal(incoming, Role.VIEWER)
        if refusal is not None:
            return refusal
        line = await self._acts.command(number, step, index)
        if line.startswith(RELEASES) and self._people.role(incoming.user) is Role.ADMIN:
            cause = await self._acts.cause(number)
            if cause is not None:
                await self._give_cause(cause.note, by=cause.by or incoming.user)
        return line

    async def _stop(
        self, incoming: Incoming, short: str, number: int, step: int, index: int
    ) -> str | Refusal:
        """A stop waits neither for the database nor for Slack, and goes also from a card that is no longer so.

        Without them it goes without the reason that the recovery has for it; a forged one does no more than is typed.
        """
        refusal = await self._admission.refusal(incoming, risk=Risk.LOWER, role=Role.OPERATOR, clicked=True)
        if refusal is not None:
            return refusal
        with suppress(UserError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                line = await self._acts.command(number, step, index)
                if line.split()[:1] == short.split()[:1]:
                    return line
        return f"{short} pressed on recovery #{number}"

    async def _refusal(self, incoming: Incoming, role: Role = Role.OPERATOR) -> Refusal | None:
        refusal = await self._admission.refusal(incoming, risk=Risk.READ, role=role, clicked=True)
        if refusal is not None:
            return refusal
        if incoming.name == OPEN:
            return None  # it does no more than /recover, which this person may type
        number, _ = _numbers(incoming.context if incoming.kind is Kind.SUBMIT else incoming.text)
        if incoming.kind is Kind.CLICK and not await self._ours(incoming, number):
            return Refusal(why="forged button", sentence=FORGED)
        return None

    async def _open(self, incoming: Incoming) -> Message:
        """Open a recovery from an alert, with the runbook that fits it."""
        bot, _, scenario = incoming.text.partition(":")
        if bot not in self._desk.bots:
            bot = ""
        request = Request(command="recover", option=command.OPEN, bot=bot or None, target=scenario[:40])
        return await self._acts.open(request, by=incoming.user, key=incoming.key)

    async def _check(self, incoming: Incoming, number: int) -> None:
        await self._replies.later(incoming, view.answer(CHECKING))
        try:
            await self._acts.check(number, by=incoming.user)
        except UserError as error:
            await self._replies.later(incoming, view.answer(str(error)))

    async def _submitted(self, incoming: Incoming) -> Reply:
        number, rest = _numbers(incoming.context)
        place = next(iter(incoming.fields), "note")
        try:
            match incoming.name:
                case "walk.pick":
                    scenario = incoming.fields.get("scenario", "")
                    await self._acts.choose(number, scenario, by=incoming.user, before=rest)
                case "walk.hand":
                    await self._hand_over(incoming, number)
                case "walk.abandon":
                    await self._acts.abandon(number, _note(incoming), by=incoming.user)
                case _:
                    step = int(rest) if rest.isascii() and rest.isdecimal() else 0
                    state = StepState.ASSERTED if incoming.name == "walk.done" else StepState.SKIPPED
                    said = await self._acts.say(number, step, state, _note(incoming), by=incoming.user)
                    if said.name == stepping.CAUSE and state is StepState.ASSERTED:
                        await self._give_cause(_note(incoming), by=incoming.user)
        except UserError as error:
            return Reply(payload={"response_action": "errors", "errors": {place: str(error)[:500]}})
        return Reply()

    async def _give_cause(self, note: str, *, by: str) -> None:
        """The cause that was named is that of a kill for which nobody gave a reason: without one none is released."""
        try:
            held = await self._desk.database.read(latch.current)
        except StorageError:
            return
        if held is not None and not held.reason.strip():
            await self._intake.reason(held.action_id, by=by, reason=note)

    async def _hand_over(self, incoming: Incoming, number: int) -> None:
        to = incoming.fields.get("person", "")
        refuse_without_role(self._people.role(to))
        admin = self._people.role(incoming.user) is Role.ADMIN
        await self._acts.hand_over(number, to, by=incoming.user, admin=admin)

    async def _ours(self, incoming: Incoming, number: int) -> bool:
        """True when the pressed button stands on the card of this recovery, where we posted it."""
        channel, ts = incoming.channel, incoming.message_ts
        if channel is None or ts is None:
            return False
        try:
            row = await self._desk.database.read(lambda conn: _card(conn, number))
        except StorageError:
            return False
        # A card that was posted a moment ago may be pressed before its place is written down.
        return row is not None and row.channel == channel and row.ts in (None, ts)


def _card(conn: Connection, number: int) -> Owed | None:
    return outbox.get(conn, card_key(number))


def _note(incoming: Incoming) -> str:
    words = filling.words_of(incoming.fields.get("note", ""))
    if not words.strip():
        raise UserError("Please write a few words: they go into the record.")
    return masked_text(" ".join(words.split()))[: forms.NOTE]  # it goes on as the reason of later commands


def _numbers(value: str) -> tuple[int, str]:
    """The recovery that a button or form is about, 0 for none, and what stands behind it."""
    first, _, rest = value.partition(":")
    number = int(first) if first.isascii() and first.isdecimal() and len(first) < 10 else 0
    return number, rest[:80]
