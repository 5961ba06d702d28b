"""What each worker serves, and the versions of workflows there have been. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "worker_workflows",
        sa.Column("worker_id", sa.String(200), nullable=False),
        sa.Column("workflow", sa.String(300), nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.worker_id"],
            name=op.f("fk_worker_workflows_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", "workflow", name=op.f("pk_worker_workflows")),
    )
    op.create_table(
        "workflow_versions",
        sa.Column("workflow", sa.String(300), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "fingerprint", name=op.f("pk_workflow_versions")),
    )


def downgrade() -> None:
    op.drop_table("workflow_versions")
    op.drop_table("worker_workflows")
