"""PostgreSQL through psycopg 3: the same verbs, one transaction each, run again after a deadlock."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from storage.errors import AGAIN, CLOSED, StorageError, explain, sqlstate, told
from storage.migrate import PATIENCE_SECONDS, migrate, revision
from storage.migrations import HEAD

T = TypeVar("T")

PAUSES = (0.01, 0.05, 0.2, 0.5)
"""Seconds before each further try after a deadlock or serialization failure."""

CONNECT_SECONDS = 3
LOCK_SECONDS = 5
"""How long a connection of the pool, or a lock that another program holds, is waited for."""

CONNECTIONS = 8
URGENT_CONNECTIONS = 2  # of their own: a kill waits for no connection that others hold

MIGRATION_LOCK = 0x666C656574  # any number of our own: "fleet"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engines:
    """Three ways to the same server; reading shares the connections of writing."""

    urgent: AsyncEngine
    writing: AsyncEngine
    reading: AsyncEngine


class Postgres:
    """The PostgreSQL half of ``Database``; nothing is opened before ``prepare``, ``write`` or ``read``."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._arguments = {"connect_timeout": CONNECT_SECONDS} if "connect_timeout" not in url.query else {}
        self._engines: _Engines | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def prepare(self) -> None:
        # a thread and a plain connection: alembic is synchronous and would stop the loop while others migrate
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        engine = create_engine(self._url, poolclass=NullPool, connect_args=self._arguments)
        try:
            with engine.begin() as conn:
                if revision(conn) == HEAD:
                    return
            with engine.begin() as conn:
                conn.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS:.0f}s'"))
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
                migrate(conn)
        except (DBAPIError, OSError) as error:
            raise explain(error) from error
        finally:
            engine.dispose()

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool) -> T:
        return await self._apart(_patiently(self._open().urgent if urgent else self._open().writing, verb))

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._apart(_patiently(self._open().reading, query))

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a transaction as a task of its own, so that its caller can give up at once.

        The driver answers a cancellation with up to five seconds of its own clean-up on a server that hangs: a
        kill has 400 ms. And a connection is never torn down in the middle.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # taken note of: a caller who gave up will not ask for it

    def serve_alone(self) -> bool:
        return True  # replicas share it: what they do is claimed row by row, under leases

    async def close(self) -> None:
        self._closed = True
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=LOCK_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        engines, self._engines = self._engines, None
        if engines is not None:
            await engines.writing.dispose()
            await engines.urgent.dispose()

    def _open(self) -> _Engines:
        if self._closed:
            raise StorageError(CLOSED)
        if self._engines is None:
            writing = self._engine(CONNECTIONS)
            self._engines = _Engines(
                urgent=self._engine(URGENT_CONNECTIONS),
                writing=writing,
                # one snapshot for all of a read, so that the audit and the note of its newest row agree
                reading=writing.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                ),
            )
        return self._engines

    def _engine(self, connections: int) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            connect_args=self._arguments,
            pool_pre_ping=True,  # a server that was restarted costs nobody a failed write
            pool_size=connections,
            max_overflow=0,
            pool_timeout=LOCK_SECONDS,
        )
        event.listen(engine.sync_engine, "connect", _limit_waiting)
        return engine


async def _patiently(engine: AsyncEngine, verb: Callable[[Connection], T]) -> T:
    pauses = iter(PAUSES)
    while True:
        try:
            async with engine.begin() as conn:
                return await conn.run_sync(verb)
        except (SQLAlchemyError, OSError) as error:
            state = sqlstate(error) if isinstance(error, DBAPIError) else None
            pause = next(pauses, None) if state in AGAIN else None
            if pause is None:
                raise told(error) from error
        await asyncio.sleep(pause)


def _limit_waiting(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    cursor.close()
    connection.commit()
