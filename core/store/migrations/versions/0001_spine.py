"""The tables of the spine: workflows, threads, runs and what they did, cards, audit, jobs, workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("object", sa.String(length=500), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_object", "audit", ["object", "seq"], unique=False)
    op.create_table(
        "checkpoints_index",
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=200), nullable=False),
        sa.Column("parent_id", sa.String(length=200), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("next", JSON, nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("branch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "checkpoint_id", name=op.f("pk_checkpoints_index")),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("lock", sa.String(length=200), nullable=True),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("progress", sa.String(length=200), nullable=True),
        sa.Column("result", JSON, nullable=True),
        sa.CheckConstraint(
            "status IN ('todo','doing','done','failed')", name=op.f("ck_jobs_status")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_claimed_by", "jobs", ["claimed_by", "status"], unique=False)
    op.create_index(
        "ix_jobs_todo",
        "jobs",
        ["status", sa.text("priority DESC"), "created_at", "job_id"],
        unique=False,
    )
    op.create_index("ix_jobs_lock_status", "jobs", ["lock", "status"], unique=False)
    op.create_index(
        "uq_jobs_one_doing",
        "jobs",
        ["lock"],
        unique=True,
        sqlite_where=sa.text("status = 'doing'"),
        postgresql_where=sa.text("status = 'doing'"),
    )
    op.create_table(
        "snapshots",
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=200), nullable=False),
        sa.Column("values", JSON, nullable=True),
        sa.Column("next", JSON, nullable=False),
        sa.Column("interrupts", JSON, nullable=False),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "checkpoint_id", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "threads",
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("head_checkpoint_id", sa.String(length=200), nullable=True),
        sa.Column("last_run_id", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thread_id", name=op.f("pk_threads")),
    )
    op.create_index("ix_threads_updated", "threads", ["updated_at", "thread_id"], unique=False)
    op.create_table(
        "topics",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_topics")),
    )
    op.create_index("ix_topics_head", "topics", ["head"], unique=False)
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_heartbeat", "workers", ["heartbeat_at"], unique=False)
    op.create_table(
        "workflows",
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("nodes", JSON, nullable=False),
        sa.Column("graph", JSON, nullable=False),
        sa.Column("input_schema", JSON, nullable=True),
        sa.Column("context_schema", JSON, nullable=True),
        sa.Column("state_schema", JSON, nullable=True),
        sa.Column("channels", JSON, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workflows")),
    )
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.String(length=200), nullable=False),
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("question_key", sa.String(length=200), nullable=False),
        sa.Column("interrupt_id", sa.String(length=200), nullable=True),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("node", sa.String(length=1000), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=True),
        sa.Column("allowed", JSON, nullable=False),
        sa.Column("schema", JSON, nullable=True),
        sa.Column("risk", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending','decided','expired','withdrawn','superseded')",
            name=op.f("ck_approvals_status"),
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["threads.thread_id"],
            name=op.f("fk_approvals_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("thread_id", "question_key", name="uq_approvals_question"),
    )
    op.create_index(
        "ix_approvals_thread_status_asked",
        "approvals",
        ["thread_id", "status", "asked_at", "approval_id"],
        unique=False,
    )
    op.create_index(
        "ix_approvals_run_status_asked",
        "approvals",
        ["run_id", "status", "asked_at", "approval_id"],
        unique=False,
    )
    op.create_index(
        "ix_approvals_status_asked",
        "approvals",
        ["status", "asked_at", "approval_id"],
        unique=False,
    )
    op.create_index(
        "ix_approvals_workflow_status_asked",
        "approvals",
        ["workflow", "status", "asked_at", "approval_id"],
        unique=False,
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("input", JSON, nullable=True),
        sa.Column("context", JSON, nullable=True),
        sa.Column("options", JSON, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=300), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", JSON, nullable=True),
        sa.Column("error_type", sa.String(length=300), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_checkpoint_id", sa.String(length=200), nullable=True),
        sa.Column("previous_run_id", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued','running','waiting','paused','continued','done','failed','cancelled')",
            name=op.f("ck_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.thread_id"], name=op.f("fk_runs_thread_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_created", "runs", ["created_at", "run_id"], unique=False)
    op.create_index(
        "ix_runs_status_created", "runs", ["status", "created_at", "run_id"], unique=False
    )
    op.create_index("ix_runs_status_ended", "runs", ["status", "ended_at"], unique=False)
    op.create_index(
        "ix_runs_thread_status_created",
        "runs",
        ["thread_id", "status", "created_at", "run_id"],
        unique=False,
    )
    op.create_index(
        "ix_runs_workflow_status_created",
        "runs",
        ["workflow", "status", "created_at", "run_id"],
        unique=False,
    )
    op.create_index(
        "uq_runs_queued_resume",
        "runs",
        ["thread_id"],
        unique=True,
        sqlite_where=sa.text("status = 'queued' AND kind = 'resume'"),
        postgresql_where=sa.text("status = 'queued' AND kind = 'resume'"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(length=200), nullable=False),
        sa.Column("approval_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("answer", JSON, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds_to_decide", sa.Float(), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.approval_id"],
            name=op.f("fk_decisions_approval_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("approval_id", "version", name="uq_decisions_one_answer"),
    )
    op.create_index(
        "ix_decisions_decided", "decisions", ["decided_at", "decision_id"], unique=False
    )
    op.create_index("ix_decisions_run", "decisions", ["run_id"], unique=False)
    op.create_table(
        "node_runs",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.String(length=200), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("node", sa.String(length=300), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("error_type", sa.String(length=300), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_node_runs_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "delivery", "task_id", "attempt", name=op.f("pk_node_runs")
        ),
    )
    op.create_index("ix_node_runs_thread_task", "node_runs", ["thread_id", "task_id"], unique=False)
    op.create_index(
        "ix_node_runs_workflow_path_started",
        "node_runs",
        ["workflow", "path", "started_at"],
        unique=False,
    )
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", JSON, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_run_events_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_events")),
    )


def downgrade() -> None:
    op.drop_table("run_events")
    op.drop_table("node_runs")
    op.drop_table("decisions")
    op.drop_table("runs")
    op.drop_table("approvals")
    op.drop_table("workflows")
    op.drop_table("workers")
    op.drop_table("topics")
    op.drop_table("threads")
    op.drop_table("snapshots")
    op.drop_table("jobs")
    op.drop_table("checkpoints_index")
    op.drop_table("audit")
