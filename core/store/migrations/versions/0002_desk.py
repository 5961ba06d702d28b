"""
The operator's desk: tools of workflows and cards, risks to sort by, variants and batches of runs,
and the words that cards and runs are found by.

It only adds, and what it adds has a default: a program of the version before goes on working.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from interlock.core.store import searching

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
ROWS_AT_ONCE = 500
SEARCH_TEXTS = sa.table("search_texts", *map(sa.column, ("about", "object_id", "words")))
SQLITE = (
    (
        "CREATE VIRTUAL TABLE search_words USING fts5("
        "words, content='search_texts', content_rowid='text_id', prefix='2 3')"
    ),
    (
        "CREATE TRIGGER search_texts_added AFTER INSERT ON search_texts BEGIN"
        " INSERT INTO search_words(rowid, words) VALUES (new.text_id, new.words); END"
    ),
    (
        "CREATE TRIGGER search_texts_removed AFTER DELETE ON search_texts BEGIN"
        " INSERT INTO search_words(search_words, rowid, words)"
        " VALUES ('delete', old.text_id, old.words); END"
    ),
    (
        "CREATE TRIGGER search_texts_changed AFTER UPDATE ON search_texts BEGIN"
        " INSERT INTO search_words(search_words, rowid, words)"
        " VALUES ('delete', old.text_id, old.words);"
        " INSERT INTO search_words(rowid, words) VALUES (new.text_id, new.words); END"
    ),
)
POSTGRES = (
    "CREATE INDEX ix_search_texts_words ON search_texts USING gin (to_tsvector('simple', words))"
)


def upgrade() -> None:
    with op.batch_alter_table("workflows") as table:
        table.add_column(sa.Column("tools", JSON))
    with op.batch_alter_table("runs") as table:
        table.add_column(
            sa.Column("variant", sa.String(length=100), nullable=False, server_default="")
        )
        table.add_column(sa.Column("batch_id", sa.String(length=200)))
    with op.batch_alter_table("approvals") as table:
        table.add_column(sa.Column("tools", JSON))
        table.add_column(sa.Column("risk_order", sa.Integer(), nullable=False, server_default="3"))
    _add_indexes()
    op.create_table(
        "launch_batches",
        sa.Column("batch_id", sa.String(length=200), nullable=False),
        sa.Column("workflow", sa.String(length=300), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_launch_batches")),
    )
    op.create_index("ix_launch_batches_created", "launch_batches", ["created_at", "batch_id"])
    op.create_table(
        "search_texts",
        sa.Column(
            "text_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("about", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("text_id", name=op.f("pk_search_texts")),
        sa.UniqueConstraint("about", "object_id", name="uq_search_texts_object"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else (POSTGRES,):
        op.execute(statement)
    _let_find_what_is_there()


def _let_find_what_is_there() -> None:
    """Rows of before are found like new ones; their words must have the form that is looked for."""
    conn = op.get_bind()
    runs = "SELECT run_id, thread_id, workflow, created_by, input FROM runs WHERE run_id > :after"
    cards = (
        "SELECT approval_id, thread_id, workflow, node, title, payload FROM approvals"
        " WHERE approval_id > :after"
    )
    for about, query in (("run", runs), ("approval", cards)):
        after = ""
        while rows := conn.execute(
            sa.text(f"{query} ORDER BY 1 LIMIT {ROWS_AT_ONCE}"), {"after": after}
        ).all():
            op.bulk_insert(
                SEARCH_TEXTS,
                [{"about": about, "object_id": row[0], "words": _words(row)} for row in rows],
            )
            after = rows[-1][0]


def _words(row: Sequence[Any]) -> str:
    ids = searching.ids_of(row[0], row[1])
    # JSON comes as text from SQLite; its marks are no letters, and what is left are its words.
    return " ".join(searching.split(f"{ids} {searching.texts_of(*row[2:])}"))


def _add_indexes() -> None:
    end = ["asked_at", "approval_id"]
    op.create_index("ix_runs_batch_created", "runs", ["batch_id", "created_at", "run_id"])
    op.create_index(
        "ix_runs_status_error_created", "runs", ["status", "error_type", "created_at", "run_id"]
    )
    for column in ("node", "kind"):
        op.create_index(
            f"ix_approvals_{column}_status_asked", "approvals", [column, "status", *end]
        )
    op.create_index("ix_approvals_status_order_asked", "approvals", ["status", "risk_order", *end])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_words")
    op.drop_table("search_texts")
    op.drop_table("launch_batches")
    op.drop_index("ix_approvals_status_order_asked", "approvals")
    for column in ("kind", "node"):
        op.drop_index(f"ix_approvals_{column}_status_asked", "approvals")
    op.drop_index("ix_runs_status_error_created", "runs")
    op.drop_index("ix_runs_batch_created", "runs")
    for name, columns in (
        ("approvals", ("risk_order", "tools")),
        ("runs", ("batch_id", "variant")),
        ("workflows", ("tools",)),
    ):
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.drop_column(column)
