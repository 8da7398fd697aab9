"""Recovery logs: written once, changed while open, only added to once closed, and compared with the audit."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from stored_alerts import DAY, HOSTILE, MINUTE, NAIVE, NOW, SECOND, columns

from storage import audit, recoveries, recovery_rows
from storage.database import Database
from storage.recoveries import Item, RecoveryRow
from storage.recovery_rows import CHECKLIST, Draft, Moment, Times
from storage.recovery_state import sha256
from storage.schema import PlainText, clean

DRAFT = Draft(
    bot="ndax",
    scenario="crash-loop",
    began_at=NOW - MINUTE,
    issue="ndax crashes",
    root_cause="a full disk",
    actions_taken="stopped, cleaned, started",
    outcome="success",
    lessons="watch the disk",
)
TIMELINE = (
    Moment(at=NOW - MINUTE, what="alert 1: is in error", kind="alert"),
    Moment(at=NOW, what="/kill", who="U1", kind="kill"),
)


async def create(database: Database, draft: Draft = DRAFT, **more: Any) -> RecoveryRow:
    said: dict[str, Any] = {
        "timeline": TIMELINE,
        "times": Times(stop=60.0, verify=0.1 + 0.2),
        "people": ("U1", "U2"),
        "approvals": ("start-A: approved by U2",),
        "by": "U1",
        "at": NOW,
    }
    return await database.write(lambda conn: recoveries.create(conn, draft=draft, **said | more))


async def get(database: Database, number: int) -> RecoveryRow:
    found = await database.read(lambda conn: recoveries.get(conn, number))
    assert found is not None
    return found


async def save(database: Database, number: int, version: int, draft: Draft = DRAFT, by: str = "U2") -> bool:
    return await database.write(
        lambda conn: recoveries.save(conn, number, version=version, draft=draft, by=by, at=NOW + SECOND)
    )


async def close(database: Database, number: int) -> bool:
    return await database.write(lambda conn: recoveries.close(conn, number, by="U2", at=NOW + MINUTE))


async def correct(database: Database, number: int, words: str = "the disk was not full") -> bool:
    return await database.write(
        lambda conn: recoveries.correct(conn, number, by="U3", at=NOW + DAY, text=words)
    )


async def tick(database: Database, item_id: int, *, done: bool = True) -> bool:
    return await database.write(lambda conn: recoveries.tick(conn, item_id, done=done, by="U2", at=NOW))


async def items(database: Database, number: int) -> list[Item]:
    return await database.read(lambda conn: recoveries.items(conn, number))


async def events(database: Database) -> list[tuple[str, str, str]]:
    """What the audit holds, oldest first: who, what, of which log."""
    rows = await database.read(lambda conn: audit.recent(conn, 99))
    return [(row.actor, row.event, row.subject) for row in reversed(rows)]


async def test_a_log_comes_back_as_it_was_opened(database: Database) -> None:
    made = await create(database)
    told = [each.as_json() for each in TIMELINE]
    assert made == RecoveryRow(
        id=made.id,
        bot="ndax",
        state="open",
        scenario="crash-loop",
        began_at=NOW - MINUTE,
        issue="ndax crashes",
        root_cause="a full disk",
        actions_taken="stopped, cleaned, started",
        outcome="success",
        lessons="watch the disk",
        timeline=told,
        detect_s=None,
        stop_s=60.0,
        verify_s=0.1 + 0.2,
        recover_s=None,
        people=["U1", "U2"],
        approvals=["start-A: approved by U2"],
        evidence=sha256(told),
        opened_at=NOW,
        opened_by="U1",
        saved_at=NOW,
        saved_by="U1",
        closed_at=None,
        closed_by=None,
        version=1,
    )
    assert tuple(Moment.from_json(each) for each in made.timeline) == TIMELINE
    assert await get(database, made.id) == made
    assert await database.read(lambda conn: recoveries.get(conn, 99)) is None
    assert await events(database) == [("U1", "recovery log opened", f"recovery log {made.id}")]


async def test_logs_are_found_by_their_bot_since_a_moment(database: Database) -> None:
    made = await create(database)
    for bot, since, found in (
        ("ndax", NOW, [made.id]),
        ("ndax", NOW + MINUTE, []),
        ("quantum", NOW - MINUTE, []),
        (None, NOW - MINUTE, []),
    ):
        rows = await database.read(lambda conn: recoveries.opened_since(conn, bot, since))  # noqa: B023 - read at once
        assert [each.id for each in rows] == found


async def test_its_checklist_is_the_handbooks_and_belongs_to_who_opened_it(database: Database) -> None:
    made = await create(database)
    found = await items(database, made.id)
    assert [(each.number, each.title) for each in found] == [(each.number, each.title) for each in CHECKLIST]
    assert len(found) == 10
    for each, check in zip(found, CHECKLIST, strict=True):
        assert (each.owner, each.due_at, each.remind_at) == ("U1", NOW + check.due, NOW + check.due)
        assert await database.read(lambda conn, number=each.id: recoveries.item(conn, number)) == each


async def test_a_save_changes_what_people_say_and_needs_the_version_they_saw(database: Database) -> None:
    made = await create(database)
    other = replace(DRAFT, bot=None, issue="the fleet", outcome="", began_at=NOW - DAY)
    assert await save(database, made.id, 1, other)
    found = await get(database, made.id)
    assert found == replace(
        made,
        bot=None,
        issue="the fleet",
        outcome="",
        began_at=NOW - DAY,
        version=2,
        saved_at=NOW + SECOND,
        saved_by="U2",
    )
    assert not await save(database, made.id, 1)
    assert not await save(database, 99, 1)
    assert await get(database, made.id) == found
    assert len(await events(database)) == 2


@pytest.mark.parametrize("empty", ["outcome", "root_cause"])
async def test_a_log_without_an_answer_is_not_closed(database: Database, empty: str) -> None:
    for nothing in ("", " \n\t"):
        made = await create(database, replace(DRAFT, **{empty: nothing}))
        assert not await close(database, made.id)
        assert await get(database, made.id) == made
    assert await save(database, made.id, 1, replace(DRAFT, **{empty: "unknown"}))
    assert await close(database, made.id)


async def test_a_closed_log_is_never_changed_and_only_added_to(database: Database) -> None:
    made = await create(database)
    assert not await correct(database, made.id)  # an open one is saved instead
    assert await close(database, made.id)
    closed = await get(database, made.id)
    assert (closed.state, closed.closed_by, closed.closed_at) == ("closed", "U2", NOW + MINUTE)
    assert not await close(database, made.id)
    assert not await close(database, 99)
    assert not await save(database, made.id, 1, replace(DRAFT, issue="nothing happened"))
    assert not await correct(database, made.id, " ")
    assert await correct(database, made.id)
    assert await correct(database, made.id, "it was, after all")
    assert await get(database, made.id) == closed
    found = await database.read(lambda conn: recoveries.corrections(conn, made.id))
    assert [(each.log_id, each.by, each.at, each.text) for each in found] == [
        (made.id, "U3", NOW + DAY, "the disk was not full"),
        (made.id, "U3", NOW + DAY, "it was, after all"),
    ]
    assert [event for _, event, _ in await events(database)] == [
        "recovery log opened",
        "recovery log closed",
        "recovery log corrected",
        "recovery log corrected",
    ]


async def test_the_newest_logs_are_listed_first_by_bot_and_by_text(database: Database) -> None:
    first = await create(database, replace(DRAFT, issue="Ärger, Hauptstraße, 100%_sure"))
    second = await create(database, replace(DRAFT, bot="quantum", lessons="100 percent sure"))
    third = await create(database, replace(DRAFT, bot=None, scenario="data-loss"))

    async def numbers(**more: Any) -> tuple[list[int], int]:
        rows, many = await database.read(lambda conn: recoveries.listed(conn, **{"limit": 9} | more))
        return [row.id for row in rows], many

    assert await numbers() == ([third.id, second.id, first.id], 3)
    assert await numbers(limit=1) == ([third.id], 3)
    assert await numbers(limit=0) == ([], 3)
    assert await numbers(bot="quantum") == ([second.id], 1)
    assert await numbers(bot="%") == ([], 0)
    assert await numbers(text="100%_SURE") == ([first.id], 1)
    assert await numbers(text="äRGER, HAUPTSTRASSE") == ([first.id], 1)
    assert await numbers(text="Data-Loss") == ([third.id], 1)
    assert await numbers(text="disk", bot="ndax") == ([first.id], 1)
    assert await numbers(text="U1") == ([], 0)
    assert await database.read(recoveries.every) == [first, second, third]


async def test_an_item_is_ticked_once_and_may_be_opened_again(database: Database) -> None:
    made = await create(database)
    one, *_ = await items(database, made.id)
    assert not await tick(database, one.id, done=False)
    assert await tick(database, one.id)
    assert not await tick(database, one.id)
    assert not await tick(database, 999)
    assert (await items(database, made.id))[0] == replace(one, done_at=NOW, done_by="U2")
    assert await tick(database, one.id, done=False)
    assert (await items(database, made.id))[0] == one
    assert await close(database, made.id)
    assert await tick(database, one.id)  # the checklist goes on when the log is closed
    assert [event for _, event, _ in await events(database)].count("recovery log ticked") == 3


async def test_an_item_is_given_to_somebody_else_while_it_is_not_done(database: Database) -> None:
    made = await create(database)
    one, two, *_ = await items(database, made.id)

    async def assign(number: int) -> bool:
        return await database.write(
            lambda conn: recoveries.assign(conn, number, owner="U9", due_at=NOW + 9 * DAY, by="U2", at=NOW)
        )

    assert await tick(database, two.id)
    assert [await assign(number) for number in (one.id, two.id, 999)] == [True, False, False]
    given = replace(one, owner="U9", due_at=NOW + 9 * DAY, remind_at=NOW + 9 * DAY)
    assert (await items(database, made.id))[0] == given
    assert (await events(database))[-1] == ("U2", "recovery log assigned", f"recovery log {made.id}")
    assert await database.read(lambda conn: recoveries.open_items(conn, "U9")) == [(given, made)]
    mine = await database.read(lambda conn: recoveries.open_items(conn, "U1"))
    assert [each.number for each, _ in mine] == [4, 8, 3, 5, 7, 9, 6, 10]
    assert await database.read(lambda conn: recoveries.open_items(conn, "U8")) == []


async def test_a_reminder_is_due_until_somebody_took_it(database: Database) -> None:
    made = await create(database)

    async def due(at: datetime, limit: int = 99) -> list[int]:
        return [each.number for each in await database.read(lambda conn: recoveries.due(conn, at, limit))]

    async def reminded(was: datetime, next_at: datetime | None) -> bool:
        return await database.write(lambda conn: recoveries.reminded(conn, one.id, was=was, next_at=next_at))

    one, *_ = await items(database, made.id)
    assert await due(NOW + DAY - SECOND) == []
    assert await due(NOW + DAY) == [1, 4, 8]
    assert await due(NOW + 9 * DAY, 4) == [1, 4, 8, 2]
    assert not await reminded(NOW, None)
    assert await reminded(NOW + DAY, NOW + 2 * DAY)
    assert not await reminded(NOW + DAY, NOW + 2 * DAY)
    assert await due(NOW + DAY) == [4, 8]
    assert await reminded(NOW + 2 * DAY, None)
    assert await due(NOW + 9 * DAY) == [4, 8, 2, 3, 5, 7, 9, 6, 10]
    assert await database.read(recoveries.altered) == []  # being reminded changes nothing that people said
    four = (await items(database, made.id))[3]
    assert await tick(database, four.id)
    assert await due(NOW + DAY) == [8]


async def test_of_many_who_change_a_log_at_once_each_leaves_the_digest_of_all(
    database: Database, url: str
) -> None:
    made = await create(database)
    found = await items(database, made.id)
    programs = (database, *(Database(url) for _ in range(3)))
    work = [tick(programs[n % 4], each.id) for n, each in enumerate(found)]
    work += [save(each, made.id, 1) for each in programs]
    work += [close(each, made.id) for each in programs]
    answers = await asyncio.gather(*work)
    assert sum(answers[:10]) == 10
    assert sum(answers[10:14]) <= 1  # none when the closing came first
    assert sum(answers[14:]) == 1
    assert await database.read(recoveries.altered) == []
    await asyncio.gather(*(each.close() for each in programs[1:]))


EDITS = (
    "UPDATE recoveries SET root_cause = 'sabotage' WHERE id = {log}",
    "UPDATE recoveries SET stop_s = 1 WHERE id = {log}",
    "UPDATE recoveries SET timeline = '[]' WHERE id = {log}",
    "UPDATE recoveries SET state = 'open' WHERE id = {log}",
    "UPDATE recoveries SET closed_by = NULL WHERE id = {log}",
    "UPDATE recovery_corrections SET text = 'never mind' WHERE log_id = {log}",
    "DELETE FROM recovery_corrections WHERE log_id = {log}",
    "UPDATE recovery_items SET done_by = 'U7' WHERE log_id = {log} AND number = 3",
    "DELETE FROM recovery_items WHERE log_id = {log} AND number = 3",
)


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_past_this_program_is_found(database: Database, edit: str) -> None:
    made, other = await create(database), await create(database)
    assert await close(database, made.id)
    assert await correct(database, made.id)
    assert await tick(database, (await items(database, made.id))[2].id)
    assert await database.read(recoveries.altered) == []
    await database.write(lambda conn: conn.execute(text(edit.format(log=made.id))))
    assert await database.read(recoveries.altered) == [
        f"Recovery log {made.id} was edited: it is not as row 5 of the audit says."
    ]
    assert await save(database, other.id, 1)  # what is done to another log hides nothing
    assert len(await database.read(recoveries.altered)) == 1


async def test_a_log_removed_or_put_in_past_this_program_is_found(database: Database) -> None:
    first, second = await create(database), await create(database)

    def work(conn: Connection) -> None:
        conn.execute(text(f"DELETE FROM recoveries WHERE id = {second.id}"))
        conn.execute(text(f"UPDATE recovery_items SET log_id = 77 WHERE log_id = {second.id}"))

    await database.write(work)
    assert await database.read(recoveries.altered) == [
        f"Recovery log {second.id} was removed: row 2 of the audit knows it.",
        "Recovery log 77 was put into the database past this program: no row of the audit knows it.",
    ]
    await database.write(
        lambda conn: conn.execute(text(f"UPDATE recoveries SET id = {second.id} WHERE id = {first.id}"))
    )
    sentences = await database.read(recoveries.altered)
    assert [each.partition(":")[0] for each in sentences] == [
        f"Recovery log {first.id} was removed",
        f"Recovery log {second.id} was edited",
        "Recovery log 77 was put into the database past this program",
    ]


async def test_a_number_given_twice_hides_no_removal(database: Database) -> None:
    made = await create(database)

    def remove(conn: Connection) -> None:
        conn.execute(text("DELETE FROM recovery_items"))
        conn.execute(text("DELETE FROM recoveries"))

    await database.write(remove)
    again = await create(database)
    if again.id != made.id:  # PostgreSQL counts on, SQLite gives the last number again
        wrong = f"Recovery log {made.id} was removed: row 1 of the audit knows it."
    else:
        wrong = f"Recovery log {made.id} is not the first of its number: another was removed before it."
    assert await database.read(recoveries.altered) == [wrong]


async def test_a_database_that_knows_no_logs_yet_is_not_altered(database: Database) -> None:
    def back(conn: Connection) -> None:
        for table in ("recovery_items", "recovery_corrections", "recoveries"):
            conn.execute(text(f"DROP TABLE {table}"))

    await database.write(back)
    assert await database.read(recoveries.altered) == []


async def test_no_text_makes_a_log_fail(database: Database) -> None:
    assert columns(recovery_rows.recoveries, PlainText) == [
        "bot",
        "scenario",
        "issue",
        "root_cause",
        "actions_taken",
        "outcome",
        "lessons",
        "opened_by",
        "saved_by",
        "closed_by",
    ]
    assert columns(recovery_rows.recovery_corrections, PlainText) == ["by", "text"]
    assert columns(recovery_rows.recovery_items, PlainText) == ["title", "owner", "done_by"]
    short = HOSTILE[:99]
    draft = Draft(
        bot=short,
        scenario=short,
        began_at=NOW,
        issue=HOSTILE,
        root_cause=short,
        actions_taken=short,
        outcome=short,
        lessons=short,
    )
    told = (Moment(at=NOW, what=HOSTILE, who=short, kind=short),)
    made = await create(
        database, draft, timeline=told, people=[short, "Z\ud800"], approvals=[short], by=short
    )
    assert (made.issue, made.lessons, made.timeline[0]["what"]) == (
        clean(HOSTILE),
        clean(short),
        clean(HOSTILE),
    )
    assert made.people == [clean(short), "Z?"]
    assert await close(database, made.id)
    assert await correct(database, made.id, short)
    rows, many = await database.read(lambda conn: recoveries.listed(conn, text=short, limit=9))
    assert ([row.id for row in rows], many) == ([made.id], 1)
    assert await database.read(recoveries.altered) == []


@pytest.mark.parametrize(
    "verb",
    [
        lambda conn: recoveries.create(
            conn,
            draft=replace(DRAFT, began_at=NAIVE),
            timeline=(),
            times=Times(),
            people=(),
            approvals=(),
            by="U1",
            at=NOW,
        ),
        lambda conn: recoveries.create(
            conn,
            draft=DRAFT,
            timeline=(Moment(at=NAIVE, what="x"),),
            times=Times(),
            people=(),
            approvals=(),
            by="U1",
            at=NOW,
        ),
        lambda conn: recoveries.save(conn, 1, version=1, draft=DRAFT, by="U1", at=NAIVE),
        lambda conn: recoveries.close(conn, 1, by="U1", at=NAIVE),
        lambda conn: recoveries.tick(conn, 1, done=True, by="U1", at=NAIVE),
        lambda conn: recoveries.assign(conn, 1, owner="U1", due_at=NAIVE, by="U1", at=NOW),
        lambda conn: recoveries.reminded(conn, 1, was=NOW + timedelta(days=1), next_at=NAIVE),
    ],
)
async def test_a_naive_time_is_refused_and_no_log_changed(
    database: Database, verb: Callable[[Connection], object]
) -> None:
    made = await create(database)
    before = await items(database, made.id)
    with pytest.raises(Exception, match="without a zone"):
        await database.write(verb)
    assert await database.read(recoveries.every) == [made]
    assert await items(database, made.id) == before
    assert await database.read(recoveries.altered) == []
