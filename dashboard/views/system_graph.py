"""
One workflow's graph as it stands now: the fill is the state, the ring the breaker, the words the rest.

`views.metrics_graph` colours the same nodes by a figure of a window instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.figures import MIN_FOR_P95, NodeFigures
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.workflows import Workflow
from interlock.dashboard.palette import Look, Theme, Tone, ground, look_of_node, shade
from interlock.dashboard.views.formatting import format_count, format_duration_ms, format_plural
from interlock.dashboard.views.graph import GraphView, Paint, draw
from interlock.dashboard.views.metrics_tables import BREAKERS
from interlock.dashboard.views.node_links import group_cards, hrefs_of

FAILING_RATIO = 0.1  # of the hour's runs: a single one of hundreds is said, and no reason to be red
IDLE = "did not run"
_QUIET = Look(Tone.QUIET, IDLE, look_of_node(None).icon)
_FAILING = Look(Tone.FAILED, "failing", look_of_node(NodeStatus.ERROR).icon)


def build(
    workflow: Workflow | None,
    nodes: Sequence[NodeFigures],
    waiting: Sequence[ApprovalSummary],
    running: Mapping[str, int],
    *,
    theme: Theme,
) -> GraphView | None:
    """
    Draw the graph; None where there is none to lay out.

    Args:
        workflow: Whose graph.
        nodes: The figures of its nodes in the last hour, and possibly of others.
        waiting: Pending cards, of any workflow.
        running: How many tasks run at each node now.
        theme: Light or dark.
    """
    if workflow is None:
        return None
    own = {n.path: n for n in nodes if n.workflow == workflow.name}
    cards = group_cards(workflow, waiting)
    paints = {
        path: _paint(own.get(path), len(cards.get(path, ())), running.get(path, 0), theme)
        for path in own.keys() | cards.keys() | running.keys()
    }
    states = {path: node.breaker_state for path, node in own.items()}
    hrefs = hrefs_of(workflow, cards=cards, breaker_states=states)
    return draw(workflow, paints, theme, unpainted=IDLE, hrefs=hrefs)


def find_look(node: NodeFigures | None, cards_count: int, running_count: int) -> Look:
    """How a node stands: what asks for a person first, then what is wrong, then what goes on."""
    if cards_count:
        return look_of_node(NodeStatus.INTERRUPTED)
    if node and node.errors and node.errors >= FAILING_RATIO * node.runs:
        return _FAILING
    if node and node.short_circuited:
        return look_of_node(NodeStatus.SHORT_CIRCUITED)
    if running_count:
        return look_of_node(NodeStatus.RUNNING)
    if node and node.cached > node.runs:
        return look_of_node(NodeStatus.CACHED)
    return look_of_node(NodeStatus.OK) if node and node.runs else _QUIET


def _paint(node: NodeFigures | None, cards: int, running: int, theme: Theme) -> Paint:
    look = find_look(node, cards, running)
    colors = shade(look.tone, theme)
    notes = [] if cards else [look.word]
    notes += [format_plural(cards, "card waits", "cards wait")] if cards else []
    if running > 1 or (running and look.tone is not Tone.RUNNING):
        notes.append(f"{format_count(running)} running")
    if node and node.errors:
        notes.append(f"{format_count(node.errors)} of {format_count(node.runs)} failed")
    if node and node.short_circuited:
        notes.append(f"{format_count(node.short_circuited)} refused")
    if node and node.runs:
        few = f" (n = {node.runs})" if node.runs < MIN_FOR_P95 else ""
        notes.append(f"p95 {format_duration_ms(node.p95_ms)}{few}")
    breaker = BREAKERS.get(node.breaker_state) if node else None
    is_away = breaker is not None and breaker.tone is not Tone.DONE
    if breaker and is_away:
        notes.append(f"breaker {breaker.word}")
    asks = look.tone in {Tone.WAITING, Tone.FAILED, Tone.RUNNING}
    edge = colors.fill if look is not _QUIET else ground(theme).line
    return Paint(
        fill=colors.ground,
        edge=shade(breaker.tone, theme).fill if breaker else edge,
        ink=colors.ink,
        notes=tuple(notes),
        word=", ".join(notes),
        width="2.2" if is_away or asks else "1",
        is_dashed=is_away,
        has_ring=breaker is not None,
    )
