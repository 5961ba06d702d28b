"""The workflow's graph, laid out in the browser; no program is needed for it."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.views.graph import GraphView

HEIGHT = 440  # pixels, whatever the graph: nothing below it may jump


def draw_graph(view: GraphView | None) -> None:
    if view is None:
        st.caption("No graph to draw: the workflow is not loaded, or too large to lay out.")
        return
    st.graphviz_chart(view.dot, width="stretch", height=HEIGHT, alt=view.alt)
