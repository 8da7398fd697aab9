"""Which of several processes polls: the back ends count requests by client, and one who looks is enough."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from storage import marks
from storage.database import Database, StorageError

LEASE = timedelta(seconds=10)
RENEW_SECONDS = 3.0
NAME = "poller"

log = structlog.get_logger(__name__)


class Lead:
    """The lease of the one who polls; with SQLite there is one process, and it leads."""

    def __init__(self, *, database: Database, owner: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._owner = owner
        self._now = now
        self.leads = database.dialect == "sqlite"

    async def renew(self) -> None:
        """Take the lease, or keep it. Without a database everybody leads: a fleet that nobody watches is worse."""
        if self._database.dialect == "sqlite":
            return
        now = self._now()
        verb = partial(marks.hold, name=NAME, owner=self._owner, now=now, until=now + LEASE)
        try:
            async with asyncio.timeout(RENEW_SECONDS):
                leads = await self._database.write(verb)
        except (StorageError, TimeoutError):
            leads = True
        if leads != self.leads:
            log.info("this process polls now" if leads else "another process polls")
        self.leads = leads

    async def let_go(self) -> None:
        """Let another process poll at once."""
        if self.leads and self._database.dialect != "sqlite":
            await self._database.write(partial(marks.let_go, name=NAME, owner=self._owner))
