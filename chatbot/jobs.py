"""The ticks: small periodic work, each run claiming what is due from the database, none holding state of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)

SEEN_FOR = timedelta(days=2)
"""How long keys of requests and steps are remembered; Slack repeats an event for five minutes at most."""

SLACK = timedelta(seconds=1)

PRUNE_SECONDS = 3600.0
"""How often what is old is forgotten."""

ALERTS_FOR = timedelta(days=90)
"""How long alerts that are over are remembered, with what was heard and decided of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One tick: what to run and how often."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]
    at_once: bool = False  # also when the program starts, not only when the time is over for the first time


def scheduler(jobs: tuple[Job, ...]) -> AsyncIOScheduler:
    """A scheduler with these jobs, not started; a late or overlapping tick is skipped: the next one does its work."""
    ticks = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        ticks.add_job(
            _guarded,
            "interval",
            args=[job],
            id=job.name,
            seconds=job.seconds,
            **({"next_run_time": datetime.now(UTC)} if job.at_once else {}),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    return ticks


async def _guarded(job: Job) -> None:
    try:
        await job.run()
    except Exception as error:  # noqa: BLE001 - a tick that fails is tried again at the next one
        log.warning("a tick failed", job=job.name, error=f"{type(error).__name__}: {error}"[:300])


def set_right(ticks: AsyncIOScheduler, now: datetime) -> int:
    """How many jobs were late because the clock was set back: their next time lay further ahead than their interval."""
    late = [job for job in ticks.get_jobs() if job.next_run_time - now > job.trigger.interval + SLACK]
    for job in late:
        job.modify(next_run_time=now)
    return len(late)
