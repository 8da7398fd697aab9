"""The door to the database: the same synchronous verbs on SQLite and on PostgreSQL, one transaction each."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import StorageError
from storage.sqlite import Sqlite

__all__ = ["Database", "StorageError"]

T = TypeVar("T")


class Backend(Protocol):
    """What both kinds of database can do; the contracts stand in ``Database``."""

    async def prepare(self) -> None: ...

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool) -> T: ...

    async def read(self, query: Callable[[Connection], T]) -> T: ...

    def serve_alone(self) -> bool: ...

    async def close(self) -> None: ...


class Database:
    """One database; making it opens nothing. A ``StorageError`` says what was not done and why.

    A verb is ``verb(conn) -> T`` in plain SQLAlchemy Core and never commits. ``write`` returns when the
    commit is on the disk; a verb that raises leaves nothing behind and its exception comes out here.
    Cancelling a ``write`` (asyncio.timeout) takes effect at once and harms nobody: a verb that was not begun
    may be dropped, one that was begun may still commit. So verbs are idempotent by key, and a caller who gave
    up can do it again.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise StorageError(
                "CHATBOT_DATABASE__URL is not a database URL; write sqlite:///var/chatbot.db."
            ) from None
        self._dialect = parsed.get_backend_name()
        self._backend: Backend
        if self._dialect == "sqlite":
            self._backend = Sqlite(parsed)
        elif self._dialect == "postgresql":
            from storage.postgres import Postgres  # its async engine costs 0.3 s that SQLite need not pay

            self._backend = Postgres(parsed)
        else:
            raise StorageError("CHATBOT_DATABASE__URL must begin with sqlite:/// or postgresql+psycopg://.")

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._dialect

    async def prepare(self) -> None:
        """Create and migrate what is needed, once however many processes start; refuse a newer database."""
        await self._backend.prepare()

    async def write(self, verb: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """What the verb returned, after its commit; an urgent one goes before the others that wait."""
        return await self._backend.write(verb, urgent=urgent)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """What the query returned, from one consistent snapshot in which nothing can be written."""
        return await self._backend.read(query)

    def serve_alone(self) -> bool:
        """True when no other process serves from this SQLite file; held until ``close``. Always on PostgreSQL."""
        return self._backend.serve_alone()

    async def close(self) -> None:
        """Finish the writes that wait, break off long reads, close everything; a second call does nothing."""
        await self._backend.close()
