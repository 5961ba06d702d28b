"""The tables of cards and what was decided on them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from interlock.core.store.columns import SealedWords, UtcDateTime, Words
from interlock.core.store.schema_base import id_type, json_type, metadata, sealed_type

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
    Column("title", SealedWords(), nullable=False),
    Column("payload", sealed_type()),
    Column("allowed", json_type(), nullable=False),
    Column("schema", sealed_type()),
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
    # Who decides it; none where any operator does. The next two say it again to be sifted by, a name a
    # line: who may, and who began it and therefore may not.
    Column("route", json_type()),
    Column("deciders", Words()),
    Column("barred", Words()),
    # The priority as a number to sort by, the highest first.
    Column("priority_order", Integer, nullable=False, server_default="0"),
    UniqueConstraint("thread_id", "question_key", name="uq_approvals_question"),
    Index("ix_approvals_status_asked", "status", "asked_at", "approval_id"),
    Index("ix_approvals_workflow_status_asked", "workflow", "status", "asked_at", "approval_id"),
    Index("ix_approvals_thread_status_asked", "thread_id", "status", "asked_at", "approval_id"),
    Index("ix_approvals_run_status_asked", "run_id", "status", "asked_at", "approval_id"),
    Index("ix_approvals_node_status_asked", "node", "status", "asked_at", "approval_id"),
    Index("ix_approvals_kind_status_asked", "kind", "status", "asked_at", "approval_id"),
    Index("ix_approvals_status_order_asked", "status", "risk_order", "asked_at", "approval_id"),
    Index(
        "ix_approvals_status_priority_asked",
        "status",
        "priority_order",
        "asked_at",
        "approval_id",
    ),
    # What is somebody's own to decide is sifted within the index, without a look at the cards.
    Index(
        "ix_approvals_mine",
        *("status", "asked_at", "approval_id", "deciders", "barred", "escalated_to", "version"),
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
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
    Column("answer", sealed_type()),
    Column("reason", Words(), nullable=False, default=""),
    Column("before", sealed_type()),
    Column("after", sealed_type()),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("seconds_to_decide", Float, nullable=False),
    Column("run_id", id_type(), nullable=False),
    Column("refused", SealedWords()),
    Column("by_deadline", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("approval_id", "version", name="uq_decisions_one_answer"),
    Index("ix_decisions_run", "run_id"),
    Index("ix_decisions_decided", "decided_at", "decision_id"),
)
