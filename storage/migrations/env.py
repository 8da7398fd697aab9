"""How alembic reaches the database: over the connection ``storage.migrate`` passes, or on its own."""

import os
import warnings

from alembic import context
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from storage import (
    actions,
    admins,
    alert_events,
    alerts,
    approvals,
    audit,
    evidence,
    gaps,
    latch,
    lockdown,
    looks,
    marks,
    on_call,
    outbox,
    recovery_rows,
    safe_modes,
    seen,
    sightings,
    silences,
    totp,
    walk_steps,
    walks,
    windows,
)
from storage.schema import metadata

TABLES = (
    actions.actions,
    admins.admins,
    alert_events.alert_events,
    alerts.alerts,
    approvals.approvals,
    approvals.votes,
    audit.audit,
    audit.audit_head,
    evidence.evidence,
    gaps.gaps,
    latch.latches,
    lockdown.lockdowns,
    looks.looks,
    marks.marks,
    on_call.on_call,
    outbox.outbox,
    recovery_rows.recoveries,
    recovery_rows.recovery_corrections,
    recovery_rows.recovery_items,
    safe_modes.safe_modes,
    seen.seen_keys,
    sightings.sightings,
    silences.silences,
    totp.totp,
    walk_steps.walk_people,
    walk_steps.walk_steps,
    walks.walks,
    windows.windows,
)
"""Named so that every table is imported, and so known to ``alembic check``."""


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,  # on SQLite too: a migration that fails leaves nothing behind
        render_as_batch=True,
    )
    with context.begin_transaction(), warnings.catch_warnings():
        # `alembic check` cannot see SQLite's index on an expression; tests/storage proves that it is there
        warnings.filterwarnings("ignore", message=".*expression-based.*")
        context.run_migrations()


def run_from_shell() -> None:
    url = make_url(os.environ.get("CHATBOT_DATABASE__URL", "sqlite:///var/chatbot.db"))
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    with create_engine(url.set(drivername=driver), poolclass=NullPool).connect() as connection:
        run(connection)
        connection.commit()


passed = context.config.attributes.get("connection")
if passed is None:
    run_from_shell()
else:
    run(passed)
