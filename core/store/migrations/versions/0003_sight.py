"""
Sight and safety: figures by minute, hour and day; breakers, caches, alerts and holds; and what runs
and attempts need for them.

It only adds, but for one index that nothing used; what it adds has a default.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
TABLES = (
    "alert_silences",
    "alerts",
    "breaker_events",
    "breakers",
    "cache_counters",
    "cache_entries",
    "holds",
    "metric_rollups",
    "rollup_due",
    "run_rollups",
)
ADDED = {
    "workflows": ("policy",),
    "jobs": ("workflow",),
    "runs": ("degraded", "tokens_in", "tokens_out", "cost", "rating"),
    "node_runs": (
        "ended_at",
        "is_final",
        "variant",
        "retry_wait_ms",
        "error_kind",
        "tokens_in",
        "tokens_out",
        "cost",
        "origin",
    ),
}
FAILED = sa.text("status = 'error'")


def upgrade() -> None:
    _widen()
    _add_figures()
    _add_breakers()
    _add_caches()
    _add_alerts()


def _widen() -> None:
    with op.batch_alter_table("workflows") as table:
        table.add_column(sa.Column("policy", JSON))
    with op.batch_alter_table("jobs") as table:
        table.add_column(
            sa.Column("workflow", sa.String(length=300), nullable=False, server_default="")
        )
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("degraded", sa.Boolean(), nullable=False, server_default="0"))
        for name in ("tokens_in", "tokens_out"):
            table.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("cost", sa.Float(), nullable=False, server_default="0"))
        table.add_column(sa.Column("rating", sa.Integer()))
    with op.batch_alter_table("node_runs") as table:
        table.add_column(sa.Column("ended_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("is_final", sa.Boolean(), nullable=False, server_default="1"))
        table.add_column(
            sa.Column("variant", sa.String(length=100), nullable=False, server_default="")
        )
        table.add_column(sa.Column("retry_wait_ms", sa.Float()))
        table.add_column(sa.Column("error_kind", sa.String(length=20)))
        table.add_column(sa.Column("tokens_in", sa.Integer()))
        table.add_column(sa.Column("tokens_out", sa.Integer()))
        table.add_column(sa.Column("cost", sa.Float()))
        table.add_column(sa.Column("origin", sa.String(length=300)))
    op.drop_index("ix_node_runs_workflow_path_started", "node_runs")
    op.create_index("ix_node_runs_ended", "node_runs", ["ended_at", "workflow", "path"])
    op.create_index(
        "ix_node_runs_failed",
        "node_runs",
        ["workflow", "ended_at"],
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )
    _date_what_ended()


def _date_what_ended() -> None:
    """What ended before is counted when it started: its duration was kept, its end was not."""
    op.execute("UPDATE node_runs SET ended_at = started_at WHERE status <> 'running'")


def _add_figures() -> None:
    op.create_table(
        "metric_rollups",
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("variant", sa.String(length=100), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("interrupted", sa.BigInteger(), nullable=False),
        sa.Column("cached", sa.BigInteger(), nullable=False),
        sa.Column("short_circuited", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("sum_ms", sa.Float(), nullable=False),
        sa.Column("min_ms", sa.Float(), nullable=True),
        sa.Column("max_ms", sa.Float(), nullable=True),
        sa.Column("wait_s", sa.Float(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("histogram", JSON, nullable=False),
        sa.Column("error_types", JSON, nullable=False),
        sa.PrimaryKeyConstraint(
            "tier", "start", "workflow", "path", "variant", name=op.f("pk_metric_rollups")
        ),
    )
    op.create_index("ix_metric_rollups_workflow", "metric_rollups", ["tier", "workflow", "start"])
    op.create_table(
        "run_rollups",
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("variant", sa.String(length=100), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("nodes", sa.BigInteger(), nullable=False),
        sa.Column("sum_ms", sa.Float(), nullable=False),
        sa.Column("min_ms", sa.Float(), nullable=True),
        sa.Column("max_ms", sa.Float(), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("histogram", JSON, nullable=False),
        sa.Column("error_types", JSON, nullable=False),
        sa.PrimaryKeyConstraint(
            "tier", "start", "workflow", "variant", name=op.f("pk_run_rollups")
        ),
    )
    op.create_index("ix_run_rollups_workflow", "run_rollups", ["tier", "workflow", "start"])
    op.create_table(
        "rollup_due",
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("start", name=op.f("pk_rollup_due")),
    )


def _add_breakers() -> None:
    op.create_table(
        "breakers",
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("forced", sa.String(length=20), server_default="", nullable=False),
        sa.Column("failures", JSON, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_by", sa.String(length=200), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("short_circuited", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rules", JSON, nullable=False),
        sa.Column("serves", JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breakers")),
    )
    op.create_table(
        "breaker_events",
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.String(length=20), nullable=False),
        sa.Column("after", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=300), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_breaker_events")),
    )
    op.create_index("ix_breaker_events_at", "breaker_events", ["at", "event_id"])
    op.create_index("ix_breaker_events_name", "breaker_events", ["name", "at", "event_id"])
    op.create_table(
        "holds",
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("held_by", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_holds")),
    )


def _add_caches() -> None:
    op.create_table(
        "cache_entries",
        sa.Column("namespace", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("encoding", sa.String(length=20), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cost_ms", sa.Float(), server_default="0", nullable=False),
        sa.Column("cost", sa.Float(), server_default="0", nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("hits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("namespace", "key", name=op.f("pk_cache_entries")),
    )
    op.create_index("ix_cache_entries_expires", "cache_entries", ["expires_at"])
    op.create_index("ix_cache_entries_used", "cache_entries", ["workflow", "path", "used_at"])
    op.create_table(
        "cache_counters",
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("memory_hits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("database_hits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("redis_hits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("semantic_hits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("misses", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stores", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("evictions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("saved_ms", sa.Float(), server_default="0", nullable=False),
        sa.Column("saved_cost", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("workflow", "path", "start", name=op.f("pk_cache_counters")),
    )
    op.create_index("ix_cache_counters_start", "cache_counters", ["start"])


def _add_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("object", sa.String(length=500), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=300), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silenced", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_fired", "alerts", ["fired_at", "alert_id"])
    op.create_index("ix_alerts_status_fired", "alerts", ["status", "fired_at", "alert_id"])
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["rule", "object"],
        unique=True,
        sqlite_where=sa.text("status <> 'resolved'"),
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_table(
        "alert_silences",
        sa.Column("silence_id", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("object", sa.String(length=500), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_alert_silences")),
    )
    op.create_index("ix_alert_silences_until", "alert_silences", ["until", "silence_id"])


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
    op.drop_index("ix_node_runs_failed", "node_runs")
    op.drop_index("ix_node_runs_ended", "node_runs")
    op.create_index(
        "ix_node_runs_workflow_path_started", "node_runs", ["workflow", "path", "started_at"]
    )
    for name, columns in ADDED.items():
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.drop_column(column)
