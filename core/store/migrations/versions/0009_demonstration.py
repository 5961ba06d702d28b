"""
The demonstration that plays in a data folder, how far each person's tour is, the audit by its time.

It only adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "demonstrations",
        sa.Column("demonstration_id", sa.String(length=200), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("faults", JSON, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True)),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("beat_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("demonstration_id", name=op.f("pk_demonstrations")),
    )
    op.create_index("ix_audit_at", "audit", ["at", "seq"])
    op.create_table(
        "tours",
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", JSON, nullable=False),
        sa.PrimaryKeyConstraint("actor", name=op.f("pk_tours")),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("tours")
    op.drop_table("demonstrations")
