"""What a claim means to whoever decides the card: it is asked in the transaction that decides."""

from __future__ import annotations

from sqlalchemy import Connection

from interlock.core.model import claims
from interlock.core.model.approvals import Approval
from interlock.core.services.context import App, fetch_now
from interlock.core.store import claims as store


def settle(app: App, conn: Connection, card: Approval, *, actor: str) -> None:
    """
    See that nobody else has a card that is about to be decided; whoever has it lets go of it.

    Raises:
        Conflict: Somebody has it; `winner` says who and until when.
    """
    held = store.fetch(conn, card.approval_id, now=fetch_now(app, conn))
    if held is None:
        return
    if held.person != actor:
        raise claims.refuse(held)
    store.remove(conn, card.approval_id)
