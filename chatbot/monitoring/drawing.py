"""What the messages of a window show, composed from its row and from the looks that all windows share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from chatbot.desk import Desk
from chatbot.steps import Owing
from chatbot.views import window as view
from chatbot.views import window_words as words
from chatbot.views.blocks import Message
from chatbot.views.markup import stamp
from chatbot.views.window_state import Watched, WindowCard
from commands.monitoring.coverage import Blind, Coverage
from commands.monitoring.judging import Seen
from commands.monitoring.look import Look, rise
from storage import looks
from storage.windows import WindowRow

POINTS = 300
"""Looks that a chart shows of one window: more tell nothing more."""

CARD_POINTS = 60
"""Looks that a card shows: it is drawn again and again, while other transactions wait."""

CARD, REPLY, CHART = 7, 5, 8
"""Priorities in the outbox: what windows say gives way to everything else."""

log = structlog.get_logger(__name__)


def card_key(row: WindowRow) -> str:
    """The outbox key of a window's card."""
    return f"window/{row.id}"


def watched_by(row: WindowRow, desk: Desk) -> tuple[str, ...]:
    """The bots of a window."""
    return desk.bots if row.bot is None else (row.bot,)


def coverage_of(row: WindowRow) -> Coverage:
    """What was read of it so far."""
    return Coverage(
        begun_at=row.begun_at,
        every=timedelta(seconds=row.every),
        reads=row.reads,
        missed=row.missed,
        last_read_at=row.last_read_at,
        blind=blind_of(row),
    )


def blind_of(row: WindowRow) -> tuple[Blind, ...]:
    """The times in which nothing was read; what cannot be read of them is left out."""
    found = []
    for each in row.blind:
        try:
            found.append(Blind.from_json(each))
        except (TypeError, ValueError):
            log.warning("a blind time cannot be read", window=row.id)
    return tuple(found)


def looks_of(conn: Connection, row: WindowRow, now: datetime, *, most: int = POINTS) -> list[Look]:
    """The looks of a window, evenly spread where there are many."""
    found = looks.between(conn, row.begun_at, row.ended_at or now, most=most)
    return [Look.from_json(each.at, each.data) for each in found]


def state_of(conn: Connection, desk: Desk, row: WindowRow, now: datetime) -> WindowCard:
    """Everything that the card of this window shows."""
    return state_from(desk, row, looks_of(conn, row, now, most=CARD_POINTS), now)


def state_from(
    desk: Desk, row: WindowRow, seen: Sequence[Look], now: datetime, *, charted: bool = False
) -> WindowCard:
    """The same from looks that were read already."""
    known = Seen.from_json(row.seen)
    profits = [each.profit for each in seen if each.profit is not None]
    return WindowCard(
        number=row.id,
        bot=row.bot,
        origin=row.origin,
        opened_by=row.opened_by,
        begun_at=row.begun_at,
        ends_at=row.ends_at,
        every=timedelta(seconds=row.every),
        now=now,
        state=str(row.state),
        rule=row.rule,
        culprit=row.culprit,
        why=row.why,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        reads=row.reads,
        missed=row.missed,
        last_read_at=row.last_read_at,
        blind=blind_of(row),
        bots=tuple(_watched(name, seen, known.lowest.get(name)) for name in watched_by(row, desk)),
        profit=profits[-1] - profits[0] if len(profits) > 1 else None,
        next_bot=row.next_bot,
        ran=bool(known.ran),
        charted=charted,
    )


def _watched(name: str, seen: Sequence[Look], lowest: float | None) -> Watched:
    """One bot; its lowest health is of every look, not only of those that are drawn."""
    if not seen:
        return Watched(name=name, status="not read yet", health=None)
    last = seen[-1].bot(name)
    healths = tuple(each.bot(name).health for each in seen)
    counted = any(each.bot(name).errors is not None for each in seen)
    return Watched(
        name=name,
        status=last.status or "unknown",
        health=last.health,
        healths=healths,
        lowest=lowest,
        new_errors=rise(seen, name) if counted else None,
        errors=_new_errors(seen, name),
    )


def _new_errors(seen: Sequence[Look], name: str) -> tuple[float | None, ...]:
    """New errors since the first of these looks, at each of them."""
    total, before, told = 0, None, []
    for each in seen:
        now = each.bot(name).errors
        if now is not None:
            total += max(0, now - before) if before is not None else 0
            before = now
        told.append(float(total) if now is not None else None)
    return tuple(told)


# -- messages ------------------------------------------------------------------------------------------------------


def card(state: WindowCard, row: WindowRow, desk: Desk) -> Owing:
    """The card as it is to be shown now."""
    return Owing(key=card_key(row), channel=desk.ops, payload=view.card(state).payload(), priority=CARD)


def reply(row: WindowRow, name: str, message: Message, desk: Desk) -> Owing:
    """A reply under the card."""
    return Owing(
        key=f"{card_key(row)}/{name}",
        channel=desk.ops,
        payload=message.payload(),
        thread_key=card_key(row),
        priority=REPLY,
    )


def chart(state: WindowCard, row: WindowRow, seen: Sequence[Look], desk: Desk) -> Owing:
    """The chart of a window that is over, drawn when it is sent."""
    names = watched_by(row, desk)
    at = [each.at.isoformat() for each in seen]
    series: list[dict[str, Any]] = [
        {
            "name": name,
            "at": at,
            "health": [each.bot(name).health for each in seen],
            "errors": list(_new_errors(seen, name)),
        }
        for name in names
    ]
    profits = [each.profit for each in seen]
    first = next((each for each in profits if each is not None), None)
    ended = row.ended_at or row.ends_at
    drawn = {
        "kind": "window",
        "title": f"{words.headline(state)} until {stamp(ended)}",
        "begins": row.begun_at.isoformat(),
        "ends": ended.isoformat(),
        "series": series,
        "pnl": {
            "at": at,
            "value": [None if each is None or first is None else each - first for each in profits],
        },
        "blind": [[each.begins.isoformat(), each.ends.isoformat()] for each in state.blind],
        "events": [[ended.isoformat(), state.culprit or "ended"]] if state.state == "unstable" else [],
    }
    payload = {
        "chart": drawn,
        "name": f"window-{row.id}.png",
        "title": f"Window #{row.id}: {state.what}",
        "text": f"Health, errors, profit and loss in window #{row.id}.",
    }
    return Owing(
        key=f"{card_key(row)}/chart",
        channel=desk.ops,
        payload=payload,
        thread_key=card_key(row),
        priority=CHART,
    )
