from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.figures import NodeFigures
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import observing, sifting
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.figure_tables import draw_figure_table, draw_heading
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.metrics_parts import draw_beside, draw_errors
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import metrics_graph
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.metrics import MetricsView

CARDS_COUNT = 500


def choose_figure(place: str) -> None:
    state.set_params(figure=st.session_state[keys.metrics_figure(place)])


def choose_graph(place: str) -> None:
    state.set_params(graph=st.session_state[keys.metrics_graph_of(place)])


def draw_graph_of(names: Sequence[str], nodes: Sequence[NodeFigures], *, place: str) -> None:
    """
    One workflow's graph, coloured by a figure; which of both lives in the URL.

    Args:
        names: The workflows to choose from, the first is shown at first.
        nodes: The figures of their nodes.
        place: The page, as two may hold a graph.
    """
    name = state.read_choice("graph", names, names[0])
    figure = state.read_choice("figure", metrics_graph.FIGURES, metrics_graph.DEFAULT)
    with st.container(horizontal=True, gap="small"):
        st.session_state[keys.metrics_graph_of(place)] = name
        st.selectbox(
            "Workflow",
            names,
            key=keys.metrics_graph_of(place),
            on_change=choose_graph,
            args=(place,),
            width=200,
        )
        st.session_state[keys.metrics_figure(place)] = figure
        st.selectbox(
            "Coloured by",
            list(metrics_graph.FIGURES),
            format_func=lambda key: metrics_graph.FIGURES[key].name,
            key=keys.metrics_figure(place),
            on_change=choose_figure,
            args=(place,),
            width=160,
        )
    app = deps.app()
    waiting = sifting.list_rows(app, InboxFilter(workflow=name), limit=CARDS_COUNT)
    try:
        workflow = observing.get_workflow(app, name)
    except NotFound:  # taken out of the project between two readings
        workflow = None
    draw_graph(metrics_graph.build(workflow, nodes, waiting, figure=figure, theme=read_theme()))


def draw_tables(view: MetricsView) -> None:
    theme = read_theme()
    draw_heading("Workflows", view.workflows.sheet, file_at=view.file_at, place="workflows")
    draw_figure_table(view.workflows, theme, key=keys.metrics_table("workflows"))
    draw_heading("Errors", view.errors.sheet, file_at=view.file_at, place="errors")
    if not view.error_rows:
        st.caption("No errors in this window.")
    draw_errors(view.error_rows)
    st.caption(view.refused)
    draw_heading("Variants", view.variants.sheet, file_at=view.file_at, place="variants")
    draw_beside(view.beside, alt=view.variants.alt)
    draw_heading("Reviewers", view.reviewers.sheet, file_at=view.file_at, place="reviewers")
    if view.haste:
        st.warning(md_escape(view.haste), icon=":material/approval:")
    if view.reviewers.rows:
        draw_figure_table(view.reviewers, theme, key=keys.metrics_table("reviewers"))
    else:
        st.caption("Nobody decided anything in this window.")
