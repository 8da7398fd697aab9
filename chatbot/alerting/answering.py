"""The typed commands about alerts: /alerts, /silence, /silences and /oncall."""

from collections.abc import Callable

from chatbot.alerting.acts import Acts
from chatbot.alerting.desk import AlertDesk
from chatbot.alerting.looking import Looking
from chatbot.identity import People
from chatbot.views.blocks import Message
from commands.policy import includes
from commands.spec import Request, Role, UserError

NAMES = frozenset({"alerts", "silence", "silences", "oncall"})


class Answering:
    """Answers what is typed; ``armed`` tells the conditions that stand ready at the monitor."""

    def __init__(
        self,
        *,
        desk: AlertDesk,
        people: People,
        acts: Acts,
        looking: Looking,
        armed: Callable[[], tuple[str, ...]],
    ) -> None:
        self._desk = desk
        self._people = people
        self._acts = acts
        self._looking = looking
        self._armed = armed

    async def answer(self, request: Request, *, by: str, role: Role) -> Message:
        """The answer to one of these commands; UserError says what was not done."""
        match request.command:
            case "alerts" if request.number is not None:
                return await self._looking.one(request.number)
            case "alerts":
                everything = request.option == "all"
                return await self._looking.listed(everything=everything, bot=request.bot, armed=self._armed())
            case "silence" if request.span is not None:
                return await self._acts.silence(request.pattern, request.span, request.reason, by=by)
            case "silences":
                return await self._looking.silences()
            case "oncall" if request.option == "set":
                return await self._appoint(request, by=by, role=role)
            case _:
                return await self._looking.on_call()

    async def _appoint(self, request: Request, *, by: str, role: Role) -> Message:
        if not includes(role, Role.OPERATOR):
            raise UserError(
                "Who is on call is set by an operator or admin, so nothing was changed: ask one of them."
            )
        until = None
        if request.until is not None:
            until = request.until.resolve(self._desk.desk.now(), self._desk.zone)
        person = by if request.person == "me" else request.person
        if person is not None:
            self._can_act(person)
        return await self._acts.appoint(person, until, by=by)

    def _can_act(self, person: str) -> None:
        """Who is called must be able to do something: UserError for anybody else."""
        role = self._people.role(person)
        if role is None or not includes(role, Role.OPERATOR):
            raise UserError(
                "Only an operator or admin can be on call, for nobody else could acknowledge or stop anything: "
                "choose one of /who. Nothing was changed."
            )
        flaw, _ = self._people.flaw(person)
        if flaw is not None:
            raise UserError(
                f"Slack says that their account is {flaw}: choose another one. Nothing was changed."
            )
