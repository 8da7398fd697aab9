"""The reference fleet, served: a coordinator, a monitor, switches for what can go wrong, and what arrived."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from starlette.types import ASGIApp

from chatbot.sandbox.fleet import wire
from chatbot.sandbox.fleet.bots import NEEDS
from chatbot.sandbox.fleet.control import control_app
from chatbot.sandbox.fleet.coordinator_api import CoordinatorApi
from chatbot.sandbox.fleet.engine import Engine
from chatbot.sandbox.fleet.exchange import exchange_app
from chatbot.sandbox.fleet.faults import Fault, Faults
from chatbot.sandbox.fleet.front import Call, Front
from chatbot.sandbox.fleet.levers import Levers
from chatbot.sandbox.fleet.limits import Limits, RateLimits
from chatbot.sandbox.fleet.monitor_api import monitor_app
from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.fleet.ports import Port
from chatbot.sandbox.fleet.scenarios import Scenarios
from chatbot.sandbox.fleet.trouble import Trouble

_CALLS_KEPT = 10_000

T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Fleet(Levers):
    """Three bots, their coordinator and their monitor in this event loop.

    ``coordinator`` and ``monitor`` are ASGI applications, which ``running`` also serves; ``control`` is the
    one that steers them. ``calls`` holds the newest requests as they arrived, oldest first. With a ``home`` (see
    `make_home`) the fleet also reads its configuration there and logs there.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = _utc_now,
        token: str | None = None,
        policy: Policy | None = None,
        limits: Limits | None = None,
        home: Path | None = None,
    ) -> None:
        self._clock, self.home = clock, home
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._ports: dict[str, Port] = {}
        self.calls: list[Call] = []
        super().__init__(Engine(clock=clock, policy=policy or Policy(), on_change=self._tell, home=home))
        self.faults = Faults(bots=NEEDS, on_change=self._fault_changed, home=home is not None)
        self._scenarios = Scenarios(self.engine, self.faults)
        self._limits = RateLimits(limits or Limits())
        coordinator = CoordinatorApi(
            engine=self.engine,
            faults=self.faults,
            limits=self._limits,
            token=token,
            wait_until=self._wait_until,
        ).app()
        self.coordinator = self._fronted(coordinator, server="coordinator", token=token)
        self.monitor = self._fronted(monitor_app(self.engine, self.faults), server="monitor", token=None)
        self.control: ASGIApp = control_app(self)

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        host: str = "127.0.0.1",
        coordinator_port: int = 0,
        monitor_port: int = 0,
        clock: Callable[[], datetime] = _utc_now,
        token: str | None = None,
        policy: Policy | None = None,
        limits: Limits | None = None,
        home: Path | None = None,
    ) -> AsyncIterator[Self]:
        """A fleet that answers on its ports (0: a free one) within the block; OSError if one is taken."""
        fleet = cls(clock=clock, token=token, policy=policy, limits=limits, home=home)
        try:
            for name, app, number in (
                ("coordinator", fleet.coordinator, coordinator_port),
                ("monitor", fleet.monitor, monitor_port),
                ("exchange", exchange_app(), 0),
                ("control", fleet.control, 0),
            ):
                fleet._ports[name] = Port(app, host=host, port=number)
        except OSError:
            for port in fleet._ports.values():
                port.give_up()
            raise
        failure: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            for port in fleet._ports.values():
                tasks.create_task(port.serve_here())
            try:
                for port in fleet._ports.values():
                    await port.up.wait()
                yield fleet
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - raised again below, outside the group, to arrive bare
                failure = error
            finally:
                fleet._close()
        if failure is not None:
            raise failure

    @property
    def coordinator_url(self) -> str:
        """Where the coordinator listens; KeyError when the fleet is not served."""
        return self._ports["coordinator"].url

    @property
    def monitor_url(self) -> str:
        """Where the monitor listens; KeyError when the fleet is not served."""
        return self._ports["monitor"].url

    @property
    def exchange_url(self) -> str:
        """Where the exchange listens; KeyError when the fleet is not served."""
        return self._ports["exchange"].url

    @property
    def control_url(self) -> str:
        """Where ``control`` listens; KeyError when the fleet is not served."""
        return self._ports["control"].url

    def calls_to(self, path: str, *, server: str = "coordinator") -> list[Call]:
        """The calls that arrived at one endpoint, oldest first."""
        return [call for call in self.calls if call.server == server and call.path == path]

    def restart(self, *, start_bots: bool = False, stop_bots: bool = False) -> None:
        """Restart the coordinator: it forgets the kill, its counts and the rate limits; the bots go on.

        ``stop_bots``: those that it knew to be up end with it. ``start_bots``: it starts the stopped ones in sequence.
        """
        self._limits.forget()
        self.engine.restart(start_bots=start_bots, stop_bots=stop_bots)
        self._scenarios.forget_mended()
        if port := self._ports.get("coordinator"):
            port.cut()

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first true answer of ``predicate``, asked on every change; TimeoutError after ``timeout`` s."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            now = self.engine.floor.settle()
            if answer := predicate():
                return answer
            left = deadline - loop.time()
            if left <= 0:
                raise TimeoutError(f"After {timeout:g} s it was still not so: {self._condition()}")
            due = self.engine.floor.agenda.next()
            if due is not None:
                left = min(left, max(0.001, (due - now).total_seconds()))
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def state(self) -> dict[str, object]:
        """The truth, as data for JSON: kill switch, bots, number of alerts, faults and the newest calls."""
        self._scenarios.forget_mended()
        now = self.engine.floor.settle()
        switch = self.engine.kill_switch
        return {
            "now": wire.stamp(now),
            "kill_switch": {
                "active": switch.active,
                "reason": switch.reason,
                "since": wire.stamp(switch.since) if switch.since else None,
                "cooldown_left": switch.cooldown_left(now).total_seconds(),
                "breaker_open": switch.breaker_open(now),
            },
            "bots": {
                name: {"status": bot.status, "trading": bot.trading, "safe_mode": bot.safe_mode}
                for name, bot in self.engine.floor.bots.items()
            },
            "alerts": len(self.engine.journal.alerts(now)),
            "faults": [fault.as_json() for fault in self.faults],
            "calls": [call.as_json() for call in self.calls[-200:]],
        }

    def _fronted(self, app: ASGIApp, *, server: str, token: str | None) -> ASGIApp:
        trouble = Trouble(
            app,
            server=server,
            faults=self.faults,
            pause=self._pause,
            cut=partial(self._cut, server),
            error=partial(wire.error, self.engine),
        )
        return Front(trouble, server=server, token=token, clock=self._clock, record=self._record)

    def _cut(self, server: str, client: tuple[str, int]) -> None:
        self._ports[server].cut(client)

    def _record(self, call: Call) -> None:
        self.calls.append(call)
        if len(self.calls) > _CALLS_KEPT:
            del self.calls[: _CALLS_KEPT // 10]
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _fault_changed(self, fault: Fault, is_on: bool) -> None:
        floor = self.engine.floor
        if fault.name == "unreachable" and (port := self._ports.get(fault.server)):
            (port.refuse if is_on else port.accept)()
        elif fault.name == "behind_back":
            for name in fault.bots(floor.bots):
                if is_on:
                    floor.appear(floor.bots[name], seen=fault.on("seen"))
                else:
                    floor.vanish(floor.bots[name])
        elif fault.name == "lying_status" and not is_on:
            for name in fault.bots(floor.bots):
                floor.notice(floor.bots[name])
        elif fault.name == "latch_lost" and is_on and self.engine.kill_switch_active:
            self.engine.forget_kill(fault.number("seconds"))
        elif fault.name == "exchange_down" and (port := self._ports.get("exchange")):
            (port.refuse if is_on else port.accept)()
        self._scenarios.changed(fault, is_on)
        self._tell()

    async def _pause(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return True
        return False

    async def _wait_until(self, predicate: Callable[[], bool]) -> None:
        await self.wait_for(lambda: self._closing.is_set() or predicate(), timeout=86_400)

    def _close(self) -> None:
        for port in self._ports.values():
            port.stop()
        # after the ports: whoever wakes up finds its client gone and has nothing left to answer
        self._closing.set()
        self._tell()

    def _condition(self) -> str:
        return ", ".join(f"{bot.name} {bot.status}" for bot in self.engine.floor.bots.values())
