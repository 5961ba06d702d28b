"""
Whoever does by hand what a node does, stands in for whoever would have decided its cards.

An edit in the name of a node that asks, or its being skipped, goes past its question. So it takes what
deciding the card takes; where several people have to agree, no one person can.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from interlock.core.errors import NotAllowed
from interlock.core.model import approval_rules, routes
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.people import Person, Role
from interlock.core.model.threads import Thread
from interlock.core.services import voting
from interlock.core.store import approvals, workflows
from interlock.core.types import CheckpointId

MOST = 1000  # cards of one thread that are looked at, the newest first


def require_may(
    conn: Connection,
    person: Person | None,
    thread: Thread,
    *,
    checkpoint_id: CheckpointId,
    as_node: str | None,
) -> None:
    """
    See that somebody may do by hand what is due at a point, or what a node does.

    Args:
        conn: The transaction.
        person: Who; None is a process of ours.
        thread: The thread.
        checkpoint_id: The point.
        as_node: The node that is stood in for, where one is named.

    Raises:
        NotAllowed: What asks there is decided by others; the message says by whom.
    """
    if person is None or person.is_trusted:
        return
    found = approvals.fetch_summaries(
        conn, statuses=(), thread_id=thread.thread_id, limit=MOST, newest_first=True
    )
    at_point = [card for card in found if card.checkpoint_id == checkpoint_id]
    by_node = [card for card in found if as_node is not None and card.node == as_node]
    _require_each(person, [*at_point, *by_node[:1]])
    if as_node is not None and not by_node:
        rules = approval_rules.find_rules(workflows.fetch_policy(conn, thread.workflow), [as_node])
        is_open = rules.approvers is None and rules.quorum == 1 and not rules.rules
        is_open = is_open and rules.self_approval
        if not is_open and person.role is not Role.ADMIN:
            raise NotAllowed(
                f"{person.name} may not stand in for {as_node}: its policy says who decides"
                " what it asks. It takes an admin, or let it ask."
            )


def _require_each(person: Person, cards: Sequence[ApprovalSummary]) -> None:
    for card in cards:
        voting.require_may(card, person)
        if card.route != routes.OPEN and card.route.quorum > 1:
            raise NotAllowed(
                f"What {card.node} asks takes {card.route.quorum} people: nobody stands in for it alone."
            )
