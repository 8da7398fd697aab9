"""A recovery log as the tests of exports and trends read it."""

from datetime import UTC, datetime, timedelta

from storage.recoveries import Item, RecoveryRow
from storage.recovery_rows import CHECKLIST

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)


def a_log() -> RecoveryRow:
    """A closed log of one bot."""
    return RecoveryRow(
        id=3,
        bot="ndax",
        state="closed",
        scenario="crash-loop",
        began_at=NOW,
        issue="it crashed",
        root_cause="a full disk",
        actions_taken="stopped\ncleaned",
        outcome="success",
        lessons="watch the disk",
        timeline=[{"at": "2026-11-24T03:12:00.000000+00:00", "what": "/kill", "who": "U1", "kind": "kill"}],
        detect_s=None,
        stop_s=1.5,
        verify_s=3.0,
        recover_s=7200.0,
        people=["U1", "U2"],
        approvals=["start-A: approve by U2"],
        evidence="e" * 64,
        opened_at=NOW,
        opened_by="U1",
        saved_at=NOW,
        saved_by="U1",
        closed_at=NOW + timedelta(hours=1),
        closed_by="U2",
        version=2,
    )


def a_checklist() -> list[Item]:
    """Ten items, of which the first is done."""
    return [
        Item(
            id=check.number,
            log_id=3,
            number=check.number,
            title=check.title,
            owner="U1",
            due_at=NOW + check.due,
            remind_at=None,
            done_at=NOW if check.number == 1 else None,
            done_by="U2" if check.number == 1 else None,
        )
        for check in CHECKLIST
    ]
