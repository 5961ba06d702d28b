"""Charts, drawn by plotly, each with its table for whoever cannot read the picture."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from interlock.dashboard.palette import ground
from interlock.dashboard.views.chart_parts import Chart
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.sheets import to_lines

_BARE = {"displayModeBar": False, "scrollZoom": False}


def draw_chart(
    chart: Chart,
    *,
    key: str,
    has_table: bool = True,
    is_on_paper: bool = False,
    nothing: str = "Nothing to show yet.",
) -> None:
    """
    Draw a chart, and under it the same as a table, folded.

    Args:
        chart: From `views.charts`.
        key: A widget key of its own.
        has_table: Whether its table stands under it; a sparkline's figures stand beside it already.
        is_on_paper: Whether it was built for paper, and so stands on its white in the dark as well.
        nothing: What is said in its place where it has no figures.
    """
    if chart.is_empty:
        with st.container(height=chart.figure["layout"]["height"], border=False):
            st.caption(nothing)
        return
    figure = dict(chart.figure)
    if is_on_paper:
        figure["layout"] = figure["layout"] | {"paper_bgcolor": ground("light").page}
    st.plotly_chart(figure, key=key, theme=None, alt=show_hidden(chart.alt), config=_BARE)
    if has_table:
        with st.expander("As a table", icon=":material/table:"):
            st.dataframe(
                pd.DataFrame(to_lines(chart.sheet)), hide_index=True, alt=show_hidden(chart.alt)
            )
