"""Votes: at most one a person and version of a card; those of earlier versions stay for the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from interlock.core.model.approvals import Verb
from interlock.core.model.routing import Vote
from interlock.core.store import dialect
from interlock.core.store.schema import votes
from interlock.core.types import ApprovalId

MAX_ROWS = 1000  # of one card: votes of as many people on as many versions as anybody reads

_PUT = dialect.upsert(votes)
_ORDER = (votes.c.version, votes.c.voted_at, votes.c.actor)
_OF_VERSION = (
    select(votes)
    .where(
        votes.c.approval_id == bindparam("of_approval"), votes.c.version == bindparam("of_version")
    )
    .order_by(*_ORDER)
    .limit(MAX_ROWS)
)
_OF_CARDS = (
    select(votes)
    .where(votes.c.approval_id.in_(bindparam("of_approvals", expanding=True)))
    .order_by(votes.c.approval_id, *_ORDER)
    .limit(bindparam("limit"))
)


def put(conn: Connection, vote: Vote) -> None:
    """Keep a vote; it takes the place of the same person's on the same version."""
    conn.execute(_PUT.on(conn), vars(vote))


def fetch_on(conn: Connection, approval_id: ApprovalId, version: int) -> list[Vote]:
    """The votes on one version of a card, the first one first."""
    parameters = {"of_approval": approval_id, "of_version": version}
    return [_from_row(row) for row in conn.execute(_OF_VERSION, parameters)]


def fetch_for_cards(
    conn: Connection, approval_ids: Sequence[ApprovalId], *, limit: int = MAX_ROWS
) -> list[Vote]:
    """The votes on all versions of some cards, card by card, oldest first."""
    parameters = {"of_approvals": list(approval_ids), "limit": limit}
    return [_from_row(row) for row in conn.execute(_OF_CARDS, parameters)]


def _from_row(row: Row[Any]) -> Vote:
    return Vote(
        approval_id=row.approval_id,
        version=row.version,
        actor=row.actor,
        verb=Verb(row.verb),
        intent=row.intent,
        reason=row.reason,
        voted_at=row.voted_at,
    )
