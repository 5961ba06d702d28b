"""The tables of what people and programs are told: the rules as workers know them, and the outbox."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import json_type, metadata, sealed_type

# One row a rule of interlock.toml. Where it sends to is in `about` without secrets.
notice_rules = Table(
    "notice_rules",
    metadata,
    Column("kind", String(10), nullable=False),
    Column("name", String(100), nullable=False),
    Column("about", json_type(), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("read_until", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("kind", "name"),
)

# One row a message and address; its id is made from what it tells, so that it is there once.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", String(36), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("rule", String(100), nullable=False),
    Column("position", Integer, nullable=False),
    Column("target", Words(300), nullable=False),
    Column("event", String(40), nullable=False),
    Column("object", Words(500), nullable=False),
    Column("link", Words(1000), nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", sealed_type(), nullable=False),
    Column("status", String(20), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime),
    Column("last_error", Words(1000), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    CheckConstraint("status IN ('waiting','sent','needless','given_up')", name="status"),
    Index("ix_notices_due", "status", "kind", "rule", "position", "next_at", "notice_id"),
    Index("ix_notices_created", "created_at", "notice_id"),
    Index("ix_notices_status_created", "status", "created_at", "notice_id"),
    Index("ix_notices_settled", "settled_at"),
)
