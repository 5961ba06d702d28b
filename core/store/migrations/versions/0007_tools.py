"""
Calls of tools, counted by workflow, tool and how they ended.

It only adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_totals",
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("tool", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "tool", "status", name=op.f("pk_tool_totals")),
    )


def downgrade() -> None:
    op.drop_table("tool_totals")
