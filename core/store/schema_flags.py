"""The table of flags: only those that were ever switched have a row."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import metadata

flags = Table(
    "flags",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Words(300), nullable=False),
    Column("reason", Words(), nullable=False),
)
