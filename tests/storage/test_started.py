"""Whether an approved start since a moment explains that a bot trades."""

from dataclasses import replace
from datetime import timedelta

import pytest
from test_actions import NOW, accepted, an_action

from storage import actions, raises
from storage.actions import State
from storage.database import Database

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("start", "explains"),
    [
        (("start", "ndax", State.VERIFIED, 0), True),
        (("start-sequential", None, State.VERIFIED, 0), True),
        (("resume", "quantum", State.VERIFIED, 0), True),
        (("start", "shadowforge", State.VERIFIED, 0), False),  # of another bot
        (("start", "ndax", State.FAILED, 0), False),
        (("start", "ndax", State.VERIFIED, 2), False),  # of before it was stopped
        (("stop", "ndax", State.VERIFIED, 0), False),
        (("start", "ndax", None, 0), True),  # it runs now
    ],
)
async def test_a_start_explains_only_what_it_started(
    database: Database, start: tuple[str, str | None, State | None, int], explains: bool
) -> None:
    command, bot, state, ago = start
    action = replace(an_action("a-1"), command=command, bot=bot)
    await accepted(database, action, owner="one")
    if state is not None:
        at = NOW - ago * MINUTE
        await database.write(lambda conn: actions.finish(conn, action.id, state=state, at=at, outcome={}))
    found = await database.read(lambda conn: raises.started_since(conn, NOW - MINUTE, ("ndax", "quantum")))
    assert found is explains
