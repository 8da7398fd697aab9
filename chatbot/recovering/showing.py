"""The messages of a recovery log as they are owed: its card, its checklist, the home tabs that show its items."""

from datetime import datetime

from sqlalchemy import Connection

from chatbot.approvals import copies
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


def draw(conn: Connection, desk: Desk, number: int, now: datetime) -> RecoveryRow:
    """Owe card and checklist of a log as they are now; LookupError when there is none."""
    log = recoveries.get(conn, number)
    if log is None:
        raise LookupError(f"no recovery log {number}")
    items = recoveries.items(conn, number)
    card = view.card(log, recoveries.corrections(conn, number), audit=audit.head(conn))
    checklist = view.checklist(log, items, now)
    owe(
        conn,
        (
            Owing(key=card_key(number), channel=desk.ops, payload=card.payload(), priority=CARD),
            Owing(
                key=f"{card_key(number)}/checklist",
                channel=desk.ops,
                payload=checklist.payload(),
                thread_key=card_key(number),
                priority=CARD,
            ),
        ),
        now,
    )
    return log


def draw_homes(conn: Connection, desk: Desk, people: set[str], now: datetime) -> None:
    """Owe the home tabs of these people."""
    known = sorted(each for each in people if each)
    if known:
        owe(conn, copies.homes(conn, desk, known), now)
