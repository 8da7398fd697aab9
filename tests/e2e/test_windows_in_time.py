"""Windows whose machine's clock is set by an hour while they are open: they last as long as they were meant to."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conversation import OPS
from tests.e2e.alerting import card, reply, until
from tests.e2e.test_alert_faults import HOUR, other_clock

pytestmark = pytest.mark.long  # it waits for clocks


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "back"])
async def test_a_clock_that_is_set_neither_ends_a_window_nor_makes_it_longer(
    tmp_path: Path, ahead: timedelta
) -> None:
    async with other_clock(tmp_path) as (talk, bot):
        await talk.person("operator").types("/monitor fleet 30m")
        shown = await card(talk, "window #1", where=OPS)
        await until(talk, lambda: talk.rows("select reads from windows")[0][0] >= 3)
        [(ends,)] = talk.rows("select ends_at from windows")
        bot.set_clock(ahead=ahead)
        await reply(talk, shown, "The clock of this machine was set", "60 min")
        [(later, missed, reads)] = talk.rows("select ends_at, missed, reads from windows")
        moved = datetime.fromisoformat(later) - datetime.fromisoformat(ends)
        assert abs(moved - ahead) < timedelta(seconds=20)
        await until(talk, lambda: talk.rows("select reads from windows")[0][0] >= reads + 3)
        assert talk.rows("select state from windows") == [("open",)]
        assert talk.rows("select missed from windows")[0][0] <= missed + 3
        assert "restart" not in talk.rows("select blind from windows")[0][0]
