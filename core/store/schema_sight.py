"""The tables of sight and safety: figures, breakers, caches, alerts, holds."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, json_type, metadata

# One row a node path, variant and span of time: "minute", "hour" or "day", by when attempts ended.
metric_rollups = Table(
    "metric_rollups",
    metadata,
    Column("tier", String(10), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("path", Words(1000), nullable=False),
    Column("variant", Words(100), nullable=False),
    Column("runs", BigInteger, nullable=False, default=0),
    Column("errors", BigInteger, nullable=False, default=0),
    Column("attempts", BigInteger, nullable=False, default=0),
    Column("interrupted", BigInteger, nullable=False, default=0),
    Column("cached", BigInteger, nullable=False, default=0),
    Column("short_circuited", BigInteger, nullable=False, default=0),
    Column("degraded", BigInteger, nullable=False, default=0),
    Column("sum_ms", Float, nullable=False, default=0.0),
    Column("min_ms", Float),
    Column("max_ms", Float),
    Column("wait_s", Float, nullable=False, default=0.0),
    Column("tokens_in", BigInteger, nullable=False, default=0),
    Column("tokens_out", BigInteger, nullable=False, default=0),
    Column("cost", Float, nullable=False, default=0.0),
    Column("histogram", json_type(), nullable=False),
    Column("error_types", json_type(), nullable=False),
    PrimaryKeyConstraint("tier", "start", "workflow", "path", "variant"),
    Index("ix_metric_rollups_workflow", "tier", "workflow", "start"),
)

# The same for whole executions of a workflow, by when they ended; `started` by when they began.
run_rollups = Table(
    "run_rollups",
    metadata,
    Column("tier", String(10), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("variant", Words(100), nullable=False),
    Column("started", BigInteger, nullable=False, default=0),
    Column("completed", BigInteger, nullable=False, default=0),
    Column("failed", BigInteger, nullable=False, default=0),
    Column("cancelled", BigInteger, nullable=False, default=0),
    Column("degraded", BigInteger, nullable=False, default=0),
    Column("nodes", BigInteger, nullable=False, default=0),
    Column("sum_ms", Float, nullable=False, default=0.0),
    Column("min_ms", Float),
    Column("max_ms", Float),
    Column("tokens_in", BigInteger, nullable=False, default=0),
    Column("tokens_out", BigInteger, nullable=False, default=0),
    Column("cost", Float, nullable=False, default=0.0),
    Column("histogram", json_type(), nullable=False),
    Column("error_types", json_type(), nullable=False),
    PrimaryKeyConstraint("tier", "start", "workflow", "variant"),
    Index("ix_run_rollups_workflow", "tier", "workflow", "start"),
)

# Minutes whose rows are not true (any more): made anew from the raw rows, then taken off here.
rollup_due = Table(
    "rollup_due",
    metadata,
    Column("start", UtcDateTime, primary_key=True),
)

breakers = Table(
    "breakers",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("forced", String(20), nullable=False, server_default=""),
    Column(
        "failures", json_type(), nullable=False
    ),  # when they were, oldest first, at most the limit
    Column("opened_at", UtcDateTime),
    Column("retry_at", UtcDateTime),
    Column("probe_by", id_type()),
    Column("probe_until", UtcDateTime),
    Column("short_circuited", BigInteger, nullable=False, server_default="0"),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("rules", json_type(), nullable=False),
    Column("serves", json_type(), nullable=False),  # [workflow, path] of nodes and tools
    Column("updated_at", UtcDateTime, nullable=False),
)

breaker_events = Table(
    "breaker_events",
    metadata,
    Column("event_id", id_type(), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("before", String(20), nullable=False),
    Column("after", String(20), nullable=False),
    Column("cause", Words(), nullable=False),
    Column("actor", Words(300), nullable=False, server_default=""),
    Column("run_id", id_type()),
    Index("ix_breaker_events_name", "name", "at", "event_id"),
    Index("ix_breaker_events_at", "at", "event_id"),
)

# What came to a breaker, by ten seconds and for an hour.
breaker_counters = Table(
    "breaker_counters",
    metadata,
    Column("start", UtcDateTime, nullable=False),
    Column("name", String(300), nullable=False),
    Column("calls", BigInteger, nullable=False, server_default="0"),
    Column("errors", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("start", "name"),
)

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("namespace", String(300), nullable=False),
    Column("key", String(200), nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("path", Words(1000), nullable=False),
    Column("encoding", String(20), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("cost_ms", Float, nullable=False, server_default="0"),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("question", Words()),
    Column("vector", LargeBinary),
    Column("hits", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    PrimaryKeyConstraint("namespace", "key"),
    Index("ix_cache_entries_used", "workflow", "path", "used_at"),
    Index("ix_cache_entries_expires", "expires_at"),
)

# Calls of tools that ended, of all time: what watches from outside wants totals.
tool_totals = Table(
    "tool_totals",
    metadata,
    Column("workflow", String(300), nullable=False),
    Column("tool", Words(300), nullable=False),
    Column("status", String(20), nullable=False),
    Column("calls", BigInteger, nullable=False),
    PrimaryKeyConstraint("workflow", "tool", "status"),
)

cache_counters = Table(
    "cache_counters",
    metadata,
    Column("workflow", String(300), nullable=False),
    Column("path", Words(1000), nullable=False),
    Column("start", UtcDateTime, nullable=False),  # of the minute
    Column("memory_hits", BigInteger, nullable=False, server_default="0"),
    Column("database_hits", BigInteger, nullable=False, server_default="0"),
    Column("redis_hits", BigInteger, nullable=False, server_default="0"),
    Column("semantic_hits", BigInteger, nullable=False, server_default="0"),
    Column("misses", BigInteger, nullable=False, server_default="0"),
    Column("stores", BigInteger, nullable=False, server_default="0"),
    Column("evictions", BigInteger, nullable=False, server_default="0"),
    Column("saved_ms", Float, nullable=False, server_default="0"),
    Column("saved_cost", Float, nullable=False, server_default="0"),
    PrimaryKeyConstraint("workflow", "path", "start"),
    Index("ix_cache_counters_start", "start"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", id_type(), primary_key=True),
    Column("rule", String(100), nullable=False),
    Column("object", Words(500), nullable=False),  # what it is about: a workflow, a breaker
    Column("severity", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("title", Words(), nullable=False),
    Column("advice", Words(), nullable=False),
    Column("link", Words(), nullable=False),
    Column("value", Float),
    Column("threshold", Float),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Words(300)),
    Column("note", Words(), nullable=False, server_default=""),
    Column("notified_at", UtcDateTime),
    Column("silenced", Boolean, nullable=False, server_default="0"),
    Index("ix_alerts_fired", "fired_at", "alert_id"),
    Index("ix_alerts_status_fired", "status", "fired_at", "alert_id"),
    # One that fires is not told again: there is at most one open alert of a rule about an object.
    Index(
        "uq_alerts_open",
        "rule",
        "object",
        unique=True,
        sqlite_where=text("status <> 'resolved'"),
        postgresql_where=text("status <> 'resolved'"),
    ),
)

alert_silences = Table(
    "alert_silences",
    metadata,
    Column("silence_id", id_type(), primary_key=True),
    Column("rule", String(100), nullable=False),
    Column("object", Words(500), nullable=False),  # empty for whatever the rule is about
    Column("until", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Words(300), nullable=False),
    Column("reason", Words(), nullable=False, server_default=""),
    Index("ix_alert_silences_until", "until", "silence_id"),
)

# No new node starts in what is held; the scope is a workflow's name, or empty for everything.
holds = Table(
    "holds",
    metadata,
    Column("scope", String(300), primary_key=True),
    Column("held_by", Words(300), nullable=False),
    Column("reason", Words(), nullable=False, server_default=""),
    Column("held_at", UtcDateTime, nullable=False),
)
