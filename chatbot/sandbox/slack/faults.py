"""What can be made to go wrong with the local Slack, as a table of switches."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

FAULTS = {
    "rate_limited": "Web API calls are answered 429 with Retry-After (option retry_after, default 1 s)",
    "http_500": "Web API calls are answered 500 and nothing happens",
    "reset_before": "the connection is reset before the call is looked at",
    "reset_after_accept": "the call takes effect and then the connection is reset without an answer",
    "slow": "Web API calls wait before they are looked at (option seconds, default 2)",
    "hang": "Web API calls are accepted and never answered, until the client gives up",
    "api_down": "connections to the Web API are refused and open ones are cut",
    "no_new_sockets": "Socket Mode connections cannot be opened",
    "invalid_blocks": "data_table, data_visualization and container blocks are refused: not rolled out yet",
    "deliver_twice": "each command and click is delivered twice with the same trigger_id",
    "drop_sockets": "at once: every Socket Mode connection is cut hard",
    "half_open": "at once: every Socket Mode connection stays open and neither reads nor answers any more",
}
"""Name -> what happens. All but the two at-once ones stay until cleared or used up (option times)."""

AT_ONCE = frozenset({"drop_sockets", "half_open"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switch that is on: for these methods (empty: all), for so many calls (``None``: until cleared)."""

    name: str
    methods: tuple[str, ...] = ()
    times: int | None = None
    options: dict[str, Any] = field(default_factory=dict)  # as given over HTTP; each fault reads its own

    def number(self, option: str, default: float) -> float:
        """The option as a number."""
        return float(self.options.get(option, default))


class Faults:
    """The switchboard; ``on_change(name)`` is told about every switch that is set or cleared."""

    def __init__(self, on_change: Callable[[str], None]) -> None:
        self._on: dict[str, Fault] = {}
        self._on_change = on_change

    def set(
        self, name: str, *, methods: Collection[str] = (), times: int | None = None, **options: Any
    ) -> None:
        """Switch a fault on; KeyError for a name that is not in the table."""
        if name not in FAULTS:
            raise KeyError(name)
        if name not in AT_ONCE:
            named = (methods,) if isinstance(methods, str) else tuple(methods)
            self._on[name] = Fault(name=name, methods=named, times=times, options=options)
        self._on_change(name)

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all."""
        for each in list(self._on) if name is None else [name]:
            if self._on.pop(each, None) is not None:
                self._on_change(each)

    def active(self, name: str) -> bool:
        """True while the switch is on."""
        return name in self._on

    def list(self) -> list[Fault]:
        """The switches that are on."""
        return list(self._on.values())

    def take(self, name: str, method: str = "") -> Fault | None:
        """The fault when it applies to this call, which then counts as one of its ``times``."""
        fault = self._on.get(name)
        if fault is None or (fault.methods and method not in fault.methods):
            return None
        if fault.times is not None:
            left = replace(fault, times=fault.times - 1)
            self._on[name] = left
            if left.times == 0:
                self.clear(name)
        return fault
