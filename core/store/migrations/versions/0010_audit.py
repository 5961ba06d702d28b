"""
From where each thing of the audit was done, and the audit by who, by what, and by what it was done to.

It only adds; entries that are there have no origin, and their seals stay as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "audit", sa.Column("origin", sa.String(length=20), nullable=False, server_default="")
    )
    op.drop_index("ix_audit_object", table_name="audit")
    for name in ("object", "actor", "action"):
        op.create_index(f"ix_audit_{name}", "audit", [name, "at", "seq"])


def downgrade() -> None:
    for name in ("object", "actor", "action"):
        op.drop_index(f"ix_audit_{name}", table_name="audit")
    op.create_index("ix_audit_object", "audit", ["object", "seq"])
    with op.batch_alter_table("audit") as table:
        table.drop_column("origin")
