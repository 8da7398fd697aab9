"""Actions: accepted once, run by one owner at a time, ended once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage import actions, latch
from storage.actions import Action, State
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=30)


def an_action(
    key: str = "trigger-1", *, command: str = "kill", minutes: int = 0, reason: str = "bad fills"
) -> Action:
    return Action(
        id=actions.new_id(command),
        key=key,
        command=command,
        bot=None if command == "kill" else "ndax",
        reason=reason,
        requested_by="U1",
        source="slack",
        channel="C1",
        response_url="https://example.invalid/reply",
        accepted_at=NOW + timedelta(minutes=minutes),
    )


async def accepted(database: Database, action: Action, owner: str | None = None) -> Action:
    stored, _ = await database.write(
        lambda conn: actions.accept(conn, action, owner=owner, lease_until=LEASE)
    )
    return stored


def test_ids_are_short_and_have_no_letters_that_look_alike() -> None:
    ids = {actions.new_id("kill") for _ in range(500)}
    assert len(ids) == 500
    assert all(len(each) == len("kill-") + 8 and not set(each[5:]) & set("01ILO") for each in ids)


async def test_a_new_action_comes_back_as_it_went_in(database: Database) -> None:
    action = an_action()
    stored, new = await database.write(
        lambda conn: actions.accept(conn, action, owner="one", lease_until=LEASE)
    )
    assert new
    assert (stored.state, stored.claimed_by, stored.lease_until) == (State.RUNNING, "one", LEASE)
    assert await database.read(lambda conn: actions.get(conn, action.id)) == stored
    assert await database.read(lambda conn: actions.get(conn, "kill-UNKNOWN")) is None


async def test_without_an_owner_an_action_waits(database: Database) -> None:
    stored = await accepted(database, an_action())
    assert (stored.state, stored.claimed_by, stored.lease_until) == (State.QUEUED, None, None)


async def test_the_same_key_at_the_same_moment_is_one_action(database: Database, url: str) -> None:
    others = [Database(url) for _ in range(3)]
    tries = [(each, an_action("twice")) for each in (database, *others) for _ in range(5)]
    answers = await asyncio.gather(
        *(
            each.write(lambda conn, action=action: actions.accept(conn, action, owner="x", lease_until=LEASE))
            for each, action in tries
        )
    )
    await asyncio.gather(*(each.close() for each in others))
    assert sum(new for _, new in answers) == 1
    assert len({stored.id for stored, _ in answers}) == 1


async def test_text_that_a_database_refuses_does_not_stop_a_kill(database: Database) -> None:
    stored = await accepted(database, an_action(reason="nul \0 and half a pair \ud83d"))
    assert await database.read(lambda conn: actions.by_key(conn, "trigger-1")) == stored
    assert "\0" not in stored.reason


async def test_kills_are_claimed_first_then_the_oldest(database: Database) -> None:
    for key, command, minutes in (("a", "stop", 0), ("b", "kill", 2), ("c", "kill", 1), ("d", "stop", -1)):
        await accepted(database, an_action(key, command=command, minutes=minutes))
    claimed = await database.write(
        lambda conn: actions.claim(conn, owner="one", now=NOW, lease_until=LEASE, limit=3)
    )
    assert [each.key for each in claimed] == ["c", "b", "d"]
    assert all((each.state, each.claimed_by) == (State.RUNNING, "one") for each in claimed)


async def test_each_action_is_claimed_by_one_of_many(database: Database, url: str) -> None:
    for number in range(20):
        await accepted(database, an_action(f"key-{number}"))
    others = [Database(url) for _ in range(3)]

    async def worker(database: Database, owner: str) -> list[str]:
        mine: list[str] = []
        while batch := await database.write(
            lambda conn: actions.claim(conn, owner=owner, now=NOW, lease_until=LEASE, limit=2)
        ):
            mine += [each.id for each in batch]
        return mine

    found = await asyncio.gather(*(worker(each, f"w{n}") for n, each in enumerate((database, *others))))
    await asyncio.gather(*(each.close() for each in others))
    every = [each for mine in found for each in mine]
    assert len(every) == len(set(every)) == 20


async def test_a_lease_that_ran_out_is_claimed_again_and_no_longer_renewed(database: Database) -> None:
    action = await accepted(database, an_action(), owner="one")

    too_early = await database.write(
        lambda conn: actions.claim(
            conn, owner="two", now=LEASE - timedelta(seconds=1), lease_until=LEASE, limit=5
        )
    )
    assert too_early == []
    later = LEASE + timedelta(seconds=30)
    taken = await database.write(
        lambda conn: actions.claim(conn, owner="two", now=LEASE, lease_until=later, limit=5)
    )
    assert [each.id for each in taken] == [action.id]
    ids = [action.id, "kill-UNKNOWN"]
    assert (
        await database.write(lambda conn: actions.renew(conn, owner="one", ids=ids, lease_until=later))
        == set()
    )
    assert await database.write(
        lambda conn: actions.renew(conn, owner="two", ids=ids, lease_until=later)
    ) == {action.id}


async def test_a_restarted_process_takes_over_what_its_predecessor_ran(database: Database) -> None:
    mine = await accepted(database, an_action("mine"), owner="host_a/1")
    await accepted(database, an_action("other"), owner="HOST_A/1")
    await accepted(database, an_action("third"), owner="hostXa/1")
    taken = await database.write(
        lambda conn: actions.take_over(
            conn, owner="host_a/2", owners_prefix="host_a/", now=NOW, lease_until=LEASE
        )
    )
    assert [(each.id, each.claimed_by) for each in taken] == [(mine.id, "host_a/2")]


async def test_first_times_and_the_first_reason_are_kept(database: Database) -> None:
    action = await accepted(database, an_action(reason=""))
    later = NOW + timedelta(seconds=5)

    def work(conn: actions.Connection) -> list[bool]:
        return [
            actions.record_sent(conn, action.id, NOW),
            actions.record_sent(conn, action.id, later),
            actions.record_verified(conn, action.id, NOW, {"read": 1}),
            actions.record_verified(conn, action.id, later, {"read": 2}),
            actions.record_reason(conn, action.id, "first"),
            actions.record_reason(conn, action.id, "second"),
        ]

    assert await database.write(work) == [True, False, True, True, True, False]
    stored = await database.read(lambda conn: actions.get(conn, action.id))
    assert stored is not None
    assert (stored.sent_at, stored.verified_at, stored.reason) == (NOW, NOW, "first")
    assert stored.outcome == {"read": 2}


@pytest.mark.parametrize("ending", ["finish", "close", "join"])
async def test_an_action_ends_once(database: Database, ending: str) -> None:
    action = await accepted(database, an_action(), owner="one")

    def end(conn: actions.Connection) -> bool:
        match ending:
            case "finish":
                return actions.finish(conn, action.id, state=State.VERIFIED, at=NOW, outcome={"bots": 3})
            case "close":
                return actions.close(conn, action.id, by="U2", reason="stopped by hand", at=NOW)
            case _:
                return actions.join(conn, action.id, "kill-FIRST", NOW)

    ended = [await database.write(end)]
    before = await database.read(lambda conn: actions.get(conn, action.id))
    for again in ("finish", "close", "join"):
        ending = again
        ended.append(await database.write(end))
    assert ended == [True, False, False, False]
    after = await database.read(lambda conn: actions.get(conn, action.id))
    assert after == before
    assert after is not None
    assert after.state not in actions.OPEN
    assert (after.claimed_by, after.lease_until, after.finished_at) == (None, None, NOW)


async def test_an_end_that_is_none_is_refused(database: Database) -> None:
    action = await accepted(database, an_action())
    with pytest.raises(ValueError, match="running"):
        await database.write(
            lambda conn: actions.finish(conn, action.id, state=State.RUNNING, at=NOW, outcome={})
        )
    with pytest.raises(ValueError, match="itself"):
        await database.write(lambda conn: actions.join(conn, action.id, action.id, NOW))


async def test_the_open_kill_is_the_oldest_one_and_recent_is_newest_first(database: Database) -> None:
    assert await database.read(actions.open_kill) is None
    await accepted(database, an_action("stop", command="stop", minutes=-5))
    second = await accepted(database, an_action("second", minutes=1))
    first = await accepted(database, an_action("first"))
    assert await database.read(actions.open_kill) == first
    assert [each.key for each in await database.read(lambda conn: actions.recent(conn, 2))] == [
        "second",
        "first",
    ]
    await database.write(lambda conn: actions.close(conn, first.id, by="U2", reason="", at=NOW))
    assert await database.read(actions.open_kill) == second


@pytest.mark.parametrize("standing", [False, True])
async def test_of_kills_at_the_same_moment_all_but_one_join(
    database: Database, url: str, standing: bool
) -> None:
    """The way a kill is accepted, with and without a latch that stands since an earlier kill."""
    others = [Database(url) for _ in range(4)]
    if standing:
        await database.write(lambda conn: latch.engage(conn, by="U0", reason="", action_id="kill-0", at=NOW))

    async def kill(database: Database, number: int) -> None:
        action = an_action(f"kill-{number}", minutes=-number)  # clocks of replicas differ

        def work(conn: actions.Connection) -> None:
            actions.accept(conn, action, owner="one", lease_until=LEASE)
            latch.engage(conn, by="U1", reason="", action_id=action.id, at=NOW)
            first = actions.open_kill(conn, besides=action.id)
            if first is not None:
                actions.join(conn, action.id, first.id, NOW)

        await database.write(work, urgent=True)

    await asyncio.gather(*(kill(each, number) for number, each in enumerate((database, *others))))
    await asyncio.gather(*(each.close() for each in others))
    stored = await database.read(lambda conn: actions.recent(conn, 10))
    running = [each for each in stored if each.state is State.RUNNING]
    assert len(running) == 1
    assert {each.joined_to for each in stored if each.state is State.JOINED} == {running[0].id}


async def test_a_look_says_whether_a_claim_would_find_something(database: Database) -> None:
    assert not await database.read(lambda conn: actions.claimable(conn, now=NOW))
    await accepted(database, an_action(), owner="one")
    assert not await database.read(lambda conn: actions.claimable(conn, now=NOW))
    assert await database.read(lambda conn: actions.claimable(conn, now=LEASE))


async def test_what_touches_the_fleet_is_what_is_open_or_ended_lately(database: Database) -> None:
    async def ended(key: str, state: State, *, asked: int, at: int) -> None:
        action = await accepted(database, an_action(key, command="stop", minutes=asked), owner="one")
        minutes = NOW + timedelta(minutes=at)
        await database.write(
            lambda conn: actions.finish(conn, action.id, state=state, at=minutes, outcome={})
        )

    await accepted(database, an_action("queued for long", minutes=-60))
    await accepted(database, an_action("runs for long", command="stop", minutes=-60), owner="one")
    waiting = an_action("waits for approval", command="start")
    await database.write(
        lambda conn: actions.accept(conn, waiting, owner=None, lease_until=None, waiting=True)
    )
    await ended("asked lately", State.VERIFIED, asked=0, at=-1)  # the clock was set back meanwhile
    await ended("failed lately", State.FAILED, asked=-60, at=0)
    await ended("over for long", State.VERIFIED, asked=-60, at=-1)
    await ended("never sent", State.VOID, asked=0, at=0)
    found = await database.read(lambda conn: actions.touching_since(conn, NOW))
    assert {each.key for each in found} == {
        "queued for long",
        "runs for long",
        "asked lately",
        "failed lately",
    }
    later = NOW + timedelta(minutes=1)
    found = await database.read(lambda conn: actions.touching_since(conn, later))
    assert {each.key for each in found} == {"queued for long", "runs for long"}


@pytest.mark.parametrize(
    ("command", "bot", "minutes", "settled"),
    [
        ("start", "ndax", 1, True),
        ("stop", "ndax", 1, True),
        ("kill", None, 1, True),
        ("stop", "kraken", 1, False),
        ("stop", "ndax", 0, False),
        ("stop", "ndax", -1, False),
        ("kill", None, -1, False),
    ],
)
async def test_a_doubtful_stop_is_settled_by_what_was_seen_to_work_later(
    database: Database, command: str, bot: str | None, minutes: int, *, settled: bool
) -> None:
    doubtful = await accepted(database, an_action("doubtful", command="stop"))
    other = await accepted(database, replace(an_action("other", command=command, minutes=minutes), bot=bot))

    async def verified(action: Action) -> bool:
        await database.write(lambda conn: actions.record_verified(conn, action.id, NOW, {}))
        return await database.read(lambda conn: actions.verified_later(conn, doubtful))

    assert not await database.read(lambda conn: actions.verified_later(conn, doubtful))
    assert await verified(other) is settled
    assert await verified(doubtful) is settled  # itself is none


async def test_a_doubtful_kill_is_settled_by_a_kill_and_by_no_stop_of_one_bot(database: Database) -> None:
    doubtful = await accepted(database, an_action("doubtful"))
    for command, settled in (("stop", False), ("kill", True)):
        later = await accepted(database, an_action(command, command=command, minutes=1))
        await database.write(lambda conn, which=later.id: actions.record_verified(conn, which, NOW, {}))
        assert await database.read(lambda conn: actions.verified_later(conn, doubtful)) is settled


async def test_kills_since_then_are_told_oldest_first_whatever_became_of_them(database: Database) -> None:
    for key, command, minutes in (
        ("second", "kill", 2),
        ("stop", "stop", 1),
        ("first", "kill", 0),
        ("old", "kill", -1),
    ):
        action = await accepted(database, an_action(key, command=command, minutes=minutes))
        await database.write(
            lambda conn, which=action.id: actions.close(conn, which, by="U2", reason="", at=NOW)
        )
    found = await database.read(lambda conn: actions.kills_since(conn, NOW))
    assert [each.key for each in found] == ["first", "second"]
    assert await database.read(lambda conn: actions.kills_since(conn, NOW + timedelta(hours=1))) == []
