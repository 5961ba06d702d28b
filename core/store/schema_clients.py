"""The table of what other programs say of threads: a client's own words, which Interlock only keeps and finds."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from interlock.core.store.columns import Words
from interlock.core.store.schema_base import id_type, metadata, sealed_type

# One row a thread that somebody gave metadata or made before its first run.
thread_metadata = Table(
    "thread_metadata",
    metadata,
    Column(
        "thread_id",
        id_type(),
        ForeignKey("threads.thread_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("data", sealed_type(), nullable=False),
    Column("made_by", Words(300), nullable=False),
)

# One row for each of its fields, to find a thread by.
thread_labels = Table(
    "thread_labels",
    metadata,
    Column(
        "thread_id",
        id_type(),
        ForeignKey("threads.thread_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("label", String(64), primary_key=True),  # a digest of the field and its value
    Index("ix_thread_labels_label", "label", "thread_id"),
)
