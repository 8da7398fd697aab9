"""The coordinator, call by call: a pool of its own for stops, shared reads for everybody else."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

import httpx

from commands.coordinator import wire
from commands.coordinator.budget import ReadBudget
from commands.coordinator.errors import RateLimited, Refused
from commands.coordinator.exchange import Exchange, OnCall, open_pool, tls_for
from commands.coordinator.fields import Json
from commands.coordinator.model import Answer, FleetStatus, Health
from commands.coordinator.profile import COORDINATOR, Profile
from commands.coordinator.shared import SharedRead

_CONNECTIONS = 20  # of the general pool


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Coordinator:
    """Every call of one coordinator.

    Each method makes at most one attempt and raises one of the errors in ``errors``; retrying is for the caller.
    Stops and their read-backs have connections of their own, are never held up by anything the others do and are
    not counted in the pollers' budget: after a long kill the pollers would otherwise see nothing for an hour.
    Timeouts are in seconds; ``clock`` counts seconds and never goes back.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str | None = None,
        connect_timeout: float = 2.0,
        read_timeout: float = 3.0,
        transport: httpx.AsyncBaseTransport | None = None,
        kill_transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        profile: Profile = COORDINATOR,
        on_call: OnCall | None = None,
    ) -> None:
        def exchange(pool: httpx.AsyncBaseTransport) -> Exchange:
            return Exchange(
                title="The coordinator",
                url=url,
                token=token,
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                pool=pool,
                now=now,
                on_call=on_call,
            )

        tls = tls_for(url)
        self._general = exchange(transport or open_pool(tls, connections=_CONNECTIONS))
        self._stops = exchange(kill_transport or open_pool(tls, connections=None))
        self._clock, self._now, self._profile = clock, now, profile
        self._budget = ReadBudget(per_minute=profile.per_minute, per_hour=profile.per_hour)
        self._statuses = SharedRead(self._read_status, clock=clock)
        self._healths = SharedRead(self._read_health, clock=clock)
        self._seen: FleetStatus | None = None
        self._kills = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @property
    def profile(self) -> Profile:
        """How this back end is spoken to."""
        return self._profile

    # -- reads ---------------------------------------------------------------------------------------------------

    async def status(self, *, max_age: float = 0.0, background: bool = False) -> FleetStatus:
        """The fleet as of at most ``max_age`` seconds ago, or as of a read shared with all who ask now.

        A ``background`` read waits while a kill has priority and while the budget for pollers is spent, except when
        it needs no request of its own. After a write nobody gets what was read before it.
        """
        if background:
            await self._until_free(max_age)
        return await self._statuses.get(max_age=max_age)

    async def read_back(self) -> FleetStatus:
        """The fleet as of a read that begins now, shared with nobody, on the connections of the stops."""
        began = self._now()
        said = await self._stops.get("read_back", self._profile.status)
        self._seen = wire.fleet_status(said, observed_at=began)
        return self._seen

    @property
    def seen(self) -> FleetStatus | None:
        """The fleet as this process read it last, for whomever: also by a kill, while nobody else reads."""
        return self._seen

    async def health(self) -> Health:
        """What GET /health says, shared with all who ask now; "healthy" means little: it says so while killed."""
        return await self._healths.get()

    @contextlib.contextmanager
    def priority(self) -> Iterator[None]:
        """Keep background reads waiting while a kill is going on; may be held several times at once."""
        self._kills += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._kills -= 1
            if not self._kills:
                self._calm.set()

    @property
    def calm(self) -> bool:
        """False while a kill is going on: then nobody else reads."""
        return self._calm.is_set()

    # -- stops ---------------------------------------------------------------------------------------------------

    async def activate_kill(self, reason: str, *, approved_by: str | None = None) -> Answer:
        """The answer to one attempt at activating the kill switch."""
        body = _kill_body("activate", reason, approved_by)
        return await self._write("activate_kill", self._profile.kill_switch, body, stop=True)

    async def stop(self, bot: str, *, reason: str | None = None) -> Answer:
        """The answer to stopping one bot, or "all"."""
        body: Json = {"bot": bot} if reason is None else {"bot": bot, "reason": reason}
        return await self._write("stop", self._profile.stop, body, stop=True)

    async def stop_all(self, *, reason: str | None = None) -> Answer:
        """The answer to stopping every bot without touching the kill switch."""
        body: Json = {} if reason is None else {"reason": reason}
        return await self._write("stop_all", self._profile.stop_all, body, stop=True)

    async def pause(self, bot: str) -> Answer:
        """The answer to pausing one bot."""
        return await self._write("pause", self._profile.pause, {"bot": bot}, stop=True)

    # -- what lets trading begin or grow -------------------------------------------------------------------------

    async def kill_switch(
        self,
        action: Literal["deactivate", "override", "force_override"],
        reason: str,
        *,
        approved_by: str | None = None,
    ) -> Answer:
        """The answer to releasing the kill switch; Refused, with nothing sent, where the profile cannot."""
        if action not in self._profile.kill_actions:
            raise Refused(
                f"A {self._profile.name} back end knows no {action}, so nothing was sent: choose another way.",
                code="INVALID_PARAMETER",
            )
        return await self._write(action, self._profile.kill_switch, _kill_body(action, reason, approved_by))

    async def start(self, bot: str, *, safe_mode: bool | None = None) -> Answer:
        """The answer to starting one bot; "starting" is not running."""
        body: Json = {"bot": bot} if safe_mode is None else {"bot": bot, "safe_mode": safe_mode}
        return await self._write("start", self._profile.start, body)

    async def resume(self, bot: str) -> Answer:
        """The answer to resuming one paused bot."""
        return await self._write("resume", self._profile.resume, {"bot": bot})

    async def recover(self, bot: str, *, force: bool | None = None) -> Answer:
        """The answer to beginning the recovery of one bot."""
        body: Json = {"bot": bot} if force is None else {"bot": bot, "force": force}
        return await self._write("recover", self._profile.recovery, body)

    async def start_sequential(self) -> Answer:
        """The answer to starting all bots in order, at full limits: this call has no safe mode."""
        return await self._write("start_sequential", self._profile.start_sequential, {})

    async def close(self) -> None:
        """Give up the shared reads and close every connection."""
        await self._statuses.close()
        await self._healths.close()
        await self._general.close()
        await self._stops.close()

    # ------------------------------------------------------------------------------------------------------------

    async def _write(self, call: str, path: str, body: Json, *, stop: bool = False) -> Answer:
        try:
            if stop:
                said = await self._stops.post(call, path, body)
            else:
                with self._budgeted(path):
                    said = await self._general.post(call, path, body)
        finally:
            # also after a failure: it may have acted all the same
            self._statuses.forget()
        return wire.answer(said, at=self._now())

    async def _read_status(self) -> FleetStatus:
        began = self._now()
        with self._budgeted(self._profile.status):
            said = await self._general.get("status", self._profile.status)
        self._seen = wire.fleet_status(said, observed_at=began)
        return self._seen

    async def _read_health(self) -> Health:
        began = self._now()
        with self._budgeted(self._profile.health):
            said = await self._general.get("health", self._profile.health)
        return wire.health(said, observed_at=began)

    @contextlib.contextmanager
    def _budgeted(self, path: str) -> Iterator[None]:
        self._budget.record(path, self._clock())
        try:
            yield
        except RateLimited as error:
            self._budget.hold(error.retry_after, self._clock())
            raise

    async def _until_free(self, max_age: float) -> None:
        while not self._statuses.at_hand(max_age):
            await self._calm.wait()
            wait = self._budget.wait(self._profile.status, self._clock())
            if wait <= 0:
                return
            await asyncio.sleep(wait)


def _kill_body(action: str, reason: str, approved_by: str | None) -> Json:
    body: Json = {"action": action, "reason": reason}
    if approved_by is not None:
        body["approved_by"] = approved_by
    return body
