"""What people do with recovery logs. Each act is one transaction, sealed in the audit with all that it shows."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from chatbot.approvals import copies
from chatbot.charts import available
from chatbot.desk import Desk
from chatbot.recovering import showing
from chatbot.recovering.collecting import collect
from chatbot.steps import Owing, owe
from chatbot.views import recovery as view
from chatbot.views.blocks import Message
from chatbot.views.markup import person
from commands.recovering.export import Whole
from commands.recovering.telling import Incident
from commands.recovering.trends import trends
from commands.spec import UserError
from storage import recoveries, seen
from storage.recoveries import Item, RecoveryRow
from storage.recovery_rows import Draft

NO_SUCH = "There is no such recovery log, so nothing was done: /recoveries lists them."


class RecoveryActs:
    """Every act on recovery logs; UserError says what was not done."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def incident(self, bot: str | None) -> Incident:
        """What was recorded of the incident that goes on, or was the last one."""
        now = self._desk.now()
        return await self._desk.ask(lambda conn: collect(conn, bot, now))

    async def create(self, draft: Draft, *, by: str, key: str) -> int | None:
        """Write a new log; its number, ``None`` when the same form came before."""
        return await self._desk.change(partial(_create, desk=self._desk, draft=draft, by=by, key=key))

    async def save(self, number: int, version: int, draft: Draft, *, by: str) -> None:
        """Write an open log anew."""
        await self._desk.change(
            partial(_save, desk=self._desk, number=number, version=version, draft=draft, by=by)
        )

    async def close(self, number: int, *, by: str) -> Message:
        """Close a log that has a root cause and an outcome."""
        return await self._desk.change(partial(_close, desk=self._desk, number=number, by=by))

    async def correct(self, number: int, text: str, *, by: str) -> None:
        """Append to a closed log."""
        await self._desk.change(partial(_correct, desk=self._desk, number=number, text=text, by=by))

    async def tick(self, item_id: int, *, done: bool, by: str) -> Message:
        """Tick an item, or take the tick back."""
        return await self._desk.change(partial(_tick, desk=self._desk, item_id=item_id, done=done, by=by))

    async def assign(self, item_id: int, owner: str, due_at: datetime | None, *, by: str) -> None:
        """Give an item to somebody."""
        await self._desk.change(
            partial(_assign, desk=self._desk, item_id=item_id, owner=owner, due_at=due_at, by=by)
        )

    async def whole(self, number: int) -> Whole:
        """One log with all that belongs to it."""

        def query(conn: Connection) -> Whole:
            log = _known(conn, number)
            return Whole(
                log=log,
                corrections=recoveries.corrections(conn, number),
                items=recoveries.items(conn, number),
            )

        return await self._desk.ask(query)

    async def shown(self, number: int) -> Message:
        """The answer to /recoveries 3."""
        found = await self.whole(number)
        return view.full(found.log, found.corrections, found.items)

    async def listed(self, bot: str | None, text: str) -> Message:
        """The answer to /recoveries."""
        logs, many = await self._desk.ask(
            lambda conn: recoveries.listed(conn, bot=bot, text=text, limit=view.LISTED)
        )
        return view.listing(logs, many, bot or text)

    async def trends(self) -> Message:
        """The answer to /recoveries trends."""
        return view.trends(trends(await self._desk.ask(recoveries.every)), charted=available())

    async def share_trends(self, *, by: str, key: str) -> Message:
        """Post the chart of the trends to the ops channel; the same press twice posts one."""
        await self._desk.change(partial(_share, desk=self._desk, by=by, key=key))
        return view.answer("The chart follows in the ops channel.")


def _share(conn: Connection, *, desk: Desk, by: str, key: str) -> None:
    now = desk.now()
    rows = trends(recoveries.every(conn))
    drawn = {
        "kind": "trends",
        "title": f"Recovery logs until {now:%Y-%m-%d}",
        "rows": [
            {"name": each.name, "count": each.count, "stop": each.stop, "recover": each.recover}
            for each in rows
        ],
    }
    payload = {
        "chart": drawn,
        "name": f"recoveries-{now:%Y%m%d-%H%M%S}.png",
        "title": "Recovery logs by scenario",
        "text": f"What the recovery logs say together, asked for by {person(by)}.",
    }
    owe(conn, (Owing(key=f"recovery/trends/{key}", channel=desk.ops, payload=payload, priority=8),), now)


def _create(conn: Connection, *, desk: Desk, draft: Draft, by: str, key: str) -> int | None:
    now = desk.now()
    if not seen.first_time(conn, f"recovery/{key}", now):
        return None
    found = collect(conn, draft.bot, now)
    log = recoveries.create(
        conn,
        draft=draft,
        timeline=found.timeline,
        times=found.times,
        people=found.people,
        approvals=found.approvals,
        by=by,
        at=now,
    )
    showing.draw(conn, desk, log.id, now)
    copies.draw_homes(conn, desk, {by}, now)
    return log.id


def _save(conn: Connection, *, desk: Desk, number: int, version: int, draft: Draft, by: str) -> None:
    now, log = desk.now(), _known(conn, number)
    if log.state != "open":
        raise UserError(
            f"Recovery log #{number} is closed, so it was not changed: press Correct to append to it."
        )
    if not recoveries.save(conn, number, version=version, draft=replace(draft, bot=log.bot), by=by, at=now):
        raise UserError(
            f"Somebody saved recovery log #{number} while you wrote, so yours was not saved: open the form again."
        )
    showing.draw(conn, desk, number, now)


def _close(conn: Connection, *, desk: Desk, number: int, by: str) -> Message:
    now, log = desk.now(), _known(conn, number)
    if log.state != "open":
        return view.answer(f"Recovery log #{number} is closed already. Nothing was changed.")
    lacking = [
        word
        for word, text in (("a root cause", log.root_cause), ("an outcome", log.outcome))
        if not text.strip()
    ]
    if lacking:
        raise UserError(
            f"Recovery log #{number} lacks {' and '.join(lacking)}, so it was not closed: press Edit and fill it in; "
            "'unknown' is an answer."
        )
    if not recoveries.close(conn, number, by=by, at=now):
        raise UserError(
            f"Somebody changed recovery log #{number} a moment ago, so it was not closed: look again."
        )
    showing.draw(conn, desk, number, now)
    return view.answer(f"Recovery log #{number} is closed: nobody can change it any more.")


def _correct(conn: Connection, *, desk: Desk, number: int, text: str, by: str) -> None:
    now = desk.now()
    _known(conn, number)
    if not recoveries.correct(conn, number, by=by, at=now, text=text):
        raise UserError(f"Recovery log #{number} is still open, so nothing was appended: press Edit.")
    showing.draw(conn, desk, number, now)


def _tick(conn: Connection, *, desk: Desk, item_id: int, done: bool, by: str) -> Message:
    now, one = desk.now(), _item(conn, item_id)
    word = "done" if done else "open"
    if not recoveries.tick(conn, item_id, done=done, by=by, at=now):
        return view.answer(f"That item is {word} already. Nothing was changed.")
    showing.draw(conn, desk, one.log_id, now)
    copies.draw_homes(conn, desk, {one.owner, by}, now)
    return view.answer(f"'{one.title}' of recovery log #{one.log_id} is {word} now.")


def _assign(
    conn: Connection, *, desk: Desk, item_id: int, owner: str, due_at: datetime | None, by: str
) -> None:
    now, one = desk.now(), _item(conn, item_id)
    due = due_at or one.due_at
    if not recoveries.assign(conn, item_id, owner=owner, due_at=due, by=by, at=now):
        raise UserError("That item is done already, so it was not given to anybody.")
    showing.draw(conn, desk, one.log_id, now)
    copies.draw_homes(conn, desk, {one.owner, owner}, now)


def _known(conn: Connection, number: int) -> RecoveryRow:
    log = recoveries.get(conn, number)
    if log is None:
        raise UserError(NO_SUCH)
    return log


def _item(conn: Connection, item_id: int) -> Item:
    one = recoveries.item(conn, item_id)
    if one is None:
        raise UserError("There is no such item, so nothing was changed.")
    return one
