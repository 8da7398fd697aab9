"""Reminds the owners of what is due after a recovery: at its time, then daily, seven times at most."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.approvals.copies import draw_homes
from chatbot.desk import Desk
from chatbot.recovering.showing import card_key, draw_checklist
from chatbot.steps import Owing, owe
from chatbot.views import recovery as view
from storage import recoveries
from storage.recoveries import Item

LOOK_SECONDS = 15.0
AGAIN = timedelta(hours=24)
MOST = 7
AT_ONCE = 50
PRIORITY = 5


class Reminders:
    """A tick calls `look`; each reminder is claimed by one conditional statement, so it is given once."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def look(self) -> None:
        """Remind of everything that is due now."""
        desk = self._desk
        while await desk.database.read(lambda conn: recoveries.due(conn, desk.now(), 1)):
            await desk.database.write(lambda conn: remind(conn, desk, desk.now()))
            desk.sender.wake()


def remind(conn: Connection, desk: Desk, now: datetime) -> None:
    """Owe one message for each owner and log, to them and under the checklist."""
    told: dict[tuple[str, int], list[Item]] = {}
    for each in recoveries.due(conn, now, AT_ONCE):
        if each.remind_at is None:
            continue
        if recoveries.reminded(conn, each.id, was=each.remind_at, next_at=_next(each, now)):
            told.setdefault((each.owner, each.log_id), []).append(each)
    for (owner, number), items in told.items():
        log = recoveries.get(conn, number)
        if log is None:
            continue
        draw_checklist(conn, desk, log, now)  # what is overdue is said there as well
        payload = view.reminder(owner, log, items, now).payload()
        # by its first item: what the next batch tells of the same log must not take the place of this
        key = f"{card_key(number)}/reminder-{items[0].id}-{now.timestamp():.0f}"
        owe(
            conn,
            (
                Owing(key=f"{key}/dm", channel=owner, payload=payload, priority=PRIORITY),
                Owing(
                    key=key,
                    channel=desk.ops,
                    payload=payload,
                    thread_key=card_key(number),
                    priority=PRIORITY,
                ),
            ),
            now,
        )
    draw_homes(conn, desk, {owner for owner, _ in told}, now)


def _next(item: Item, now: datetime) -> datetime | None:
    """When to remind again; ``None`` when it was said often enough."""
    again = now + AGAIN
    return again if again - item.due_at < AGAIN * MOST else None
