"""What a request is bound to: its exact words, who asked, and the state of things it was asked in."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from chatbot import standing
from chatbot.desk import Desk
from chatbot.views.approval_state import RequestCard
from commands import find
from commands.calls import calls
from commands.coordinator.model import FleetStatus
from commands.spec import Raising, Request
from commands.standing import Facts, changes, digest, facts
from config.settings import HostAction, Recovery
from storage.actions import RELEASES, Action
from storage.approvals import Approval


def request_of(action: Action | RequestCard) -> Request:
    """What an action, or its card, asks for."""
    return Request(
        command=action.command,
        bot=action.bot,
        option=action.option,
        target=action.target,
        reason=action.reason,
    )


def raising_of(command: str) -> Raising:
    """How a command that raises risk is asked for; LookupError for any other."""
    found = find(command)
    if found is None or found.raising is None:
        raise LookupError(f"{command} raises no risk")
    return found.raising


def sends(desk: Desk, action: Action, *, started: Sequence[str], elsewhere: bool) -> tuple[str, ...]:
    """What this action would send by the configuration as it is now, word by word and with the address.

    ``started`` are the bots of a sequence; ``elsewhere``: it was released elsewhere, so nothing is sent.
    """
    if elsewhere:
        return ()
    if action.command in {"host", "config"}:
        return on_host(desk.recovery, action)
    found = calls(
        action_id=action.id,
        command=action.command,
        bot=action.bot,
        option=action.option,
        reason=action.reason,
        bots=tuple(started),
        profile=desk.coordinator.profile,
    )
    return tuple(each.shown(desk.coordinator_url) for each in found)


def reads_fleet(request: Request) -> bool:
    """Whether what the fleet does at the moment matters to this request."""
    return raising_of(request.command).reads_fleet(request)


def on_host(settings: Recovery, action: Action) -> tuple[str, ...]:
    """What is done on the fleet's host, word by word as the configuration has it now."""
    if action.command == "config":
        file, source, digest, _ = split_target(action.target)
        return (f"write {settings.home}/{settings.config}/{file} from {source} (SHA-256 {digest})",)
    found = next((each for each in settings.host_actions if each.name == action.target), None)
    if found is None:
        return (f"nothing: the configuration names no host action {action.target} any more",)
    where = settings.home or "/"
    return (f"run {shown_argv(found)} in {where} (at most {found.timeout_seconds:g} s)",)


def shown_argv(action: HostAction) -> str:
    """The words of a host action as a shell would take them, for people to read."""
    return shlex.join(action.argv)


def split_target(target: str) -> tuple[str, str, str, str]:
    """The file, where its content comes from, and the SHA-256 of that and of what it replaces, as it is asked for."""
    file, source, digest, there = target.split(" ")
    return file, source, digest, there


def bound(action: Action, sent: Sequence[str], asked_in: Facts) -> str:
    """What an approval of this action is given for."""
    return digest(
        command=action.command,
        bot=action.bot,
        option=action.option,
        target=action.target,
        reason=action.reason,
        requested_by=action.requested_by,
        sends=sent,
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
    only: tuple[str, ...] | None = None,
) -> tuple[str, ...]:
    """What is no longer as it was asked, in words; without a read of the fleet only our own record is compared.

    ``only`` names the bots whose state is compared: of a sequence some were started since. A read from before it was
    asked says nothing of what changed since.
    """
    if fleet is not None and fleet.observed_at < approval.asked_at:
        fleet = None
    asked_in = Facts.from_json(approval.asked["facts"])
    stands = standing.read(conn, now=now, policy=desk.policy, bots=desk.bots, fleet=fleet)
    found = facts(stands, raising_of(action.command).concerns(request_of(action), stands))
    if fleet is None:
        found = replace(found, switch=asked_in.switch, bots=asked_in.bots)
    elif only is not None:
        found = replace(found, bots=asked_in.bots | {bot: found.bots.get(bot, "") for bot in only})
    elsewhere = action.command in RELEASES and asked_in.switch == "inactive"
    sent = sends(desk, action, started=approval.asked.get("started", ()), elsewhere=elsewhere)
    if bound(action, sent, found) == approval.digest:
        return ()
    return changes(asked_in, found) or ("what would be sent, or where to, is not what was shown",)


def gone(desk: Desk, action: Action, voters: Sequence[str]) -> tuple[str, ...]:
    """Who asked or approved and is no admin any more, in words: what they wanted no longer counts."""
    people = (action.requested_by, *voters)
    return tuple(f"{each} is no admin any more" for each in people if each not in desk.admins)
