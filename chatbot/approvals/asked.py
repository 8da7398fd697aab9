"""The transaction that stores a request with every copy of its card, or says why it may not be asked.

Unlike a stop nothing here is journaled: without the database nothing is asked, approved or sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from chatbot import standing
from chatbot.approvals import copies
from chatbot.approvals.binding import bound, raising_of, request_of, sends
from chatbot.desk import Desk
from chatbot.views import asked_words
from chatbot.views.approval_state import RequestCard
from chatbot.views.asked_words import Surroundings
from commands.coordinator.model import FleetStatus
from commands.policy import approvers
from commands.release import released_elsewhere
from commands.spec import Request, UserError
from commands.standing import Standing, facts
from commands.start_sequential import to_start
from storage import actions, approvals, audit, raises
from storage.actions import STARTS, Action
from storage.approvals import Approval

DURING_LOCKDOWN = frozenset({"lockdown", "recover"})
"""What may be asked while a lockdown stands: its end, and to go on mending, which starts nothing."""

MOST_OF_ONE = 10
"""Requests of one person that may wait at a time: each of them is drawn on everybody's home tab."""

UNVERIFIED_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it is stored; ``fresh`` is False when the same delivery came before."""

    action: Action
    card: RequestCard
    fresh: bool


def ask(
    conn: Connection,
    *,
    desk: Desk,
    action: Action,
    fleet: FleetStatus | None,
    around: Surroundings,
    detail: Mapping[str, Any],
) -> Asked:
    """Store a request that waits, with every copy of its card; UserError when it may not be asked as things stand."""
    # Of two who ask for the same thing at once, the second sees the first.
    audit.queue_up(conn, action.accepted_at)
    before = actions.by_key(conn, action.key)
    if before is not None:
        card = copies.read(conn, before.id)
        if card is None:
            raise UserError("This was asked before as something else, so nothing was asked again.")
        return Asked(action=before, card=card, fresh=False)
    now, request = action.accepted_at, request_of(action)
    stands = standing.read(conn, now=now, policy=desk.policy, bots=desk.bots, fleet=fleet)
    _refuse(conn, request, stands)
    _refuse_many(conn, action)
    others = [each for each in desk.admins if each != action.requested_by]
    solo = desk.policy.solo and not others  # where there is a second admin, a second admin is asked
    needed = (
        0
        if solo
        else approvers(
            action.command,
            {str(name): count for name, count in desk.policy.approvers.items()},
            others=len(others),
        )
    )
    _refuse_without_others(action, desk, needed=needed, others=len(others))
    asked_in = facts(stands, raising_of(action.command).concerns(request, stands))
    stored, _ = actions.accept(conn, action, owner=None, lease_until=None, waiting=True)
    shown = _shown(conn, desk, stored, stands, around)
    expires = timedelta(minutes=desk.policy.approval_minutes)
    wait = timedelta(minutes=desk.policy.solo_wait_minutes)
    approvals.ask(
        conn,
        Approval(
            action_id=stored.id,
            digest=bound(stored, shown["sends"], asked_in),
            asked={"facts": asked_in.as_json(), **shown},
            needed=needed,
            frees_at=now + wait if solo else None,
            asked_at=now,
            remind_at=None if solo else now + expires / 2,
            expires_at=now + wait + expires if solo else now + expires,
        ),
    )
    entry = audit.append(
        conn,
        at=now,
        actor=action.requested_by,
        event=f"{action.command} asked",
        subject=stored.id,
        detail={
            "bot": action.bot,
            "option": action.option,
            "reason": action.reason,
            "source": action.source,
            "needed": needed,
            "solo": solo,
            "facts": asked_in.as_json(),
            **detail,
        },
    )
    return Asked(action=stored, card=copies.redraw(conn, desk, stored.id, entry), fresh=True)


def _refuse(conn: Connection, request: Request, stands: Standing) -> None:
    held = stands.lockdown
    if held is not None and request.command not in DURING_LOCKDOWN:
        raise UserError(
            f"A lockdown stands since {held.begun_at:%Y-%m-%d %H:%M} UTC, so nothing was asked: to end it, one admin "
            "asks with /lockdown off and others approve."
        )
    objection = raising_of(request.command).objection(request, stands)
    if objection is not None:
        raise UserError(objection)
    for other in copies.waiting(conn):
        if (other.command, other.bot, other.target) == (request.command, request.bot, request.target):
            raise UserError(
                f"{other.id} asks for that already, until {other.expires_at:%H:%M} UTC: that one can be approved or "
                "withdrawn, so nothing more was asked."
            )
    beside = () if request.command == "recover" else raises.under_way(conn, bot=request.bot, besides="")
    for running, _ in beside:
        raise UserError(
            f"{running} is under way, so nothing was asked: wait until its card says how it ended."
        )


def _refuse_many(conn: Connection, action: Action) -> None:
    own = sum(each.by == action.requested_by for each in copies.waiting(conn))
    if own >= MOST_OF_ONE:
        raise UserError(
            f"{own} requests of yours wait already, so nothing more was asked: withdraw some, or let them be decided."
        )


def _refuse_without_others(action: Action, desk: Desk, *, needed: int, others: int) -> None:
    if desk.policy.solo and not others:
        if action.command == "force-override":
            raise UserError(
                "/force-override always takes a second admin and there is none, so nothing was asked."
            )
        if action.command in desk.policy.step_up and action.source != "terminal":
            raise UserError(
                f"/{action.command} also takes a code, which the only admin types at a terminal on the bot's host: "
                f"chatbot {action.command}. Nothing was asked."
            )
    elif others < needed:
        raise UserError(
            f"/{action.command} takes {needed} other admin{'s' if needed > 1 else ''} and the configuration names "
            f"{others or 'none'}, so nothing was asked: add one under roles.admins."
        )


def _shown(
    conn: Connection, desk: Desk, action: Action, stands: Standing, around: Surroundings
) -> dict[str, list[str]]:
    request = request_of(action)
    since = stands.now - UNVERIFIED_SINCE
    started = to_start(stands)
    around = replace(around, unverified=tuple(actions.unverified(conn, since)), started=started)
    elsewhere = action.command in actions.RELEASES and released_elsewhere(stands)
    return {
        "sends": list(sends(desk, action, started=started, elsewhere=elsewhere)),
        "effects": [*asked_words.effect_lines(request, stands, around), *_window(desk, request)],
        "state": list(asked_words.state_lines(request, stands, around)),
        "started": list(started),
    }


def _window(desk: Desk, request: Request) -> tuple[str, ...]:
    """The window that follows a start."""
    minutes = desk.windows.after_start_minutes
    if request.command not in STARTS or not minutes:
        return ()
    return (asked_words.window_line(timedelta(minutes=minutes)),)
