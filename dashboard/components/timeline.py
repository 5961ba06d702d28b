"""The timeline as a chart: one lane a node path, human wait hatched."""

from __future__ import annotations

from typing import Any

import streamlit as st

from interlock.dashboard.palette import FONT, Theme, Tone, ground, shade
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.timeline import Bar, Lane, Timeline

LANE_HEIGHT = 30  # pixels
MARGIN_HEIGHT = 46
TICK_HEIGHT = 0.36  # of a lane, to each side


def draw_timeline(view: Timeline | None, theme: Theme, *, key: str) -> None:
    if view is None:
        st.caption("Nothing has run yet.")
        return
    figure = build_figure(view, theme)
    st.plotly_chart(
        figure,
        key=key,
        theme=None,
        alt=show_hidden(view.alt),
        config={"displayModeBar": False, "staticPlot": False, "scrollZoom": False},
    )
    if view.left_out:
        st.caption(view.left_out)


def build_figure(view: Timeline, theme: Theme) -> dict[str, Any]:
    """Bars by lane; a lane's second and later attempts are marked by a thin line."""
    bars = [_draw_bar(lane, bar, theme) for lane in view.lanes for bar in lane.bars]
    ticks = [
        _draw_tick(tick, number, theme)
        for number, lane in enumerate(view.lanes)
        for tick in lane.ticks
    ]
    return {"data": bars, "layout": {**_layout(view, theme), "shapes": ticks}}


def _draw_bar(lane: Lane, bar: Bar, theme: Theme) -> dict[str, Any]:
    fill = shade(bar.look.tone, theme).fill
    marker: dict[str, Any] = {"color": fill, "line": {"width": 0}}
    if bar.is_wait:
        amber = shade(Tone.WAITING, theme)
        pattern = {"shape": "/", "fgcolor": amber.fill, "size": 6, "solidity": 0.35}
        line = {"color": amber.fill, "width": 1}
        marker = {"color": amber.ground, "line": line, "pattern": pattern}
    return {
        "type": "bar",
        "orientation": "h",
        "base": [bar.left],
        "x": [bar.width],
        "y": [lane.label],
        "width": 0.62,
        "marker": marker,
        "hovertext": bar.text,
        "hoverinfo": "text",
        "showlegend": False,
    }


def _draw_tick(at: float, lane: int, theme: Theme) -> dict[str, Any]:
    line = {"color": ground(theme).text, "width": 2}
    low, high = lane - TICK_HEIGHT, lane + TICK_HEIGHT
    return {"type": "line", "x0": at, "x1": at, "y0": low, "y1": high, "line": line}


def _layout(view: Timeline, theme: Theme) -> dict[str, Any]:
    grey = ground(theme)
    font = {"color": grey.muted, "size": 12, "family": FONT}
    return {
        "barmode": "overlay",
        "height": MARGIN_HEIGHT + LANE_HEIGHT * len(view.lanes),
        "margin": {"l": 8, "r": 16, "t": 8, "b": 28},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": font,
        "dragmode": False,
        "xaxis": {
            "range": [0, view.width * 1.02],
            "tickvals": [m.at for m in view.marks],
            "ticktext": [m.text for m in view.marks],
            "gridcolor": grey.line,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "categoryorder": "array",
            "categoryarray": [lane.label for lane in view.lanes],
            "autorange": "reversed",
            "automargin": True,
            "ticks": "outside",
            "ticklen": 6,
            "tickcolor": "rgba(0,0,0,0)",
            "fixedrange": True,
            "showgrid": False,
        },
    }
