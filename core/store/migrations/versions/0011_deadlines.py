"""
What happens to a card at its deadline, whether it did, and which decisions nobody but a deadline made.

It only adds; cards that are there stay overdue, as they were to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
DUE = sa.text("status = 'pending' AND due_at IS NOT NULL")
TIMED = sa.text("status = 'pending' AND deadline_at IS NOT NULL")
ESCALATED = sa.text("status = 'pending' AND escalated_to IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("warn_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("on_timeout", JSON),
        sa.Column("escalated_to", sa.String(length=100)),
        sa.Column("deadline_note", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("approvals", column)
    op.add_column(
        "decisions",
        sa.Column("by_deadline", sa.Boolean(), nullable=False, server_default="0"),
    )
    for name, columns, where in (
        ("due", ["due_at", "approval_id"], DUE),
        ("deadline", ["deadline_at", "workflow"], TIMED),
        ("escalated", ["escalated_to", "workflow"], ESCALATED),
    ):
        op.create_index(
            f"ix_approvals_{name}",
            "approvals",
            columns,
            sqlite_where=where,
            postgresql_where=where,
        )


def downgrade() -> None:
    for name in ("due", "deadline", "escalated"):
        op.drop_index(f"ix_approvals_{name}", table_name="approvals")
    with op.batch_alter_table("decisions") as table:
        table.drop_column("by_deadline")
    with op.batch_alter_table("approvals") as table:
        for name in ("deadline_note", "escalated_to", "on_timeout", "due_at", "warn_at"):
            table.drop_column(name)
