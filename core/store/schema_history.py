"""The tables of the time machine: how threads were set back, what was tried in a sandbox, foreign threads."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from interlock.core.store.columns import SealedWords, UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata, sealed_type

# One row each time somebody set a thread back, edited its state or copied it: who, when, why, how.
forks = Table(
    "forks",
    metadata,
    Column("fork_id", id_type(), primary_key=True),
    Column(
        "thread_id", id_type(), ForeignKey("threads.thread_id", ondelete="CASCADE"), nullable=False
    ),
    Column("run_id", id_type(), nullable=False),  # the run that carries it out
    Column("verb", String(20), nullable=False),
    Column("target_id", id_type(), nullable=False),  # the checkpoint it goes on from
    Column("left_id", id_type()),  # the thread's head as whoever confirmed it saw it
    Column("from_thread_id", id_type()),  # of a copy: where the target is
    Column("as_node", Words(1000)),
    Column("edits", sealed_type(), nullable=False),
    Column("answers", sealed_type(), nullable=False),
    Column("preview", sealed_type(), nullable=False),  # as it was confirmed
    Column("actor", Words(300), nullable=False),
    Column("reason", Words(), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("run_id", name="uq_forks_run"),
    Index("ix_forks_thread", "thread_id", "created_at", "fork_id"),
)

# A question of a thread answered in several ways on copies that touch nothing outside.
what_ifs = Table(
    "what_ifs",
    metadata,
    Column("what_if_id", id_type(), primary_key=True),
    Column(
        "thread_id", id_type(), ForeignKey("threads.thread_id", ondelete="CASCADE"), nullable=False
    ),
    Column("workflow", String(300), nullable=False),
    Column("checkpoint_id", id_type(), nullable=False),
    Column("approval_id", id_type()),  # the card, and the version of it, that it was made from
    Column("version", Integer),
    Column("status", String(20), nullable=False),
    Column("kept_side", String(20)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Words(300), nullable=False),
    Index("ix_what_ifs_thread", "thread_id", "created_at", "what_if_id"),
    Index("ix_what_ifs_created", "created_at", "what_if_id"),
)

what_if_sides = Table(
    "what_if_sides",
    metadata,
    Column(
        "what_if_id",
        id_type(),
        ForeignKey("what_ifs.what_if_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("side", String(20), nullable=False),
    Column("intent", sealed_type(), nullable=False),  # what is answered, as a decision would be
    Column("stand_ins", sealed_type(), nullable=False),  # given values, by node
    Column("job_id", id_type()),
    Column("sandbox_id", id_type()),  # the copy's thread id in the checkpoint database
    Column("status", String(20), nullable=False),
    Column("path", sealed_type(), nullable=False),  # what ran, what was stood in for
    Column("values", sealed_type()),  # the state at its end, cut and marked
    Column("asks", sealed_type(), nullable=False),  # what it asks next
    Column("error", SealedWords()),
    Column("duration_ms", Float),
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Column("cost", Float),
    Column("ended_at", UtcDateTime),
    PrimaryKeyConstraint("what_if_id", "side"),
)

# The checkpoint database of another application, and when it was looked at last.
attached_sources = Table(
    "attached_sources",
    metadata,
    Column("source_id", String(64), primary_key=True),  # a digest of its address
    Column("address", Words(), nullable=False),  # without its password
    Column("looked_at", UtcDateTime, nullable=False),
    Column("took_ms", Float, nullable=False),
    Column("thread_count", Integer, nullable=False),
    Column("unknown_count", Integer, nullable=False),
    Column("cursor", id_type()),
    Column("error", Words()),
)
