"""Guided recovery: walks through runbooks, what was seen of the bots, evidence, and what an action is about."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# frozen here, so that a later change of the code does not change what this revision made
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("actions") as actions:
        actions.add_column(sa.Column("target", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "walks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("different", sa.Text(), nullable=False),
        sa.Column("action_id", sa.String(80)),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("proposed", sa.JSON(), nullable=False),
        sa.Column("looked_at", MOMENT),
        sa.Column("looked", sa.JSON(), nullable=False),
        sa.Column("kills", sa.Integer(), nullable=False),
        sa.Column("drawn_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_walks"),
        sa.UniqueConstraint("action_id", name="uq_walks_action_id"),
    )
    op.create_index("ix_walks_state", "walks", ["state"])
    op.create_table(
        "walk_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("walk_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("commands", sa.JSON(), nullable=False),
        sa.Column("probes", sa.JSON(), nullable=False),
        sa.Column("expects", sa.JSON(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("skippable", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("seen_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_walk_steps"),
        sa.UniqueConstraint("walk_id", "number", name="uq_walk_steps_walk_id_number"),
    )
    op.create_table(
        "walk_people",
        sa.Column("walk_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("walk_id", "person", name="pk_walk_people"),
    )
    op.create_table(
        "sightings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("bot", sa.Text()),
        sa.Column("status", sa.Text()),
        sa.Column("health", sa.Float()),
        sa.Column("errors", sa.Integer()),
        sa.Column("uptime", sa.Float()),
        sa.PrimaryKeyConstraint("id", name="pk_sightings"),
    )
    op.create_index("ix_sightings_at", "sightings", ["at"])
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.UniqueConstraint("key", name="uq_evidence_key"),
    )
    op.create_index("ix_evidence_at", "evidence", ["at"])


def downgrade() -> None:
    for table in ("evidence", "sightings", "walk_people", "walk_steps", "walks"):
        op.drop_table(table)
    with op.batch_alter_table("actions") as actions:
        actions.drop_column("target")
