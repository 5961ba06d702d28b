"""The table of launched files."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata

# A file of inputs, each row of which became a run.
launch_batches = Table(
    "launch_batches",
    metadata,
    Column("batch_id", id_type(), primary_key=True),
    Column("workflow", String(300), nullable=False),
    Column("source", Words(300), nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Words(300), nullable=False),
    Column("digest", String(64), nullable=False, server_default=""),
    Index("ix_launch_batches_created", "created_at", "batch_id"),
)
