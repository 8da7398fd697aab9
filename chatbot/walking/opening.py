"""Opening a recovery: one of a bot at a time, the third within a day only with a second admin."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.approvals.copies import draw_homes
from chatbot.views import walk as view
from chatbot.views.walk_state import WalkCard
from chatbot.walking import showing
from chatbot.walking.desk import WalkDesk
from commands.spec import UserError
from commands.walking import stepping
from config.runbooks import Runbook
from storage import actions, audit, recoveries, walks
from storage.recoveries import RecoveryRow
from storage.walks import Walk

THIRD = 3
SIMILAR = 3
LOOKED_THROUGH = 30


def open_walk(
    conn: Connection,
    desk: WalkDesk,
    *,
    bot: str | None,
    by: str,
    now: datetime,
    runbook: Runbook | None = None,
    different: str = "",
    action_id: str | None = None,
    key: str | None = None,
) -> WalkCard | None:
    """The recovery, open with its card and what happened before; ``None`` when its request came before.

    UserError when another one of this bot is open, or when it is the third within a day and nobody agreed to it:
    ``action_id`` is the approved request, else ``key`` is what was typed.
    """
    audit.queue_up(conn, now)  # of two that open one at once, the second sees the first
    request = action_id or (f"typed-{key}"[:80] if key else None)
    before = walks.by_action(conn, request) if request is not None else None
    if before is not None:
        return None
    refuse_second(conn, bot)
    if action_id is None:
        _refuse_third(conn, desk, bot, now)
    walk = walks.begin(
        conn,
        Walk(
            bot=bot,
            lead=by,
            different=different,
            action_id=request,
            opened_by=by,
            opened_at=now,
            kills=actions.kills(conn),
        ),
    )
    if walk is None:
        return None
    if runbook is not None:
        laid = stepping.laid_out(runbook, bot=bot, bots=desk.desk.bots)
        walks.choose(conn, walk.id, before="", scenario=runbook.id, title=runbook.title, chosen=laid)
    audit.append(
        conn,
        at=now,
        actor=by,
        event="recovery opened",
        subject=f"recovery {walk.id}",
        detail={
            "bot": bot,
            "scenario": runbook.id if runbook is not None else None,
            "different": different,
            "agreed": action_id,
        },
    )
    state = showing.draw(conn, desk, walk.id, now)
    draw_homes(conn, desk.desk, {by}, now)
    told = view.opened(_with_similar(conn, state))
    showing.reply(conn, desk, walk.id, name="opened", message=told, now=now)
    return state


def refuse_second(conn: Connection, bot: str | None) -> None:
    """UserError when an open recovery is in the way."""
    other = walks.in_the_way(conn, bot)
    if other is None:
        return
    raise UserError(
        f"Recovery #{other.id} of {other.bot or 'the fleet'} is under way, so none was opened: go on with that one "
        f"(/recover show {other.id}), or type /recover abandon {other.id} and why."
    )


def _refuse_third(conn: Connection, desk: WalkDesk, bot: str | None, now: datetime) -> None:
    hours = desk.settings.third_hours
    before = walks.opened_since(conn, bot, now - timedelta(hours=hours))
    if before + 1 < THIRD:
        return
    name = bot or "fleet"
    raise UserError(
        f"{before} recoveries about {bot or 'one bot or the fleet'} were opened within {hours:g} h, so one more takes "
        f"a second admin and none was opened: type /recover {name} again, and what is different this time. A stop "
        "always works."
    )


def _with_similar(conn: Connection, state: WalkCard) -> WalkCard:
    return replace(state, similar=similar(conn, state.walk.bot, state.walk.scenario))


def similar(conn: Connection, bot: str | None, scenario: str) -> tuple[RecoveryRow, ...]:
    """The last recovery logs of this bot, those of the same scenario first."""
    if bot is None:
        found = [each for each in reversed(recoveries.every(conn)) if each.bot is None][:LOOKED_THROUGH]
    else:
        found, _ = recoveries.listed(conn, bot=bot, limit=LOOKED_THROUGH)
    found.sort(key=lambda each: (bool(scenario) and each.scenario != scenario, -each.id))
    return tuple(found[:SIMILAR])
