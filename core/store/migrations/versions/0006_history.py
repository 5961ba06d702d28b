"""
The time machine: how threads were set back or copied, what was tried in a sandbox, foreign threads.

It only adds; what it adds has a default or may be empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
ID = sa.String(length=200)
MOMENT = sa.DateTime(timezone=True)
OF_THREADS = ("origin", "from_thread_id", "from_checkpoint_id", "trouble")


def upgrade() -> None:
    with op.batch_alter_table("threads") as table:
        table.add_column(
            sa.Column("origin", sa.String(length=20), nullable=False, server_default="own")
        )
        table.add_column(sa.Column("from_thread_id", ID))
        table.add_column(sa.Column("from_checkpoint_id", ID))
        table.add_column(sa.Column("trouble", sa.Text()))
    op.create_index(
        "ix_threads_workflow_updated", "threads", ["workflow", "updated_at", "thread_id"]
    )
    _add_forks()
    _add_what_ifs()
    op.create_table(
        "attached_sources",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.Column("took_ms", sa.Float(), nullable=False),
        sa.Column("thread_count", sa.Integer(), nullable=False),
        sa.Column("unknown_count", sa.Integer(), nullable=False),
        sa.Column("cursor", ID, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_attached_sources")),
    )


def _add_forks() -> None:
    op.create_table(
        "forks",
        sa.Column("fork_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("left_id", ID, nullable=True),
        sa.Column("from_thread_id", ID, nullable=True),
        sa.Column("as_node", sa.String(length=1000), nullable=True),
        sa.Column("edits", JSON, nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("preview", JSON, nullable=False),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.thread_id"],
            name=op.f("fk_forks_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fork_id", name=op.f("pk_forks")),
        sa.UniqueConstraint("run_id", name="uq_forks_run"),
    )
    op.create_index("ix_forks_thread", "forks", ["thread_id", "created_at", "fork_id"])


def _add_what_ifs() -> None:
    op.create_table(
        "what_ifs",
        sa.Column("what_if_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("checkpoint_id", ID, nullable=False),
        sa.Column("approval_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("kept_side", sa.String(length=20), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.thread_id"],
            name=op.f("fk_what_ifs_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("what_if_id", name=op.f("pk_what_ifs")),
    )
    op.create_index("ix_what_ifs_thread", "what_ifs", ["thread_id", "created_at", "what_if_id"])
    op.create_index("ix_what_ifs_created", "what_ifs", ["created_at", "what_if_id"])
    op.create_table(
        "what_if_sides",
        sa.Column("what_if_id", ID, nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("intent", JSON, nullable=False),
        sa.Column("stand_ins", JSON, nullable=False),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("sandbox_id", ID, nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("path", JSON, nullable=False),
        sa.Column("values", JSON, nullable=True),
        sa.Column("asks", JSON, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=True),
        sa.Column("tokens_out", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["what_if_id"],
            ["what_ifs.what_if_id"],
            name=op.f("fk_what_if_sides_what_if_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("what_if_id", "side", name=op.f("pk_what_if_sides")),
    )


def downgrade() -> None:
    for name in ("attached_sources", "what_if_sides", "what_ifs", "forks"):
        op.drop_table(name)
    op.drop_index("ix_threads_workflow_updated", "threads")
    with op.batch_alter_table("threads") as table:
        for name in OF_THREADS:
            table.drop_column(name)
