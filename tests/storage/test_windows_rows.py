"""Windows, the looks they share and safe modes, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from storage import looks, safe_modes, windows
from storage.database import Database
from storage.windows import WindowRow, WindowState

NOW = datetime(2026, 11, 25, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_window(**changes: object) -> WindowRow:
    values: dict[str, object] = {
        "bot": "ndax",
        "origin": "monitor",
        "opened_by": "U1",
        "begun_at": NOW,
        "ends_at": NOW + 30 * MINUTE,
        "every": 10.0,
    }
    return WindowRow(**{**values, **changes})  # type: ignore[arg-type]


async def test_a_window_comes_back_as_it_was_stored(database: Database) -> None:
    stored = await database.write(lambda conn: windows.begin(conn, a_window(blind=[["a", "b", 1, "x"]])))
    assert stored is not None
    assert stored == await database.read(lambda conn: windows.get(conn, stored.id))
    assert stored.blind == [["a", "b", 1, "x"]]
    assert await database.read(windows.counted) == 1
    assert await database.read(lambda conn: windows.get(conn, 99)) is None


async def test_a_start_opens_one_window(database: Database) -> None:
    row = a_window(action_id="start-1")
    assert await database.write(lambda conn: windows.begin(conn, row)) is not None
    assert await database.write(lambda conn: windows.begin(conn, row)) is None
    assert await database.read(windows.counted) == 1


async def test_a_window_ends_once(database: Database) -> None:
    row = await database.write(lambda conn: windows.begin(conn, a_window()))
    assert row is not None
    over = a_window(id=row.id, state=WindowState.UNSTABLE, rule="health", why="low", ended_at=NOW + MINUTE)
    assert await database.write(lambda conn: windows.save(conn, row, over))
    closed = a_window(id=row.id, state=WindowState.CLOSED, ended_at=NOW + 2 * MINUTE)
    assert not await database.write(lambda conn: windows.save(conn, row, closed))
    assert await database.read(windows.standing) == []
    [found] = await database.read(lambda conn: windows.ended(conn, 5))
    assert (found.state, found.why) == ("unstable", "low")
    assert [each.id for each in await database.read(lambda conn: windows.since(conn, NOW))] == [row.id]
    assert await database.read(lambda conn: windows.since(conn, NOW + 2 * MINUTE)) == []


async def test_an_alarm_is_answered_once(database: Database) -> None:
    row = await database.write(
        lambda conn: windows.begin(conn, a_window(state=WindowState.UNSTABLE, ended_at=NOW))
    )
    assert row is not None
    assert [each.id for each in await database.read(lambda conn: windows.unsettled(conn, NOW))] == [row.id]
    assert await database.read(lambda conn: windows.unsettled(conn, NOW + MINUTE)) == []
    assert await database.write(lambda conn: windows.settle(conn, row.id, "U2"))
    assert not await database.write(lambda conn: windows.settle(conn, row.id, "U3"))
    assert await database.read(lambda conn: windows.unsettled(conn, NOW)) == []


async def test_a_clock_that_was_set_moves_a_window_and_its_looks(database: Database) -> None:
    row = await database.write(lambda conn: windows.begin(conn, a_window(last_read_at=NOW + MINUTE)))
    assert row is not None
    for minute in (-1, 1, 2):
        await database.write(lambda conn, at=NOW + minute * MINUTE: looks.keep(conn, at=at, data={}))
    shift = timedelta(hours=-2)
    after = await database.write(lambda conn: windows.move(conn, row, windows.moved(row, shift)))
    assert (after.begun_at, after.last_read_at) == (NOW + shift, NOW + MINUTE + shift)
    assert after.ends_at - after.begun_at == 30 * MINUTE
    assert await database.read(lambda conn: windows.get(conn, row.id)) == after
    await database.write(lambda conn: looks.move(conn, NOW, shift))
    found = await database.read(lambda conn: looks.between(conn, NOW - timedelta(days=1), NOW + 9 * MINUTE))
    assert [each.at for each in found] == [NOW + MINUTE + shift, NOW + 2 * MINUTE + shift, NOW - MINUTE]


@pytest.mark.parametrize(("many", "most", "least_found"), [(10, 20, 10), (200, 20, 15)])
async def test_many_looks_are_thinned_and_the_newest_is_kept(
    database: Database, many: int, most: int, least_found: int
) -> None:
    def fill(conn: object) -> None:
        for number in range(many):
            looks.keep(conn, at=NOW + number * timedelta(seconds=1), data={"n": number})  # type: ignore[arg-type]

    await database.write(fill)
    found = await database.read(lambda conn: looks.between(conn, NOW, NOW + timedelta(hours=1), most=most))
    assert least_found <= len(found) <= most + 1
    assert found[-1].data == {"n": many - 1}
    assert await database.write(lambda conn: looks.prune(conn, NOW + timedelta(seconds=5))) == 5


async def test_a_safe_mode_is_told_once_and_only_the_newest_of_a_bot(database: Database) -> None:
    def begin(conn: object, action: str, at: datetime) -> None:
        safe_modes.begin(
            conn,  # type: ignore[arg-type]
            bot="ndax",
            action_id=action,
            by="U1",
            at=at,
            due_at=at + 120 * MINUTE,
        )

    await database.write(lambda conn: begin(conn, "start-1", NOW))
    await database.write(lambda conn: begin(conn, "start-2", NOW + MINUTE))
    late = NOW + 200 * MINUTE
    [found] = await database.read(lambda conn: safe_modes.due(conn, late))
    assert found.action_id == "start-2"
    assert await database.read(lambda conn: safe_modes.due(conn, NOW + 120 * MINUTE)) == []
    assert await database.write(lambda conn: safe_modes.told(conn, found.id, late))
    assert not await database.write(lambda conn: safe_modes.told(conn, found.id, late))
    await database.write(lambda conn: begin(conn, "start-3", late))
    await database.write(lambda conn: safe_modes.over(conn, "ndax", late))
    assert await database.read(lambda conn: safe_modes.due(conn, late + 200 * MINUTE)) == []
