"""What our own record holds of an incident, read in one transaction."""

from datetime import datetime

from sqlalchemy import Connection

from commands.recovering.telling import LOOK_BACK, Incident, Recorded, incident
from commands.recovering.walked import with_walk
from storage import actions, alerts, approvals, walk_steps, walks, windows

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
    found = incident(recorded, bot, now)
    walk = walks.newest(conn, bot, since)
    return found if walk is None else with_walk(found, walk, walk_steps.steps(conn, walk.id))
