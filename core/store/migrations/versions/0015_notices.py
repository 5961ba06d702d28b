"""Whom workers tell of what happened, and the outbox of what they tell. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notice_rules",
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("about", JSON, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("read_until", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_notice_rules")),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("object", sa.String(500), nullable=False),
        sa.Column("link", sa.String(1000), nullable=False),
        sa.Column("workflow", sa.String(300), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("claimed_until", TIME),
        sa.Column("last_error", sa.String(1000), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.CheckConstraint(
            "status IN ('waiting','sent','needless','given_up')", name=op.f("ck_notices_status")
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    for name, columns in (
        ("due", ["status", "kind", "rule", "position", "next_at", "notice_id"]),
        ("created", ["created_at", "notice_id"]),
        ("status_created", ["status", "created_at", "notice_id"]),
        ("settled", ["settled_at"]),
    ):
        op.create_index(f"ix_notices_{name}", "notices", columns)


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("notice_rules")
