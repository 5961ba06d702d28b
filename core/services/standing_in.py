"""
Whoever goes past a question by the time machine, stands in for whoever would have decided it.

An edit in the name of a node that asks, or its being skipped, goes past its question; a fork goes past
the breakpoint, or tries again the failed node, at which it begins. So each takes what deciding the card
takes; where several people have to agree, no one person can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from interlock.core.errors import NotAllowed
from interlock.core.model import approval_rules
from interlock.core.model.approvals import STANDING, ApprovalStatus, ApprovalSummary
from interlock.core.model.people import Person, Role
from interlock.core.model.rewinding import RUNS_AS_NODE, RewindVerb
from interlock.core.model.threads import Thread
from interlock.core.services import voting
from interlock.core.store import approvals, workflows
from interlock.core.types import CheckpointId, Json

MOST = 1000  # cards of one thread that are looked at, the newest first


def require_may(
    conn: Connection,
    person: Person | None,
    thread: Thread,
    *,
    verb: RewindVerb,
    checkpoint_id: CheckpointId,
    as_node: str | None,
) -> None:
    """
    See that somebody may go past what is asked at a point, or by a node.

    Args:
        conn: The transaction.
        person: Who; None is a process of ours.
        thread: The thread.
        verb: By what.
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
    if verb not in RUNS_AS_NODE:
        _require_each(person, (c for c in found if c.kind in STANDING and _is_at(c, checkpoint_id)))
        return
    # What is due after an edit is known to the graph alone: it may be the node that is held.
    held = [c for c in found if c.kind in STANDING and c.status is ApprovalStatus.PENDING]
    newest = {card.node: card for card in reversed(found)}
    of_node = [card for node, card in newest.items() if _is_within(node, as_node)]
    _require_each(person, [*(c for c in found if _is_at(c, checkpoint_id)), *held, *of_node])
    if as_node is not None and person.role is not Role.ADMIN:
        asks = _find_routed(workflows.fetch_policy(conn, thread.workflow), as_node)
        unasked = [node for node in asks if node not in newest]
        if unasked:
            raise NotAllowed(
                f"{person.name} may not stand in for {unasked[0]}: its policy says who decides"
                " what it asks. It takes an admin, or let it ask."
            )


def _is_at(card: ApprovalSummary, checkpoint_id: CheckpointId) -> bool:
    return card.checkpoint_id == checkpoint_id


def _is_within(node: str, as_node: str | None) -> bool:
    return as_node is not None and f"{node}/".startswith(f"{as_node}/")


def _find_routed(policy: Json, as_node: str) -> Sequence[str]:
    """The node, and those within it, whose cards are not for any one operator to decide."""
    published = policy.get("approval") if isinstance(policy, dict) else None
    within = [node for node in published or {} if _is_within(node, as_node)]
    found = []
    for node in dict.fromkeys([as_node, *within]):
        rules = approval_rules.find_rules(policy, [node])
        is_plain = rules.approvers is None and rules.quorum == 1 and not rules.rules
        if not (is_plain and rules.self_approval):
            found.append(node)
    return found


def _require_each(person: Person, cards: Iterable[ApprovalSummary]) -> None:
    for card in cards:
        voting.require_may(card, person)
        if card.route.quorum > 1:
            raise NotAllowed(
                f"What {card.node} asks takes {card.route.quorum} people: nobody stands in for it alone."
            )
