"""Monitoring windows, the looks that all of them share, and safe modes that somebody has to end."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# frozen here, so that a later change of the code does not change what this revision made
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("action_id", sa.String(80)),
        sa.Column("next_bot", sa.Text()),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("every", sa.Float(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("culprit", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Text()),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("last_read_at", MOMENT),
        sa.Column("blind", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("drawn_at", MOMENT),
        sa.Column("settled_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_windows"),
        sa.UniqueConstraint("action_id", name="uq_windows_action_id"),
    )
    op.create_index("ix_windows_state_ends_at", "windows", ["state", "ends_at"])
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
    )
    op.create_index("ix_looks_at", "looks", ["at"])
    op.create_table(
        "safe_modes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("action_id", sa.String(64), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_safe_modes"),
    )
    op.create_index("ix_safe_modes_told_at_due_at", "safe_modes", ["told_at", "due_at"])


def downgrade() -> None:
    for table in ("safe_modes", "looks", "windows"):
        op.drop_table(table)
