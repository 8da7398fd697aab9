"""Whether recovery logs stand as the audit says: each change of one leaves the digest of its whole state there."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.audit import audit
from storage.recovery_rows import (
    Correction,
    Item,
    RecoveryRow,
    recoveries,
    recovery_corrections,
    recovery_items,
)
from storage.schema import utc_text

EVENTS = tuple(
    f"recovery log {what}" for what in ("assigned", "closed", "corrected", "opened", "saved", "ticked")
)
OPENED = "recovery log opened"


def canonical(value: object) -> str:
    """The one JSON text of a value; times in UTC."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_text)


def sha256(value: object) -> str:
    """The SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def subject(number: int) -> str:
    """How the audit calls a log."""
    return f"recovery log {number}"


def digest(conn: sa.Connection, number: int) -> str:
    """The digest of everything people said in a log; when to remind next is not part of it."""
    row = conn.execute(sa.select(recoveries).where(recoveries.c.id == number)).one_or_none()
    state = {
        "log": None if row is None else asdict(RecoveryRow(**row._asdict())),
        "corrections": [asdict(each) for each in corrections(conn, number)],
        "items": [_item_state(each) for each in items(conn, number)],
    }
    return sha256(state)


def corrections(conn: sa.Connection, number: int) -> list[Correction]:
    """The corrections of a log, oldest first."""
    query = sa.select(recovery_corrections).where(recovery_corrections.c.log_id == number)
    rows = conn.execute(query.order_by(recovery_corrections.c.id))
    return [Correction(**row._asdict()) for row in rows]


def items(conn: sa.Connection, number: int) -> list[Item]:
    """The checklist of a log, in its order."""
    query = sa.select(recovery_items).where(recovery_items.c.log_id == number)
    rows = conn.execute(query.order_by(recovery_items.c.number, recovery_items.c.id))
    return [Item(**row._asdict()) for row in rows]


def altered(conn: sa.Connection) -> list[str]:
    """One sentence for each log that is not as its newest row in the audit says; run it in one snapshot."""
    known = _known(conn)
    if not sa.inspect(conn).has_table(recoveries.name):  # made by a version that knew no logs
        stored: set[int] = set()
        rows: set[int] = set()
    else:
        stored = set(conn.scalars(sa.select(recoveries.c.id)))
        parts = sa.union(sa.select(recovery_corrections.c.log_id), sa.select(recovery_items.c.log_id))
        rows = set(conn.scalars(parts))
    found = (
        _fault(conn, number, known.get(number), there=number in stored)
        for number in sorted(stored | rows | known.keys())
    )
    return [sentence for sentence in found if sentence is not None]


@dataclass(slots=True, kw_only=True)
class _Known:
    """What the audit says of one log."""

    opened: int = 0
    seq: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


def _known(conn: sa.Connection) -> dict[int, _Known]:
    query = sa.select(audit.c.seq, audit.c.event, audit.c.subject, audit.c.detail)
    known: dict[int, _Known] = {}
    for seq, event, about, detail in conn.execute(
        query.where(audit.c.event.in_(EVENTS)).order_by(audit.c.seq)
    ):
        number = about.removeprefix("recovery log ")
        if not (number.isascii() and number.isdecimal()):
            continue  # the chain itself says that such a row was edited
        one = known.setdefault(int(number), _Known())
        one.opened += event == OPENED
        one.seq, one.detail = seq, _read(detail)
    return known


def _fault(conn: sa.Connection, number: int, known: _Known | None, *, there: bool) -> str | None:
    if known is None:
        return f"Recovery log {number} was put into the database past this program: no row of the audit knows it."
    if not there:
        return f"Recovery log {number} was removed: row {known.seq} of the audit knows it."
    if known.opened != 1:
        return f"Recovery log {number} is not the first of its number: another was removed before it."
    if known.detail.get("digest") != digest(conn, number):
        return f"Recovery log {number} was edited: it is not as row {known.seq} of the audit says."
    return None


def _read(detail: str) -> dict[str, Any]:
    try:
        read = json.loads(detail)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _item_state(item: Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if name != "remind_at"}


def _text(value: object) -> str:
    return utc_text(value) if isinstance(value, datetime) else str(value)
