"""Ten thousand alerts in a minute, on a real database: few calls, nothing lost, the critical one at once."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alert_world import START, World, signal, world

from commands.alerting.model import Severity, Signal
from storage.alert_events import alert_events
from storage.alerts import alerts

STORM, EACH = 10_000, 250


def one_kind(number: int) -> Signal:
    return signal(f"Order {number} rejected", severity=Severity.WARNING, identity=f"o{number}")


def many_kinds(number: int) -> Signal:
    return signal(
        f"Thing {number} failed", severity=Severity.WARNING, identity=f"k{number}", kind=f"Kind{number % 700}"
    )


def all_critical(number: int) -> Signal:
    return signal(f"Thing {number} failed", identity=f"c{number}", kind=f"Kind{number % 50}")


def mixed(number: int) -> Signal:
    severity = tuple(Severity)[number % 3]
    return signal(f"Thing {number}", severity=severity, identity=f"m{number}", kind=f"Kind{number % 40}")


async def most_calls_a_minute(w: World) -> int:
    """The most calls of Slack that alerts cost within any minute, counted from each of them; calls for help aside."""
    query = sa.select(alert_events.c.at, alert_events.c.calls).where(
        alert_events.c.calls > 0, alert_events.c.verdict != "escalate"
    )
    rows = await w.database.read(lambda conn: conn.execute(query).all())
    return max(sum(many for other, many in rows if at <= other < at + timedelta(minutes=1)) for at, _ in rows)


@pytest.mark.parametrize("storm", [one_kind, many_kinds, all_critical, mixed])
async def test_ten_thousand_in_a_minute_are_twelve_calls_at_most(tmp_path: Path, storm: object) -> None:
    assert callable(storm)
    async with world(tmp_path) as w:
        for start in range(0, STORM, EACH):
            await w.says(*(storm(number) for number in range(start, start + EACH)))
            w.at += timedelta(seconds=60 * EACH / STORM)
            await w.tending.look()
            if start == STORM // 2:
                await w.says(signal("THE ONE", kind="TheOne", identity="one"))
                said = [each for each in await w.messages() if "THE ONE" in each["text"]]
                # told at once by itself, or, where criticals storm as well, at the next drawing of their message
                assert said or storm is all_critical
                if said:
                    assert said[0]["priority"] == 1
        await w.through(timedelta(minutes=2), step=2)
        assert await most_calls_a_minute(w) <= 12
        fires = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.source == "alertmanager")
        assert await w.database.read(lambda conn: conn.scalar(fires)) == STORM + 1
        began = sa.select(sa.func.count()).select_from(alert_events)
        began = began.where(alert_events.c.news == "began", alert_events.c.text != "")
        assert await w.database.read(lambda conn: conn.scalar(began)) >= STORM + 1
        assert await w.texts("THE ONE") or storm is all_critical


async def test_a_storm_that_is_over_ends_as_one_message(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        signals = [one_kind(number) for number in range(500)]
        await w.says(*signals)
        await w.after(minutes=1)
        before = len(await w.messages())
        await w.says(*(Signal(**{**_fields(each), "firing": False}) for each in signals))
        await w.through(timedelta(minutes=7), step=5)
        assert len(await w.messages()) <= before + 4
        assert await w.texts("RESOLVED", "similar")
        open_now = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.firing.is_(True))
        assert await w.database.read(lambda conn: conn.scalar(open_now)) == 0
        assert w.at > START


def _fields(each: Signal) -> dict[str, object]:
    return {name: getattr(each, name) for name in Signal.__slots__}
