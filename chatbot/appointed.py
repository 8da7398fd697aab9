"""Who was made an admin by a change of the configuration: written down, told to all, and not believed at once."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.steps import Owing, owe
from chatbot.views import appointed as view
from storage import admins, audit


def note(conn: Connection, *, desk: Desk, now: datetime) -> tuple[str, ...]:
    """Take in the admins of the configuration; returns who was added, with the audit and a notice about each."""
    added = admins.note(conn, desk.admins, now)
    may_from = now + timedelta(hours=desk.policy.new_admin_hours)
    for person in added:
        entry = audit.append(
            conn,
            at=now,
            actor="configuration",
            event="admin added",
            subject=person,
            detail={"may_approve_from": may_from.isoformat()},
        )
        shown = view.added(person, may_from)
        key = f"admin/{person}/{entry.seq}"
        owe(conn, (Owing(key=key, channel=desk.ops, payload=shown.payload(), priority=4),), now)
    return added
