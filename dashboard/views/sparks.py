"""Small charts without axes, for tiles and rows whose figures stand beside them."""

from __future__ import annotations

from interlock.dashboard.palette import Theme, Tone, shade
from interlock.dashboard.views.chart_parts import (
    Chart,
    Line,
    colors_of,
    file_of,
    layout_of,
    say_line,
)
from interlock.dashboard.views.formatting import format_ratio
from interlock.dashboard.views.scales import Unit, steady_top
from interlock.dashboard.views.sheets import Cell, Sheet

SPARK_HEIGHT = 56
CIRCLE_HEIGHT = 72


def draw_spark(line: Line, *, unit: Unit, theme: Theme, height: int = SPARK_HEIGHT) -> Chart:
    """A small line without axes, from zero to its own top."""
    top = steady_top(line.values, unit)
    color = colors_of([line], theme)[0]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(range(len(line.values))),
            "y": list(line.values),
            "line": {"color": color, "width": 1.5},
            "fill": "tozeroy",
            "fillcolor": f"{color}26",
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    bare = {"visible": False, "fixedrange": True}
    layout = layout_of(theme, height) | {
        "margin": {"l": 0, "r": 0, "t": 2, "b": 2},
        "xaxis": bare | {"range": [0, max(1, len(line.values) - 1)]},
        "yaxis": bare | {"range": [0, top]},
    }
    rows: list[dict[str, Cell]] = [
        {"n": n, line.name: value} for n, value in enumerate(line.values, 1)
    ]
    return Chart(
        figure={"data": data, "layout": layout},
        alt=say_line(line, unit),
        sheet=Sheet.of(file_of(line.name), rows),
        is_empty=all(v is None for v in line.values),
    )


def draw_circle(
    size_ratio: float,
    bad_ratio: float | None,
    *,
    name: str,
    theme: Theme,
    height: int = CIRCLE_HEIGHT,
) -> Chart:
    """One circle: as large as its share of the traffic, as red as its share of errors; grey without any."""
    radius = height * (0.18 + 0.32 * min(1.0, max(0.0, size_ratio)) ** 0.5)
    calm = shade(Tone.QUIET if bad_ratio is None else Tone.DONE, theme).fill
    # Any error shows: a share of 5 % in a mix of two colours would not be seen.
    color = calm if not bad_ratio else shade(Tone.FAILED, theme).fill
    opacity = 1.0 if not bad_ratio else 0.35 + 0.65 * min(1.0, bad_ratio)
    # In pixels from the left: Streamlit makes no chart narrower than 150, and cuts off the rest.
    middle = height / 2
    box = {"x0": middle - radius, "x1": middle + radius, "y0": -radius, "y1": radius}
    box |= {"xsizemode": "pixel", "ysizemode": "pixel", "xanchor": 0, "yanchor": 0.5}
    circle = {"type": "circle", "fillcolor": color, "opacity": opacity, "line": {"width": 0}}
    bare = {"visible": False, "fixedrange": True, "range": [0, 1]}
    layout = layout_of(theme, height) | {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "xaxis": bare,
        "yaxis": bare,
        "shapes": [circle | box],
    }
    # A figure of shapes alone is refused as one without data.
    nothing = {"type": "scatter", "x": [0.5], "y": [0.5], "opacity": 0, "hoverinfo": "skip"}
    cells: dict[str, Cell] = {"name": name, "share": size_ratio, "errors": bad_ratio}
    return Chart(
        figure={"data": [nothing], "layout": layout},
        alt=f"{name}: errors {format_ratio(bad_ratio)}.",
        sheet=Sheet.of(file_of(name), [cells]),
    )
