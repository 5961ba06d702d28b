"""The table of the HTTP API: which requests were made under which key, and what they were answered."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from interlock.core.store.columns import SealedWords, UtcDateTime, Words
from interlock.core.store.schema_base import metadata, sealed_type

# One row a request that named a key; kept for a day.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", Words(300), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # of method, path and body
    Column("begun_at", UtcDateTime, nullable=False),
    Column("status", Integer),  # none while it is carried out
    Column("headers", sealed_type(), nullable=False),
    # None while it is carried out, and where it was too long to be kept.
    Column("body", SealedWords()),
    Index("ix_idempotency_keys_begun_at", "begun_at"),
)
