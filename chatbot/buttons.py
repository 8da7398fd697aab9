"""Buttons and forms: each is checked like a command, and believed only where we posted it."""

from collections.abc import Awaitable, Callable, Collection

from chatbot.admission import Admission
from chatbot.alerting.pressing import PRESSES, Pressing
from chatbot.answers import Answers
from chatbot.approvals.ballots import Ballots
from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.monitoring.pressing import PRESSES as WINDOW_PRESSES
from chatbot.monitoring.pressing import WindowPressing
from chatbot.posting import Poster
from chatbot.recovering.pressing import PRESSES as RECOVERY_PRESSES
from chatbot.recovering.pressing import RecoveryPressing
from chatbot.replies import Replies
from chatbot.views.markup import escape
from chatbot.walking.pressing import PRESSES as WALK_PRESSES
from chatbot.walking.pressing import WalkPressing
from commands.parsing import parse
from commands.spec import Request, Risk, Role, UserError
from commands.words import clean

CLICKS = {  # action_id or callback_id -> (risk, role)
    "status.refresh": (Risk.READ, Role.VIEWER),
    "status.share": (Risk.READ, Role.VIEWER),
    "kill.fleet": (Risk.LOWER, Role.OPERATOR),
    "kill.close": (Risk.RAISE, Role.OPERATOR),  # it ends the retrying, so it is checked like a start
    "kill.reason": (Risk.READ, Role.OPERATOR),
}
BALLOTS = frozenset(
    {"approval.approve", "approval.deny", "approval.code", "approval.withdraw", "approval.cancel"}
)
FORGED = "This button does not belong to a message of mine, so nothing was done. Type the command instead."


class Buttons:
    """What pressing a button or sending a form does."""

    def __init__(
        self,
        *,
        desk: Desk,
        people: People,
        admission: Admission,
        intake: Intake,
        answers: Answers,
        ballots: Ballots,
        pressing: Pressing,
        windows: WindowPressing,
        recoveries: RecoveryPressing,
        walks: WalkPressing,
        poster: Poster,
        replies: Replies,
    ) -> None:
        self._desk = desk
        self._people = people
        self._admission = admission
        self._intake = intake
        self._answers = answers
        self._others: tuple[tuple[Collection[str], Callable[[Incoming], Awaitable[Reply]]], ...] = (
            (BALLOTS, ballots.pressed),
            (PRESSES, pressing.pressed),
            (WINDOW_PRESSES, windows.pressed),
            (RECOVERY_PRESSES, recoveries.pressed),
            (WALK_PRESSES, walks.pressed),
        )
        self._poster = poster
        self._replies = replies

    async def pressed(self, incoming: Incoming) -> Reply:
        """The acknowledgement of a click or a form."""
        for names, pressed in self._others:
            if incoming.name in names:
                return await pressed(incoming)
        known = CLICKS.get(incoming.name)
        if known is None:
            return await self._admission.refuse(incoming, Refusal(why="unknown button", sentence=FORGED))
        risk, role = known
        refusal = await self._admission.refusal(incoming, risk=risk, role=role, clicked=True)
        if refusal is not None:
            return await self._admission.refuse(incoming, refusal)
        if incoming.kind is Kind.SUBMIT:
            return await self._submitted(incoming)
        match incoming.name:
            case "status.refresh" | "status.share":
                self._desk.spawn(self._again(incoming))
            case "kill.fleet":
                message = await self._intake.accept(
                    parse("kill", "", self._desk.bots),
                    by=incoming.user,
                    source="slack",
                    key=incoming.key,
                    channel=incoming.channel,
                    response_url=incoming.response_url,
                )
                self._desk.spawn(self._replies.later(incoming, message))
            case _:
                if not await self._intake.shown_here(incoming.text, incoming.channel, incoming.message_ts):
                    return await self._admission.refuse(
                        incoming, Refusal(why="forged button", sentence=FORGED)
                    )
                if incoming.trigger_id is None or not await self._poster.open_modal(
                    incoming.trigger_id, self._intake.modal(incoming.name, incoming.text)
                ):
                    raise UserError(
                        "Slack did not open the form, so nothing was done. Press the button again."
                    )
        return Reply()

    async def _again(self, incoming: Incoming) -> None:
        """Refresh in place, or share with the channel."""
        share = incoming.name == "status.share"
        bot = incoming.text if incoming.text in self._desk.bots else None
        role = self._people.role(incoming.user) or Role.VIEWER
        message = await self._answers.answer(Request(command="status", bot=bot, public=share), role=role)
        if incoming.response_url is None:
            return
        payload = {**message.payload(), "replace_original": not share}
        if share:
            payload["response_type"] = "in_channel"
        await self._poster.respond(incoming.response_url, payload)

    async def _submitted(self, incoming: Incoming) -> Reply:
        words = clean(escape(incoming.text))  # a form's text comes as it was typed
        if not words:
            return Reply(
                payload={
                    "response_action": "errors",
                    "errors": {"reason": "Please write a few words: they go into the record."},
                }
            )
        if incoming.name == "kill.close":
            answer = await self._intake.close(incoming.context, by=incoming.user, reason=words)
        else:
            answer = await self._intake.reason(incoming.context, by=incoming.user, reason=words)
        if answer is not None:
            return Reply(payload={"response_action": "errors", "errors": {"reason": answer}})
        return Reply()
