"""The outbox: nothing owed is lost, nothing is posted twice unseen, later content overtakes earlier."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from storage import outbox
from storage.database import Database
from storage.outbox import Owed, SendState

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = NOW + 30 * SECOND


async def owe(database: Database, key: str, text: str = "killed", at: datetime = NOW, **more: Any) -> Owed:
    return await database.write(
        lambda conn: outbox.owe(conn, key=key, channel="C1", payload={"text": text}, now=at, **more)
    )


async def claim(database: Database, at: datetime = NOW, owner: str = "one", **more: Any) -> list[Owed]:
    options = {"lease_until": at + 30 * SECOND, "limit": 10} | more
    return await database.write(lambda conn: outbox.claim_due(conn, owner=owner, now=at, **options))


async def tell(database: Database, verb: Callable[..., None], owed: Owed, **told: Any) -> Owed:
    def work(conn: Connection) -> Owed:
        verb(conn, owed.id, **told)
        stored = outbox.get(conn, owed.key)
        assert stored is not None
        return stored

    return await database.write(work)


async def test_content_that_comes_before_the_post_is_posted_once(database: Database) -> None:
    await owe(database, "k/card", "killing")
    await owe(database, "k/card", "sent")
    [owed] = await claim(database)
    assert (owed.payload, owed.version, owed.state, owed.ts) == ({"text": "sent"}, 2, SendState.SENDING, None)
    stored = await tell(database, outbox.sent, owed, version=2, ts="1.1", at=NOW)
    assert (stored.state, stored.ts, stored.sent_version, stored.sent_at) == (SendState.SENT, "1.1", 2, NOW)
    assert await claim(database) == []
    assert await database.read(lambda conn: outbox.find_by_message(conn, "C1", "1.1")) == stored
    assert await database.read(lambda conn: outbox.find_by_message(conn, "C2", "1.1")) is None


async def test_the_same_content_again_changes_nothing(database: Database) -> None:
    first = await owe(database, "k/card")
    assert await owe(database, "k/card", at=NOW + SECOND) == first
    [owed] = await claim(database)
    stored = await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    assert await owe(database, "k/card", at=NOW + SECOND) == stored


async def test_content_that_comes_while_sending_is_an_edit_afterwards(database: Database) -> None:
    await owe(database, "k/card", "killing")
    [owed] = await claim(database)
    meanwhile = await owe(database, "k/card", "verified")
    assert meanwhile.state is SendState.SENDING
    assert await claim(database, owner="two") == []
    stored = await tell(database, outbox.sent, owed, version=owed.version, ts="1.1", at=NOW)
    assert stored.state is SendState.PENDING
    [edit] = await claim(database)
    assert (edit.ts, edit.payload) == ("1.1", {"text": "verified"})
    stored = await tell(database, outbox.sent, edit, version=edit.version, ts=None, at=NOW)
    assert (stored.state, stored.ts) == (SendState.SENT, "1.1")


async def test_a_late_report_of_an_older_version_takes_nothing_back(database: Database) -> None:
    await owe(database, "k/card", "one")
    [owed] = await claim(database)
    await owe(database, "k/card", "two")
    await tell(database, outbox.sent, owed, version=2, ts="1.1", at=NOW)
    stored = await tell(database, outbox.sent, owed, version=1, ts="9.9", at=NOW)
    assert (stored.sent_version, stored.ts) == (2, "1.1")


async def test_a_post_whose_sender_died_is_looked_for_before_it_is_posted_again(database: Database) -> None:
    await owe(database, "k/card", "killing")
    await claim(database)
    assert await claim(database, LEASE - SECOND, "two") == []
    [doubtful] = await claim(database, LEASE, "two")
    assert doubtful.state is SendState.UNKNOWN
    assert await claim(database, LEASE + SECOND, "three") == []
    await owe(database, "k/card", "verified")
    found = await tell(database, outbox.sent, doubtful, version=1, ts="1.1", at=LEASE)
    assert found.state is SendState.PENDING
    [edit] = await claim(database, LEASE, "two")
    assert (edit.ts, edit.state, edit.payload) == ("1.1", SendState.SENDING, {"text": "verified"})


async def test_an_edit_whose_sender_died_is_simply_sent_again(database: Database) -> None:
    await owe(database, "k/card", "killing")
    [owed] = await claim(database)
    await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    await owe(database, "k/card", "verified")
    await claim(database)
    [again] = await claim(database, LEASE, "two")
    assert (again.state, again.ts) == (SendState.SENDING, "1.1")


async def test_a_post_that_may_have_arrived_stays_unknown_until_somebody_looked(database: Database) -> None:
    await owe(database, "k/card")
    [owed] = await claim(database)
    later = NOW + 5 * SECOND
    stored = await tell(database, outbox.unknown, owed, at=later, error="reset")
    assert (stored.state, stored.due_at, stored.attempts, stored.last_error) == (
        SendState.UNKNOWN,
        later,
        1,
        "reset",
    )
    assert await claim(database) == []
    [looking] = await claim(database, later)
    assert looking.state is SendState.UNKNOWN
    stored = await tell(database, outbox.unknown, looking, at=later + SECOND, error="Slack is down")
    assert stored.state is SendState.UNKNOWN
    [looking] = await claim(database, later + SECOND)
    stored = await tell(database, outbox.retry, looking, at=later + SECOND, error="not there")
    assert stored.state is SendState.PENDING
    [post] = await claim(database, later + SECOND)
    assert (post.state, post.ts) == (SendState.SENDING, None)


async def test_an_edit_that_may_have_arrived_is_sent_again(database: Database) -> None:
    await owe(database, "k/card", "killing")
    [owed] = await claim(database)
    await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    await owe(database, "k/card", "verified")
    [edit] = await claim(database)
    assert (await tell(database, outbox.unknown, edit, at=NOW, error="reset")).state is SendState.PENDING


async def test_a_row_that_was_told_to_wait_waits_whatever_is_added(database: Database) -> None:
    await owe(database, "k/card", "killing")
    [owed] = await claim(database)
    await tell(database, outbox.retry, owed, at=NOW + 10 * SECOND, error="429")
    await owe(database, "k/card", "verified")
    assert await claim(database, NOW + 9 * SECOND) == []
    [again] = await claim(database, NOW + 10 * SECOND)
    assert (again.payload, again.attempts) == ({"text": "verified"}, 1)


async def test_what_is_given_up_comes_back_with_other_content(database: Database) -> None:
    await owe(database, "k/card", "one")
    [owed] = await claim(database)
    stored = await tell(database, outbox.failed, owed, error="channel_not_found", at=NOW)
    assert stored.state is SendState.FAILED
    assert await database.read(lambda conn: outbox.backlog(conn, NOW)) == (0, None)
    assert (await owe(database, "k/card", "one")).state is SendState.FAILED
    assert (await owe(database, "k/card", "two")).state is SendState.PENDING
    [owed] = await claim(database)
    await owe(database, "k/card", "three")
    stored = await tell(database, outbox.failed, owed, error="invalid_blocks", at=NOW)
    assert stored.state is SendState.PENDING


async def test_a_report_on_what_is_settled_changes_nothing(database: Database) -> None:
    await owe(database, "k/card")
    [owed] = await claim(database)
    stored = await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    for verb in (outbox.retry, outbox.unknown, outbox.failed):
        assert await tell(database, verb, owed, at=NOW, error="late") == stored


async def test_a_reply_waits_for_its_parent_but_not_for_one_that_was_given_up(database: Database) -> None:
    await owe(database, "k/card", priority=9)
    await owe(database, "k/alarm", thread_key="k/card", priority=0)
    [parent] = await claim(database)
    assert parent.key == "k/card"
    assert await claim(database) == []
    await tell(database, outbox.sent, parent, version=1, ts="1.1", at=NOW)
    [reply] = await claim(database)
    assert (reply.key, reply.thread_ts) == ("k/alarm", "1.1")

    await owe(database, "x/card", priority=9)
    await owe(database, "x/alarm", thread_key="x/card")
    [parent] = await claim(database)
    await tell(database, outbox.failed, parent, error="no", at=NOW)
    [reply] = await claim(database)
    assert (reply.key, reply.thread_ts) == ("x/alarm", None)


async def test_the_most_urgent_goes_first_and_busy_places_are_left_out(database: Database) -> None:
    for key, priority in (("a", 5), ("b", 0), ("c", 5)):
        await owe(database, key, priority=priority)
    await owe(database, "reply", response_url="https://example.invalid/r", priority=9)
    assert [each.key for each in await claim(database, limit=2, busy=("C2",))] == ["b", "a"]
    assert [each.key for each in await claim(database, busy=("C1",))] == ["reply"]
    assert await claim(database, busy=("C1",)) == []
    assert [each.key for each in await claim(database)] == ["c"]


async def test_each_message_is_claimed_by_one_of_many(database: Database, url: str) -> None:
    for number in range(20):
        await owe(database, f"k/{number}")
    others = [Database(url) for _ in range(3)]

    async def drain(database: Database, owner: str) -> list[str]:
        mine: list[str] = []
        while rows := await claim(database, owner=owner, limit=2):
            mine += [each.key for each in rows]
        return mine

    found = await asyncio.gather(*(drain(each, f"w{n}") for n, each in enumerate((database, *others))))
    await asyncio.gather(*(each.close() for each in others))
    every = [key for mine in found for key in mine]
    assert len(every) == len(set(every)) == 20


async def test_many_writers_of_one_message_lose_no_version(database: Database, url: str) -> None:
    other = Database(url)
    await asyncio.gather(
        *(owe(each, "k", f"{n}/{id(each)}") for n in range(10) for each in (database, other))
    )
    await other.close()
    stored = await database.read(lambda conn: outbox.get(conn, "k"))
    assert stored is not None
    assert stored.version == 20


async def test_the_backlog_counts_what_is_owed_and_since_when(database: Database) -> None:
    assert await database.read(lambda conn: outbox.backlog(conn, NOW)) == (0, None)
    await owe(database, "a")
    await owe(database, "b", at=NOW + 5 * SECOND)
    assert await database.read(lambda conn: outbox.backlog(conn, NOW + 7 * SECOND)) == (2, 7.0)
    for owed in await claim(database, NOW + 7 * SECOND):
        await tell(database, outbox.sent, owed, version=1, ts=f"{owed.id}.0", at=NOW)
    assert await database.read(lambda conn: outbox.backlog(conn, NOW + 7 * SECOND)) == (0, None)
    await owe(database, "a", "other", at=NOW + 60 * SECOND)
    assert await database.read(lambda conn: outbox.backlog(conn, NOW + 61 * SECOND)) == (1, 1.0)


async def test_what_a_dead_process_was_bringing_is_looked_for_soon(database: Database) -> None:
    await owe(database, "posting")
    await claim(database, owner="serve:one")
    await owe(database, "elsewhere")
    await claim(database, owner="other:one")
    soon = NOW + SECOND
    freed = await database.write(
        lambda conn: outbox.take_over(conn, owner="serve:two", owners_prefix="serve:", lease_until=soon)
    )
    assert freed == 1
    assert await claim(database, owner="serve:two") == []
    found = await claim(database, at=soon, owner="serve:two")
    assert [(each.key, each.state) for each in found] == [("posting", SendState.UNKNOWN)]
    kept = await database.write(
        lambda conn: outbox.take_over(conn, owner="serve:two", owners_prefix="serve:", lease_until=soon)
    )
    assert kept == 0  # its own are not taken from itself
