"""From a request to its acknowledgement: who, what, may they; then accept and commit, or read and answer.

The way of a stop touches nothing but memory and one transaction; when that fails it goes on all the same. Every
refusal is an answer in one sentence, and is audited.
"""

import asyncio
import secrets
from collections import OrderedDict

import structlog

from chatbot.answers import Answers
from chatbot.desk import Desk
from chatbot.identity import People, Refusal
from chatbot.incoming import Incoming, Kind, Reply
from chatbot.intake import Intake
from chatbot.posting import Poster
from chatbot.slack import Door
from chatbot.views import refusals
from chatbot.views.blocks import Message
from commands import find
from commands.parsing import parse, split_root
from commands.spec import Command, Request, Risk, Role, UserError
from commands.words import clean
from config.settings import Settings

REMEMBERED = 500  # mentions that were answered, for when Slack sends one again
ANSWER_SECONDS = 1.0  # a read that takes longer is answered later, and said to be under way now
CLICKS = {  # action_id or callback_id -> (risk, role)
    "status.refresh": (Risk.READ, Role.VIEWER),
    "status.share": (Risk.READ, Role.VIEWER),
    "kill.fleet": (Risk.LOWER, Role.OPERATOR),
    "kill.close": (Risk.RAISE, Role.OPERATOR),  # it ends the retrying, so it is checked like a start
    "kill.reason": (Risk.READ, Role.OPERATOR),
}
FORGED = "This button does not belong to a message of mine, so nothing was done. Type the command instead."

log = structlog.get_logger(__name__)


class Dispatcher:
    """`handle` answers every request within Slack's three seconds and never raises."""

    def __init__(
        self,
        *,
        settings: Settings,
        desk: Desk,
        people: People,
        intake: Intake,
        answers: Answers,
        poster: Poster,
        door: Door,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._people = people
        self._intake = intake
        self._answers = answers
        self._poster = poster
        self._answered: OrderedDict[str, None] = OrderedDict()
        self._door = door

    async def handle(self, incoming: Incoming) -> Reply:
        """The acknowledgement of one request; what follows it is on its way already."""
        started = self._desk.clock()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(person=incoming.user, what=incoming.name)
        try:
            return await self._handle(incoming)
        except UserError as error:
            return await self._tell(incoming, refusals.refusal(str(error)))
        except Exception:
            reference = f"ref-{secrets.token_hex(3)}"
            log.exception("a request failed", reference=reference)
            return await self._tell(incoming, refusals.fault(reference))
        finally:
            self._desk.metrics.acknowledged(incoming.kind.value, self._desk.clock() - started)

    async def _handle(self, incoming: Incoming) -> Reply:
        stranger = self._wrong_place(incoming)
        if stranger is not None:
            return await self._refuse(incoming, stranger)
        match incoming.kind:
            case Kind.COMMAND:
                return await self._typed(incoming, incoming.name, incoming.text)
            case Kind.MENTION:
                name, rest = split_root(incoming.text)
                return await self._typed(incoming, name, rest)
            case Kind.CLICK | Kind.SUBMIT:
                return await self._pressed(incoming)
            case Kind.EVENT:
                self._desk.spawn(self._event(incoming))
                return Reply()

    # -- the door ----------------------------------------------------------------------------------------------

    def _wrong_place(self, incoming: Incoming) -> Refusal | None:
        """Another workspace, another organisation or another app: nothing of it is ours to answer."""
        known = self._door.installation
        team = known.team if known is not None else self._settings.slack.team_id
        if team is not None and incoming.team != team:
            return Refusal(
                why="foreign team", sentence="This bot belongs to another workspace, so nothing was done."
            )
        if known is not None and known.enterprise and incoming.enterprise not in (None, known.enterprise):
            return Refusal(
                why="foreign enterprise",
                sentence="This bot belongs to another organisation, so nothing was done.",
            )
        wanted = self._settings.slack.app_id
        if wanted is not None and incoming.app != wanted:
            return Refusal(
                why="other app", sentence="This request was made for another app, so nothing was done."
            )
        return None

    async def _may(self, incoming: Incoming, *, risk: Risk, role: Role, clicked: bool) -> Refusal | None:
        refusal = await self._people.refusal(
            incoming.user,
            user_team=incoming.user_team,
            risk=risk,
            needs=role,
            fresh=clicked or risk is Risk.RAISE,
        )
        if refusal is not None:
            return refusal
        allowed = self._settings.channels.allowed
        if (
            risk is not Risk.LOWER
            and allowed
            and incoming.channel is not None
            and incoming.channel not in allowed
        ):
            return Refusal(
                why="other channel",
                sentence="This channel is not one where I take commands, so nothing was done.",
            )
        return None

    async def _refuse(self, incoming: Incoming, refusal: Refusal) -> Reply:
        log.warning("refused", why=refusal.why, team=incoming.team, channel=incoming.channel)
        self._desk.metrics.refused(refusal.why)
        self._desk.spawn(self._audit_refusal(incoming, refusal))
        if incoming.kind is Kind.EVENT:
            return Reply()
        return await self._tell(incoming, refusals.refusal(refusal.sentence))

    async def _audit_refusal(self, incoming: Incoming, refusal: Refusal) -> None:
        detail = {
            "why": refusal.why,
            "kind": incoming.kind.value,
            "name": incoming.name[:100],
            "text": incoming.text[:200],
            "team": incoming.team,
            "channel": incoming.channel,
        }
        await self._desk.recorder.step(
            "noted",
            once=f"refused/{incoming.key}" if incoming.key else None,
            action_id=incoming.name[:100] or incoming.kind.value,
            at=self._desk.now().isoformat(),
            actor=incoming.user or "unknown",
            event="refused",
            detail=detail,
        )

    # -- commands ----------------------------------------------------------------------------------------------

    async def _typed(self, incoming: Incoming, name: str, text: str) -> Reply:
        if name.lower() == self._settings.slack.root_command.lower():
            name, text = split_root(text)
        command = find(name or "help")
        if command is None:
            # The sentence names commands, so only those who may read get it.
            refusal = await self._may(incoming, risk=Risk.READ, role=Role.VIEWER, clicked=False)
            if refusal is not None:
                return await self._refuse(incoming, refusal)
            parse(name, text, self._desk.bots)  # raises the UserError with "did you mean"
            raise UserError("There is no such command.")
        refusal = await self._may(incoming, risk=command.risk, role=command.role, clicked=False)
        if refusal is not None:
            return await self._refuse(incoming, refusal)
        request = parse(command.name, text, self._desk.bots)
        if command.risk is Risk.LOWER:
            return await self._accept(incoming, command, request)
        return await self._answer(incoming, request)

    async def _accept(self, incoming: Incoming, command: Command, request: Request) -> Reply:
        message = await self._intake.accept(
            request,
            by=incoming.user,
            source="slack",
            key=incoming.key,
            channel=incoming.channel,
            response_url=incoming.response_url,
        )
        log.info("accepted", command=command.name, bot=request.bot)
        return await self._tell(incoming, message)

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
        work = asyncio.ensure_future(self._answers.answer(request, role=role))
        done, _ = await asyncio.wait({work}, timeout=ANSWER_SECONDS)
        if done:
            return await self._tell(incoming, work.result(), public=request.public)

        async def later() -> None:
            await self._tell_later(incoming, await work, public=request.public)

        self._desk.spawn(later())
        return await self._tell(
            incoming,
            refusals.refusal(
                "Reading the fleet's status: the coordinator takes its time. The answer follows here."
            ),
        )

    # -- buttons and modals ------------------------------------------------------------------------------------

    async def _pressed(self, incoming: Incoming) -> Reply:
        known = CLICKS.get(incoming.name)
        if known is None:
            return await self._refuse(incoming, Refusal(why="unknown button", sentence=FORGED))
        risk, role = known
        refusal = await self._may(incoming, risk=risk, role=role, clicked=True)
        if refusal is not None:
            return await self._refuse(incoming, refusal)
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
                self._desk.spawn(self._tell_later(incoming, message))
            case _:
                if not await self._intake.shown_here(incoming.text, incoming.channel, incoming.message_ts):
                    return await self._refuse(incoming, Refusal(why="forged button", sentence=FORGED))
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
        words = clean(incoming.text)
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

    async def _event(self, incoming: Incoming) -> None:
        user, group = incoming.event.get("user"), incoming.event.get("subteam_id")
        if incoming.name == "user_change" and isinstance(user, dict):
            await self._people.changed(str(user.get("id")))
        elif incoming.name == "subteam_members_changed" and isinstance(group, str):
            await self._people.group_changed(group)

    # -- telling -----------------------------------------------------------------------------------------------

    async def _tell(self, incoming: Incoming, message: Message, *, public: bool = False) -> Reply:
        """Answer in the acknowledgement where Slack shows it, else beside it."""
        if incoming.kind is Kind.COMMAND:
            kind = "in_channel" if public else "ephemeral"
            return Reply(payload={"response_type": kind, **message.payload()})
        if incoming.kind is Kind.SUBMIT:
            return Reply(payload={"response_action": "errors", "errors": {"reason": message.text[:150]}})
        self._desk.spawn(self._tell_later(incoming, message, public=public))
        return Reply()

    async def _tell_later(self, incoming: Incoming, message: Message, *, public: bool = False) -> None:
        if incoming.response_url is not None:
            kind = "in_channel" if public else "ephemeral"
            await self._poster.respond(incoming.response_url, {"response_type": kind, **message.payload()})
        elif incoming.channel is not None:
            await self._poster.whisper(
                incoming.channel,
                incoming.user,
                message.payload(),
                thread_ts=incoming.thread_ts or incoming.message_ts,
            )
