"""The typed command about recovery logs."""

from chatbot.recovering.acts import RecoveryActs
from chatbot.recovering.pressing import RecoveryPressing
from chatbot.views import recovery as view
from chatbot.views.blocks import Message
from commands import recoveries as command
from commands.policy import includes
from commands.spec import Request, Role, UserError

NAMES = frozenset({"recoveries"})


class RecoveryAnswering:
    """Answers what is typed."""

    def __init__(self, *, acts: RecoveryActs, pressing: RecoveryPressing) -> None:
        self._acts = acts
        self._pressing = pressing

    async def answer(self, request: Request, *, role: Role, trigger_id: str | None) -> Message:
        """The answer; UserError says what was not done."""
        match request.option:
            case command.SHOW:
                return await self._acts.shown(request.number or 0)
            case command.TRENDS:
                return await self._acts.trends()
            case command.NEW:
                if not includes(role, Role.OPERATOR):
                    raise UserError(
                        "A recovery log is written by an operator or admin, so nothing was opened: ask one of them."
                    )
                if await self._pressing.open_new(request.bot, trigger_id):
                    return view.answer("The form is open: nothing is written down before you press Save.")
                return view.write_here(request.bot)
            case _:
                return await self._acts.listed(request.bot, request.pattern)
