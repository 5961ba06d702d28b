"""
Runs that went on in memory while their database was away: how many steps were stored late.

It only adds, with a default.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(
            sa.Column("steps_in_memory", sa.Integer(), nullable=False, server_default="0")
        )


def downgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.drop_column("steps_in_memory")
