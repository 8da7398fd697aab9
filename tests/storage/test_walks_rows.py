"""Recoveries under way, on both databases: of two who press at once, one is told that the other was first."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, StatementError

from storage import audit, walk_steps, walks
from storage.database import Database, StorageError
from storage.walk_steps import OnStep, StepState, WalkStep
from storage.walks import Walk, WalkState

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
T = TypeVar("T")
SETTLED = sorted({StepState.VERIFIED, StepState.ASSERTED, StepState.SKIPPED})
HOSTILE = "nul \0, half a pair \ud83d"
KEPT = "nul \ufffd, half a pair ?"


def a_walk(**changes: object) -> Walk:
    values: dict[str, object] = {"bot": "ndax", "lead": "U1", "opened_by": "U1", "opened_at": NOW}
    return Walk(**{**values, **changes})  # type: ignore[arg-type]


def a_step(number: int, **changes: object) -> WalkStep:
    values: dict[str, object] = {
        "number": number,
        "name": f"s{number}",
        "phase": "stop",
        "title": "t",
        "text": "x",
    }
    return WalkStep(**{**values, **changes})  # type: ignore[arg-type]


async def begun(database: Database, **changes: object) -> Walk:
    found = await database.write(lambda conn: walks.begin(conn, a_walk(**changes)))
    assert found is not None
    return found


async def chosen(database: Database, walk: Walk, many: int = 3, scenario: str = "crash") -> list[WalkStep]:
    """The steps of that recovery, the runbook chosen."""

    def work(conn: Connection) -> list[WalkStep]:
        now = walks.get(conn, walk.id)
        assert now is not None
        steps = [a_step(n + 1) for n in range(many)]
        assert walks.choose(
            conn, walk.id, before=now.scenario, scenario=scenario, title=scenario.title(), chosen=steps
        )
        return walk_steps.steps(conn, walk.id)

    return await database.write(work)


async def at_once(database: Database, url: str, *verbs: Callable[[Connection], T]) -> list[T]:
    """What these answer when four programs do them at the same time, each in the audit's line."""
    programs = (database, *(Database(url) for _ in range(3)))

    def in_line(verb: Callable[[Connection], T]) -> Callable[[Connection], T]:
        def work(conn: Connection) -> T:
            audit.queue_up(conn, NOW)
            return verb(conn)

        return work

    answers = await asyncio.gather(*(programs[n % 4].write(in_line(verb)) for n, verb in enumerate(verbs)))
    await asyncio.gather(*(each.close() for each in programs[1:]))
    return answers


async def get(database: Database, number: int) -> Walk:
    found = await database.read(lambda conn: walks.get(conn, number))
    assert found is not None
    return found


async def end(database: Database, walk: Walk, state: WalkState = WalkState.DONE, at: datetime = NOW) -> bool:
    return await database.write(
        lambda conn: walks.end(conn, walk.id, state=state, by="U2", why="over", at=at)
    )


async def test_a_recovery_comes_back_as_it_was_stored(database: Database) -> None:
    walk = a_walk(
        scenario="crash",
        title="Crash loop",
        different=HOSTILE,
        action_id="recover-1",
        proposed=({"scenario": "crash", "points": 5, "reasons": []},),
        looked_at=NOW,
        looked=("yes: it is so", "not known"),
        kills=3,
        drawn_at=NOW,
        why="",
    )
    stored = await database.write(lambda conn: walks.begin(conn, walk))
    assert stored is not None
    assert stored == await get(database, stored.id)
    expected = replace(
        walk, id=stored.id, different=KEPT, proposed=list(walk.proposed), looked=list(walk.looked)
    )
    assert stored == expected
    assert await database.read(lambda conn: walks.get(conn, 99)) is None
    assert await database.read(lambda conn: walks.by_action(conn, "recover-1")) == stored
    assert await database.read(lambda conn: walks.by_action(conn, "recover-2")) is None
    assert await database.read(lambda conn: walk_steps.steps(conn, stored.id)) == []


async def test_one_request_opens_one_recovery(database: Database, url: str) -> None:
    verbs = [lambda conn: walks.begin(conn, a_walk(action_id="recover-1"))] * 8
    answers = await at_once(database, url, *verbs)
    assert sum(each is not None for each in answers) == 1
    assert len(await database.read(walks.standing)) == 1
    # what was opened without a request is nobody's double
    await begun(database)
    await begun(database)
    assert len(await database.read(walks.standing)) == 3


async def test_open_and_ended_ones_are_listed_apart(database: Database) -> None:
    one, two, three, four = [await begun(database) for _ in range(4)]
    assert await end(database, two, at=NOW + 2 * MINUTE)
    assert await end(database, one, WalkState.ABANDONED, at=NOW + 3 * MINUTE)
    assert await end(database, three, at=NOW + 2 * MINUTE)
    assert [each.id for each in await database.read(walks.standing)] == [four.id]
    over = await database.read(lambda conn: walks.ended(conn, 9))
    assert [each.id for each in over] == [one.id, three.id, two.id]
    assert [each.id for each in await database.read(lambda conn: walks.ended(conn, 1))] == [one.id]


@pytest.mark.parametrize(
    ("open_", "wanted", "met"),
    [
        ("ndax", "ndax", True),
        ("ndax", "quantum", False),
        ("ndax", None, True),
        (None, "ndax", True),
        (None, None, True),
    ],
)
async def test_what_would_meet_is_in_the_way_until_it_is_over(
    database: Database, open_: str | None, wanted: str | None, met: bool
) -> None:
    first = await begun(database, bot=open_)
    await begun(database, bot=open_)
    second = await database.read(lambda conn: walks.in_the_way(conn, wanted))
    assert (second == first) if met else (second is None)
    for each in await database.read(walks.standing):
        await end(database, each)
    assert await database.read(lambda conn: walks.in_the_way(conn, wanted)) is None


async def test_recoveries_of_late_are_counted_by_bot_whatever_became_of_them(database: Database) -> None:
    for bot, ago in (("ndax", 0), ("ndax", 10), ("ndax", 11), (None, 5), ("quantum", 5)):
        walk = await begun(database, bot=bot, opened_at=NOW - ago * MINUTE)
        await end(database, walk)

    async def counted(bot: str | None, ago: int) -> int:
        return await database.read(lambda conn: walks.opened_since(conn, bot, NOW - ago * MINUTE))

    assert [await counted("ndax", ago) for ago in (11, 10, 1, -1)] == [4, 3, 1, 0]
    # one of the fleet is about every bot, and one more of the fleet about whichever had most
    assert [await counted(None, ago) for ago in (11, 9, 1)] == [4, 2, 1]
    assert await counted("shadowforge", 99) == 1


async def test_what_a_look_showed_is_kept_while_it_is_open(database: Database) -> None:
    walk = await begun(database)
    proposed = ({"scenario": "crash", "points": 4},)
    assert await database.write(lambda conn: walks.propose(conn, walk.id, proposed, ("a",), NOW))
    found = await get(database, walk.id)
    assert (found.proposed, found.looked, found.looked_at) == (list(proposed), ["a"], NOW)
    later = NOW + MINUTE
    assert await database.write(lambda conn: walks.looked(conn, walk.id, ("b", HOSTILE), later))
    found = await get(database, walk.id)
    assert (found.proposed, found.looked, found.looked_at) == (list(proposed), ["b", HOSTILE], later)
    await database.write(lambda conn: walks.drawn(conn, walk.id, later))
    assert (await get(database, walk.id)).drawn_at == later


async def test_a_runbook_is_chosen_by_one_of_many(database: Database, url: str) -> None:
    walk = await begun(database)

    def choose(name: str) -> Callable[[Connection], bool]:
        return lambda conn: walks.choose(
            conn, walk.id, before="", scenario=name, title=name, chosen=[a_step(1, name=name)]
        )

    names = [f"book-{n}" for n in range(8)]
    answers = await at_once(database, url, *map(choose, names))
    assert sum(answers) == 1
    winner = names[answers.index(True)]
    found = await get(database, walk.id)
    assert (found.scenario, found.title) == (winner, winner)
    assert [each.name for each in await database.read(lambda conn: walk_steps.steps(conn, walk.id))] == [
        winner
    ]


async def test_a_runbook_replaces_the_steps_of_the_one_before_and_of_no_other_recovery(
    database: Database,
) -> None:
    walk, other = await begun(database), await begun(database, bot="quantum")
    kept = await chosen(database, other, 2)
    first = await chosen(database, walk, 3)
    carried = a_step(
        1, state=StepState.VERIFIED, by="U1", note="n", seen=("yes",), seen_at=NOW, settled_at=NOW
    )
    full = a_step(
        2,
        bot="ndax",
        commands=("/start {bot}",),
        probes=("logs",),
        expects={"bot.running": True},
        record="why",
        skippable=True,
        text=HOSTILE,
    )

    def choose(conn: Connection, before: str) -> bool:
        return walks.choose(
            conn, walk.id, before=before, scenario="memory", title="Memory", chosen=[full, carried]
        )

    assert not await database.write(lambda conn: choose(conn, ""))  # somebody chose since
    assert await database.write(lambda conn: choose(conn, "crash"))
    one, two = await database.read(lambda conn: walk_steps.steps(conn, walk.id))
    assert (one.number, one.state, one.by, one.seen, one.seen_at) == (
        1,
        StepState.VERIFIED,
        "U1",
        ["yes"],
        NOW,
    )
    assert two == replace(
        full, id=two.id, walk_id=walk.id, commands=["/start {bot}"], probes=["logs"], seen=[], text=KEPT
    )
    assert await database.read(lambda conn: walk_steps.steps(conn, other.id)) == kept
    # an id names one step for ever: a form that was opened before settles nothing else
    assert not {each.id for each in first} & {one.id, two.id}


async def test_ids_of_steps_are_not_used_again_however_often_a_runbook_is_chosen(database: Database) -> None:
    walk = await begun(database)
    seen: set[int] = set()
    for n, many in enumerate((5, 1, 3)):
        ids = {each.id for each in await chosen(database, walk, many, f"book-{n}")}
        assert len(ids) == many
        assert not ids & seen
        seen |= ids


async def test_nothing_is_chosen_once_it_is_over(database: Database) -> None:
    walk = await begun(database)
    steps = await chosen(database, walk)
    await end(database, walk)
    again: Callable[[Connection], bool] = lambda conn: walks.choose(  # noqa: E731 - said once more below
        conn, walk.id, before="crash", scenario="memory", title="Memory", chosen=[a_step(1)]
    )
    assert not await database.write(again)
    assert await database.read(lambda conn: walk_steps.steps(conn, walk.id)) == steps


@pytest.mark.parametrize("state", SETTLED)
async def test_a_step_is_settled_by_one_of_many(database: Database, url: str, state: StepState) -> None:
    step, other, _ = await chosen(database, await begun(database))

    def settle(n: int) -> Callable[[Connection], bool]:
        return lambda conn: walk_steps.settle(
            conn,
            step.id,
            state=state,
            by=f"U{n}",
            note=f"by {n}",
            seen=("yes: it is so",),
            at=NOW + n * MINUTE,
        )

    answers = await at_once(database, url, *map(settle, range(8)))
    assert sum(answers) == 1
    n = answers.index(True)
    found, untouched, _ = await database.read(lambda conn: walk_steps.steps(conn, step.walk_id))
    assert (found.state, found.by, found.note, found.settled_at) == (
        state,
        f"U{n}",
        f"by {n}",
        NOW + n * MINUTE,
    )
    by_probe = state is StepState.VERIFIED  # what a person says was seen by no probe
    assert (found.seen, found.seen_at) == ((["yes: it is so"], found.settled_at) if by_probe else ([], None))
    assert untouched == other


@pytest.mark.parametrize("state", SETTLED)
async def test_only_a_verified_step_is_seen_again(database: Database, state: StepState) -> None:
    step, *_ = await chosen(database, await begun(database))
    later = NOW + MINUTE

    async def again() -> bool:
        return await database.write(lambda conn: walk_steps.seen_again(conn, step.id, ("yes",), later))

    assert not await again()
    await database.write(
        lambda conn: walk_steps.settle(conn, step.id, state=state, by="U1", seen=("old",), at=NOW)
    )
    verified = state is StepState.VERIFIED
    assert await again() is verified
    found, *_ = await database.read(lambda conn: walk_steps.steps(conn, step.walk_id))
    assert (found.seen, found.seen_at, found.settled_at) == (
        ["yes"] if verified else [],
        later if verified else None,
        NOW,
    )


@pytest.mark.parametrize("state", SETTLED)
async def test_a_settled_step_is_reopened_by_one_of_many_and_can_be_settled_anew(
    database: Database, url: str, state: StepState
) -> None:
    step, other, _ = await chosen(database, await begun(database))
    assert not await database.write(lambda conn: walk_steps.reopen(conn, step.id, "not settled"))
    for each in (step, other):
        await database.write(
            lambda conn, each=each: walk_steps.settle(
                conn, each.id, state=state, by="U1", seen=("x",), at=NOW
            )
        )
    before = (await database.read(lambda conn: walk_steps.steps(conn, step.walk_id)))[1]
    verbs = [lambda conn: walk_steps.reopen(conn, step.id, "a kill came")] * 6
    assert sum(await at_once(database, url, *verbs)) == 1
    found, untouched, _ = await database.read(lambda conn: walk_steps.steps(conn, step.walk_id))
    assert found == replace(step, note="a kill came")
    assert untouched == before
    assert await database.write(lambda conn: walk_steps.settle(conn, step.id, state=state, by="U2", at=NOW))


async def test_a_person_is_on_one_step_of_a_recovery(database: Database) -> None:
    walk, other = await begun(database), await begun(database, bot="quantum")

    def take(person: str, step: int, minute: int, number: int) -> Callable[[Connection], None]:
        return lambda conn: walk_steps.take(conn, number, person, step, NOW + minute * MINUTE)

    for person, step, minute, number in (
        ("U1", 1, 0, walk.id),
        ("U2", 1, 1, walk.id),
        ("U1", 3, 2, walk.id),
        ("U1", 2, 0, other.id),
    ):
        await database.write(take(person, step, minute, number))
    assert await database.read(lambda conn: walk_steps.people(conn, walk.id)) == [
        OnStep(walk_id=walk.id, person="U2", number=1, at=NOW + MINUTE),
        OnStep(walk_id=walk.id, person="U1", number=3, at=NOW + 2 * MINUTE),
    ]
    await database.write(lambda conn: walk_steps.leave(conn, walk.id, "U1"))
    await database.write(lambda conn: walk_steps.leave(conn, walk.id, "U9"))
    assert [each.person for each in await database.read(lambda conn: walk_steps.people(conn, walk.id))] == [
        "U2"
    ]
    assert len(await database.read(lambda conn: walk_steps.people(conn, other.id))) == 1
    await end(database, walk)
    assert await database.read(lambda conn: walk_steps.people(conn, walk.id)) == []
    assert len(await database.read(lambda conn: walk_steps.people(conn, other.id))) == 1


async def test_of_one_person_who_takes_two_steps_at_once_one_is_left(database: Database, url: str) -> None:
    walk = await begun(database)

    def take(step: int) -> Callable[[Connection], None]:
        return lambda conn: walk_steps.take(conn, walk.id, "U1", step, NOW)

    await at_once(database, url, *map(take, range(1, 9)))
    assert len(await database.read(lambda conn: walk_steps.people(conn, walk.id))) == 1


async def test_the_lead_is_handed_over_by_whoever_has_it(database: Database, url: str) -> None:
    walk, other = await begun(database), await begun(database, bot="quantum")

    def hand(before: str, to: str) -> Callable[[Connection], bool]:
        return lambda conn: walks.hand_over(conn, walk.id, before=before, to=to)

    assert not await database.write(hand("U2", "U3"))
    answers = await at_once(database, url, *(hand("U1", f"U{n}") for n in range(2, 8)))
    assert sum(answers) == 1
    assert (await get(database, walk.id)).lead == f"U{answers.index(True) + 2}"
    assert (await get(database, other.id)).lead == "U1"


async def test_a_kill_is_taken_in_once(database: Database, url: str) -> None:
    walk = await begun(database, kills=2)

    def count(before: int, now: int) -> Callable[[Connection], bool]:
        return lambda conn: walks.count_kills(conn, walk.id, before=before, now=now)

    assert not await database.write(count(1, 3))
    assert sum(await at_once(database, url, *[count(2, 3)] * 6)) == 1
    assert (await get(database, walk.id)).kills == 3


async def test_it_ends_once(database: Database, url: str) -> None:
    walk, other = await begun(database), await begun(database, bot="quantum")

    def ending(n: int) -> Callable[[Connection], bool]:
        state = WalkState.ABANDONED if n % 2 else WalkState.DONE
        return lambda conn: walks.end(
            conn, walk.id, state=state, by=f"U{n}", why=f"why {n}", at=NOW + n * MINUTE
        )

    answers = await at_once(database, url, *map(ending, range(8)))
    assert sum(answers) == 1
    n, found = answers.index(True), await get(database, walk.id)
    assert (found.state, found.ended_by, found.why, found.ended_at) == (
        WalkState.ABANDONED if n % 2 else WalkState.DONE,
        f"U{n}",
        f"why {n}",
        NOW + n * MINUTE,
    )
    assert (await get(database, other.id)).state == WalkState.OPEN


@pytest.mark.parametrize(
    "verb",
    [
        lambda conn, number: walks.propose(conn, number, (), (), NOW),
        lambda conn, number: walks.looked(conn, number, ("x",), NOW),
        lambda conn, number: walks.choose(
            conn, number, before="", scenario="x", title="x", chosen=[a_step(1)]
        ),
        lambda conn, number: walks.hand_over(conn, number, before="U1", to="U2"),
        lambda conn, number: walks.count_kills(conn, number, before=0, now=1),
        lambda conn, number: walks.end(conn, number, state=WalkState.DONE, by="U1", why="", at=NOW),
    ],
    ids=["propose", "looked", "choose", "hand over", "count kills", "end"],
)
async def test_nothing_changes_one_that_is_over_or_is_not(
    database: Database, verb: Callable[[Connection, int], bool]
) -> None:
    walk = await begun(database)
    await end(database, walk)
    before = await get(database, walk.id)
    assert not await database.write(lambda conn: verb(conn, walk.id))
    assert await get(database, walk.id) == before
    assert not await database.write(lambda conn: verb(conn, 99))


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (walk_steps.settle, {"state": StepState.ASSERTED, "by": "U1", "at": NOW}),
        (walk_steps.reopen, {"why": "x"}),
        (walk_steps.seen_again, {"seen": (), "at": NOW}),
    ],
    ids=["settle", "reopen", "seen again"],
)
async def test_there_is_nothing_to_do_to_a_step_that_is_not(
    database: Database, verb: Callable[..., bool], arguments: dict[str, Any]
) -> None:
    assert not await database.write(lambda conn: verb(conn, 99, **arguments))


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    walk = await begun(database)
    with pytest.raises(StatementError, match="without a zone"):
        await database.write(lambda conn: walks.looked(conn, walk.id, (), NOW.replace(tzinfo=None)))


async def test_two_steps_have_two_numbers(database: Database) -> None:
    walk = await begun(database)
    twice = [a_step(1), a_step(1)]
    with pytest.raises((StorageError, IntegrityError)):
        await database.write(
            lambda conn: walks.choose(conn, walk.id, before="", scenario="x", title="x", chosen=twice)
        )
    assert (await get(database, walk.id)).scenario == ""
