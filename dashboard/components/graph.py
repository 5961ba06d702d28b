"""The workflow's graph, laid out in the browser; no program is needed for it."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.graph import GraphView

HEIGHT = 440  # pixels, whatever the graph: nothing below it may jump
LEAST = 36  # pixels for a node under another one, below which nobody can read it
RANK = 72  # pixels that it is given then; the picture is scrolled


def draw_graph(view: GraphView | None) -> None:
    if view is None:
        st.caption("No graph to draw: the workflow is not loaded, or too large to lay out.")
        return
    is_long = view.rank_count * LEAST > HEIGHT
    height = view.rank_count * RANK if is_long else HEIGHT
    with st.container(height=HEIGHT if is_long else "content", border=False):
        st.graphviz_chart(view.dot, width="stretch", height=height, alt=show_hidden(view.alt))
