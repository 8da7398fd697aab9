"""What an action that raises risk goes through beside the others: freed by its approval, held, begun, dropped."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, or_, select, update

from storage.actions import OPEN, RELEASES, STARTS, STOPS, State, actions
from storage.schema import UtcDateTime


def release_under_way(conn: Connection) -> bool:
    """True while an approved release of the kill switch runs: until it ends, a released switch is no surprise."""
    release = or_(
        actions.c.command.in_(RELEASES),
        # a program on the host that makes the coordinator forget
        (actions.c.command == "host") & actions.c.option.in_(("release", "force")),
    )
    running = release & (actions.c.state == State.RUNNING)
    return conn.execute(select(actions.c.id).where(running).limit(1)).first() is not None


def started_since(conn: Connection, moment: datetime, bots: Collection[str]) -> bool:
    """True where an approved start of one of these bots runs, or was read back since then: it may trade."""
    read_back = (actions.c.state == State.VERIFIED) & (actions.c.finished_at >= moment)
    theirs = or_(actions.c.bot.is_(None), actions.c.bot.in_(sorted(bots)))
    this = (actions.c.command.in_(STARTS), theirs, or_(actions.c.state == State.RUNNING, read_back))
    return conn.execute(select(actions.c.id).where(*this).limit(1)).first() is not None


def under_way(conn: Connection, *, bot: str | None, besides: str) -> list[tuple[str, bool]]:
    """What was approved and runs, besides that one, of this bot or (``None``) of any; True when it was begun."""
    running = (
        actions.c.state == State.RUNNING,
        actions.c.command.not_in(sorted(STOPS)),
        actions.c.id != besides,
    )
    found = select(actions.c.id, actions.c.begun_at).where(*running)
    if bot is not None:
        found = found.where(or_(actions.c.bot == bot, actions.c.bot.is_(None)))
    return [(row.id, row.begun_at is not None) for row in conn.execute(found.order_by(actions.c.id))]


def free(conn: Connection, action_id: str, *, owner: str, lease_until: datetime) -> bool:
    """True when the action was waiting and now runs, born claimed: its approval is complete."""
    waiting = (actions.c.id == action_id, actions.c.state == State.WAITING)
    freed = update(actions).where(*waiting)
    values = {"state": State.RUNNING, "claimed_by": owner, "lease_until": lease_until}
    return conn.execute(freed.values(**values)).rowcount == 1


def begin(conn: Connection, action_id: str, *, owner: str, at: datetime) -> bool:
    """True when the action runs and is ours: from now on it may have been sent; the first time is kept."""
    ours = (actions.c.id == action_id, actions.c.state == State.RUNNING, actions.c.claimed_by == owner)
    begun = (
        update(actions)
        .where(*ours)
        .values(begun_at=func.coalesce(actions.c.begun_at, literal(at, UtcDateTime)))
    )
    return conn.execute(begun).rowcount == 1


def hold(conn: Connection, action_id: str, *, owner: str) -> bool:
    """True when the action runs and is ours; until this transaction ends nobody else can claim it."""
    ours = (actions.c.id == action_id, actions.c.state == State.RUNNING, actions.c.claimed_by == owner)
    return conn.execute(select(actions.c.id).where(*ours).with_for_update()).first() is not None


def progress(conn: Connection, action_id: str, outcome: Mapping[str, Any]) -> None:
    """Keep what was seen of an action that still runs."""
    conn.execute(
        update(actions)
        .where(actions.c.id == action_id, actions.c.state.in_(sorted(OPEN)))
        .values(outcome=dict(outcome))
    )


def drop(conn: Connection, action_id: str, at: datetime, outcome: Mapping[str, Any]) -> bool:
    """True when the action was waiting and is now void: nobody will run it."""
    waiting = (actions.c.id == action_id, actions.c.state == State.WAITING)
    dropped = update(actions).where(*waiting)
    values = {"state": State.VOID, "finished_at": at, "outcome": dict(outcome)}
    return conn.execute(dropped.values(**values)).rowcount == 1
