"""Recovery logs: what happened, why, and what was learned; a closed one is only ever added to.

open -> closed     by a person, once there is a root cause and an outcome
Every verb that changes a log takes its place in the audit's line first, so that the digest it leaves there holds
all that others changed in the same log.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import audit
from storage.recovery_rows import (
    CHECKLIST,
    CLOSED,
    OPEN,
    Correction,
    Draft,
    Item,
    Moment,
    RecoveryRow,
    Times,
    recoveries,
    recovery_corrections,
    recovery_items,
)
from storage.recovery_state import altered, corrections, digest, items, sha256, subject
from storage.schema import clean

__all__ = [
    "Correction",
    "Item",
    "RecoveryRow",
    "altered",
    "assign",
    "close",
    "correct",
    "corrections",
    "create",
    "due",
    "every",
    "get",
    "item",
    "items",
    "listed",
    "open_items",
    "opened_since",
    "reminded",
    "save",
    "tick",
]

_SEARCHED = (
    recoveries.c.issue,
    recoveries.c.root_cause,
    recoveries.c.actions_taken,
    recoveries.c.lessons,
    recoveries.c.scenario,
)


def create(
    conn: sa.Connection,
    *,
    draft: Draft,
    timeline: Sequence[Moment],
    times: Times,
    people: Sequence[str],
    approvals: Sequence[str],
    by: str,
    at: datetime,
) -> RecoveryRow:
    """The log, opened with its checklist, whose items all belong to ``by`` at first."""
    audit.queue_up(conn, at)
    told = [{name: clean(text) for name, text in each.as_json().items()} for each in timeline]
    values = _said(draft) | {
        "state": OPEN,
        "timeline": told,
        "detect_s": times.detect,
        "stop_s": times.stop,
        "verify_s": times.verify,
        "recover_s": times.recover,
        "people": [clean(each) for each in people],
        "approvals": [clean(each) for each in approvals],
        "evidence": sha256(told),
        "opened_at": at,
        "opened_by": by,
        "saved_at": at,
        "saved_by": by,
        "version": 1,
    }
    (key,) = conn.execute(sa.insert(recoveries).values(**values)).inserted_primary_key or (0,)
    number = int(key)
    rows = [
        {
            "log_id": number,
            "number": check.number,
            "title": check.title,
            "owner": by,
            "due_at": at + check.due,
            "remind_at": at + check.due,
        }
        for check in CHECKLIST
    ]
    conn.execute(sa.insert(recovery_items), rows)
    _record(conn, number, "opened", by=by, at=at)
    found = get(conn, number)
    if found is None:
        raise LookupError(f"no recovery log {number}")
    return found


def get(conn: sa.Connection, number: int) -> RecoveryRow | None:
    """The log of that number."""
    row = conn.execute(sa.select(recoveries).where(recoveries.c.id == number)).one_or_none()
    return None if row is None else RecoveryRow(**row._asdict())


def listed(
    conn: sa.Connection, *, bot: str | None = None, text: str = "", limit: int
) -> tuple[list[RecoveryRow], int]:
    """The newest logs first, and how many there are in all; of one bot, or in which the text occurs in any case."""
    # compared here, not there: SQLite folds no letter outside ASCII
    query = sa.select(recoveries.c.id, *_SEARCHED).order_by(recoveries.c.id.desc())
    if bot is not None:
        query = query.where(recoveries.c.bot == bot)
    wanted = clean(text).casefold()
    found = [
        number for number, *texts in conn.execute(query) if any(wanted in each.casefold() for each in texts)
    ]
    shown = sa.select(recoveries).where(recoveries.c.id.in_(found[:limit])).order_by(recoveries.c.id.desc())
    return [RecoveryRow(**row._asdict()) for row in conn.execute(shown)], len(found)


def every(conn: sa.Connection) -> list[RecoveryRow]:
    """All logs, oldest first."""
    return [
        RecoveryRow(**row._asdict()) for row in conn.execute(sa.select(recoveries).order_by(recoveries.c.id))
    ]


def opened_since(conn: sa.Connection, bot: str | None, moment: datetime) -> list[RecoveryRow]:
    """The logs of this bot (``None``: of the fleet) that were opened since then, oldest first."""
    this = recoveries.c.bot.is_(None) if bot is None else recoveries.c.bot == bot
    query = sa.select(recoveries).where(this, recoveries.c.opened_at >= moment).order_by(recoveries.c.id)
    return [RecoveryRow(**row._asdict()) for row in conn.execute(query)]


def save(conn: sa.Connection, number: int, *, version: int, draft: Draft, by: str, at: datetime) -> bool:
    """True when the log was open and of that version, and says now what the draft says."""
    audit.queue_up(conn, at)
    this = (recoveries.c.id == number, recoveries.c.state == OPEN, recoveries.c.version == version)
    values = _said(draft) | {"version": version + 1, "saved_at": at, "saved_by": by}
    return _changed(conn, sa.update(recoveries).where(*this).values(**values), number, "saved", by=by, at=at)


def close(conn: sa.Connection, number: int, *, by: str, at: datetime) -> bool:
    """True when the log was open, told a root cause and an outcome, and is closed now."""
    audit.queue_up(conn, at)
    row = get(conn, number)
    if row is None or not (row.root_cause.strip() and row.outcome.strip()):
        return False
    this = (recoveries.c.id == number, recoveries.c.state == OPEN, recoveries.c.version == row.version)
    change = sa.update(recoveries).where(*this).values(state=CLOSED, closed_at=at, closed_by=by)
    return _changed(conn, change, number, "closed", by=by, at=at)


def correct(conn: sa.Connection, number: int, *, by: str, at: datetime, text: str) -> bool:
    """True when the log was closed and the text stands beside it now; an empty text corrects nothing."""
    audit.queue_up(conn, at)
    row = get(conn, number)
    if row is None or row.state != CLOSED or not text.strip():
        return False
    conn.execute(sa.insert(recovery_corrections).values(log_id=number, at=at, by=by, text=text))
    _record(conn, number, "corrected", by=by, at=at)
    return True


def item(conn: sa.Connection, item_id: int) -> Item | None:
    """The item of that id."""
    row = conn.execute(sa.select(recovery_items).where(recovery_items.c.id == item_id)).one_or_none()
    return None if row is None else Item(**row._asdict())


def tick(conn: sa.Connection, item_id: int, *, done: bool, by: str, at: datetime) -> bool:
    """True for exactly one caller: the item is done now, or with ``done=False`` to be done again."""
    audit.queue_up(conn, at)
    found = item(conn, item_id)
    if found is None:
        return False
    was = recovery_items.c.done_at.is_(None) if done else recovery_items.c.done_at.is_not(None)
    change = sa.update(recovery_items).where(recovery_items.c.id == item_id, was)
    change = change.values(done_at=at if done else None, done_by=by if done else None)
    return _changed(conn, change, found.log_id, "ticked", by=by, at=at)


def assign(conn: sa.Connection, item_id: int, *, owner: str, due_at: datetime, by: str, at: datetime) -> bool:
    """True when the item was not done and belongs to that person now, who is reminded when it is due."""
    audit.queue_up(conn, at)
    found = item(conn, item_id)
    if found is None:
        return False
    this = (recovery_items.c.id == item_id, recovery_items.c.done_at.is_(None))
    change = sa.update(recovery_items).where(*this).values(owner=owner, due_at=due_at, remind_at=due_at)
    return _changed(conn, change, found.log_id, "assigned", by=by, at=at)


def due(conn: sa.Connection, now: datetime, limit: int) -> list[Item]:
    """Items not done of which somebody is to be reminded now, the longest due first."""
    query = sa.select(recovery_items).where(
        recovery_items.c.done_at.is_(None), recovery_items.c.remind_at <= now
    )
    rows = conn.execute(query.order_by(recovery_items.c.remind_at, recovery_items.c.id).limit(limit))
    return [Item(**row._asdict()) for row in rows]


def reminded(conn: sa.Connection, item_id: int, *, was: datetime, next_at: datetime | None) -> bool:
    """True for exactly one caller: the reminder due at ``was`` is theirs; ``next_at`` is when the next one is."""
    this = (
        recovery_items.c.id == item_id,
        recovery_items.c.remind_at == was,
        recovery_items.c.done_at.is_(None),
    )
    return conn.execute(sa.update(recovery_items).where(*this).values(remind_at=next_at)).rowcount == 1


def open_items(conn: sa.Connection, owner: str) -> list[tuple[Item, RecoveryRow]]:
    """What a person still has to do, each with its log, what is due first first."""
    mine = sa.select(recovery_items).where(
        recovery_items.c.owner == owner, recovery_items.c.done_at.is_(None)
    )
    rows = conn.execute(mine.order_by(recovery_items.c.due_at, recovery_items.c.id))
    found = [Item(**row._asdict()) for row in rows]
    logs = sa.select(recoveries).where(recoveries.c.id.in_({each.log_id for each in found}))
    by_number = {row.id: RecoveryRow(**row._asdict()) for row in conn.execute(logs)}
    return [(each, by_number[each.log_id]) for each in found if each.log_id in by_number]


def _said(draft: Draft) -> dict[str, Any]:
    return {
        "bot": draft.bot,
        "scenario": draft.scenario,
        "began_at": draft.began_at,
        "issue": draft.issue,
        "root_cause": draft.root_cause,
        "actions_taken": draft.actions_taken,
        "outcome": draft.outcome,
        "lessons": draft.lessons,
    }


def _changed(
    conn: sa.Connection, change: sa.Update, number: int, what: str, *, by: str, at: datetime
) -> bool:
    """Whether the change met exactly one row; then the audit knows of it."""
    if conn.execute(change).rowcount != 1:
        return False
    _record(conn, number, what, by=by, at=at)
    return True


def _record(conn: sa.Connection, number: int, what: str, *, by: str, at: datetime) -> None:
    row = get(conn, number)
    audit.append(
        conn,
        at=at,
        actor=by,
        event=f"recovery log {what}",
        subject=subject(number),
        detail={"digest": digest(conn, number), "version": 0 if row is None else row.version},
    )
