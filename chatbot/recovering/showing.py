"""The messages of a recovery log as they are owed: its card, its checklist, the home tabs that show its items."""

from datetime import datetime

from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.steps import Owing, owe
from chatbot.views import recovery as view
from storage import audit, recoveries
from storage.recoveries import RecoveryRow

CARD = 4
"""Priority in the outbox."""


def card_key(number: int) -> str:
    """The outbox key of a log's card."""
    return f"recovery/{number}"


def draw(conn: Connection, desk: Desk, number: int, now: datetime) -> None:
    """Owe card and checklist of a log as they are now, after the audit row that tells of its change."""
    log = recoveries.get(conn, number)
    if log is None:
        raise LookupError(f"no recovery log {number}")
    card = view.card(log, recoveries.corrections(conn, number), audit=audit.head(conn))
    owe(
        conn,
        (Owing(key=card_key(number), channel=desk.ops, payload=card.payload(), priority=CARD),),
        now,
    )
    draw_checklist(conn, desk, log, now)


def draw_checklist(conn: Connection, desk: Desk, log: RecoveryRow, now: datetime) -> None:
    """Owe the checklist alone: what is overdue changes by itself."""
    shown = view.checklist(log, recoveries.items(conn, log.id), now)
    owe(
        conn,
        (
            Owing(
                key=f"{card_key(log.id)}/checklist",
                channel=desk.ops,
                payload=shown.payload(),
                thread_key=card_key(log.id),
                priority=CARD,
            ),
        ),
        now,
    )
