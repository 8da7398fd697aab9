"""The steps of recoveries, and who is on which of them.

open -> verified (seen by a fresh probe) | asserted (a person says so) | skipped, and back to open when what was seen is
no longer so. Every change is one conditional statement in a transaction that stands in the audit's line, so that of two
people who press at once one is told that the other was first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.schema import PlainText, UtcDateTime, metadata


class StepState(StrEnum):
    """Where a step stands."""

    OPEN = "open"
    VERIFIED = "verified"  # every sign it expects was seen by a probe
    ASSERTED = "asserted"  # a person says so
    SKIPPED = "skipped"  # a person says that it does not apply


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


_STEP = tuple(each.name for each in fields(WalkStep) if each.name != "id")


def lay_out(conn: sa.Connection, number: int, chosen: Sequence[WalkStep]) -> None:
    """The steps of this recovery are these now, and nobody is on any of them yet.

    The old ones go last: SQLite gives the ids of rows that are gone to new ones, and a button of an old step would then
    settle another.
    """
    here = walk_steps.c.walk_id == number
    conn.execute(sa.update(walk_steps).where(here).values(number=-walk_steps.c.number))
    conn.execute(sa.insert(walk_steps), [_values(each, number) for each in chosen])
    conn.execute(sa.delete(walk_steps).where(here, walk_steps.c.number < 0))
    leave_all(conn, number)


def steps(conn: sa.Connection, number: int) -> list[WalkStep]:
    """The steps of a recovery in their order; none before a runbook was chosen."""
    query = sa.select(walk_steps).where(walk_steps.c.walk_id == number).order_by(walk_steps.c.number)
    return [WalkStep(**row._asdict()) for row in conn.execute(query)]


def people(conn: sa.Connection, number: int) -> list[OnStep]:
    """Who is on which step, whoever came first first."""
    query = sa.select(walk_people).where(walk_people.c.walk_id == number).order_by(walk_people.c.at)
    return [OnStep(**row._asdict()) for row in conn.execute(query)]


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


def leave_all(conn: sa.Connection, number: int) -> None:
    """Nobody is on any step of it any more."""
    conn.execute(sa.delete(walk_people).where(walk_people.c.walk_id == number))


def _values(step: WalkStep, number: int) -> dict[str, Any]:
    values = {name: getattr(step, name) for name in _STEP}
    lists = {name: list(values[name]) for name in ("commands", "probes", "seen")}
    return {**values, **lists, "expects": dict(step.expects), "walk_id": number}
