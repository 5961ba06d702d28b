"""Who may decide a card, and votes on cards that take several people. It only adds: old cards stay as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
PENDING = sa.text("status = 'pending'")
MINE = "ix_approvals_mine"
INDEX = "ix_approvals_status_priority_asked"


def upgrade() -> None:
    for column in (
        sa.Column("route", JSON),
        sa.Column("deciders", sa.Text()),
        sa.Column("barred", sa.Text()),
        sa.Column("priority_order", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("approvals", column)
    op.create_index(INDEX, "approvals", ["status", "priority_order", "asked_at", "approval_id"])
    op.create_index(
        MINE,
        "approvals",
        ["status", "asked_at", "approval_id", "deciders", "barred", "escalated_to", "version"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_table(
        "votes",
        sa.Column("approval_id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(300), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("intent", JSON),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.approval_id"],
            name=op.f("fk_votes_approval_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("approval_id", "version", "actor", name=op.f("pk_votes")),
    )


def downgrade() -> None:
    op.drop_table("votes")
    op.drop_index(MINE, table_name="approvals")
    op.drop_index(INDEX, table_name="approvals")
    with op.batch_alter_table("approvals") as table:
        for name in ("priority_order", "barred", "deciders", "route"):
            table.drop_column(name)
