"""The typed command about recoveries."""

from collections.abc import Callable

from chatbot.views.blocks import Message
from chatbot.walking.acts import WalkActs
from commands import recover as command
from commands.policy import includes
from commands.spec import Request, Role, UserError

NAMES = frozenset({"recover"})


class WalkAnswering:
    """Answers what is typed."""

    def __init__(self, *, acts: WalkActs, role_of: Callable[[str], Role | None]) -> None:
        self._acts = acts
        self._role_of = role_of

    async def refuse(self, request: Request) -> None:
        """UserError for a recovery that could not be opened, before a second admin is asked to agree to it."""
        if request.command == "recover" and request.option == command.AGAIN:
            await self._acts.may_open(request.bot)

    async def answer(self, request: Request, *, by: str, role: Role, key: str) -> Message:
        """The answer; UserError says what was not done."""
        if request.option == command.LIST:
            return await self._acts.listed()
        if request.option == command.SHOW:
            return await self._acts.shown(request.number)
        if not includes(role, Role.OPERATOR):
            raise UserError(
                "A recovery is begun and walked by operators and admins, so nothing was changed: ask one of them."
            )
        match request.option:
            case command.HANDOVER:
                to = request.person or ""
                refuse_without_role(self._role_of(to))
                return await self._acts.hand_over(request.number, to, by=by, admin=role is Role.ADMIN)
            case command.ABANDON:
                return await self._acts.abandon(request.number or 0, request.reason, by=by)
            case _:
                return await self._acts.open(request, by=by, key=key)


def refuse_without_role(role: Role | None) -> None:
    """UserError for somebody who could not lead."""
    if role is None or not includes(role, Role.OPERATOR):
        raise UserError(
            "Only an operator or admin can lead a recovery, so nothing was changed: /who lists them."
        )
