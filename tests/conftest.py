"""What every test shares."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic")
NO_CHROMIUM = "no chromium on this machine: apt-get install chromium"

# Machines are shared, and the first example in a new clone builds tables of characters: slowness is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", unhurried, derandomize=True)  # the same examples in every run
settings.register_profile("exploring", unhurried)  # others each time: pytest --hypothesis-profile=exploring
settings.load_profile("same")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty database that needs no migration: a copy of it spares a bot that work."""
    from storage.database import Database

    path = tmp_path_factory.mktemp("template") / "chatbot.db"

    async def prepare() -> None:
        database = Database(f"sqlite:///{path}")
        await database.prepare()
        await database.close()

    asyncio.run(prepare())
    return path


@pytest.fixture
async def browser() -> AsyncIterator["Browser"]:
    """A real chromium: each new context is another person's machine.

    Where none is installed its tests are skipped, or fail if TESTS_NEED_BROWSER is 1.
    """
    if CHROMIUM is None:
        if os.environ.get("TESTS_NEED_BROWSER") == "1":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield running
        await running.close()
