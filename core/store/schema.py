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
    UniqueConstraint,
    text,
)

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_api import idempotency_keys
from interlock.core.store.schema_base import id_type, json_type, metadata
from interlock.core.store.schema_batches import launch_batches
from interlock.core.store.schema_demo import demonstrations, tours
from interlock.core.store.schema_history import attached_sources, forks, what_if_sides, what_ifs
from interlock.core.store.schema_limits import model_calls, model_keys, rate_takes
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

__all__ = [
    "alert_silences",
    "alerts",
    "approvals",
    "attached_sources",
    "audit",
    "breaker_events",
    "breakers",
    "cache_counters",
    "cache_entries",
    "checkpoints_index",
    "decisions",
    "demonstrations",
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
    "rate_takes",
    "rollup_due",
    "run_events",
    "run_rollups",
    "runs",
    "search_texts",
    "snapshots",
    "threads",
    "tool_totals",
    "topics",
    "tours",
    "what_if_sides",
    "what_ifs",
    "workers",
    "workflows",
]

REVISION = "0012"  # the newest migration; a test compares it with Alembic's own head

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
    Column("input", json_type()),
    Column("context", json_type()),
    Column("options", json_type(), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Words(300), nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("error", json_type()),
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
    Column("error_message", Words()),
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
    Column("data", json_type()),
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
    Column("values", json_type()),
    Column("next", json_type(), nullable=False),
    Column("interrupts", json_type(), nullable=False),
    Column("metadata", json_type(), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("thread_id", "checkpoint_id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", id_type(), primary_key=True),
    Column(
        "thread_id", id_type(), ForeignKey("threads.thread_id", ondelete="CASCADE"), nullable=False
    ),
    # The interrupt's id, or "break:<checkpoint_id>": what makes a card the same card again.
    Column("question_key", id_type(), nullable=False),
    Column("interrupt_id", id_type()),
    Column("run_id", id_type(), nullable=False),
    Column("workflow", String(300), nullable=False),
    Column("node", Words(1000), nullable=False),
    Column("namespace", Words(), nullable=False),
    Column("checkpoint_id", id_type(), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Words(), nullable=False),
    Column("payload", json_type()),
    Column("allowed", json_type(), nullable=False),
    Column("schema", json_type()),
    Column("risk", String(20), nullable=False, default=""),
    Column("status", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("tools", json_type()),
    # The risk as a number to sort by, the highest first; 3 is none.
    Column("risk_order", Integer, nullable=False, server_default="3"),
    Column("warn_at", UtcDateTime),
    # When `on_timeout` happens; None where nothing does by itself, or it has.
    Column("due_at", UtcDateTime),
    Column("on_timeout", json_type()),
    Column("escalated_to", String(100)),
    Column("deadline_note", Words(), nullable=False, server_default=""),
    UniqueConstraint("thread_id", "question_key", name="uq_approvals_question"),
    Index("ix_approvals_status_asked", "status", "asked_at", "approval_id"),
    Index("ix_approvals_workflow_status_asked", "workflow", "status", "asked_at", "approval_id"),
    Index("ix_approvals_thread_status_asked", "thread_id", "status", "asked_at", "approval_id"),
    Index("ix_approvals_run_status_asked", "run_id", "status", "asked_at", "approval_id"),
    Index("ix_approvals_node_status_asked", "node", "status", "asked_at", "approval_id"),
    Index("ix_approvals_kind_status_asked", "kind", "status", "asked_at", "approval_id"),
    Index("ix_approvals_status_order_asked", "status", "risk_order", "asked_at", "approval_id"),
    # Of the pending cards that have one alone: a card without a deadline pays nothing.
    Index(
        "ix_approvals_due",
        "due_at",
        "approval_id",
        sqlite_where=text("status = 'pending' AND due_at IS NOT NULL"),
        postgresql_where=text("status = 'pending' AND due_at IS NOT NULL"),
    ),
    Index(
        "ix_approvals_deadline",
        "deadline_at",
        "workflow",
        sqlite_where=text("status = 'pending' AND deadline_at IS NOT NULL"),
        postgresql_where=text("status = 'pending' AND deadline_at IS NOT NULL"),
    ),
    Index(
        "ix_approvals_escalated",
        "escalated_to",
        "workflow",
        sqlite_where=text("status = 'pending' AND escalated_to IS NOT NULL"),
        postgresql_where=text("status = 'pending' AND escalated_to IS NOT NULL"),
    ),
    CheckConstraint(
        "status IN ('pending','decided','expired','withdrawn','superseded')", name="status"
    ),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", id_type(), primary_key=True),
    Column(
        "approval_id",
        id_type(),
        ForeignKey("approvals.approval_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("version", Integer, nullable=False),
    Column("actor", Words(300), nullable=False),
    Column("verb", String(20), nullable=False),
    Column("answer", json_type()),
    Column("reason", Words(), nullable=False, default=""),
    Column("before", json_type()),
    Column("after", json_type()),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("seconds_to_decide", Float, nullable=False),
    Column("run_id", id_type(), nullable=False),
    Column("refused", Words()),
    Column("by_deadline", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("approval_id", "version", name="uq_decisions_one_answer"),
    Index("ix_decisions_run", "run_id"),
    Index("ix_decisions_decided", "decided_at", "decision_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Words(300), nullable=False),
    Column("action", String(50), nullable=False),
    Column("object", Words(500), nullable=False),
    Column("before", json_type()),
    Column("after", json_type()),
    Column("reason", Words(), nullable=False, default=""),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # The kind of process it was done in; entries from before it was kept have none.
    Column("origin", String(20), nullable=False, server_default=""),
    Index("ix_audit_object", "object", "at", "seq"),
    Index("ix_audit_at", "at", "seq"),
    Index("ix_audit_actor", "actor", "at", "seq"),
    Index("ix_audit_action", "action", "at", "seq"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", id_type(), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("lock", id_type()),
    Column("payload", json_type(), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("status", String(20), nullable=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claimed_by", id_type()),
    Column("deliveries", Integer, nullable=False, default=0),
    # Where the thread's head stood when the job was last handed out: law 4's "without a new checkpoint".
    Column("progress", id_type()),
    Column("result", json_type()),
    Column("workflow", String(300), nullable=False, server_default=""),
    CheckConstraint("status IN ('todo','doing','done','failed')", name="status"),
    Index("ix_jobs_todo", "status", text("priority DESC"), "created_at", "job_id"),
    Index("ix_jobs_lock_status", "lock", "status"),
    Index("ix_jobs_claimed_by", "claimed_by", "status"),
    # Law 3 as the last line of defence: whatever claims, one job a lock is carried out.
    Index(
        "uq_jobs_one_doing",
        "lock",
        unique=True,
        sqlite_where=text("status = 'doing'"),
        postgresql_where=text("status = 'doing'"),
    ),
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", id_type(), primary_key=True),
    Column("host", Words(300), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("project", Words(), nullable=False, default=""),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Index("ix_workers_heartbeat", "heartbeat_at"),
)

# One row a topic ("inbox", "runs", "run:<id>", "figures"); `head` rises with every change to it.
topics = Table(
    "topics",
    metadata,
    Column("name", id_type(), primary_key=True),
    Column("head", BigInteger, nullable=False),
    Index("ix_topics_head", "head"),
)
