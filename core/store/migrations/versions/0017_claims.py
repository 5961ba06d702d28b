"""Who has a card, and who has one open on a screen. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("approval_id", sa.String(200), nullable=False),
        sa.Column("person", sa.String(300), nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("assigned_by", sa.String(300)),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.approval_id"],
            name=op.f("fk_claims_approval_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_until", "claims", ["until"])
    op.create_table(
        "card_openings",
        sa.Column("approval_id", sa.String(200), nullable=False),
        sa.Column("person", sa.String(300), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "person", "place", name=op.f("pk_card_openings")),
    )
    op.create_index("ix_card_openings_place", "card_openings", ["place"])


def downgrade() -> None:
    op.drop_table("card_openings")
    op.drop_table("claims")
