"""What our own record holds of an incident, read in one transaction."""

from datetime import datetime

from sqlalchemy import Connection

from commands.recovering.telling import LOOK_BACK, Incident, Recorded, incident
from storage import actions, alerts, approvals, windows

MOST_ALERTS = 500


def collect(conn: Connection, bot: str | None, now: datetime) -> Incident:
    """The incident of this bot (``None``: of the fleet) that goes on now, or was the last one."""
    since = now - LOOK_BACK
    done = actions.touching_since(conn, since)
    recorded = Recorded(
        alerts=alerts.begun_since(conn, since, MOST_ALERTS),
        actions=done,
        votes=[(each.id, vote) for each in done for vote in approvals.votes_of(conn, each.id)],
        windows=windows.since(conn, since),
    )
    return incident(recorded, bot, now)
