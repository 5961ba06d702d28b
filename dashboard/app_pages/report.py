from __future__ import annotations

import streamlit as st

from interlock.core.services import metrics as measuring
from interlock.core.services import observing
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.charts import draw_chart
from interlock.dashboard.components.figure_tables import draw_printed
from interlock.dashboard.components.figures import draw_figures
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.notices import draw_notice
from interlock.dashboard.components.printing import draw_print_button
from interlock.dashboard.views import metrics, metrics_window
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_exact


def draw() -> None:
    app = deps.app()
    now = app.clock.now()
    chosen = metrics_window.choose(
        state.read_param("window"),
        start=state.read_param("start"),
        end=state.read_param("end"),
        workflow=state.read_param("workflow"),
        variant=state.read_param("variant"),
        now=now,
    )
    view = metrics.build(
        measuring.read(app, chosen.window),
        chosen,
        workflows=observing.list_workflow_names(app),
        theme="light",  # paper
        now=now,
    )
    whose = chosen.window.workflow or "all workflows"
    if chosen.window.variant is not None:
        whose = f"{whose}, variant {chosen.window.variant}"
    st.caption(
        f"{md_escape(whose)} · {view.span} · written {format_exact(now)} by {md_escape(deps.actor())}"
    )
    draw_print_button(key=keys.report_print())
    draw_notice(view.notice)
    draw_figures(view.figures)
    if view.empty:
        draw_empty(view.empty)
        return
    for title, table in (
        ("Workflows", view.workflows),
        ("Variants", view.variants),
        ("Nodes, worst first", view.nodes),
        ("Errors", view.errors),
        ("Reviewers", view.reviewers),
    ):
        if table.rows:
            st.subheader(title, anchor=False)
            draw_printed(table)
            st.caption(table.left_out)
    if view.haste:
        st.warning(md_escape(view.haste))
    for title, chart in (
        ("Latency of executions", view.latency),
        ("Executions that ended", view.volume),
        ("Human time", view.wait),
        ("Median of each node, by hour", view.heat),
    ):
        if not chart.is_empty:  # paper has no need of reserved space
            st.subheader(title, anchor=False)
            draw_chart(chart, key=keys.metrics_chart(title), has_table=False, is_on_paper=True)


st.title("Report", anchor=False)
draw()
