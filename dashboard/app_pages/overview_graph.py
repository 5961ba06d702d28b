from __future__ import annotations

import streamlit as st

from interlock.core.errors import NotFound
from interlock.core.model.figures import Metrics
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.services import observing, sifting
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.theme import read_theme
from interlock.dashboard.views import overview, system_graph

CARDS_COUNT = 500
NO_GRAPH = "The graph of a workflow stands here once one is loaded, with what each node is doing."


def choose_graph() -> None:
    state.set_params(graph=st.session_state[keys.metrics_graph_of("overview")])


def draw_state_of(found: Metrics) -> None:
    """One workflow's graph as it stands now; which of them lives in the URL."""
    app = deps.app()
    names = overview.name_graphs(found, observing.list_workflow_names(app))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("The system", anchor=False, width="stretch")
        if names:
            name = state.read_choice("graph", names, names[0])
            st.session_state[keys.metrics_graph_of("overview")] = name
            st.selectbox(
                "Workflow",
                names,
                key=keys.metrics_graph_of("overview"),
                on_change=choose_graph,
                label_visibility="collapsed",
                width=220,
            )
    if not names:
        st.caption(NO_GRAPH)
        return
    try:
        workflow = observing.get_workflow(app, name)
    except NotFound:  # taken out of the project between two readings
        workflow = None
    draw_graph(
        system_graph.build(
            workflow,
            found.nodes,
            sifting.list_rows(app, InboxFilter(workflow=name), limit=CARDS_COUNT),
            observing.count_running_nodes(app, name),
            theme=read_theme(),
        )
    )
