"""One read serves all who ask at the same time, and only them."""

import asyncio

import pytest

from commands.coordinator.errors import Unreachable
from commands.coordinator.shared import SharedRead


class Source:
    """Counts reads; each ends when the test lets it."""

    def __init__(self):
        self.reads = 0
        self.gates: list[asyncio.Future[int]] = []

    async def read(self) -> int:
        self.reads += 1
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        return await gate


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(source, clock) -> SharedRead[int]:
    return SharedRead(source.read, clock=clock)


async def turns() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_ask_and_one_read_answers(shared, source):
    asking = [asyncio.create_task(shared.get()) for _ in range(100)]
    await turns()
    source.gates[0].set_result(7)
    assert await asyncio.gather(*asking) == [7] * 100
    assert source.reads == 1


async def test_a_result_serves_again_only_while_it_is_young_enough(shared, source, clock):
    first = asyncio.create_task(shared.get())
    await turns()
    clock.now = 2.0  # the read took two seconds: its age counts from when it began
    source.gates[0].set_result(1)
    assert await first == 1
    assert await shared.get(max_age=2.0) == 1
    clock.now = 2.1
    assert not shared.at_hand(2.0)
    assert not shared.at_hand(0.0)
    again = asyncio.create_task(shared.get(max_age=2.0))
    await turns()
    source.gates[1].set_result(2)
    assert await again == 2


async def test_a_failure_reaches_those_who_waited_and_nobody_after_them(shared, source):
    waiting = [asyncio.create_task(shared.get()) for _ in range(3)]
    await turns()
    source.gates[0].set_exception(Unreachable("down"))
    assert [str(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == ["down"] * 3
    later = asyncio.create_task(shared.get(max_age=60))
    await turns()
    source.gates[1].set_result(2)
    assert await later == 2


async def test_who_asks_in_the_very_turn_in_which_a_read_failed_has_a_new_one(shared, source):
    waiting = asyncio.create_task(shared.get())
    await turns()
    source.gates[0].set_exception(Unreachable("down"))
    later = asyncio.create_task(shared.get())  # runs after the read ended and before anybody was told
    await turns()
    assert source.reads == 2
    source.gates[1].set_result(2)
    assert await later == 2
    with pytest.raises(Unreachable, match="down"):
        await waiting


@pytest.mark.parametrize("leaving", [0, 1])
async def test_who_is_cancelled_leaves_the_read_to_the_others(shared, source, leaving):
    asking = [asyncio.create_task(shared.get()) for _ in range(2)]
    await turns()
    asking[leaving].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking[leaving]
    source.gates[0].set_result(3)
    assert await asking[1 - leaving] == 3
    assert source.reads == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_silent(shared, source):
    alone = asyncio.create_task(shared.get())
    await turns()
    alone.cancel()
    await turns()
    source.gates[0].set_exception(Unreachable("down"))
    await turns()
    assert not shared.at_hand(60)


async def test_after_a_change_nobody_gets_what_was_read_before_it(shared, source):
    before = asyncio.create_task(shared.get())
    await turns()
    shared.forget()
    after = asyncio.create_task(shared.get(max_age=60))
    await turns()
    assert source.reads == 2
    source.gates[1].set_result(2)
    assert await after == 2
    source.gates[0].set_result(1)  # the older read ends last and must not be kept
    assert await before == 1
    assert await shared.get(max_age=60) == 2


async def test_closing_tells_those_who_wait_instead_of_cancelling_them(shared, source):
    waiting = asyncio.create_task(shared.get())
    await turns()
    await shared.close()
    with pytest.raises(Unreachable, match="closed by this program"):
        await waiting
