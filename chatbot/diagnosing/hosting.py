"""Answers /host: lists the named programs, settles how one is asked for, and runs those that raise no risk."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from chatbot.approvals.binding import shown_argv
from chatbot.desk import Desk
from chatbot.steps import Owing, owe
from chatbot.views import configuration as view
from chatbot.views.blocks import Message
from chatbot.views.markup import outside
from commands import host as command
from commands import host_actions
from commands.policy import includes
from commands.spec import Request, Role, UserError
from commands.words import closest
from config.settings import HostAction
from storage import audit, seen


class Hosting:
    """Works with the host actions that the configuration names."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    def settled(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        """How this program is asked for by the configuration, and what the card says; UserError for an unknown one."""
        if request.option == command.LIST:
            return request, ()
        action = self._named(request.target)
        if action.risk == "lower" and not action.releases:
            return replace(request, option=command.NOW), ()
        if not action.releases:
            if request.option == command.FORCE:
                raise UserError(
                    f"{action.name} releases no kill by the configuration, so there is nothing to force: type "
                    f"/host {action.name} and why. Nothing was asked."
                )
            return replace(request, option=command.RUN), _notes(action)
        option = command.FORCE if request.option == command.FORCE else command.RELEASE
        return replace(request, option=option), _notes(action)

    async def answer(self, request: Request, *, by: str, role: Role, key: str) -> Message:
        """The list, or what came of a program that raises no risk, which runs once for each request."""
        if request.option == command.LIST:
            return view.host_actions(self._desk.recovery.host_actions)
        if not includes(role, Role.OPERATOR):
            raise UserError("Programs are run by operators and admins, so nothing was run: ask one of them.")
        action = self._named(request.target)
        now = self._desk.now()

        def begin(conn: Connection) -> bool:
            if not seen.first_time(conn, f"host/{key}", now):
                return False
            detail = {"argv": list(action.argv), "reason": request.reason}
            audit.append(
                conn, at=now, actor=by, event="host action begun", subject=action.name, detail=detail
            )
            return True

        if not await self._desk.change(begin):
            return view.answer("That was asked for before and runs already, or has run.")
        home = Path(self._desk.recovery.home) if self._desk.recovery.home else None
        outcome = await host_actions.run(action, home=home)
        told = view.ran(action.name, by, outcome.sentence, outcome.output)

        def end(conn: Connection) -> None:
            at = self._desk.now()
            detail = {"code": outcome.code, "timed_out": outcome.timed_out, "took": round(outcome.took, 1)}
            audit.append(conn, at=at, actor=by, event="host action ended", subject=action.name, detail=detail)
            owe(
                conn,
                (Owing(key=f"host/{key}", channel=self._desk.ops, payload=told.payload(), priority=4),),
                at,
            )

        await self._desk.change(end)
        return told

    def _named(self, name: str) -> HostAction:
        known = self._desk.recovery.host_actions
        found = next((each for each in known if each.name == name), None)
        if found is not None:
            return found
        near = closest(name, [each.name for each in known])
        hint = f" Did you mean {near}?" if near else ""
        names = ", ".join(each.name for each in known) or "none"
        raise UserError(f"There is no host action '{name[:40]}'.{hint} There are: {names}. Nothing was run.")


def _notes(action: HostAction) -> tuple[str, ...]:
    lines = [
        f"*Effect*: on the fleet's host, {outside(shown_argv(action), 300)} is run: {outside(action.summary, 200)}"
    ]
    if action.releases:
        lines.append(
            "*It makes the coordinator forget a kill*: where one stands, this counts as its release, and no bot is "
            "started by it."
        )
    return tuple(lines)
