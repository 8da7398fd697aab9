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


async def test_a_message_whose_channel_takes_none_is_posted_anew_elsewhere(database: Database) -> None:
    await owe(database, "k/card", "killing")
    [owed] = await claim(database)
    await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    await owe(database, "k/card", "verified")
    [edit] = await claim(database)
    await tell(database, outbox.retry, edit, at=NOW, error="429")
    [edit] = await claim(database)
    assert edit.attempts == 1
    moved = await tell(database, outbox.reroute, edit, channel="C2", at=NOW + SECOND)
    assert (moved.channel, moved.ts, moved.state, moved.attempts) == ("C2", None, SendState.PENDING, 0)
    assert moved.last_error is None
    assert await database.read(lambda conn: outbox.find_by_message(conn, "C1", "1.1")) is None
    assert await claim(database) == []
    [post] = await claim(database, NOW + SECOND, owner="two")  # nobody's lease is waited for
    assert (post.state, post.ts, post.payload) == (SendState.SENDING, None, {"text": "verified"})
    stored = await tell(database, outbox.sent, post, version=post.version, ts="2.2", at=NOW)
    assert (stored.state, stored.ts, stored.channel) == (SendState.SENT, "2.2", "C2")


async def test_a_post_of_unknown_fate_is_looked_for_nowhere_once_it_goes_elsewhere(
    database: Database,
) -> None:
    await owe(database, "k/card")
    [owed] = await claim(database)
    await tell(database, outbox.unknown, owed, at=NOW, error="reset")
    [looking] = await claim(database)
    moved = await tell(database, outbox.reroute, looking, channel="C2", at=NOW)
    assert (moved.state, moved.channel) == (SendState.PENDING, "C2")
    freed = await database.write(
        lambda conn: outbox.take_over(conn, owner="two", owners_prefix="o", lease_until=NOW)
    )
    assert freed == 0  # it was nobody's already


async def test_replies_go_where_their_message_goes(database: Database) -> None:
    for key, parent in (("k/card", None), ("k/stands", "k/card"), ("k/waits", "k/card"), ("x/card", None)):
        await owe(database, key, thread_key=parent)
    await owe(database, "x/waits", thread_key="x/card")
    cards = {each.key: each for each in await claim(database)}
    assert cards.keys() == {"k/card", "x/card"}
    await tell(database, outbox.sent, cards["k/card"], version=1, ts="1.1", at=NOW)
    [stands] = await claim(database, limit=1)
    await tell(database, outbox.sent, stands, version=1, ts="1.2", at=NOW)
    await tell(database, outbox.reroute, cards["k/card"], channel="C2", at=NOW)
    [again] = await claim(database, limit=1)  # although nothing new was owed
    assert (again.key, again.channel, again.ts) == ("k/card", "C2", None)
    later = await owe(database, "k/later", thread_key="k/card")  # it was meant for the channel that is broken
    assert later.channel == "C2"

    async def channel(key: str) -> str:
        found = await database.read(lambda conn: outbox.get(conn, key))
        assert found is not None
        return found.channel

    assert {key: await channel(key) for key in ("k/waits", "k/stands", "x/waits")} == {
        "k/waits": "C2",
        "k/stands": "C1",  # what was posted stays where it stands
        "x/waits": "C1",
    }
    assert (await owe(database, "early", thread_key="nothing yet")).channel == "C1"


async def test_what_waits_for_a_channel_is_counted(database: Database) -> None:
    for key in ("unknown", "sent", "edited", "sending"):
        await owe(database, key)
        [owed] = await claim(database)
        if key == "unknown":
            await tell(database, outbox.unknown, owed, at=NOW + SECOND, error="reset")
        elif key != "sending":
            await tell(database, outbox.sent, owed, version=1, ts=f"{owed.id}.0", at=NOW)
    await owe(database, "edited", "other")
    await owe(database, "pending")
    await database.write(lambda conn: outbox.owe(conn, key="x", channel="C2", payload={}, now=NOW))
    assert await database.read(lambda conn: outbox.waiting_for(conn, "C1")) == 4
    assert await database.read(lambda conn: outbox.waiting_for(conn, "C2")) == 1
    assert await database.read(lambda conn: outbox.waiting_for(conn, "C3")) == 0


async def test_what_was_given_up_is_counted_while_nothing_else_is_owed(database: Database) -> None:
    assert await database.read(outbox.given_up) == 0
    for number in range(3):
        await owe(database, f"k/{number}", at=NOW + number * SECOND)
        [owed] = await claim(database, NOW + number * SECOND)
        await tell(database, outbox.failed, owed, error="invalid_blocks", at=NOW)
    await owe(database, "waits")
    assert await database.read(outbox.given_up) == 3
    assert await database.read(lambda conn: outbox.given_up(conn, NOW + SECOND)) == 2
    assert await database.read(lambda conn: outbox.given_up(conn, NOW + 3 * SECOND)) == 0
    await owe(database, "k/2", "other")
    assert await database.read(outbox.given_up) == 2


async def test_a_message_without_a_place_is_found_by_the_beginning_of_its_key(database: Database) -> None:
    def unplaced(channel: str, prefix: str) -> Callable[[Connection], Owed | None]:
        return lambda conn: outbox.unplaced(conn, channel, prefix)

    first = await owe(database, "alert/1/1")
    await owe(database, "alert/12/1")
    assert await database.read(unplaced("C1", "alert/1/")) == first
    for channel, prefix in (
        ("C2", "alert/1/"),
        ("C1", "alert/2/"),
        ("C1", "lert/1/"),
        ("C1", "ALERT/1/"),
        ("C1", "alert/_/"),
        ("C1", "alert/%"),
    ):
        assert await database.read(unplaced(channel, prefix)) is None
    [owed] = await claim(database, limit=1)
    await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    assert await database.read(unplaced("C1", "alert/1/")) is None
    reply = await owe(database, "alert/1/1/call-0", thread_key="alert/1/1")
    found = await database.read(unplaced("C1", "alert/1/"))
    assert found == reply
    assert found.thread_ts == "1.1"


# -- a clock that was set back ---------------------------------------------------------------------------------

TEN_MINUTES = 600 * SECOND


async def test_a_turn_further_ahead_than_any_wait_is_no_reason_to_wait(database: Database) -> None:
    for key, wait in (
        ("waits", TEN_MINUTES),
        ("waits as well", SECOND),
        ("was set back", TEN_MINUTES + SECOND),
    ):
        await owe(database, key)
        [owed] = await claim(database)
        await tell(database, outbox.retry, owed, at=NOW + wait, error="429")
    await owe(database, "a year ago", at=NOW + timedelta(days=365))
    assert [each.key for each in await claim(database)] == ["was set back", "a year ago"]
    assert await claim(database, owner="two") == []  # they are under a lease now
    assert [each.key for each in await claim(database, NOW + SECOND, "two")] == ["waits as well"]


async def test_a_lease_further_ahead_than_any_wait_has_run_out(database: Database) -> None:
    await owe(database, "held")
    await claim(database, lease_until=NOW + TEN_MINUTES)
    await owe(database, "looked for")
    [owed] = await claim(database)
    await tell(database, outbox.unknown, owed, at=NOW + SECOND, error="reset")
    await owe(database, "edit")
    [owed] = await claim(database)
    await tell(database, outbox.sent, owed, version=1, ts="1.1", at=NOW)
    await owe(database, "edit", "other")
    await owe(database, "first post")

    now = NOW + SECOND
    ahead = {"looked for", "edit", "first post"}
    claimed = await claim(database, now, lease_until=now + TEN_MINUTES + SECOND)
    assert {each.key for each in claimed} == ahead
    found = await claim(database, now, owner="two")
    assert {each.key: each.state for each in found} == {
        "looked for": SendState.UNKNOWN,
        "edit": SendState.SENDING,
        "first post": SendState.UNKNOWN,  # it may have been posted
    }
    assert await claim(database, now, owner="three") == []
