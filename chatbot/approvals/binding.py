"""What a request is bound to: its exact words, who asked, and the state of things it was asked in."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from chatbot import standing
from chatbot.desk import Desk
from commands import find
from commands.coordinator.model import FleetStatus
from commands.spec import Raising, Request
from commands.standing import Facts, changes, digest, facts
from storage.actions import Action
from storage.approvals import Approval


def request_of(action: Action) -> Request:
    """What an action asks for."""
    return Request(command=action.command, bot=action.bot, option=action.option, reason=action.reason)


def raising_of(command: str) -> Raising:
    """How a command that raises risk is asked for; LookupError for any other."""
    found = find(command)
    if found is None or found.raising is None:
        raise LookupError(f"{command} raises no risk")
    return found.raising


def bound(action: Action, asked_in: Facts) -> str:
    """What an approval of this action is given for."""
    return digest(
        command=action.command,
        bot=action.bot,
        option=action.option,
        reason=action.reason,
        requested_by=action.requested_by,
        facts=asked_in,
    )


def differences(
    conn: Connection,
    desk: Desk,
    action: Action,
    approval: Approval,
    *,
    fleet: FleetStatus | None,
    now: datetime,
    fleet_matters: bool = True,
) -> tuple[str, ...]:
    """What is no longer as it was asked, in words; without a read of the fleet only our own record is compared.

    A read from before it was asked says nothing of what changed since.
    """
    if fleet is not None and fleet.observed_at < approval.asked_at:
        fleet = None
    asked_in = Facts.from_json(approval.asked["facts"])
    stands = standing.read(conn, now=now, policy=desk.policy, bots=desk.bots, fleet=fleet)
    found = facts(stands, raising_of(action.command).concerns(request_of(action), stands))
    if fleet is None or not fleet_matters:
        found = replace(found, switch=asked_in.switch, bots=asked_in.bots)
    if bound(action, found) == approval.digest:
        return ()
    return changes(asked_in, found) or ("what is stored of it is not what was asked",)
