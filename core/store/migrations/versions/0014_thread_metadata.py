"""What other programs say of threads, and lists of threads by when they were made. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "thread_metadata",
        sa.Column("thread_id", sa.String(200), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("made_by", sa.String(300), nullable=False),
        _of_thread("thread_metadata"),
        sa.PrimaryKeyConstraint("thread_id", name=op.f("pk_thread_metadata")),
    )
    op.create_table(
        "thread_labels",
        sa.Column("thread_id", sa.String(200), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        _of_thread("thread_labels"),
        sa.PrimaryKeyConstraint("thread_id", "label", name=op.f("pk_thread_labels")),
    )
    op.create_index("ix_thread_labels_label", "thread_labels", ["label", "thread_id"])
    op.create_index("ix_threads_created", "threads", ["created_at", "thread_id"])


def downgrade() -> None:
    op.drop_index("ix_threads_created", table_name="threads")
    op.drop_table("thread_labels")
    op.drop_table("thread_metadata")


def _of_thread(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["thread_id"],
        ["threads.thread_id"],
        name=op.f(f"fk_{table}_thread_id"),
        ondelete="CASCADE",
    )
