"""Which incident it was, its timeline, and how long it took, from what was recorded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commands.recovering.model import Moment, Times
from commands.recovering.telling import FIELD, MOMENTS, PAUSE, Incident, Recorded, incident
from storage.actions import Action, State
from storage.alerts import AlertRow
from storage.approvals import Choice, Vote
from storage.windows import WindowRow
from tests.hostile import texts

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BEGIN = NOW - HOUR


def alert(at: datetime = BEGIN, **changes: Any) -> AlertRow:
    row = AlertRow(
        id=7,
        fingerprint="a",
        source="fleet",
        kind="bot_error",
        group_key="fleet/bot_error",
        bot="ndax",
        message="is in error",
        severity="high",
        firing=True,
        began_at=at,
        last_at=at,
    )
    return replace(row, **changes)


def action(command: str, at: datetime, **changes: Any) -> Action:
    made = Action(
        id=f"{command}-A",
        key=command,
        command=command,
        reason="",
        requested_by="U1",
        source="slack",
        accepted_at=at,
    )
    return replace(made, **changes)


def done(command: str, at: datetime, **changes: Any) -> Action:
    """An action that was sent a second and verified three seconds after it was accepted."""
    times = {"sent_at": at + SECOND, "verified_at": at + 3 * SECOND, "finished_at": at + 4 * SECOND}
    return action(command, at, state=State.VERIFIED, **times | changes)


def told(bot: str | None = "ndax", **recorded: Any) -> Incident:
    return incident(Recorded(**recorded), bot, NOW)


def test_an_incident_is_told_from_its_first_alert_to_the_last_start() -> None:
    start = done("start", BEGIN + 30 * MINUTE, bot="ndax", requested_by="U2")
    found = told(
        alerts=[alert(source_began_at=BEGIN - 20 * SECOND)],
        actions=[start, done("kill", BEGIN + MINUTE, reason="bad fills")],
        votes=[
            (
                "start-A",
                Vote(
                    action_id="start-A",
                    person="U3",
                    choice=Choice.APPROVE,
                    proof="slack",
                    at=BEGIN + 29 * MINUTE,
                ),
            )
        ],
        windows=[
            WindowRow(
                bot="ndax",
                origin="monitor",
                opened_by="U2",
                begun_at=BEGIN + 31 * MINUTE,
                ends_at=NOW,
                every=60,
            )
        ],
    )
    assert found.times == Times(detect=20, stop=61, verify=3, recover=30 * 60 + 4)
    assert found.draft.bot == "ndax"
    assert found.draft.began_at == BEGIN
    assert found.draft.issue == "ndax: is in error; bad fills"
    assert (found.draft.root_cause, found.draft.outcome, found.draft.scenario) == ("", "", "unknown")
    assert "/kill (kill-A): bad fills by U1" in found.draft.actions_taken
    assert "is in error" not in found.draft.actions_taken
    assert found.people == ("U1", "U2", "U3")
    assert found.approvals == ("start-A: approve by U3",)
    assert [each.kind for each in found.timeline] == [
        *("alert", "kill", "kill", "kill", "approval", "start", "start", "start", "window"),
    ]
    assert list(found.timeline) == sorted(found.timeline, key=lambda each: each.at)


def test_nothing_recorded_is_an_empty_draft_from_now() -> None:
    found = told(None)
    assert (found.draft.began_at, found.draft.issue, found.draft.actions_taken) == (NOW, "", "")
    assert (found.timeline, found.times, found.people, found.approvals) == ((), Times(), (), ())


def test_what_is_not_known_is_no_time() -> None:
    assert told(alerts=[alert()]).times == Times()  # the source gave no time, nothing was stopped
    never_sent = action("kill", BEGIN, state=State.FAILED, finished_at=BEGIN + SECOND)
    assert told(actions=[never_sent]).times == Times()
    not_seen = action("kill", BEGIN, sent_at=BEGIN + SECOND, state=State.NOT_VERIFIED, finished_at=NOW)
    assert told(actions=[not_seen]).times == Times(stop=1)
    not_started = action("start", NOW - MINUTE, bot="ndax", state=State.NOT_VERIFIED, finished_at=NOW)
    assert told(actions=[done("kill", BEGIN), not_started]).times == Times(stop=1, verify=3)
    before = done("start", BEGIN - MINUTE, bot="ndax")
    recorded = {"alerts": [alert(BEGIN - HOUR)], "actions": [before, done("kill", BEGIN)]}
    assert told(**recorded).times == Times(stop=3601, verify=3)


def test_a_clock_ahead_of_ours_makes_no_negative_time() -> None:
    assert told(alerts=[alert(source_began_at=BEGIN + HOUR)]).times.detect == 0


def test_the_stop_that_was_sent_first_counts_and_the_last_start() -> None:
    held = done("kill", BEGIN, id="kill-B", sent_at=BEGIN + 9 * MINUTE)
    stop = done("stop", BEGIN + MINUTE, bot="ndax")
    starts = [done("start", BEGIN + n * MINUTE, id=f"start-{n}", bot="ndax") for n in (20, 10)]
    found = told(actions=[*starts, held, stop])
    assert found.times == Times(stop=61, verify=3, recover=20 * 60 + 4)


def test_a_pause_of_more_than_six_hours_is_between_two_incidents() -> None:
    older = alert(BEGIN - PAUSE)
    assert told(alerts=[alert(), older]).draft.began_at == BEGIN - PAUSE
    older = alert(BEGIN - PAUSE - SECOND)
    found = told(alerts=[alert(), older])
    assert found.draft.began_at == BEGIN
    assert len(found.timeline) == 1


def test_an_incident_that_never_pauses_is_told_of_seven_days() -> None:
    found = told(alerts=[alert(NOW - n * HOUR) for n in range(0, 24 * 9, 5)])
    assert found.draft.began_at == NOW - 165 * HOUR


def test_the_fleets_own_belongs_to_each_bot_and_another_bots_does_not() -> None:
    rows = {
        "alerts": [alert(bot=None, message="coordinator is gone"), alert(BEGIN - HOUR, bot="quantum")],
        "actions": [done("stop", BEGIN + MINUTE, bot="quantum")],
    }
    found = told(**rows)
    assert found.draft.began_at == BEGIN
    assert found.draft.issue == "coordinator is gone"
    assert found.times == Times()
    assert told(None, **rows).draft.began_at == BEGIN - HOUR
    assert told(None, **rows).times.stop == 3600 + 61


def test_a_storm_hides_nothing_that_people_did() -> None:
    storm = [alert(BEGIN + n * SECOND, id=n) for n in range(900)]
    found = told(alerts=storm, actions=[done("kill", BEGIN + 1000 * SECOND)])
    assert len(found.timeline) == MOMENTS
    assert found.timeline[0].at == BEGIN
    assert [each.what for each in found.timeline if each.kind == "kill"] == [
        "/kill (kill-A)",
        "kill-A sent",
        "kill-A verified",
    ]
    assert found.timeline[-1] == Moment(
        at=BEGIN + 1003 * SECOND, what="704 more moments are not listed", kind="other"
    )


@given(texts, st.sampled_from(["critical", "high", "warning", "info"]))
def test_no_text_makes_a_draft_fail(text: str, severity: str) -> None:
    found = told(
        alerts=[alert(message=text, severity=severity)],
        actions=[done("kill", BEGIN, reason=text, requested_by=text)],
    )
    assert len(found.draft.issue) <= 500
    assert len(found.draft.actions_taken) <= FIELD
