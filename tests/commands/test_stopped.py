"""What counts as having seen it stopped: nothing that was not said."""

from datetime import UTC, datetime

import pytest

from commands import pause, stop
from commands.coordinator.model import BotStatus, FleetStatus
from commands.kill import Doubt, still_moving, stopped

BOTS = ("ndax", "quantum")


def fleet(switch: bool | None = True, **bots: str | None) -> FleetStatus:
    return FleetStatus(
        observed_at=datetime(2026, 11, 24, 3, 12, tzinfo=UTC),
        kill_switch_active=switch,
        bots={name: BotStatus(name=name, status=word) for name, word in bots.items()},
    )


def doubt(bot: str | None, word: str, *, proven: bool) -> Doubt:
    return Doubt(bot=bot, word=word, proven=proven)


@pytest.mark.parametrize(
    ("status", "doubts"),
    [
        (fleet(ndax="stopped", quantum="stopped"), ()),
        (fleet(ndax="paused", quantum="error"), ()),
        (fleet(False, ndax="stopped", quantum="stopped"), (doubt(None, "inactive", proven=True),)),
        (fleet(None, ndax="stopped", quantum="stopped"), (doubt(None, "unknown", proven=False),)),
        (fleet(ndax="running", quantum="stopped"), (doubt("ndax", "running", proven=True),)),
        (fleet(ndax="starting", quantum="stopped"), (doubt("ndax", "starting", proven=True),)),
        (fleet(ndax="recovery", quantum="stopped"), (doubt("ndax", "recovery", proven=True),)),
        (fleet(ndax="halted", quantum="stopped"), (doubt("ndax", "halted", proven=False),)),
        (fleet(ndax=None, quantum="stopped"), (doubt("ndax", "unknown", proven=False),)),
        (fleet(quantum="stopped"), (doubt("ndax", "not listed", proven=False),)),
        (
            fleet(ndax="stopped", quantum="stopped", extra="running"),
            (doubt("extra", "running", proven=True),),
        ),
        (fleet(ndax="stopped", quantum="stopped", extra="stopped"), ()),
        (
            fleet(None),
            (
                doubt(None, "unknown", proven=False),
                doubt("ndax", "not listed", proven=False),
                doubt("quantum", "not listed", proven=False),
            ),
        ),
    ],
)
def test_every_condition_must_be_seen(status: FleetStatus, doubts: tuple[Doubt, ...]) -> None:
    assert still_moving(status, BOTS) == doubts
    assert stopped(status, BOTS) is (doubts == ())


@pytest.mark.parametrize(
    ("word", "stop_settled", "pause_settled"),
    [
        ("stopped", True, True),
        ("paused", False, True),
        ("running", False, False),
        ("starting", False, False),
        ("recovery", False, False),
        ("error", False, False),
        ("Stopped?", False, False),
        (None, False, False),
    ],
)
def test_a_stop_wants_stopped_and_a_pause_takes_either(
    word: str | None, stop_settled: bool, pause_settled: bool
) -> None:
    assert stop.settled(fleet(ndax=word), "ndax") is stop_settled
    assert pause.settled(fleet(ndax=word), "ndax") is pause_settled


def test_a_bot_that_is_not_listed_is_not_settled() -> None:
    assert not stop.settled(fleet(), "ndax")
    assert not pause.settled(fleet(), "ndax")
