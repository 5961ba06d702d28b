"""The tables of who has a card, and who has one open on a screen."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from interlock.core.store.columns import UtcDateTime, Words
from interlock.core.store.schema_base import id_type, metadata

# One row a card that somebody has or had; one whose time is over counts for nothing.
claims = Table(
    "claims",
    metadata,
    Column(
        "approval_id",
        id_type(),
        ForeignKey("approvals.approval_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("person", Words(300), nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("note", Words(), nullable=False),
    Column("assigned_by", Words(300)),
    Index("ix_claims_until", "until"),
)

# One row a card that somebody has open, for each process that serves them; it lasts some seconds.
card_openings = Table(
    "card_openings",
    metadata,
    Column("approval_id", id_type(), primary_key=True),
    Column("person", Words(300), primary_key=True),
    Column("place", String(40), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_card_openings_place", "place"),
)
