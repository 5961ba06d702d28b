"""The tables of people: accounts, sessions, tokens, wrong passwords, and whether one has to sign in."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, json_type, metadata

operators = Table(
    "operators",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("groups", json_type(), nullable=False),
    Column("tenants", json_type(), nullable=False),
    Column("source", String(20), nullable=False),
    Column("is_active", Boolean, nullable=False, server_default="1"),
    Column("password_hash", String(300)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_sign_in_at", UtcDateTime),
)

# `session_id` is the hash of what the browser holds: who reads the table cannot act as anybody.
sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column(
        "operator", String(200), ForeignKey("operators.name", ondelete="CASCADE"), nullable=False
    ),
    Column("method", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("address", Words(100), nullable=False, server_default=""),
    Column("agent", Words(300), nullable=False, server_default=""),
    Column("ended_at", UtcDateTime),
    Index("ix_sessions_operator_created", "operator", "created_at", "session_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", id_type(), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column(
        "operator", String(200), ForeignKey("operators.name", ondelete="CASCADE"), nullable=False
    ),
    Column("label", Words(200), nullable=False),
    Column("scopes", json_type(), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("uq_tokens_secret_hash", "secret_hash", unique=True),
    Index("ix_tokens_operator_created", "operator", "created_at", "token_id"),
)

# Wrong passwords in a row, by "name:<name>" and "from:<address>".
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", Words(300), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index("ix_sign_in_failures_last_at", "last_at"),
)

# One row, where the web process has ever been told that one has to sign in: how, or "" for no more.
access = Table(
    "access",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sign_in", String(20), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Words(300), nullable=False),
)
