"""The tables of what each worker serves, and of the versions there have been."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata

# One row a workflow of a worker; without a fingerprint, it did not load there. They go with the worker.
worker_workflows = Table(
    "worker_workflows",
    metadata,
    Column(
        "worker_id",
        id_type(),
        ForeignKey("workers.worker_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("workflow", String(300), primary_key=True),
    Column("fingerprint", String(64)),
)

# One row a version of a workflow that was ever served: of two, the one that came later is shown.
workflow_versions = Table(
    "workflow_versions",
    metadata,
    Column("workflow", String(300), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("project", Words(), nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
)
