"""Recoveries under way: one walk through a runbook each.

open -> done        when every step is settled
open -> abandoned   by a person, with a reason
Every change is one conditional statement in a transaction that stands in the audit's line. The steps themselves are in
`walk_steps`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import walk_steps
from storage.schema import PlainText, UtcDateTime, metadata
from storage.walk_steps import WalkStep


class WalkState(StrEnum):
    """Where a recovery stands."""

    OPEN = "open"
    DONE = "done"
    ABANDONED = "abandoned"


walks = sa.Table(
    "walks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot", PlainText),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("scenario", PlainText, nullable=False),
    sa.Column("title", PlainText, nullable=False),
    sa.Column("lead", PlainText, nullable=False),
    sa.Column("different", PlainText, nullable=False),
    sa.Column("action_id", sa.String(80), unique=True),
    sa.Column("opened_by", PlainText, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("proposed", sa.JSON, nullable=False),
    sa.Column("looked_at", UtcDateTime),
    sa.Column("looked", sa.JSON, nullable=False),
    sa.Column("kills", sa.Integer, nullable=False),
    sa.Column("drawn_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_by", PlainText),
    sa.Column("why", PlainText, nullable=False),
    sa.Index("ix_walks_state", "state"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One recovery; ``bot`` is ``None`` for the whole fleet, ``scenario`` is "" until somebody chose one."""

    id: int = 0
    bot: str | None
    state: str = WalkState.OPEN
    scenario: str = ""
    title: str = ""
    lead: str
    different: str = ""  # what is different this time, where that had to be said
    action_id: str | None = None  # the approved request that opened it
    opened_by: str
    opened_at: datetime
    proposed: Sequence[Mapping[str, Any]] = ()  # as `commands.walking.proposing` writes them
    looked_at: datetime | None = None
    looked: Sequence[str] = ()  # what the last look showed, a line each
    kills: int = 0  # accepted so far, when it was looked at last
    drawn_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    why: str = ""


_WALK = tuple(each.name for each in fields(Walk) if each.name != "id")


def begin(conn: sa.Connection, walk: Walk) -> Walk | None:
    """The recovery, stored; ``None`` when its request opened one before."""
    if walk.action_id is not None:
        before = sa.select(walks.c.id).where(walks.c.action_id == walk.action_id)
        if conn.scalar(before) is not None:
            return None
    values = {name: getattr(walk, name) for name in _WALK}
    values |= {"proposed": [dict(each) for each in walk.proposed], "looked": list(walk.looked)}
    (number,) = conn.execute(sa.insert(walks).values(**values)).inserted_primary_key or (0,)
    return get(conn, int(number))


def get(conn: sa.Connection, number: int) -> Walk | None:
    """The recovery of that number."""
    found = _walks(conn, sa.select(walks).where(walks.c.id == number))
    return found[0] if found else None


def by_action(conn: sa.Connection, action_id: str) -> Walk | None:
    """The recovery that this request opened."""
    found = _walks(conn, sa.select(walks).where(walks.c.action_id == action_id))
    return found[0] if found else None


def standing(conn: sa.Connection) -> list[Walk]:
    """The recoveries that are open, oldest first."""
    return _walks(conn, sa.select(walks).where(walks.c.state == WalkState.OPEN).order_by(walks.c.id))


def ended(conn: sa.Connection, limit: int) -> list[Walk]:
    """Those that ended last, newest first."""
    query = sa.select(walks).where(walks.c.state != WalkState.OPEN)
    return _walks(conn, query.order_by(walks.c.ended_at.desc(), walks.c.id.desc()).limit(limit))


def in_the_way(conn: sa.Connection, bot: str | None) -> Walk | None:
    """An open recovery that one of this bot (``None``: of the fleet) would meet."""
    return next((each for each in standing(conn) if bot is None or each.bot in (None, bot)), None)


def newest(conn: sa.Connection, bot: str | None, since: datetime) -> Walk | None:
    """The newest recovery of this bot (``None``: of the fleet) that was opened since then."""
    this = walks.c.bot.is_(None) if bot is None else walks.c.bot == bot
    query = sa.select(walks).where(this, walks.c.opened_at >= since).order_by(walks.c.id.desc()).limit(1)
    found = _walks(conn, query)
    return found[0] if found else None


def opened_since(conn: sa.Connection, bot: str | None, moment: datetime) -> int:
    """How many recoveries were opened since then that were about this bot, those of the fleet with them.

    ``None``: about whichever bot had most of them.
    """
    counted = sa.select(walks.c.bot, sa.func.count()).where(walks.c.opened_at >= moment).group_by(walks.c.bot)
    found = {name: int(count) for name, count in conn.execute(counted)}
    fleet = found.pop(None, 0)
    return fleet + (found.get(bot, 0) if bot is not None else max(found.values(), default=0))


def propose(
    conn: sa.Connection,
    number: int,
    proposed: Sequence[Mapping[str, Any]],
    looked: Sequence[str],
    at: datetime,
) -> bool:
    """Keep what the look at an open recovery showed."""
    values = {"proposed": [dict(each) for each in proposed], "looked": list(looked), "looked_at": at}
    return _open(conn, number, values)


def looked(conn: sa.Connection, number: int, lines: Sequence[str], at: datetime) -> bool:
    """Keep what was seen last."""
    return _open(conn, number, {"looked": list(lines), "looked_at": at})


def choose(
    conn: sa.Connection, number: int, *, before: str, scenario: str, title: str, chosen: Sequence[WalkStep]
) -> bool:
    """True for exactly one caller: the steps of an open recovery are those of this runbook now."""
    this = (walks.c.id == number, walks.c.state == WalkState.OPEN, walks.c.scenario == before)
    change = sa.update(walks).where(*this).values(scenario=scenario, title=title)
    if conn.execute(change).rowcount != 1:
        return False
    walk_steps.lay_out(conn, number, chosen)
    return True


def hand_over(conn: sa.Connection, number: int, *, before: str, to: str) -> bool:
    """True when the recovery was open and led by ``before``, and is led by ``to`` now."""
    this = (walks.c.id == number, walks.c.state == WalkState.OPEN, walks.c.lead == before)
    return conn.execute(sa.update(walks).where(*this).values(lead=to)).rowcount == 1


def count_kills(conn: sa.Connection, number: int, *, before: int, now: int) -> bool:
    """True for exactly one caller: the kills up to ``now`` are known to the recovery."""
    this = (walks.c.id == number, walks.c.state == WalkState.OPEN, walks.c.kills == before)
    return conn.execute(sa.update(walks).where(*this).values(kills=now)).rowcount == 1


def drawn(conn: sa.Connection, number: int, at: datetime) -> None:
    """Its card was drawn."""
    conn.execute(sa.update(walks).where(walks.c.id == number).values(drawn_at=at))


def end(conn: sa.Connection, number: int, *, state: WalkState, by: str, why: str, at: datetime) -> bool:
    """True for exactly one caller: the recovery was open and has ended now."""
    done = _open(conn, number, {"state": state, "ended_by": by, "why": why, "ended_at": at})
    if done:
        walk_steps.leave_all(conn, number)
    return done


def _open(conn: sa.Connection, number: int, values: Mapping[str, Any]) -> bool:
    this = (walks.c.id == number, walks.c.state == WalkState.OPEN)
    return conn.execute(sa.update(walks).where(*this).values(**values)).rowcount == 1


def _walks(conn: sa.Connection, query: sa.Select[Any]) -> list[Walk]:
    return [Walk(**row._asdict()) for row in conn.execute(query)]
