"""Every storage test runs on a real SQLite file and on a real PostgreSQL."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.postgres import (  # noqa: F401 - fixtures, found here by name
    postgres_copy,
    postgres_server,
    postgres_template,
    postgres_url,
)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/var/chatbot.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, sqlite_url: str, template: Path) -> str:
    """A database of each kind: an empty one, or for the tests of ``database`` a copy of one that was migrated."""
    migrated = "database" in request.fixturenames
    if request.param == "sqlite":
        if migrated:
            path = Path(sqlite_url.removeprefix("sqlite:///"))
            path.parent.mkdir()
            shutil.copy(template, path)
        return sqlite_url
    found: str = request.getfixturevalue("postgres_copy" if migrated else "postgres_url")
    return found


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.prepare()
    yield database
    await database.close()
