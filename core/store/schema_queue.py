"""The tables of work: jobs, the workers that carry them out, and the heads that tell screens of changes."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, text

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata, sealed_type

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", id_type(), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("lock", id_type()),
    Column("payload", sealed_type(), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("status", String(20), nullable=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claimed_by", id_type()),
    Column("deliveries", Integer, nullable=False, default=0),
    # Where the thread's head stood when the job was last handed out: law 4's "without a new checkpoint".
    Column("progress", id_type()),
    Column("result", sealed_type()),
    Column("workflow", String(300), nullable=False, server_default=""),
    # Its number in Procrastinate's table, on Postgres; None of one that was not deferred there yet.
    Column("dispatch_id", BigInteger),
    CheckConstraint("status IN ('todo','doing','done','failed')", name="status"),
    Index("ix_jobs_todo", "status", text("priority DESC"), "created_at", "job_id"),
    Index(
        "ix_jobs_lanes",
        "workflow",
        text("priority DESC"),
        "created_at",
        "job_id",
        sqlite_where=text("status = 'todo'"),
        postgresql_where=text("status = 'todo'"),
    ),
    Index(
        "ix_jobs_undispatched",
        "job_id",
        postgresql_where=text("status = 'todo' AND dispatch_id IS NULL"),
    ).ddl_if(dialect="postgresql"),
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
