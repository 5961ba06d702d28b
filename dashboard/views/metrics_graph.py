"""
The graph coloured by a figure, with breaker, cache and waiting cards on the same nodes (B1).

The fill says the chosen figure against the worst node; the edge says the breaker; words say both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.figures import MIN_FOR_P95, NodeFigures
from interlock.core.model.workflows import Workflow
from interlock.dashboard.palette import Theme, Tone, ground, shade
from interlock.dashboard.views.formatting import format_plural, format_ratio
from interlock.dashboard.views.graph import GraphView, Paint, draw
from interlock.dashboard.views.metrics_tables import BREAKERS
from interlock.dashboard.views.node_links import group_cards, hrefs_of
from interlock.dashboard.views.scales import Unit, format_unit, heat, ink_on

LEAST_RATIO = 0.15  # of the colour, so that a node with any value differs from one without
DEFAULT = "p95"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure that can colour the graph; `is_share` is measured from 0 to 1, not against the worst."""

    name: str
    read: Callable[[NodeFigures], float | None]
    unit: Unit
    tone: Tone = Tone.RUNNING
    is_share: bool = False


FIGURES: Mapping[str, Shown] = {
    "p95": Shown(name="p95", read=lambda n: n.p95_ms, unit="ms"),
    "mean": Shown(name="Mean", read=lambda n: n.mean_ms, unit="ms"),
    "share": Shown(name="Share of time", read=lambda n: n.share_ratio, unit="ratio"),
    "errors": Shown(
        name="Errors",
        read=lambda n: n.error_ratio,
        unit="ratio",
        tone=Tone.FAILED,
        is_share=True,
    ),
    "runs": Shown(name="Runs", read=lambda n: n.runs, unit="count"),
    "cached": Shown(
        name="Cached",
        read=lambda n: n.cached_ratio,
        unit="ratio",
        tone=Tone.CACHED,
        is_share=True,
    ),
    "wait": Shown(name="Human time", read=lambda n: n.wait_s, unit="s", tone=Tone.WAITING),
}


def build(
    workflow: Workflow | None,
    nodes: Sequence[NodeFigures],
    waiting: Sequence[ApprovalSummary],
    *,
    figure: str,
    theme: Theme,
) -> GraphView | None:
    """
    Draw one workflow's graph; None where there is none to lay out.

    Args:
        workflow: Whose graph.
        nodes: The figures of its nodes, and possibly of others.
        waiting: Pending cards, of any workflow.
        figure: A key of `FIGURES`.
        theme: Light or dark.
    """
    if workflow is None:
        return None
    shown = FIGURES[figure]
    own = {n.path: n for n in nodes if n.workflow == workflow.name}
    cards = group_cards(workflow, waiting)
    worst = max((shown.read(n) or 0.0 for n in own.values()), default=0.0)
    paints = {
        path: _paint(path, own.get(path), len(cards.get(path, ())), shown, worst, theme)
        for path in own.keys() | cards.keys()
    }
    states = {path: node.breaker_state for path, node in own.items()}
    hrefs = hrefs_of(workflow, cards=cards, breaker_states=states)
    return draw(workflow, paints, theme, unpainted="did not run", hrefs=hrefs)


def _paint(
    path: str, node: NodeFigures | None, cards: int, shown: Shown, worst: float, theme: Theme
) -> Paint:
    value = shown.read(node) if node else None
    fill = heat(_share(value, shown, worst), shown.tone, theme)
    notes = [_say_value(node, value, shown)] if node else []
    edge, width, is_dashed = ground(theme).line, "1", False
    if node and node.cached_ratio and shown.name != "Cached":
        notes.append(f"cache {format_ratio(node.cached_ratio)}")
    look = BREAKERS.get(node.breaker_state) if node else None
    if look and look.tone is not Tone.DONE:
        notes.append(f"breaker {look.word}")
        edge, width, is_dashed = shade(look.tone, theme).fill, "3", True
    elif look:
        edge, width = shade(look.tone, theme).fill, "2"
    if cards:
        notes.append(format_plural(cards, "card waits", "cards wait"))
        edge = edge if is_dashed else shade(Tone.WAITING, theme).fill
        width = "3"
    return Paint(
        fill=fill,
        edge=edge,
        ink=ink_on(fill, theme),
        notes=tuple(notes),
        word=", ".join(notes) or path,
        width=width,
        is_dashed=is_dashed,
    )


def _share(value: float | None, shown: Shown, worst: float) -> float | None:
    if not value:
        return None
    share = value if shown.is_share else value / worst
    return LEAST_RATIO + (1 - LEAST_RATIO) * share


def _say_value(node: NodeFigures, value: float | None, shown: Shown) -> str:
    if shown.name == "p95" and 0 < node.runs < MIN_FOR_P95:
        return f"{shown.name} {format_unit(value, shown.unit)} (n = {node.runs})"
    return f"{shown.name} {format_unit(value, shown.unit)}"
