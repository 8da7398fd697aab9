"""Recovery logs, what was added to closed ones, and their checklists."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# frozen here, so that a later change of the code does not change what this revision made
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recoveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("actions_taken", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("lessons", sa.Text(), nullable=False),
        sa.Column("timeline", sa.JSON(), nullable=False),
        sa.Column("detect_s", sa.Float()),
        sa.Column("stop_s", sa.Float()),
        sa.Column("verify_s", sa.Float()),
        sa.Column("recover_s", sa.Float()),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("approvals", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.String(64), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("closed_by", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recoveries"),
    )
    op.create_table(
        "recovery_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_corrections"),
    )
    op.create_index("ix_recovery_corrections_log_id", "recovery_corrections", ["log_id"])
    op.create_table(
        "recovery_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("remind_at", MOMENT),
        sa.Column("done_at", MOMENT),
        sa.Column("done_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_items"),
        sa.UniqueConstraint("log_id", "number", name="uq_recovery_items_log_id_number"),
    )
    op.create_index("ix_recovery_items_done_at_remind_at", "recovery_items", ["done_at", "remind_at"])


def downgrade() -> None:
    for table in ("recovery_items", "recovery_corrections", "recoveries"):
        op.drop_table(table)
