"""Buttons and forms about windows: checked like every press, and believed only on a message that we posted."""

from sqlalchemy import Connection

from chatbot.admission import Admission
from chatbot.approvals.asking import Asking
from chatbot.desk import Desk
from chatbot.identity import Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.monitoring.acts import WindowActs
from chatbot.monitoring.watching import stop_of
from chatbot.posting import Poster
from chatbot.replies import Replies
from chatbot.views import refusals
from chatbot.views import window as view
from chatbot.views.blocks import Message
from commands.moments import span as span_of
from commands.parsing import parse
from commands.spec import Risk, Role, UserError
from storage import outbox
from storage.database import StorageError
from storage.outbox import Owed
from storage.windows import WindowRow

PRESSES = {  # action_id or callback_id -> (risk, role)
    "window.extend": (Risk.READ, Role.OPERATOR),
    "window.close": (Risk.READ, Role.OPERATOR),
    "window.keep": (Risk.READ, Role.OPERATOR),
    "window.stop": (Risk.LOWER, Role.OPERATOR),
    "window.next": (Risk.RAISE, Role.ADMIN),
}
FORGED = "This button does not belong to a message of mine, so nothing was done. Type the command instead."
BOT = "bot:"


class WindowPressing:
    """What pressing a button on a window does."""

    def __init__(
        self,
        *,
        desk: Desk,
        admission: Admission,
        intake: Intake,
        asking: Asking,
        acts: WindowActs,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._admission = admission
        self._intake = intake
        self._asking = asking
        self._acts = acts
        self._poster = poster
        self._replies = replies

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a press or a form."""
        risk, role = PRESSES[incoming.name]
        refusal = await self._admission.refusal(incoming, risk=risk, role=role, clicked=True)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._extended(incoming)
        if incoming.name == "window.stop":
            return await self._stop(incoming)  # a stop needs no proof that its button is ours
        number = int(incoming.text) if incoming.text.isdecimal() and len(incoming.text) < 10 else 0
        if not await self._ours(incoming, number):
            return await self._admission.refuse(incoming, Refusal(why="forged button", sentence=FORGED))
        match incoming.name:
            case "window.extend":
                form = await self._acts.extend_form(number)
                if incoming.trigger_id is None or not await self._poster.open_modal(
                    incoming.trigger_id, form
                ):
                    raise UserError(
                        "Slack did not open the form, so nothing was changed. Press Extend again."
                    )
                return Reply()
            case "window.close":
                message = await self._acts.close(number, by=incoming.user)
            case "window.keep":
                fresh = await self._acts.settle(number, by=incoming.user, stopped=None)
                message = view.answer(
                    "Written down: it goes on, unwatched. /monitor watches it again."
                    if fresh
                    else "Somebody answered this alarm already. Nothing was changed."
                )
            case _:
                self._desk.spawn(self._next(incoming, number))
                return Reply()
        return await self._replies.now(incoming, message)

    async def _stop(self, incoming: Incoming) -> Reply:
        """Stop what the alarm is about; without a record of it, what the button names."""
        number = int(incoming.text) if incoming.text.isdecimal() and len(incoming.text) < 10 else 0
        row = await self._found(number)
        named = incoming.text.removeprefix(BOT)
        target = (row.culprit or row.bot) if row is not None else named if named in self._desk.bots else None
        why = (
            f"pressed on window #{number}" if row is not None else "pressed on a message about its safe mode"
        )
        message = await self._intake.accept(
            stop_of(target, why),
            by=incoming.user,
            source="slack",
            key=incoming.key,
            channel=incoming.channel,
            response_url=incoming.response_url,
        )
        if row is not None:
            self._desk.spawn(self._settled(number, incoming.user, target or "the fleet"))
        return await self._replies.now(incoming, message)

    async def _settled(self, number: int, by: str, target: str) -> None:
        try:
            await self._acts.settle(number, by=by, stopped=target)
        except UserError:
            return  # the database does not answer; the stop goes on all the same

    async def _next(self, incoming: Incoming, number: int) -> None:
        """Ask for the next bot's start, like /start."""
        try:
            message = await self._asked(incoming, await self._acts.get(number))
        except UserError as error:
            message = refusals.refusal(str(error))
        await self._replies.later(incoming, message)

    async def _asked(self, incoming: Incoming, row: WindowRow) -> Message:
        if row.next_bot is None or row.state != "stable":
            raise UserError("That window offers no start, so nothing was asked.")
        return await self._asking.ask(
            parse("start", f"{row.next_bot} window #{row.id} ended stable", self._desk.bots),
            by=incoming.user,
            source="slack",
            key=f"window-{row.id}/next/{incoming.key}",
            channel=incoming.channel,
            response_url=incoming.response_url,
        )

    async def _extended(self, incoming: Incoming) -> Reply:
        length = span_of(incoming.fields.get("span", ""))
        number = int(incoming.context) if incoming.context.isdecimal() and len(incoming.context) < 10 else 0
        if length is None or incoming.fields.get("span") not in view.EXTENSIONS:
            return _errors("Choose a time from the list. Nothing was changed.")
        try:
            await self._acts.extend(number, length, by=incoming.user, key=incoming.key)
        except UserError as error:
            return _errors(str(error))
        return Reply()

    async def _found(self, number: int) -> WindowRow | None:
        try:
            return await self._acts.get(number) if number else None
        except UserError:
            return None

    async def _ours(self, incoming: Incoming, number: int) -> bool:
        """True when the button stands on a message about this window that we posted, or in a list for one person."""
        channel, ts = incoming.channel, incoming.message_ts
        if channel is None or ts is None:
            return False
        if incoming.name in {"window.extend", "window.close"}:
            return True  # it also stands in the answer to /windows, which is kept nowhere; the number is looked up
        prefix = f"window/{number}"
        try:
            row = await self._desk.database.read(lambda conn: _message(conn, channel, ts, prefix))
        except StorageError:
            return False
        return row is not None and (row.key == prefix or row.key.startswith(f"{prefix}/"))


def _message(conn: Connection, channel: str, ts: str, prefix: str) -> Owed | None:
    """The message under this ``ts``, or one that was posted a moment ago, whose place is not written down yet."""
    return outbox.find_by_message(conn, channel, ts) or outbox.unplaced(conn, channel, f"{prefix}/")


def _errors(sentence: str) -> Reply:
    return Reply(payload={"response_action": "errors", "errors": {"span": sentence[:500]}})
