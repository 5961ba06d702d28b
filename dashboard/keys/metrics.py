"""Keys of the metrics page and of its report."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def metrics_window() -> str:
    """The choice of a window."""
    return "metrics-window"


def metrics_moment(which: str) -> str:
    """A field of a custom window: `start` or `end`."""
    return join("metrics-moment", which)


def metrics_workflow() -> str:
    """The choice of a workflow."""
    return "metrics-workflow"


def metrics_variant() -> str:
    """The choice of a variant."""
    return "metrics-variant"


def metrics_node_off() -> str:
    """The button that shows all nodes again."""
    return "metrics-node-off"


def metrics_figure(place: str) -> str:
    """The figure that colours the graph of a page."""
    return join("metrics-figure", place)


def metrics_graph_of(place: str) -> str:
    """Which workflow's graph is drawn on a page."""
    return join("metrics-graph-of", place)


def metrics_chart(what: str) -> str:
    """A chart: `latency`, `volume`, `wait` or `heat`."""
    return join("metrics-chart", what)


def metrics_table(what: str) -> str:
    """A table of figures."""
    return join("metrics-table", what)


def metrics_save(place: str, ending: str) -> str:
    """The button that saves a table, as `csv` or `json`."""
    return join("metrics-save", place, ending)


def report_print() -> str:
    """The button that prints the report."""
    return "report-print"
