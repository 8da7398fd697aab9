"""Approvals in storage: one conditional statement decides, on any number of processes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from storage import actions, approvals, raises
from storage.actions import Action, State
from storage.approvals import Approval, Choice, Verdict
from storage.database import Database

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)


async def asked(database: Database, name: str = "start-1", *, needed: int = 1, solo: bool = False) -> None:
    def work(conn: Connection) -> None:
        action = Action(
            id=name,
            key=name,
            command="start",
            bot="ndax",
            reason="",
            requested_by="U1",
            source="slack",
            accepted_at=NOW,
        )
        actions.accept(conn, action, owner=None, lease_until=None, waiting=True)
        approvals.ask(
            conn,
            Approval(
                action_id=name,
                digest="d",
                asked={"facts": {}},
                needed=needed,
                frees_at=NOW + timedelta(minutes=5) if solo else None,
                asked_at=NOW,
                expires_at=LATER,
            ),
        )

    await database.write(work)


async def approve(
    database: Database, person: str, *, version: int = 1, at: datetime = NOW, name: str = "start-1"
) -> Approval | None:
    return await database.write(
        lambda conn: approvals.approve(
            conn, name, person=person, version=version, proof="slack", at=at, good_until=LATER
        )
    )


async def test_of_many_votes_at_once_one_counts(database: Database, url: str) -> None:
    await asked(database)
    others = [Database(url) for _ in range(3)]
    tries = [approve(each, f"U{n + 2}") for n, each in enumerate((database, *others) * 5)]
    counted = [each for each in await asyncio.gather(*tries) if each is not None]
    assert len(counted) == 1
    assert counted[0].state is Verdict.APPROVED
    assert counted[0].good_until == LATER
    found = await database.read(lambda conn: approvals.request(conn, "start-1"))
    assert found is not None
    assert len(found.votes) == 1
    for each in others:
        await each.close()


@pytest.mark.parametrize(
    ("person", "version", "at"),
    [
        ("U1", 1, NOW),  # the one who asked
        ("U2", 0, NOW),
        ("U2", 2, NOW),
        ("U2", 1, LATER),  # over in this very moment
    ],
)
async def test_what_does_not_count(database: Database, person: str, version: int, at: datetime) -> None:
    await asked(database)
    assert await approve(database, person, version=version, at=at) is None
    found = await database.read(lambda conn: approvals.request(conn, "start-1"))
    assert found is not None
    assert (found.approval.state, found.approval.version, found.votes) == (Verdict.PENDING, 1, ())


async def test_a_quorum_takes_different_people_and_a_denial_ends_it(database: Database) -> None:
    await asked(database, needed=2)
    half = await approve(database, "U2")
    assert half is not None
    assert (half.state, half.given, half.version, half.decided_by) == (Verdict.PENDING, 1, 2, None)
    assert await approve(database, "U2", version=2) is None

    def deny(conn: Connection) -> Approval | None:
        return approvals.deny(conn, "start-1", person="U2", reason="no", proof="slack", at=NOW)

    denied = await database.write(deny)  # who approved may change their mind, to the safe side
    assert denied is not None
    assert (denied.state, denied.decided_by, denied.why) == (Verdict.DENIED, "U2", "no")
    assert await database.write(deny) is None
    assert await approve(database, "U3", version=3) is None
    votes = await database.read(lambda conn: approvals.votes_of(conn, "start-1"))
    assert [(each.person, each.choice) for each in votes] == [("U2", Choice.DENY)]


async def test_a_solo_wait_is_approved_by_nobody_and_goes_when_it_is_due(database: Database) -> None:
    await asked(database, needed=0, solo=True)
    assert await approve(database, "U2") is None

    def free(conn: Connection, at: datetime) -> Approval | None:
        return approvals.free_alone(conn, "start-1", at=at, good_until=LATER)

    assert await database.write(lambda conn: free(conn, NOW)) is None
    due = NOW + timedelta(minutes=5)
    freed = await asyncio.gather(*(database.write(lambda conn: free(conn, due)) for _ in range(4)))
    assert sum(each is not None for each in freed) == 1


async def test_each_ending_happens_once(database: Database) -> None:
    for verdict in (Verdict.WITHDRAWN, Verdict.EXPIRED, Verdict.VOID):
        name = f"start-{verdict}"
        await asked(database, name)

        def end(conn: Connection, name: str = name, verdict: Verdict = verdict) -> Approval | None:
            return approvals.end(conn, name, verdict, by="chatbot", why="w", at=NOW)

        ended = await asyncio.gather(*(database.write(end) for _ in range(4)))
        assert sum(each is not None for each in ended) == 1
        assert await approve(database, "U2", version=2, name=name) is None
    assert await database.read(approvals.pending) == []
    assert len(await database.read(lambda conn: approvals.recent(conn, 2))) == 2
    with pytest.raises(ValueError, match="cannot be ended"):
        await database.write(
            lambda conn: approvals.end(conn, "start-1", Verdict.APPROVED, by="x", why="", at=NOW)
        )


async def test_a_reminder_is_due_once(database: Database) -> None:
    await asked(database)
    assert not await database.write(lambda conn: approvals.reminded(conn, "start-1"))  # none was set


async def test_a_waiting_action_is_claimed_by_nobody_and_freed_once(database: Database) -> None:
    await asked(database)
    claimed = await database.write(
        lambda conn: actions.claim(conn, owner="p", now=LATER, lease_until=LATER, limit=9)
    )
    assert claimed == []

    def free(conn: Connection) -> bool:
        return raises.free(conn, "start-1", owner="p", lease_until=LATER)

    assert sum(await asyncio.gather(*(database.write(free) for _ in range(4)))) == 1
    assert await database.write(lambda conn: raises.begin(conn, "start-1", owner="p", at=NOW))
    assert not await database.write(lambda conn: raises.begin(conn, "start-1", owner="q", at=NOW))
    assert await database.write(lambda conn: raises.hold(conn, "start-1", owner="p"))
    assert not await database.write(lambda conn: raises.hold(conn, "start-1", owner="q"))
    assert not await database.write(lambda conn: raises.drop(conn, "start-1", NOW, {}))
    stored = await database.read(lambda conn: actions.get(conn, "start-1"))
    assert stored is not None
    assert (stored.state, stored.begun_at, stored.claimed_by) == (State.RUNNING, NOW, "p")
