"""The way from Slack to the bot: one payload, one deadline, and for events the retries that Slack makes."""

import asyncio
import time
from collections.abc import Callable

from chatbot.sandbox.slack.faults import Faults
from chatbot.sandbox.slack.http_mode import HttpDoor
from chatbot.sandbox.slack.model import Delivery, Json
from chatbot.sandbox.slack.pace import Pace
from chatbot.sandbox.slack.socket_mode import DeliveryError, SocketHub


class Courier:
    """Delivers payloads over Socket Mode, or over HTTP once a ``door`` is set."""

    def __init__(self, *, hub: SocketHub, pace: Pace, faults: Faults, on_change: Callable[[], None]) -> None:
        self.hub = hub
        self.door: HttpDoor | None = None
        self.deliveries: list[Delivery] = []
        self._pace, self._faults, self._on_change = pace, faults, on_change
        self._background: set[asyncio.Task[object]] = set()

    async def ask(self, kind: str, payload: Json) -> Delivery:
        """Deliver a command or an interaction once: Slack never sends those again."""
        if self._faults.take("deliver_twice"):
            self._spawn(kind, payload)
        return await self._once(kind, payload)

    async def tell(self, payload: Json) -> Delivery:
        """Deliver an event; unacknowledged, it comes again in the background, three times at most."""
        first = await self._once("events_api", payload)
        if first.error is not None:
            self._keep(asyncio.create_task(self._retry(payload, first)))
        return first

    async def _retry(self, payload: Json, last: Delivery) -> None:
        for attempt, delay in enumerate(self._pace.event_retries, start=1):
            await asyncio.sleep(delay)
            reason = "http_timeout" if last.error == "operation_timeout" else "http_error"
            last = await self._once("events_api", payload, retry=attempt, reason=reason)
            if last.error is None:
                return

    async def _once(self, kind: str, payload: Json, *, retry: int = 0, reason: str = "") -> Delivery:
        begun = time.monotonic()
        carrier = self.door or self.hub
        try:
            async with asyncio.timeout(self._pace.ack):
                ack = await carrier.deliver(kind, payload, retry=retry, reason=reason)
            took = time.monotonic() - begun
            done = Delivery(kind=kind, payload=payload, ack=ack, seconds=took)
        except DeliveryError as reason_why:
            done = Delivery(kind=kind, payload=payload, error=str(reason_why))
        except TimeoutError:
            done = Delivery(kind=kind, payload=payload, error="operation_timeout")
        self.deliveries.append(done)
        self._on_change()
        return done

    def _spawn(self, kind: str, payload: Json) -> None:
        self._keep(asyncio.create_task(self._once(kind, payload)))

    def _keep(self, task: asyncio.Task[object]) -> None:
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
