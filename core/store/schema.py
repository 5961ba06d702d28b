"""
The tables, as SQLAlchemy Core. The only truth about columns; migrations are checked against it.

Every list that a screen or command shows has an index here that serves its order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)

from interlock.core.store.columns import SealedWords, UtcDateTime, Words
from interlock.core.store.schema_api import idempotency_keys
from interlock.core.store.schema_approvals import approvals, decisions
from interlock.core.store.schema_audit import audit
from interlock.core.store.schema_base import id_type, json_type, metadata, sealed_type
from interlock.core.store.schema_batches import launch_batches
from interlock.core.store.schema_claims import card_openings, claims
from interlock.core.store.schema_clients import thread_labels, thread_metadata
from interlock.core.store.schema_demo import demonstrations, tours
from interlock.core.store.schema_flags import flags
from interlock.core.store.schema_history import attached_sources, forks, what_if_sides, what_ifs
from interlock.core.store.schema_limits import model_calls, model_keys, rate_takes
from interlock.core.store.schema_notices import notice_rules, notices
from interlock.core.store.schema_people import (
    access,
    operators,
    sessions,
    sign_in_failures,
    tokens,
)
from interlock.core.store.schema_queue import jobs, topics, workers
from interlock.core.store.schema_search import search_texts
from interlock.core.store.schema_sight import (
    alert_silences,
    alerts,
    breaker_events,
    breakers,
    cache_counters,
    cache_entries,
    holds,
    metric_rollups,
    rollup_due,
    run_rollups,
    tool_totals,
)
from interlock.core.store.schema_votes import votes
from interlock.core.store.schema_workers import worker_workflows, workflow_versions

__all__ = [
    "access",
    "alert_silences",
    "alerts",
    "approvals",
    "attached_sources",
    "audit",
    "breaker_events",
    "breakers",
    "cache_counters",
    "cache_entries",
    "card_openings",
    "checkpoints_index",
    "claims",
    "decisions",
    "demonstrations",
    "flags",
    "forks",
    "holds",
    "idempotency_keys",
    "jobs",
    "launch_batches",
    "metadata",
    "metric_rollups",
    "model_calls",
    "model_keys",
    "node_runs",
    "notice_rules",
    "notices",
    "operators",
    "rate_takes",
    "rollup_due",
    "run_events",
    "run_rollups",
    "runs",
    "search_texts",
    "sessions",
    "sign_in_failures",
    "snapshots",
    "thread_labels",
    "thread_metadata",
    "threads",
    "tokens",
    "tool_totals",
    "topics",
    "tours",
    "votes",
    "what_if_sides",
    "what_ifs",
    "worker_workflows",
    "workers",
    "workflow_versions",
    "workflows",
]

REVISION = "0020"  # the newest migration; a test compares it with Alembic's own head
# The newest migration of the release before: its program runs on these tables too, so that processes of
# both work side by side. Set by whoever makes a release (CONTRIBUTING.md); what comes after it only adds.
SERVES_FROM = "0017"

workflows = Table(
    "workflows",
    metadata,
    Column("name", String(300), primary_key=True),
    Column("description", Words(), nullable=False, default=""),
    Column("nodes", json_type(), nullable=False),
    Column("graph", json_type(), nullable=False),
    Column("input_schema", json_type()),
    Column("context_schema", json_type()),
    Column("state_schema", json_type()),
    Column("channels", json_type(), nullable=False),
    Column("error", Words()),
    Column("published_at", UtcDateTime, nullable=False),
    Column("tools", json_type()),
    Column("policy", json_type()),
)

threads = Table(
    "threads",
    metadata,
    Column("thread_id", id_type(), primary_key=True),
    Column("workflow", String(300), nullable=False),
    Column("head_checkpoint_id", id_type()),
    Column("last_run_id", id_type()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("origin", String(20), nullable=False, server_default="own"),
    Column("from_thread_id", id_type()),  # of a copy: where it comes from
    Column("from_checkpoint_id", id_type()),
    Column("trouble", Words()),  # why it can be read only, where it can
    Index("ix_threads_updated", "updated_at", "thread_id"),
    Index("ix_threads_created", "created_at", "thread_id"),
    Index("ix_threads_workflow_updated", "workflow", "updated_at", "thread_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", id_type(), primary_key=True),
    Column(
        "thread_id", id_type(), ForeignKey("threads.thread_id", ondelete="CASCADE"), nullable=False
    ),
    Column("workflow", String(300), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("input", sealed_type()),
    Column("context", sealed_type()),
    Column("options", json_type(), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Words(300), nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("error", sealed_type()),
    Column("error_type", Words(300)),
    Column("cancel_requested_at", UtcDateTime),
    Column("end_checkpoint_id", id_type()),
    Column("previous_run_id", id_type()),
    Column("reason", Words(), nullable=False, default=""),
    Column("deliveries", Integer, nullable=False, default=0),
    Column("variant", Words(100), nullable=False, server_default=""),
    Column("batch_id", id_type()),
    Column("degraded", Boolean, nullable=False, server_default="0"),
    Column("tokens_in", BigInteger, nullable=False, server_default="0"),
    Column("tokens_out", BigInteger, nullable=False, server_default="0"),
    Column("cost", Float, nullable=False, server_default="0"),
    Column("rating", Integer),
    Column("steps_in_memory", Integer, nullable=False, server_default="0"),
    Index("ix_runs_created", "created_at", "run_id"),
    Index("ix_runs_batch_created", "batch_id", "created_at", "run_id"),
    Index("ix_runs_status_error_created", "status", "error_type", "created_at", "run_id"),
    Index("ix_runs_status_created", "status", "created_at", "run_id"),
    Index("ix_runs_workflow_status_created", "workflow", "status", "created_at", "run_id"),
    Index("ix_runs_thread_status_created", "thread_id", "status", "created_at", "run_id"),
    Index("ix_runs_status_ended", "status", "ended_at"),
    # The queued resume run of a thread is the one that further decisions join: there is at most one.
    Index(
        "uq_runs_queued_resume",
        "thread_id",
        unique=True,
        sqlite_where=text("status = 'queued' AND kind = 'resume'"),
        postgresql_where=text("status = 'queued' AND kind = 'resume'"),
    ),
    CheckConstraint(
        "status IN ('queued','running','waiting','paused','continued','done','failed','cancelled')",
        name="status",
    ),
)

node_runs = Table(
    "node_runs",
    metadata,
    Column("run_id", id_type(), ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("delivery", Integer, nullable=False),
    Column("task_id", id_type(), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("thread_id", id_type(), nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("node", Words(300), nullable=False),
    Column("path", Words(1000), nullable=False),
    Column("namespace", Words(), nullable=False),
    Column("step", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("duration_ms", Float),
    Column("error_type", Words(300)),
    Column("error_message", SealedWords()),
    Column("ended_at", UtcDateTime),
    # False for a try that was followed by another: an attempt is not a run (law 7).
    Column("is_final", Boolean, nullable=False, server_default="1"),
    Column("variant", Words(100), nullable=False, server_default=""),
    Column("retry_wait_ms", Float),  # waited before this attempt, after the one before
    Column("error_kind", String(20)),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("cost", Float),
    Column("origin", Words(300)),  # what served it instead: a cache's tier, a fallback
    PrimaryKeyConstraint("run_id", "delivery", "task_id", "attempt"),
    Index("ix_node_runs_ended", "ended_at", "workflow", "path"),
    Index(
        "ix_node_runs_failed",
        "workflow",
        "ended_at",
        sqlite_where=text("status = 'error'"),
        postgresql_where=text("status = 'error'"),
    ),
    Index("ix_node_runs_thread_task", "thread_id", "task_id"),
)

run_events = Table(
    "run_events",
    metadata,
    Column("run_id", id_type(), ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("path", Words(1000), nullable=False, default=""),
    Column("at", UtcDateTime, nullable=False),
    Column("data", sealed_type()),
    PrimaryKeyConstraint("run_id", "seq"),
)

checkpoints_index = Table(
    "checkpoints_index",
    metadata,
    Column("thread_id", id_type(), nullable=False),
    Column("checkpoint_id", id_type(), nullable=False),
    Column("parent_id", id_type()),
    Column("step", Integer, nullable=False),
    Column("source", String(20), nullable=False),
    Column("next", json_type(), nullable=False),
    Column("run_id", id_type()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("size_bytes", BigInteger, nullable=False, default=0),
    Column("branch", Integer, nullable=False, default=0),
    PrimaryKeyConstraint("thread_id", "checkpoint_id"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("thread_id", id_type(), nullable=False),
    Column("checkpoint_id", id_type(), nullable=False),
    Column("values", sealed_type()),
    Column("next", json_type(), nullable=False),
    Column("interrupts", sealed_type(), nullable=False),
    Column("metadata", sealed_type(), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("thread_id", "checkpoint_id"),
)
