"""The table of votes on cards that take several people."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata, sealed_type

# One row a person and version of a card: who votes again changes their vote (law 1).
votes = Table(
    "votes",
    metadata,
    Column(
        "approval_id",
        id_type(),
        ForeignKey("approvals.approval_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("actor", Words(300), primary_key=True),
    Column("verb", String(20), nullable=False),
    Column("intent", sealed_type()),
    Column("reason", Words(), nullable=False),
    Column("voted_at", UtcDateTime, nullable=False),
)
