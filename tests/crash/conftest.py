"""One empty, migrated database for all: a copy of it spares each bot the migration."""

import asyncio
from pathlib import Path

import pytest

from storage.database import Database
from tests.crash.scene import Scene


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty database that needs no migration."""
    path = tmp_path_factory.mktemp("template") / "chatbot.db"

    async def prepare() -> None:
        database = Database(f"sqlite:///{path}")
        await database.prepare()
        await database.close()

    asyncio.run(prepare())
    return path


@pytest.fixture
def scene(template: Path, tmp_path: Path) -> Scene:
    """Where conversations with crashes take place."""
    return Scene(data=tmp_path, template=template)
