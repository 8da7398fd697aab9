"""The ticks go on when the clock is set back."""

import asyncio
from datetime import UTC, datetime, timedelta

from chatbot.jobs import Job, scheduler, set_right


async def test_a_clock_that_was_set_back_keeps_no_tick_waiting() -> None:
    ticked = asyncio.Event()

    async def tick() -> None:
        ticked.set()

    ticks = scheduler((Job(name="one", seconds=60, run=tick),))
    ticks.start()
    try:
        now = datetime.now(UTC)
        assert set_right(ticks, now) == 0  # its time lies ahead by no more than its interval
        assert set_right(ticks, now - timedelta(hours=1)) == 1
        async with asyncio.timeout(5):
            await ticked.wait()
    finally:
        ticks.shutdown(wait=False)
