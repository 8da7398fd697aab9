"""The health monitor: alerts, metrics, logs and health, each read shared by all who ask at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import httpx

from commands.coordinator import wire, wire_monitor
from commands.coordinator.budget import ReadBudget
from commands.coordinator.client import utc_now
from commands.coordinator.errors import CoordinatorError, RateLimited
from commands.coordinator.exchange import Exchange, OnCall, open_pool, tls_for
from commands.coordinator.fields import Json
from commands.coordinator.model import Health, LogLine, MonitorAlert, MonitorMetrics
from commands.coordinator.shared import SharedRead

MOST_LOG_LINES = 200
"""The most that ``logs`` returns; this many are always asked for, so that one read serves all who ask."""

SOON_SECONDS = 0.7
"""What the monitor adds to an answer is worth so much waiting: within the second after which one is announced."""

PER_MINUTE, PER_HOUR = 60, 600
"""Requests to one endpoint and of one client; documented for the coordinator, and kept here as well."""

_CONNECTIONS = 8

T = TypeVar("T")


async def soon(read: Awaitable[T]) -> T | None:
    """What the monitor says, ``None`` when it errs or is slow: what it adds is left out then."""
    try:
        async with asyncio.timeout(SOON_SECONDS):
            return await read
    except (CoordinatorError, TimeoutError):
        return None


class Monitor:
    """Every call of one health monitor; raises the errors in ``errors``, timeouts are in seconds."""

    def __init__(
        self,
        *,
        url: str,
        token: str | None = None,
        connect_timeout: float = 2.0,
        read_timeout: float = 3.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        on_call: OnCall | None = None,
    ) -> None:
        self._exchange = Exchange(
            title="The health monitor",
            url=url,
            token=token,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            pool=transport or open_pool(tls_for(url), connections=_CONNECTIONS),
            now=now,
            on_call=on_call,
        )
        self._now, self._clock = now, clock
        self._budget = ReadBudget(per_minute=PER_MINUTE, per_hour=PER_HOUR)
        self._alerts = SharedRead(self._read_alerts, clock=clock)
        self._metrics = SharedRead(self._read_metrics, clock=clock)
        self._logs = SharedRead(self._read_logs, clock=clock)
        self._healths = SharedRead(self._read_health, clock=clock)

    async def alerts(self, *, background: bool = False) -> tuple[MonitorAlert, ...]:
        """All rows in the monitor's order; ``armed`` ones are conditions that stand ready, not alerts.

        A ``background`` read waits while the budget for pollers is spent.
        """
        if background:
            await self._until_free("/alerts")
        return await self._alerts.get()

    async def metrics(self, *, background: bool = False) -> MonitorMetrics:
        """Bots, limits and system figures; a monitor in the field sends constant zeros."""
        if background:
            await self._until_free("/metrics")
        return await self._metrics.get()

    async def logs(self, lines: int) -> tuple[LogLine, ...]:
        """The last ``lines`` log lines (at most ``MOST_LOG_LINES``), raw: they may hold secrets."""
        if lines < 1:
            raise ValueError("lines must be 1 or more")
        return (await self._logs.get())[-lines:]

    async def health(self) -> Health:
        """What GET /health says, which is "healthy" even while the alerts fail."""
        return await self._healths.get()

    async def close(self) -> None:
        """Give up the shared reads and close every connection."""
        for read in (self._alerts, self._metrics, self._logs, self._healths):
            await read.close()
        await self._exchange.close()

    async def _until_free(self, path: str) -> None:
        while True:
            wait = self._budget.wait(path, self._clock())
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    async def _asked(self, call: str, path: str) -> Json:
        """What one request answered, counted in the budget whoever made it."""
        self._budget.record(path.partition("?")[0], self._clock())
        try:
            return await self._exchange.get(call, path)
        except RateLimited as error:
            self._budget.hold(error.retry_after, self._clock())
            raise

    async def _read_alerts(self) -> tuple[MonitorAlert, ...]:
        return wire_monitor.alerts(await self._asked("monitor_alerts", "/alerts"))

    async def _read_metrics(self) -> MonitorMetrics:
        began = self._now()
        return wire_monitor.metrics(await self._asked("monitor_metrics", "/metrics"), observed_at=began)

    async def _read_logs(self) -> tuple[LogLine, ...]:
        said = await self._asked("monitor_logs", f"/logs?lines={MOST_LOG_LINES}")
        return wire_monitor.logs(said, lines=MOST_LOG_LINES)

    async def _read_health(self) -> Health:
        began = self._now()
        return wire.health(await self._asked("monitor_health", "/health"), observed_at=began)
