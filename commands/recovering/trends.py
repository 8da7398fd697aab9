"""What many recovery logs say together: how often which scenario, and how long it took on average."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commands.recovering.model import SCENARIOS
from storage.recoveries import RecoveryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One scenario; means are in seconds over those logs that know the time, ``None`` where none does."""

    name: str
    count: int
    unknown_causes: int
    failures: int
    stop: float | None
    recover: float | None


def trends(logs: Sequence[RecoveryRow]) -> tuple[Trend, ...]:
    """The scenarios that occur, the most frequent first, and after them all together."""
    by_scenario: dict[str, list[RecoveryRow]] = {}
    for each in logs:
        by_scenario.setdefault(each.scenario, []).append(each)
    ordered = sorted(by_scenario.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [_trend(SCENARIOS.get(name, name), some) for name, some in ordered]
    return (*rows, _trend("All", logs))


def is_unknown(cause: str) -> bool:
    """True for the answer that the root cause is not known."""
    return cause.strip().strip(".!").lower() in {"unknown", "not known", "?"}


def _trend(name: str, logs: Sequence[RecoveryRow]) -> Trend:
    return Trend(
        name=name,
        count=len(logs),
        unknown_causes=sum(is_unknown(each.root_cause) for each in logs),
        failures=sum(each.outcome == "failure" for each in logs),
        stop=_mean(each.stop_s for each in logs),
        recover=_mean(each.recover_s for each in logs),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None
