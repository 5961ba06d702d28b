"""The table of the audit: what people did, each entry sealed with the one before it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import metadata, sealed_type

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Words(300), nullable=False),
    Column("action", String(50), nullable=False),
    Column("object", Words(500), nullable=False),
    Column("before", sealed_type()),
    Column("after", sealed_type()),
    Column("reason", Words(), nullable=False, default=""),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # The kind of process it was done in; entries from before it was kept have none.
    Column("origin", String(20), nullable=False, server_default=""),
    # The address of whoever asked, where there was one.
    Column("address", Words(100), nullable=False, server_default=""),
    Index("ix_audit_object", "object", "at", "seq"),
    Index("ix_audit_at", "at", "seq"),
    Index("ix_audit_actor", "actor", "at", "seq"),
    Index("ix_audit_action", "action", "at", "seq"),
)
