"""
Limits: what was let through lately, calls to models that are under way, and their keys.

It only adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rate_takes",
        sa.Column("take_id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("take_id", name=op.f("pk_rate_takes")),
    )
    op.create_index("ix_rate_takes_key", "rate_takes", ["key", "at_ms"])
    op.create_index("ix_rate_takes_at", "rate_takes", ["at_ms"])
    op.create_table(
        "model_calls",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_model_calls")),
    )
    op.create_index("ix_model_calls_model", "model_calls", ["model", "until"])
    op.create_table(
        "model_keys",
        sa.Column("model", sa.String(length=300), nullable=False),
        sa.Column("variable", sa.String(length=300), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quota", JSON, nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("model", "variable", name=op.f("pk_model_keys")),
    )


def downgrade() -> None:
    for name in ("model_keys", "model_calls", "rate_takes"):
        op.drop_table(name)
