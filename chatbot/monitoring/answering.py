"""The typed commands about windows: /monitor and /windows."""

from datetime import timedelta

from chatbot.monitoring.acts import WindowActs
from chatbot.views.blocks import Message
from commands import windows as command
from commands.policy import includes
from commands.spec import Request, Role, UserError

NAMES = frozenset({"monitor", "windows"})


class WindowAnswering:
    """Answers what is typed."""

    def __init__(self, *, acts: WindowActs) -> None:
        self._acts = acts

    async def answer(self, request: Request, *, by: str, role: Role, key: str) -> Message:
        """The answer to one of these commands; UserError says what was not done."""
        if request.command == "monitor":
            return await self._acts.open(request, by=by, key=key)
        may_change = includes(role, Role.OPERATOR)
        if request.option == command.LIST:
            return await self._acts.listed(may_change=may_change)
        if not may_change:
            raise UserError(
                "A window is extended or closed by an operator or admin, so nothing was changed: ask one of them."
            )
        number = request.number or 0
        if request.option == command.CLOSE:
            return await self._acts.close(number, by=by, reason=request.reason)
        return await self._acts.extend(number, request.span or timedelta(), by=by, key=key)
