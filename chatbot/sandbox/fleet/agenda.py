"""What is going to happen by itself, and when."""

from collections.abc import Callable, Hashable, Iterator
from datetime import datetime

Act = Callable[[datetime], None]


class Agenda:
    """At most one act for each key; acts happen when somebody looks, in the order in which they fell due."""

    def __init__(self) -> None:
        self._acts: dict[Hashable, tuple[datetime, Act]] = {}

    def put(self, key: Hashable, at: datetime, act: Act) -> None:
        """Let ``act`` happen at ``at``, instead of what the key stood for before."""
        self._acts[key] = (at, act)

    def drop(self, key: Hashable) -> None:
        """Forget the act of that key, if there is one."""
        self._acts.pop(key, None)

    def time_of(self, key: Hashable) -> datetime | None:
        """When the act of that key will happen."""
        entry = self._acts.get(key)
        return None if entry is None else entry[0]

    def next(self) -> datetime | None:
        """When the next act will happen."""
        return min((at for at, _ in self._acts.values()), default=None)

    def due(self, now: datetime) -> Iterator[tuple[datetime, Act]]:
        """Take out, one by one, what is due; an act may add or drop others meanwhile."""
        while self._acts:
            key, (at, act) = min(self._acts.items(), key=lambda item: item[1][0])
            if at > now:
                return
            del self._acts[key]
            yield at, act
