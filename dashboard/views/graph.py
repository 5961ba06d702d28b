"""A workflow's graph as DOT, each node in the colour of its state. Labels are foreign and escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.core.model.approvals import ApprovalStatus, ApprovalSummary
from interlock.core.model.nodes import NodeRun, NodeStatus
from interlock.core.model.workflows import Workflow
from interlock.dashboard.palette import Look, Theme, Tone, ground, look_of_node, shade
from interlock.dashboard.views.escaping import dot_escape
from interlock.dashboard.views.formatting import clip, format_plural
from interlock.dashboard.views.steps import last_attempts

LABEL_LIMIT_COUNT = 40
NODE_LIMIT_COUNT = 300  # laid out in the browser: more would hang it
# Laid out by the widths of the first name (without one by those of Times, which are too narrow), drawn in
# the page's own where that is not there, whose widths are much the same.
FONT = "Helvetica,IBM Plex Sans,sans-serif"
_ENDS = ("start", "end")
# Of several tasks of one node (Send), the one that asks for a look gives the colour.
_URGENCY = (
    NodeStatus.INTERRUPTED,
    NodeStatus.ERROR,
    NodeStatus.RUNNING,
    NodeStatus.SHORT_CIRCUITED,
    NodeStatus.CANCELLED,
    NodeStatus.OK,
    NodeStatus.CACHED,
)


@dataclass(frozen=True)
class NodeState:
    """How one node stands in a run: its look, and how many tasks and waiting cards it has."""

    look: Look
    tasks_count: int = 0
    waiting_count: int = 0


@dataclass(frozen=True, kw_only=True)
class Paint:
    """How one node is drawn: its colours, what stands under its name, and one word for who cannot see it."""

    fill: str
    edge: str
    ink: str
    notes: tuple[str, ...] = ()
    word: str = ""
    width: str = "1"
    is_dashed: bool = False
    has_ring: bool = False


@dataclass(frozen=True)
class GraphView:
    """The picture as DOT, and the same in words; `rank_count` is how many nodes stand one under another."""

    dot: str
    alt: str
    rank_count: int = 1


def read_states(
    nodes: Sequence[NodeRun], approvals: Sequence[ApprovalSummary]
) -> dict[str, NodeState]:
    """How each node path stands, from the newest attempt of each of its tasks and the pending cards."""
    pending = Counter(a.node for a in approvals if a.status is ApprovalStatus.PENDING)
    by_path: dict[str, list[NodeStatus]] = {}
    for node in last_attempts(nodes):
        by_path.setdefault(node.path, []).append(node.status)
    for name in pending:  # a breakpoint's node has not run yet
        if not any(name in (path, path.rsplit("/", 1)[-1]) for path in by_path):
            by_path[name] = []
    states = {}
    for path, statuses in by_path.items():
        waiting = pending[path] or pending[path.rsplit("/", 1)[-1]]
        states[path] = NodeState(_look(statuses, waiting), len(statuses), waiting)
    return states


def build(
    workflow: Workflow | None, states: Mapping[str, NodeState], theme: Theme
) -> GraphView | None:
    """Draw the graph by how its nodes stand in a run; None as `draw`."""
    return draw(workflow, {path: _paint(state, theme) for path, state in states.items()}, theme)


def draw(
    workflow: Workflow | None,
    paints: Mapping[str, Paint],
    theme: Theme,
    *,
    unpainted: str = "not reached",
    hrefs: Mapping[str, str] | None = None,
) -> GraphView | None:
    """
    Draw the graph; None where the workflow is unknown, failed to load, or is too big to lay out.

    Args:
        workflow: Whose graph.
        paints: By node path; other nodes stay grey.
        theme: Light or dark.
        unpainted: The word for those.
        hrefs: Where a click on a node leads, by node path.
    """
    nodes = list(workflow.graph.get("nodes", ())) if workflow else []
    if workflow is None or not nodes or len(nodes) > NODE_LIMIT_COUNT:
        return None
    names = {node["id"]: f"n{i}" for i, node in enumerate(nodes)}
    links = {path: _link(href) for path, href in (hrefs or {}).items()}
    lines = [*_head(theme), *_clusters(nodes, names, paints, theme, unpainted, links)]
    told = workflow.graph.get("edges", ())
    edges = [e for e in told if e["source"] in names and e["target"] in names]
    lines += [_edge(e, names, theme) for e in edges]
    ranks = _count_ranks([(e["source"], e["target"]) for e in edges])
    return GraphView("\n".join([*lines, "}"]), _say(nodes, paints, unpainted), ranks)


def _count_ranks(edges: Sequence[tuple[str, str]]) -> int:
    """How many nodes the longest way has that meets none twice; an edge back to its own way is none."""
    after: dict[str, list[str]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    ranks: dict[str, int] = {}
    for first in after:
        way = [] if first in ranks else [first]
        while way:
            name = way[-1]
            left = [n for n in after.get(name, ()) if n not in ranks and n not in way]
            if left:
                way.append(left[0])
                continue
            ranks[name] = 1 + max((ranks.get(n, 0) for n in after.get(name, ())), default=0)
            way.pop()
    return max(ranks.values(), default=1)


def _look(statuses: Sequence[NodeStatus], waiting: int) -> Look:
    asked = look_of_node(NodeStatus.INTERRUPTED)
    if waiting:
        return asked
    for status in _URGENCY:
        if status in statuses and status is not NodeStatus.INTERRUPTED:
            return look_of_node(status)
    # It asked, and nobody is asked any more: answered, and not yet run again.
    return Look(Tone.QUIET, "asked", asked.icon) if statuses else look_of_node(None)


def _head(theme: Theme) -> list[str]:
    grey = ground(theme)
    text = f'fontname="{FONT}", fontcolor="{grey.muted}"'
    node = f'shape="box", style="rounded,filled", fontname="{FONT}", fontsize="12"'
    return [
        "digraph {",
        f'graph [bgcolor="transparent", nodesep="0.3", ranksep="0.35", color="{grey.line}"];',
        f'graph [fontsize="11", {text}];',
        f'node [{node}, margin="0.14,0.07", height="0.3"];',
        f'edge [color="{grey.muted}", fontsize="10", arrowsize="0.6", {text}];',
    ]


def _paint(state: NodeState, theme: Theme) -> Paint:
    look = state.look
    colors = shade(look.tone, theme)
    notes = [look.word]
    if state.waiting_count:
        notes = [format_plural(state.waiting_count, "card waits", "cards wait")]
    if state.tasks_count > 1:
        notes.append(f"{state.tasks_count} x")
    return Paint(
        fill=colors.ground,
        edge=colors.fill,
        ink=colors.ink,
        notes=(" · ".join(notes),),
        word=look.word,
        width="2.2" if look.tone in (Tone.WAITING, Tone.FAILED, Tone.RUNNING) else "1",
    )


def _clusters(
    nodes: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    paints: Mapping[str, Paint],
    theme: Theme,
    unpainted: str,
    links: Mapping[str, str],
) -> list[str]:
    """Nodes by their parent: what a subgraph holds is framed, and the frame carries its state."""
    by_parent: dict[str, list[Mapping[str, Any]]] = {}
    for node in nodes:
        by_parent.setdefault(_parent(node), []).append(node)
    lines: list[str] = []
    for i, (parent, inner) in enumerate(by_parent.items()):
        drawn = [
            _node(n, names, paints, theme, unpainted, links)
            for n in inner
            if n["id"] not in by_parent
        ]
        label = _label({"id": parent}, paints.get(parent))
        link = links.get(parent, "").replace(",", ";")
        frame = (
            [f'subgraph cluster_{i} {{ label="{label}"; style="rounded"{link};'] if parent else []
        )
        lines += [*frame, *drawn, *("}" for _ in frame)]
    return lines


def _parent(node: Mapping[str, Any]) -> str:
    return str(node["id"]).rpartition("/")[0]


def _node(
    node: Mapping[str, Any],
    names: Mapping[str, str],
    paints: Mapping[str, Paint],
    theme: Theme,
    unpainted: str,
    links: Mapping[str, str],
) -> str:
    grey = ground(theme)
    name = names[node["id"]]
    if node.get("kind") in _ENDS:
        return (
            f'{name} [label="{dot_escape(node["kind"])}", shape="plaintext", style="",'
            f' fontcolor="{grey.muted}"];'
        )
    plain = Paint(fill=grey.panel, edge=grey.line, ink=grey.text, word=unpainted)
    paint = _paint_of(node, paints) or plain
    more = ', style="rounded,filled,dashed"' if paint.is_dashed else ""
    more += ', peripheries="2"' if paint.has_ring else ""
    more += links.get(node["id"], "")
    tip = f"{dot_escape(_name(node))}: {dot_escape(paint.word)}"
    return (
        f'{name} [label="{_label(node, paint)}", fillcolor="{paint.fill}", color="{paint.edge}",'
        f' fontcolor="{paint.ink}", penwidth="{paint.width}", tooltip="{tip}"{more}];'
    )


def _paint_of(node: Mapping[str, Any], paints: Mapping[str, Paint]) -> Paint | None:
    """How a node stands; an error handler is recorded beneath each node that it serves."""
    found = (paints[path] for path in (node["id"], *node.get("paths", ())) if path in paints)
    return next(found, None)


def _name(node: Mapping[str, Any]) -> str:
    """Its path, in words where LangGraph made up the name."""
    served = [str(path).rpartition("/")[0] for path in node.get("paths", ())]
    return f"{node['label']} of {', '.join(served)}" if served else str(node["id"])


def _link(href: str) -> str:
    return f', URL="{dot_escape(href)}", target="_self"'


def _label(node: Mapping[str, Any], paint: Paint | None) -> str:
    text = dot_escape(clip(str(node.get("label") or node["id"]), LABEL_LIMIT_COUNT))
    return "\\n".join([text, *(dot_escape(note) for note in (paint.notes if paint else ()))])


def _edge(edge: Mapping[str, Any], names: Mapping[str, str], theme: Theme) -> str:
    options = [f'label="{dot_escape(clip(str(edge["label"]), 24))}"'] if edge.get("label") else []
    if edge.get("conditional"):
        options += ['style="dashed"', f'color="{ground(theme).muted}"']
    return f"{names[edge['source']]} -> {names[edge['target']]} [{', '.join(options)}];"


def _say(nodes: Sequence[Mapping[str, Any]], paints: Mapping[str, Paint], unpainted: str) -> str:
    parts = [
        f"{_name(node)} {paint.word if (paint := _paint_of(node, paints)) else unpainted}"
        for node in nodes
        if node.get("kind") not in _ENDS
    ]
    return f"Graph of {format_plural(len(parts), 'node')}: {', '.join(parts)}."
