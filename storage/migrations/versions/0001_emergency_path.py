"""The emergency path: actions, latch, outbox, seen keys, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# frozen here, so that a later change of the code does not change what this revision made
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    create_actions()
    create_latches()
    create_outbox()
    op.create_table(
        "seen_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_seen_keys"),
    )
    op.create_index("ix_seen_keys_at", "seen_keys", ["at"])
    create_audit()


def downgrade() -> None:
    for table in ("audit_head", "audit", "seen_keys", "outbox", "latches", "actions"):
        op.drop_table(table)


def create_actions() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("response_url", sa.Text()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("joined_to", sa.String(64)),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("lease_until", MOMENT),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("verified_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("closed_by", sa.Text()),
        sa.Column("close_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
        sa.UniqueConstraint("key", name="uq_actions_key"),
    )
    op.create_index("ix_actions_state_accepted_at", "actions", ["state", "accepted_at"])
    op.create_index("ix_actions_accepted_at", "actions", ["accepted_at"])


def create_latches() -> None:
    op.create_table(
        "latches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("engaged_at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("action_id", sa.String(64), nullable=False),
        sa.Column("verified_at", MOMENT),
        sa.Column("released_at", MOMENT),
        sa.Column("released_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_latches"),
    )
    standing = sa.text("released_at IS NULL")
    op.create_index(
        "uq_latches_standing",
        "latches",
        [sa.text("(released_at IS NULL)")],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_key", sa.Text()),
        sa.Column("response_url", sa.Text()),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sent_version", sa.Integer(), nullable=False),
        sa.Column("claimed_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ts", sa.String(32)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("owner", sa.Text()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("owed_since", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_channel_ts", "outbox", ["channel", "ts"])


def create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
