"""The metrics narrowed to one node of one workflow, as a click on it in a graph asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.core.model.figures import Metrics
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import clip

NAME_LIMIT_COUNT = 60


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What is left, what the button says that takes it back, and what is not narrowed; foreign words."""

    metrics: Metrics
    label: str
    note: str


def narrow(metrics: Metrics, node: str | None) -> Narrowed | None:
    """
    Leave what is of one node and of the nodes within it; None where none is asked for.

    Args:
        metrics: Of one workflow: a path alone says too little.
        node: The path, as whoever wrote the address gave it.
    """
    if node is None or metrics.window.workflow is None:
        return None
    left = replace(
        metrics,
        nodes=[each for each in metrics.nodes if _is_within(each.path, node)],
        errors=[each for each in metrics.errors if _is_within(each.path, node)],
        heat=replace(
            metrics.heat,
            cells={p: cells for p, cells in metrics.heat.cells.items() if _is_within(p, node)},
        ),
    )
    name = clip(show_hidden(node), NAME_LIMIT_COUNT)
    found = "" if left.nodes else " It did not run in this window."
    return Narrowed(
        metrics=left,
        label=f"Only {name}",
        note=(
            "Nodes, errors and medians by hour are of this node; all else is of the workflow."
            + found
        ),
    )


def _is_within(path: str, node: str) -> bool:
    return path == node or path.startswith(f"{node}/")
