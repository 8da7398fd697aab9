"""A conversation for every test, in both modes where the way of the request matters."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversation import Conversation, conversation


@pytest.fixture(autouse=True)
def migrated(template: Path, tmp_path: Path) -> None:
    """Every bot finds its database migrated already, except those of `both`."""
    shutil.copy(template, tmp_path / "chatbot.db")


@pytest.fixture(params=["socket", "http"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Conversation]:
    """A conversation over Socket Mode, and one over HTTP, each with a bot that finds no database."""
    data = tmp_path / "empty"
    data.mkdir()
    async with conversation(data, http_mode=request.param == "http") as talk:
        yield talk


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    """A conversation over Socket Mode, watching only briefly after a verified stop."""
    async with conversation(
        tmp_path, CHATBOT_KILL__WATCH_SECONDS="2", CHATBOT_COORDINATOR__POLL_SECONDS="1"
    ) as talk:
        yield talk
