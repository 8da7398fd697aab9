"""A clock that moves only when told, and the client that speaks to a fleet without sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from chatbot.sandbox.fleet import Fleet


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@asynccontextmanager
async def coordinator_of(fleet: Fleet, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=fleet.coordinator)
    async with httpx.AsyncClient(transport=transport, base_url="http://fleet", headers=headers) as client:
        yield client


@asynccontextmanager
async def monitor_of(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=fleet.monitor)
    async with httpx.AsyncClient(transport=transport, base_url="http://fleet") as client:
        yield client


@asynccontextmanager
async def control_of(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=fleet.control)
    async with httpx.AsyncClient(transport=transport, base_url="http://fleet") as client:
        yield client
