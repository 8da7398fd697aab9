"""What the tests of the reference fleet share."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fleet_clock import Clock

from chatbot.sandbox.fleet import Fleet


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with Fleet.running() as served:
        yield served


@pytest.fixture
async def client(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fleet.coordinator_url, timeout=2) as made:
        yield made


@pytest.fixture
async def monitor(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fleet.monitor_url, timeout=2) as made:
        yield made
