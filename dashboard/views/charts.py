"""
Charts over time as plotly's JSON, each with the same in words and as a table.

One idea a chart: zero-based axes that stand still, names beside the marks instead of a legend. Imports
neither streamlit nor plotly; `components/charts.py` draws what is built here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from interlock.dashboard.palette import Theme, Tone, shade
from interlock.dashboard.views.chart_parts import (
    BOTTOM,
    HEIGHT,
    LANE_HEIGHT,
    TOP,
    Chart,
    Line,
    Span,
    colors_of,
    file_of,
    inks_of,
    lane_axis,
    layout_of,
    moment,
    say_line,
    short,
    time_axis,
    value_axis,
)
from interlock.dashboard.views.escaping import html_escape
from interlock.dashboard.views.formatting import format_exact
from interlock.dashboard.views.scales import Unit, format_unit, heat, steady_top
from interlock.dashboard.views.sheets import Cell, Sheet

__all__ = [
    "Chart",
    "Line",
    "Span",
    "draw_bars",
    "draw_bars_and_line",
    "draw_heat",
    "draw_lines",
    "draw_strip",
]

HOUR = timedelta(hours=1)
_LABEL_PIXELS = 15  # between two names beside their lines


def draw_lines(
    times: Sequence[datetime],
    lines: Sequence[Line],
    *,
    name: str,
    unit: Unit,
    theme: Theme,
    height: int = HEIGHT,
    band: tuple[int, int] | None = None,
) -> Chart:
    """
    Lines over time, each with its name at its end.

    Args:
        times: Where the points are, oldest first.
        lines: The series.
        name: What is shown, as a title of the table and the sentence: `Latency`.
        unit: Of the values.
        theme: Light or dark.
        height: In pixels.
        band: The numbers of two lines, the lower first, between which the ground is tinted.
    """
    top = steady_top((v for line in lines for v in line.values), unit)
    colors = colors_of(lines, theme)
    data = [_line(times, line, color, unit) for line, color in zip(lines, colors, strict=True)]
    if band:
        low, high = band
        data[high] |= {"fill": "tonexty", "fillcolor": f"{colors[high]}26"}
        data = [data[low], data[high], *(d for i, d in enumerate(data) if i not in band)]
    layout = layout_of(theme, height, right=84)
    layout |= {
        "xaxis": time_axis(times, theme),
        "yaxis": value_axis(top, unit, theme),
        "annotations": _name_ends(lines, inks_of(lines, theme), top, height),
    }
    return _chart(times, lines, data, layout, name=name, unit=unit)


def draw_bars(
    times: Sequence[datetime],
    bars: Sequence[Line],
    *,
    name: str,
    theme: Theme,
    unit: Unit = "count",
    height: int = HEIGHT,
) -> Chart:
    """Bars over time, stacked from zero, the first series at the bottom; names stand above."""
    stacked = [
        sum(v or 0 for v in values) for values in zip(*(b.values for b in bars), strict=True)
    ]
    top = steady_top(stacked, unit)
    colors = colors_of(bars, theme)
    data = [
        {
            "type": "bar",
            "x": [moment(t) for t in times],
            "y": list(bar.values),
            "marker": {"color": color, "line": {"width": 0}},
            "hovertext": _hover(times, bar, unit),
            "hoverinfo": "text",
            "showlegend": False,
        }
        for bar, color in zip(bars, colors, strict=True)
    ]
    layout = layout_of(theme, height) | {
        "barmode": "stack",
        "bargap": 0.15,
        "xaxis": time_axis(times, theme),
        "yaxis": value_axis(top, unit, theme),
        "annotations": [_heading(bars, colors)],
    }
    layout["margin"]["t"] = 30
    return _chart(times, bars, data, layout, name=name, unit=unit)


def draw_bars_and_line(
    times: Sequence[datetime],
    bars: Sequence[Line],
    line: Line,
    *,
    name: str,
    line_unit: Unit,
    theme: Theme,
) -> Chart:
    """Stacked bars of counts with one line over them, which has its own axis on the right, in its colour."""
    chart = draw_bars(times, bars, name=name, theme=theme)
    [color], [ink] = colors_of([line], theme), inks_of([line], theme)
    top = steady_top(line.values, line_unit)
    axis = value_axis(top, line_unit, theme) | {
        "overlaying": "y",
        "side": "right",
        "showgrid": False,
        "tickfont": {"color": ink},
    }
    layout = dict(chart.figure["layout"]) | {
        "yaxis2": axis,
        "annotations": [_heading([*bars, line], [*colors_of(bars, theme), color])],
    }
    data = [*chart.figure["data"], _line(times, line, color, line_unit) | {"yaxis": "y2"}]
    said = f"{chart.alt.removesuffix('.')}; {say_line(line, line_unit)}."
    whole = _chart(times, [*bars, line], data, layout, name=name, unit=line_unit)
    return replace(whole, alt=said)


def draw_heat(
    times: Sequence[datetime],
    cells: Mapping[str, Sequence[float | None]],
    *,
    name: str,
    unit: Unit,
    theme: Theme,
    tone: Tone = Tone.RUNNING,
) -> Chart:
    """A row a name and a column an hour; the darker, the more. Each row is measured by its own worst."""
    rows = [Line(name=path, values=values) for path, values in cells.items()]
    shares = [_share_of_worst(row.values) for row in rows]
    edges = [*times, times[-1] + HOUR] if times else []  # a column is as wide as its hour
    scale = [[n / 4, heat(0.08 + 0.92 * n / 4, tone, theme)] for n in range(5)]
    data = [
        {
            "type": "heatmap",
            "x": [moment(edge) for edge in edges],
            "y": [short(row.name) for row in rows],
            "z": shares,
            "zmin": 0,
            "zmax": 1,
            "colorscale": scale,
            "showscale": False,
            "xgap": 2,
            "ygap": 2,
            "hoverongaps": False,
            "hovertext": [_hover(times, row, unit) for row in rows],
            "hoverinfo": "text",
        }
    ]
    layout = layout_of(theme, TOP + BOTTOM + LANE_HEIGHT * max(1, len(rows)))
    layout |= {
        "xaxis": time_axis(edges[:1] + edges[-1:], theme),
        "yaxis": lane_axis([row.name for row in rows]),
    }
    return _chart(times, rows, data, layout, name=name, unit=unit)


def draw_strip(
    lanes: Mapping[str, Sequence[Span]],
    *,
    start: datetime,
    end: datetime,
    name: str,
    theme: Theme,
) -> Chart:
    """States over time: a lane a name, each state in its colour and hatched where it is cut off."""
    data = [_span(lane, span, theme) for lane, spans in lanes.items() for span in spans]
    layout = layout_of(theme, TOP + BOTTOM + LANE_HEIGHT * max(1, len(lanes)))
    layout |= {
        "barmode": "overlay",
        "xaxis": time_axis([start, end], theme) | {"type": "date"},
        "yaxis": lane_axis(list(lanes)),
    }
    rows: list[dict[str, Cell]] = [
        {
            "name": lane,
            "state": span.look.word,
            "from": format_exact(span.start),
            "to": format_exact(span.end),
        }
        for lane, spans in lanes.items()
        for span in spans
    ]
    now = [f"{lane} {spans[-1].look.word}" for lane, spans in lanes.items() if spans]
    return Chart(
        figure={"data": data, "layout": layout},
        alt=f"{name}, at the end: {', '.join(now) or 'nothing known'}.",
        sheet=Sheet.of(file_of(name), rows),
        is_empty=not rows,
    )


def _chart(
    times: Sequence[datetime],
    lines: Sequence[Line],
    data: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    *,
    name: str,
    unit: Unit,
) -> Chart:
    rows: list[dict[str, Cell]] = [
        {"time": format_exact(t)} | {line.name: line.values[i] for line in lines}
        for i, t in enumerate(times)
    ]
    said = "; ".join(say_line(line, unit) for line in lines) or "nothing to show"
    return Chart(
        figure={"data": data, "layout": layout},
        alt=f"{name}. {said}.",
        sheet=Sheet.of(file_of(name), rows),
        is_empty=all(v is None for line in lines for v in line.values),
    )


def _line(times: Sequence[datetime], line: Line, color: str, unit: Unit) -> dict[str, Any]:
    lone = _find_lone_points(line.values)
    return {
        "type": "scatter",
        # A point between two gaps has no line to be seen by; marks on the others would hide the line.
        "mode": "lines+markers" if any(lone) else "lines",
        "marker": {"size": [5 if is_lone else 0 for is_lone in lone]},
        "connectgaps": False,
        "x": [moment(t) for t in times],
        "y": list(line.values),
        "line": {"color": color, "width": 2},
        "hovertext": _hover(times, line, unit),
        "hoverinfo": "text",
        "showlegend": False,
    }


def _find_lone_points(values: Sequence[float | None]) -> list[bool]:
    padded = [None, *values, None]
    around = zip(padded, padded[1:], padded[2:], strict=False)
    return [a is None and b is not None and c is None for a, b, c in around]


def _hover(times: Sequence[datetime], line: Line, unit: Unit) -> list[str]:
    name = short(line.name)
    return [
        f"{moment(t)} UTC<br>{name}: {format_unit(v, unit)}"
        for t, v in zip(times, line.values, strict=True)
    ]


def _name_ends(
    lines: Sequence[Line], inks: Sequence[str], top: float, height: int
) -> list[dict[str, Any]]:
    ends = []
    for line, color in zip(lines, inks, strict=True):
        value = next((v for v in reversed(line.values) if v is not None), None)
        if value is not None:
            ends.append((value / top * (height - TOP - BOTTOM), line.name, color))
    labels: list[dict[str, Any]] = []
    floor = 0.0
    for number, (place, name, color) in enumerate(sorted(ends)):
        # Names of lines that end at one height stand above each other, and none above the chart.
        room = height - BOTTOM - _LABEL_PIXELS * (len(ends) - number - 0.5)
        at = max(min(place, room), floor)
        floor = at + _LABEL_PIXELS
        labels.append(
            {
                "text": short(name),
                "font": {"color": color, "size": 12},
                "showarrow": False,
                "xref": "paper",
                "yref": "paper",
                "x": 1,
                "y": 0,
                "xanchor": "left",
                "yanchor": "middle",
                "xshift": 6,
                "yshift": at,
            }
        )
    return labels


def _heading(bars: Sequence[Line], colors: Sequence[str]) -> dict[str, Any]:
    names = [
        f'<span style="color:{color}">\N{BLACK SQUARE}</span> {short(bar.name)}'
        for bar, color in zip(bars, colors, strict=True)
    ]
    return {
        "text": "   ".join(names),
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 6,
    }


def _span(lane: str, span: Span, theme: Theme) -> dict[str, Any]:
    marker: dict[str, Any] = {"color": shade(span.look.tone, theme).fill, "line": {"width": 0}}
    if span.look.tone is Tone.SHORT_CIRCUITED:
        colors = shade(Tone.SHORT_CIRCUITED, theme)
        hatch = {"shape": "/", "fgcolor": colors.fill, "size": 6, "solidity": 0.5}
        marker = {"color": colors.ground, "pattern": hatch, "line": {"width": 0}}
    return {
        "type": "bar",
        "orientation": "h",
        "base": [moment(span.start)],
        "x": [max(0.0, (span.end - span.start).total_seconds()) * 1000],
        "y": [short(lane)],
        "width": 0.6,
        "marker": marker,
        "hovertext": f"{short(lane)}: {html_escape(span.look.word)}<br>"
        f"{moment(span.start)} to {moment(span.end)} UTC",
        "hoverinfo": "text",
        "showlegend": False,
    }


def _share_of_worst(values: Sequence[float | None]) -> list[float | None]:
    worst = max((v for v in values if v is not None), default=0.0)
    return [None if v is None else (v / worst if worst else 0.0) for v in values]
