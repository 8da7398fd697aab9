"""Two people to start: approvals and their votes, lockdowns, since when somebody is an admin, codes, drills."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# frozen here, so that a later change of the code does not change what this revision made
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("actions", sa.Column("option", sa.String(16), nullable=False, server_default=""))
    op.add_column("actions", sa.Column("begun_at", MOMENT))
    op.add_column("latches", sa.Column("again_at", MOMENT))
    op.add_column("latches", sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false()))
    create_approvals()
    create_lockdowns()
    create_people()


def downgrade() -> None:
    for table in ("totp", "admins", "lockdowns", "votes", "approvals"):
        op.drop_table(table)
    for table, column in (
        ("latches", "drill"),
        ("latches", "again_at"),
        ("actions", "begun_at"),
        ("actions", "option"),
    ):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)


def create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("action_id", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("frees_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("remind_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("good_until", MOMENT),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_state_asked_at", "approvals", ["state", "asked_at"])
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.String(64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("choice", sa.String(16), nullable=False),
        sa.Column("proof", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.UniqueConstraint("action_id", "person", name="uq_votes_action_id_person"),
    )


def create_lockdowns() -> None:
    op.create_table(
        "lockdowns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_lockdowns"),
    )
    standing = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_lockdowns_standing",
        "lockdowns",
        [sa.text("(ended_at IS NULL)")],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def create_people() -> None:
    op.create_table(
        "admins",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("founding", sa.Boolean(), nullable=False),
        sa.Column("gone_at", MOMENT),
        sa.PrimaryKeyConstraint("person", name="pk_admins"),
    )
    op.create_table(
        "totp",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.Column("enrolled_by", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("locked_until", MOMENT),
        sa.PrimaryKeyConstraint("person", name="pk_totp"),
    )
