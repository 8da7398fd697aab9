"""Buttons and forms about alerts: checked like every press, and believed only on a message that we posted."""

from sqlalchemy import Connection

from chatbot.admission import Admission
from chatbot.alerting.acts import Acts
from chatbot.alerting.looking import Looking
from chatbot.desk import Desk
from chatbot.identity import Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.posting import Poster
from chatbot.replies import Replies
from chatbot.views.blocks import Message
from chatbot.views.markup import escape
from commands.parsing import parse
from commands.spec import Risk, Role, UserError
from commands.words import clean
from storage import outbox
from storage.database import StorageError
from storage.outbox import Owed

PRESSES = {  # action_id or callback_id -> (risk, role)
    "alert.ack": (Risk.READ, Role.OPERATOR),
    "alert.silence": (Risk.READ, Role.OPERATOR),
    "alert.recover": (Risk.READ, Role.VIEWER),
    "alert.kill": (Risk.LOWER, Role.OPERATOR),
    "silence.end": (Risk.READ, Role.OPERATOR),
}
FORGED = "This button does not belong to a message of mine, so nothing was done. Type the command instead."
SHORTEST_REASON = 3


class Pressing:
    """What pressing a button on an alert does."""

    def __init__(
        self,
        *,
        desk: Desk,
        admission: Admission,
        intake: Intake,
        acts: Acts,
        looking: Looking,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._admission = admission
        self._intake = intake
        self._acts = acts
        self._looking = looking
        self._poster = poster
        self._replies = replies

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a press or a form."""
        risk, role = PRESSES[incoming.name]
        refusal = await self._admission.refusal(incoming, risk=risk, role=role, clicked=True)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._submitted(incoming)
        number = int(incoming.text) if incoming.text.isdecimal() and len(incoming.text) < 12 else 0
        # A stop needs no proof that its button is ours: it works from everywhere.
        if incoming.name != "alert.kill" and not await self._ours(incoming, number):
            return await self._admission.refuse(incoming, Refusal(why="forged button", sentence=FORGED))
        if incoming.name == "alert.silence":
            view = await self._looking.silence_form(number)
            if incoming.trigger_id is None or not await self._poster.open_modal(incoming.trigger_id, view):
                raise UserError("Slack did not open the form, so nothing was silenced. Press Silence again.")
            return Reply()
        message = await self._done(incoming, number)
        return await self._replies.now(incoming, message)

    async def _done(self, incoming: Incoming, number: int) -> Message:
        match incoming.name:
            case "alert.ack":
                return await self._acts.acknowledge(number, by=incoming.user)
            case "alert.recover":
                return await self._looking.recover_plan(number)
            case "silence.end":
                return await self._acts.end_silence(number, by=incoming.user)
            case _:
                return await self._intake.accept(
                    parse("kill", f"pressed on alert #{number}" if number else "", self._desk.bots),
                    by=incoming.user,
                    source="slack",
                    key=incoming.key,
                    channel=incoming.channel,
                    response_url=incoming.response_url,
                )

    async def _submitted(self, incoming: Incoming) -> Reply:
        words = clean(escape(incoming.text))  # a form's text comes as it was typed
        if len(words) < SHORTEST_REASON:
            return _errors("Please write why, in a few words: everybody sees it.")
        number = int(incoming.context) if incoming.context.isdecimal() else 0
        try:
            await self._acts.silence_alert(number, incoming.choice, words, by=incoming.user)
        except UserError as error:
            return _errors(str(error))
        return Reply()

    async def _ours(self, incoming: Incoming, number: int) -> bool:
        """True when the pressed button stands on a message about this alert, where we posted it."""
        if incoming.name == "silence.end":
            return True  # it stands in an answer for one person, which is kept nowhere; who may end one is checked
        channel, ts = incoming.channel, incoming.message_ts
        if channel is None or ts is None:
            return False
        prefix = f"alert/{number}/"
        try:
            row = await self._desk.database.read(lambda conn: _found(conn, channel, ts, prefix))
        except StorageError:
            return False
        return row is not None and row.key.startswith(prefix)


def _found(conn: Connection, channel: str, ts: str, prefix: str) -> Owed | None:
    """The message under this ``ts``, or one that was posted a moment ago, whose place is not written down yet.

    In one read: between two of them its place may be written down, and neither would find it.
    """
    return outbox.find_by_message(conn, channel, ts) or outbox.unplaced(conn, channel, prefix)


def _errors(sentence: str) -> Reply:
    return Reply(payload={"response_action": "errors", "errors": {"reason": sentence[:500]}})
