"""Quiet hours over midnight, in other zones and where clocks change; the severity that counts."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from commands.alerting.model import BORN_CRITICAL, POLLED, Kind, Severity, Source
from commands.alerting.policy import AlertPolicy, Window, window_of

BERLIN = "Europe/Berlin"  # UTC+1, in summer UTC+2
INFO, WARNING, HIGH, CRITICAL = Severity


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "ends"),
    [
        # within a day
        ("09:00-17:00", "UTC", "2026-11-24T08:59:59.999999", None),
        ("09:00-17:00", "UTC", "2026-11-24T09:00", "2026-11-24T17:00"),
        ("09:00-17:00", "UTC", "2026-11-24T16:59:59.999999", "2026-11-24T17:00"),
        ("09:00-17:00", "UTC", "2026-11-24T17:00", None),
        # over midnight
        ("22:00-07:00", "UTC", "2026-11-24T21:59:59", None),
        ("22:00-07:00", "UTC", "2026-11-24T22:00", "2026-11-25T07:00"),
        ("22:00-07:00", "UTC", "2026-11-24T23:59:59", "2026-11-25T07:00"),
        ("22:00-07:00", "UTC", "2026-11-25T00:00", "2026-11-25T07:00"),
        ("22:00-07:00", "UTC", "2026-11-25T06:59:59", "2026-11-25T07:00"),
        ("22:00-07:00", "UTC", "2026-11-25T07:00", None),
        ("22:00-07:00", "UTC", "2026-12-31T23:00", "2027-01-01T07:00"),
        ("22:00-00:00", "UTC", "2026-11-24T23:59", "2026-11-25T00:00"),
        ("22:00-00:00", "UTC", "2026-11-25T00:00", None),
        ("00:00-07:00", "UTC", "2026-11-25T00:00", "2026-11-25T07:00"),
        ("22:00-22:00", "UTC", "2026-11-24T22:00", None),
        ("22:00-22:00", "UTC", "2026-11-24T21:59", None),
        # elsewhere
        ("22:00-07:00", BERLIN, "2026-11-24T20:59:59", None),
        ("22:00-07:00", BERLIN, "2026-11-24T21:00", "2026-11-25T06:00"),
        ("22:00-07:00", BERLIN, "2026-11-25T05:59:59", "2026-11-25T06:00"),
        ("22:00-07:00", BERLIN, "2026-11-25T06:00", None),
        ("22:00-07:00", BERLIN, "2026-07-24T20:00", "2026-07-25T05:00"),
        ("22:00-07:00", "America/New_York", "2026-11-24T03:12", "2026-11-24T12:00"),
        ("22:00-07:00", "Asia/Kolkata", "2026-11-24T16:30", "2026-11-25T01:30"),
        # the night in which the clocks go back is an hour longer: 25 October, 03:00 is 02:00 once more
        ("22:00-07:00", BERLIN, "2026-10-24T20:00", "2026-10-25T06:00"),
        ("22:00-07:00", BERLIN, "2026-10-25T05:59", "2026-10-25T06:00"),
        ("22:00-07:00", BERLIN, "2026-10-25T06:00", None),
        ("22:00-02:30", BERLIN, "2026-10-25T00:29", "2026-10-25T00:30"),
        ("22:00-02:30", BERLIN, "2026-10-25T00:30", None),
        ("22:00-02:30", BERLIN, "2026-10-25T01:10", "2026-10-25T01:11"),  # looked at again each minute
        ("22:00-02:30", BERLIN, "2026-10-25T01:30", None),
        # the night in which they go forward is an hour shorter: 29 March, 02:00 is 03:00
        ("22:00-07:00", BERLIN, "2026-03-28T21:00", "2026-03-29T05:00"),
        ("22:00-07:00", BERLIN, "2026-03-29T04:59", "2026-03-29T05:00"),
        ("22:00-07:00", BERLIN, "2026-03-29T05:00", None),
    ],
)
def test_when_quiet_hours_end(hours: str, zone: str, now: str, ends: str | None) -> None:
    found = window_of(hours, zone).end_of(utc(now))
    assert found == (utc(ends) if ends else None)
    assert found is None or found.utcoffset() == timedelta()


@pytest.mark.parametrize("night", ["2026-10-25T00:00", "2026-03-29T00:00"])
@pytest.mark.parametrize("hours", ["22:00-02:30", "02:30-07:00", "01:30-02:15", "22:00-03:00", "01:00-04:00"])
def test_hours_that_the_clocks_repeat_or_skip_end_all_the_same(hours: str, night: str) -> None:
    """The end that is told lies ahead; who looks again then, and then again, is let go within an hour of it."""
    window, held = window_of(hours, BERLIN), 0
    for minute in range(-180, 600):
        now, looks = utc(night) + timedelta(minutes=minute), 0
        while (ends := window.end_of(now)) is not None:
            assert now < ends
            now, looks = ends, looks + 1
        held += looks > 0
        assert looks <= 61  # once a minute of the hour that comes twice
        here = datetime.combine(utc(night), now.astimezone(ZoneInfo(BERLIN)).time())
        end = datetime.combine(utc(night), window.ends)
        assert not looks or end <= here <= end + timedelta(hours=1)
    assert held


def test_a_window_is_read_as_it_is_written() -> None:
    assert window_of("22:30-07:05", BERLIN) == Window(
        begins=time(22, 30), ends=time(7, 5), zone=ZoneInfo(BERLIN)
    )


@pytest.mark.parametrize("said", Severity)
@pytest.mark.parametrize("kind", [*sorted(BORN_CRITICAL), "kill"])
def test_some_kinds_are_born_critical_whatever_is_said_and_set(kind: str, said: Severity) -> None:
    policy = AlertPolicy(severities={kind: INFO})
    assert {policy.severity(kind, said, source) for source in POLLED} == {CRITICAL}


def test_names_that_others_give_are_not_born_critical() -> None:
    """Whoever may post alerts calls nobody out by the name of a kind of ours."""
    for source in (Source.COORDINATOR, Source.ALERTMANAGER):
        assert AlertPolicy().severity("kill", WARNING, source) is WARNING
        assert AlertPolicy(severities={"kill": HIGH}).severity("kill", WARNING, source) is HIGH


@pytest.mark.parametrize("said", Severity)
def test_the_operator_has_the_last_word_on_all_others(said: Severity) -> None:
    policy = AlertPolicy(severities={Kind.HEALTH_LOW: CRITICAL, "disk_full": INFO})
    assert policy.severity("health_low", said, Source.FLEET) is CRITICAL
    assert policy.severity("disk_full", said, Source.ALERTMANAGER) is INFO
    assert policy.severity("other", said, Source.MONITOR) is said


def test_the_numbers_are_those_that_were_promised() -> None:
    policy = AlertPolicy()
    assert (policy.group_span, policy.group_from) == (timedelta(seconds=300), 3)
    assert (policy.flap_changes, policy.flap_span) == (4, timedelta(minutes=10))
    assert policy.calls_per_minute + 2 == 12
    assert policy.escalate_after == (timedelta(minutes=2), timedelta(minutes=5))
    assert policy.escalate_every == timedelta(minutes=10)
    assert (policy.ack_lasts, policy.ack_grace) == (timedelta(minutes=30), timedelta(minutes=10))
