"""Recoveries under way: one walk through a runbook each, its steps, and who is on which of them.

open -> done        when every step is settled
open -> abandoned   by a person, with a reason
A step: open -> verified (seen by a fresh probe) | asserted (a person says so) | skipped, and back to open when what
was seen is no longer so. Every change is one conditional statement in a transaction that stands in the audit's line,
so that of two people who press at once one is told that the other was first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata


class WalkState(StrEnum):
    """Where a recovery stands."""

    OPEN = "open"
    DONE = "done"
    ABANDONED = "abandoned"


class StepState(StrEnum):
    """Where a step stands."""

    OPEN = "open"
    VERIFIED = "verified"  # every sign it expects was seen by a probe
    ASSERTED = "asserted"  # a person says so
    SKIPPED = "skipped"  # a person says that it does not apply


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
walk_steps = sa.Table(
    "walk_steps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("walk_id", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", PlainText, nullable=False),
    sa.Column("bot", PlainText),
    sa.Column("phase", sa.String(16), nullable=False),
    sa.Column("title", PlainText, nullable=False),
    sa.Column("text", PlainText, nullable=False),
    sa.Column("commands", sa.JSON, nullable=False),
    sa.Column("probes", sa.JSON, nullable=False),
    sa.Column("expects", sa.JSON, nullable=False),
    sa.Column("record", PlainText, nullable=False),
    sa.Column("skippable", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("by", PlainText),
    sa.Column("note", PlainText, nullable=False),
    sa.Column("settled_at", UtcDateTime),
    sa.Column("seen", sa.JSON, nullable=False),
    sa.Column("seen_at", UtcDateTime),
    sa.UniqueConstraint("walk_id", "number"),
)
walk_people = sa.Table(
    "walk_people",
    metadata,
    sa.Column("walk_id", sa.Integer, primary_key=True),
    sa.Column("person", PlainText, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStep:
    """One step as it was when its runbook was chosen; ``seen`` are the findings that verified it."""

    id: int = 0
    walk_id: int = 0
    number: int  # from 1
    name: str
    bot: str | None = None
    phase: str
    title: str
    text: str
    commands: Sequence[str] = ()
    probes: Sequence[str] = ()
    expects: Mapping[str, bool] = field(default_factory=dict)
    record: str = ""
    skippable: bool = False
    state: str = StepState.OPEN
    by: str | None = None
    note: str = ""
    settled_at: datetime | None = None
    seen: Sequence[str] = ()
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStep:
    """Who is on which step."""

    walk_id: int
    person: str
    number: int
    at: datetime


_WALK = tuple(each.name for each in fields(Walk) if each.name != "id")
_STEP = tuple(each.name for each in fields(WalkStep) if each.name != "id")


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
    """How many recoveries of this bot (``None``: of the fleet) were opened since then."""
    this = walks.c.bot.is_(None) if bot is None else walks.c.bot == bot
    query = sa.select(sa.func.count()).select_from(walks).where(this, walks.c.opened_at >= moment)
    return int(conn.scalar(query) or 0)


def steps(conn: sa.Connection, number: int) -> list[WalkStep]:
    """The steps of a recovery in their order; none before a runbook was chosen."""
    query = sa.select(walk_steps).where(walk_steps.c.walk_id == number).order_by(walk_steps.c.number)
    return [WalkStep(**row._asdict()) for row in conn.execute(query)]


def people(conn: sa.Connection, number: int) -> list[OnStep]:
    """Who is on which step, whoever came first first."""
    query = sa.select(walk_people).where(walk_people.c.walk_id == number).order_by(walk_people.c.at)
    return [OnStep(**row._asdict()) for row in conn.execute(query)]


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
    # The old steps go last: SQLite gives the ids of rows that are gone to new ones, and a button of an old step would
    # then settle another.
    here = walk_steps.c.walk_id == number
    conn.execute(sa.update(walk_steps).where(here).values(number=-walk_steps.c.number))
    conn.execute(sa.insert(walk_steps), [_step_values(each, number) for each in chosen])
    conn.execute(sa.delete(walk_steps).where(here, walk_steps.c.number < 0))
    return True


def settle(
    conn: sa.Connection,
    step_id: int,
    *,
    state: StepState,
    by: str | None,
    note: str = "",
    seen: Sequence[str] = (),
    seen_at: datetime | None = None,
    at: datetime,
) -> bool:
    """True for exactly one caller: the step was open and is settled now; ``seen_at`` is when the look began."""
    this = (walk_steps.c.id == step_id, walk_steps.c.state == StepState.OPEN)
    values: dict[str, Any] = {"state": state, "by": by, "note": note, "settled_at": at}
    if state is StepState.VERIFIED:
        values |= {"seen": list(seen), "seen_at": seen_at or at}
    return conn.execute(sa.update(walk_steps).where(*this).values(**values)).rowcount == 1


def seen_again(conn: sa.Connection, step_id: int, seen: Sequence[str], at: datetime) -> bool:
    """True when the step is verified, and was seen to be so once more now."""
    this = (walk_steps.c.id == step_id, walk_steps.c.state == StepState.VERIFIED)
    return conn.execute(sa.update(walk_steps).where(*this).values(seen=list(seen), seen_at=at)).rowcount == 1


def reopen(conn: sa.Connection, step_id: int, why: str) -> bool:
    """True when the step was settled and is to be done again; its note says why."""
    this = (walk_steps.c.id == step_id, walk_steps.c.state != StepState.OPEN)
    values: dict[str, Any] = {
        "state": StepState.OPEN,
        "by": None,
        "note": why,
        "settled_at": None,
        "seen": [],
        "seen_at": None,
    }
    return conn.execute(sa.update(walk_steps).where(*this).values(**values)).rowcount == 1


def take(conn: sa.Connection, number: int, person: str, step: int, at: datetime) -> None:
    """This person is on that step now, and on no other of this recovery."""
    leave(conn, number, person)
    conn.execute(sa.insert(walk_people).values(walk_id=number, person=person, number=step, at=at))


def leave(conn: sa.Connection, number: int, person: str) -> None:
    """This person is on no step of it."""
    this = (walk_people.c.walk_id == number, walk_people.c.person == person)
    conn.execute(sa.delete(walk_people).where(*this))


def leave_step(conn: sa.Connection, number: int, step: int) -> None:
    """Nobody is on that step of it any more."""
    this = (walk_people.c.walk_id == number, walk_people.c.number == step)
    conn.execute(sa.delete(walk_people).where(*this))


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
        conn.execute(sa.delete(walk_people).where(walk_people.c.walk_id == number))
    return done


def _open(conn: sa.Connection, number: int, values: Mapping[str, Any]) -> bool:
    this = (walks.c.id == number, walks.c.state == WalkState.OPEN)
    return conn.execute(sa.update(walks).where(*this).values(**values)).rowcount == 1


def _step_values(step: WalkStep, number: int) -> dict[str, Any]:
    values = {name: getattr(step, name) for name in _STEP}
    lists = {name: list(values[name]) for name in ("commands", "probes", "seen")}
    return {**values, **lists, "expects": dict(step.expects), "walk_id": number}


def _walks(conn: sa.Connection, query: sa.Select[Any]) -> list[Walk]:
    return [Walk(**row._asdict()) for row in conn.execute(query)]
