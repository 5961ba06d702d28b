"""What a claim means to whoever decides the card: it is asked in the transaction that decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from interlock.core.model import claims
from interlock.core.model.approvals import Approval
from interlock.core.services.context import App, fetch_now
from interlock.core.store import claims as store
from interlock.core.store import engine
from interlock.core.types import ApprovalId

EVER = datetime.fromtimestamp(0, UTC)  # claims that are over are after it, too


def settle(app: App, conn: Connection, card: Approval, *, actor: str) -> None:
    """
    See that nobody else has a card that is about to be decided; whoever has it lets go of it.

    Raises:
        Conflict: Somebody has it; `winner` says who and until when.
    """
    if store.fetch(conn, card.approval_id, now=EVER) is None:
        return  # so it is nearly always, and nobody has to be asked what time it is
    held = store.fetch(conn, card.approval_id, now=fetch_now(app, conn))
    if held is None:
        return
    if held.person != actor:
        raise claims.refuse(held)
    store.remove(conn, card.approval_id)


def require_free(app: App, approval_ids: Sequence[ApprovalId], *, name: str) -> None:
    """
    See, before several cards are decided one after the other, that nobody else has one of them now.

    Raises:
        Conflict: Somebody has; `winner` says who and until when.
    """
    with engine.read(app.engine) as conn:
        held = store.fetch_many(conn, approval_ids, now=fetch_now(app, conn))
    for approval_id in approval_ids:
        claim = held.get(approval_id)
        if claim is not None and claim.person != name:
            raise claims.refuse(claim)
