"""The switchboard of faults: which are on, for which requests, and for how many more of them."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from chatbot.sandbox.fleet.fault_table import CHOICES, FAULTS, PATHS, FaultKind, Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switch that is on; ``times`` and ``paths`` limit it (``None``, empty: no limit)."""

    name: str
    server: str = "coordinator"
    times: int | None = None
    paths: frozenset[str] = frozenset()
    options: Mapping[str, Option]

    def number(self, option: str) -> float:
        """A numeric option."""
        return float(self.options[option])

    def text(self, option: str) -> str:
        """A text option."""
        return str(self.options[option])

    def on(self, option: str) -> bool:
        """A yes-or-no option."""
        return self.options[option] is True

    def bots(self, every: Collection[str]) -> frozenset[str]:
        """The bots it is about: ``all`` or names with commas between them."""
        named = self.text("bot")
        return frozenset(every) if named == "all" else frozenset(name.strip() for name in named.split(","))

    def as_json(self) -> dict[str, object]:
        """The fault as data for JSON."""
        limits = {"server": self.server, "times": self.times, "paths": sorted(self.paths)}
        return {"name": self.name, **limits, **self.options}

    def touches(self, server: str, path: str) -> bool:
        """True when it applies to requests for this endpoint."""
        possible = FAULTS[self.name].paths
        if server != self.server or (possible is not None and path not in possible):
            return False
        return not self.paths or path in self.paths


class Faults:
    """The switchboard; ``on_change(fault, is_on)`` hears of every switch that is set, cleared or used up."""

    def __init__(
        self, *, bots: Collection[str], on_change: Callable[[Fault, bool], None], home: bool = False
    ) -> None:
        self._bots, self._on_change, self._home = bots, on_change, home
        self._on: dict[str, Fault] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._on.values()))

    def set(
        self,
        name: str,
        *,
        server: str = "coordinator",
        times: int | None = None,
        paths: Collection[str] = (),
        **options: Option,
    ) -> Fault:
        """Switch a fault on, in place of the same one before; ValueError when it makes no sense."""
        fault = self._checked(name, server=server, times=times, paths=paths, options=options)
        self.clear(name)
        self._on[name] = fault
        self._on_change(fault, True)
        return fault

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all of them; one that is off already is fine."""
        for each in tuple(self._on) if name is None else (name,):
            fault = self._on.pop(each, None)
            if fault is not None:
                self._on_change(fault, False)

    def active(self, name: str, server: str, path: str) -> Fault | None:
        """The fault when it applies to requests for this endpoint; this counts nothing."""
        fault = self._on.get(name)
        return fault if fault is not None and fault.touches(server, path) else None

    def take(self, name: str, server: str, path: str) -> Fault | None:
        """The fault when it applies to this request, which counts as one of its ``times``."""
        fault = self.active(name, server, path)
        if fault is None or fault.times is None:
            return fault
        if fault.times == 1:
            self.clear(name)
        else:
            self._on[name] = replace(fault, times=fault.times - 1)
        return fault

    def _checked(
        self,
        name: str,
        *,
        server: str,
        times: int | None,
        paths: Collection[str],
        options: Mapping[str, Option],
    ) -> Fault:
        kind = FAULTS.get(name)
        if kind is None:
            raise ValueError(f"There is no fault {name!r}; there are {', '.join(FAULTS)}.")
        if server not in PATHS or (server == "monitor" and not kind.monitor):
            raise ValueError(f"{name} cannot be set for the server {server!r}.")
        if kind.home and not self._home:
            raise ValueError(f"{name} needs a fleet that has a home.")
        limited = frozenset((paths,) if isinstance(paths, str) else paths)
        possible = PATHS[server] if kind.paths is None else kind.paths
        if unknown := limited - possible:
            raise ValueError(f"{name} cannot be limited to {', '.join(sorted(unknown))}.")
        if times is not None and (not possible or isinstance(times, bool) or times < 1):
            raise ValueError(f"{name} cannot be limited to {times!r} requests.")
        for option, value in options.items():
            self._check_option(name, kind, option, value)
        return Fault(
            name=name, server=server, times=times, paths=limited, options={**kind.options, **options}
        )

    def _check_option(self, name: str, kind: FaultKind, option: str, value: Option) -> None:
        if option not in kind.options:
            raise ValueError(f"{name} has no option {option}; it has {', '.join(kind.options) or 'none'}.")
        if not _fits(value, kind.options[option]) or value not in CHOICES.get(option, {value}):
            raise ValueError(f"{name} cannot have {option} = {value!r}.")
        if option == "bot" and value != "all":
            unknown = {bot.strip() for bot in str(value).split(",")} - set(self._bots)
            if unknown:
                raise ValueError(f"There is no bot {', '.join(sorted(unknown))}.")


def _fits(value: Option, default: Option) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, str):
        return isinstance(value, str)
    return not isinstance(value, str) and math.isfinite(value) and value >= 0
