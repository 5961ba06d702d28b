from __future__ import annotations

from datetime import datetime

import streamlit as st

from interlock.core.services import metrics as measuring
from interlock.core.services import observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.figures_parts import draw_graph_of, draw_tables
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.figure_tables import draw_figure_table, draw_heading
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.live import live
from interlock.dashboard.components.metrics_controls import EVERY, EVERY_VARIANT, draw_controls
from interlock.dashboard.components.metrics_parts import draw_narrowed
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import metrics, metrics_node, metrics_window
from interlock.dashboard.views.charts import Chart
from interlock.dashboard.views.metrics import MetricsView
from interlock.dashboard.views.metrics_window import CUSTOM, Chosen
from interlock.dashboard.views.notices import Link

SHORT_REFRESH_S = 15.0  # the newest minute of a window grows while nothing is written


def read_chosen(now: datetime) -> Chosen:
    return metrics_window.choose(
        state.read_param("window"),
        start=state.read_param("start"),
        end=state.read_param("end"),
        workflow=state.read_param("workflow"),
        variant=state.read_param("variant"),
        now=now,
    )


def choose_window() -> None:
    name = st.session_state[keys.metrics_window()]
    now = deps.app().clock.now()
    before = read_chosen(now)
    params = before.params | {"window": name}
    if name == CUSTOM:  # begins as what was seen
        params |= {
            "start": metrics_window.write_moment(before.window.start),
            "end": metrics_window.write_moment(before.window.end),
        }
    else:
        params |= {"start": None, "end": None}
    state.set_params(**params)


def choose_moment() -> None:
    for which in ("start", "end"):
        at = st.session_state.get(keys.metrics_moment(which))
        state.set_params(**{which: metrics_window.write_moment(at)})


def choose_workflow() -> None:
    chosen = st.session_state[keys.metrics_workflow()]
    state.set_params(workflow=None if chosen == EVERY else chosen, variant=None, node=None)


def choose_variant() -> None:
    chosen = st.session_state[keys.metrics_variant()]
    state.set_params(variant=None if chosen == EVERY_VARIANT else chosen)


def show_all_nodes() -> None:
    state.set_params(node=None)


@st.fragment
def draw() -> None:
    live("figures", "breakers", "inbox", key=keys.live("metrics"), refresh_s=SHORT_REFRESH_S)
    app = deps.app()
    now = app.clock.now()
    theme = read_theme()
    chosen = read_chosen(now)
    workflows = observing.list_workflow_names(app)
    found = measuring.read(app, chosen.window)
    draw_controls(
        chosen,
        [w.name for w in workflows],
        found.variant_names,
        on_window=choose_window,
        on_moment=choose_moment,
        on_workflow=choose_workflow,
        on_variant=choose_variant,
    )
    narrowed = metrics_node.narrow(found, state.read_param("node"))
    view = metrics.build(
        narrowed.metrics if narrowed else found,
        chosen,
        workflows=workflows,
        theme=theme,
        now=now,
    )
    draw_notice(view.notice)
    draw_narrowed(narrowed, on_all=show_all_nodes)
    draw_figures(view.figures)
    if view.empty:
        draw_empty(view.empty)
        return
    draw_nodes(view)
    left, right = st.columns(2, gap="medium")
    with left:
        draw_timed("Latency of executions", view.latency, "latency", view)
        draw_timed(
            "Human time", view.wait, "wait", view, nothing="No card was decided in this window."
        )
    with right:
        draw_timed("Executions that ended", view.volume, "volume", view)
        draw_heading("The graph", None, file_at=view.file_at, place="graph")
        if names := metrics.name_graphs(found, workflows):  # whole, whatever it is narrowed to
            draw_graph_of(names, found.nodes, place="metrics")
        else:
            st.caption("None of the workflows that ran in this window is loaded.")
    draw_timed("Median of each node, by hour", view.heat, "heat", view)
    draw_tables(view)
    st.caption(f"{view.span} · {view.span_of_point}")
    params = {k: v for k, v in chosen.params.items() if v is not None}
    draw_link(Link("Report to print", "report", params))


def draw_nodes(view: MetricsView) -> None:
    draw_heading("Nodes, worst first", view.nodes.sheet, file_at=view.file_at, place="nodes")
    draw_figure_table(view.nodes, read_theme(), key=keys.metrics_table("nodes"))


def draw_timed(
    title: str,
    chart: Chart,
    what: str,
    view: MetricsView,
    *,
    nothing: str = "Nothing ended in this window.",
) -> None:
    draw_heading(title, chart.sheet, file_at=view.file_at, place=what)
    draw_chart(chart, key=keys.metrics_chart(what), nothing=nothing)


st.title("Metrics", anchor=False)
draw()
