"""
Where a click on a node of a graph leads: to what of it asks for a look, else to its figures.

A drawing knows no pages, only addresses; those here are relative to the page they stand on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.breaker import BreakerState
from interlock.core.model.workflows import Workflow
from interlock.dashboard.views.notices import Link

_QUIET = ("", BreakerState.CLOSED.value)


def link_of_node(
    workflow: str, path: str, *, cards: Sequence[ApprovalSummary] = (), breaker_state: str = ""
) -> Link:
    """
    The page of a node: its cards where any wait, the breakers where its own is away, else its figures.

    Args:
        workflow: Whose node.
        path: The node's.
        cards: What waits at it.
        breaker_state: Of the breaker before it, empty where there is none.
    """
    if cards:  # by the name they have there: a card may name its node without the path before it
        return Link("Its cards", "inbox", {"workflow": workflow, "node": cards[0].node})
    if breaker_state not in _QUIET:
        return Link("Its breaker", "breakers")
    return Link("Its figures", "figures", {"workflow": workflow, "node": path})


def to_href(link: Link) -> str:
    """The address of a page of ours as seen from another; every sign that could mean more is encoded."""
    query = urlencode(dict(link.params))
    return f"{link.page}?{query}" if query else link.page


def group_cards(
    workflow: Workflow, waiting: Sequence[ApprovalSummary]
) -> dict[str, list[ApprovalSummary]]:
    """What waits at each path; a card may name its node without the path before it."""
    paths = list_paths(workflow)
    cards: dict[str, list[ApprovalSummary]] = {}
    for card in waiting:
        if card.workflow == workflow.name:
            ends = (path for path in paths if path.rsplit("/", 1)[-1] == card.node)
            path = card.node if card.node in paths else next(ends, card.node)
            cards.setdefault(path, []).append(card)
    return cards


def hrefs_of(
    workflow: Workflow,
    *,
    cards: Mapping[str, Sequence[ApprovalSummary]] | None = None,
    breaker_states: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Where a click on each node leads, and on each frame around nodes."""
    waiting, states = cards or {}, breaker_states or {}
    drawn = workflow.graph.get("nodes", ())
    recorded = {node["id"]: node["paths"][0] for node in drawn if node.get("paths")}
    return {
        path: to_href(
            link_of_node(
                workflow.name,
                at,
                cards=waiting.get(at, ()),
                breaker_state=states.get(at, ""),
            )
        )
        for path in list_paths(workflow)
        for at in (recorded.get(path, path),)  # of an error handler beneath what it serves first
    }


def list_paths(workflow: Workflow) -> list[str]:
    """The nodes of a graph and the frames around them, its start and end left out."""
    found = [
        str(node["id"])
        for node in workflow.graph.get("nodes", ())
        if node.get("kind") not in {"start", "end"}
    ]
    frames = {path.rpartition("/")[0] for path in found} - {""}
    return list(dict.fromkeys([*found, *sorted(frames)]))
