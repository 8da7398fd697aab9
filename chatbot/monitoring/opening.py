"""Opening windows: by a person, and by an approved start in the transaction that says that it was seen running."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.monitoring import drawing
from chatbot.steps import owe
from commands.monitoring.judging import Seen
from commands.spec import UserError
from storage import audit, safe_modes, windows
from storage.actions import STARTS, Action
from storage.windows import WindowRow

MOST_OPEN = 300
"""More cards than Slack takes edits for in half an hour help nobody."""


def open_window(conn: Connection, desk: Desk, row: WindowRow) -> WindowRow | None:
    """The window, stored with its card owed; ``None`` when its start opened one before, UserError with too many."""
    if windows.counted(conn) >= MOST_OPEN:
        raise UserError(
            f"{MOST_OPEN} windows are open already, so none was opened: close some, /windows lists them."
        )
    stored = windows.begin(conn, row)
    if stored is None:
        return None
    audit.append(
        conn,
        at=row.begun_at,
        actor=row.opened_by,
        event="window opened",
        subject=f"window {stored.id}",
        detail={
            "bot": row.bot,
            "until": row.ends_at.isoformat(),
            "every": row.every,
            "start": row.action_id,
        },
    )
    state = drawing.state_from(desk, stored, (), row.begun_at)
    owe(conn, (drawing.card(state, stored, desk),), row.begun_at)
    return stored


def after_start(
    conn: Connection, desk: Desk, action: Action, started: tuple[str, ...], now: datetime
) -> None:
    """What follows a start that was seen running: its window, and the end of its safe mode is noted."""
    if action.command not in STARTS:
        return
    for bot in started:
        if action.command == "resume":
            continue  # it goes on in the mode that it was started in
        if action.option == "full":
            safe_modes.over(conn, bot, now)
        else:
            safe_modes.begin(
                conn,
                bot=bot,
                action_id=action.id,
                by=action.requested_by,
                at=now,
                due_at=now + timedelta(minutes=desk.windows.safe_mode_minutes),
            )
    ran = frozenset(started)  # read back already: one that falls before the first look leaves running, too
    span = timedelta(minutes=desk.windows.after_start_minutes)
    if not span or windows.counted(conn) >= MOST_OPEN:
        return
    open_window(
        conn,
        desk,
        WindowRow(
            bot=action.bot,
            origin="start",
            action_id=action.id,
            next_bot=_next(desk, action),
            opened_by=action.requested_by,
            begun_at=now,
            ends_at=now + span,
            every=desk.poll_seconds,
            seen=Seen(ran=ran, began=ran).as_json(),
        ),
    )


def _next(desk: Desk, action: Action) -> str | None:
    """Who is started next in a staged restart: the one behind this bot in the order in which they depend."""
    if action.command != "start" or action.bot not in desk.bots:
        return None
    behind = desk.bots[desk.bots.index(action.bot) + 1 :]
    return behind[0] if behind else None
