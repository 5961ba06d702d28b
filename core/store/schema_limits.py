"""The tables of limits: what was let through lately, calls to models that are under way, their keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, json_type, metadata

# One row a start that counts towards a limit; gone once it is older than the longest window.
rate_takes = Table(
    "rate_takes",
    metadata,
    Column("take_id", id_type(), primary_key=True),
    Column("key", String(64), nullable=False),  # of the limit: a digest, names may be long
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_rate_takes_key", "key", "at_ms"),
    Index("ix_rate_takes_at", "at_ms"),
)

# One row a call to a model whose calls under way are bounded; a dead worker's end by themselves.
model_calls = Table(
    "model_calls",
    metadata,
    Column("call_id", id_type(), primary_key=True),
    Column("model", String(300), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index("ix_model_calls_model", "model", "until"),
)

# The keys that a model's calls use in turn, by the name of their variable; never the key itself.
model_keys = Table(
    "model_keys",
    metadata,
    Column("model", String(300), nullable=False),
    Column("variable", Words(300), nullable=False),
    Column("blocked_until", UtcDateTime),
    Column("quota", json_type()),  # what the provider's headers last said is left
    Column("seen_at", UtcDateTime),
    PrimaryKeyConstraint("model", "variable"),
)
