"""The charts of the metrics: latency, volume, human time, and the heatmap of hour by node."""

from __future__ import annotations

from interlock.core.model.figures import Heat, Series
from interlock.dashboard.palette import Theme, Tone
from interlock.dashboard.views.charts import (
    Chart,
    Line,
    draw_bars,
    draw_bars_and_line,
    draw_heat,
    draw_lines,
)
from interlock.dashboard.views.formatting import format_seconds

HEAT_ROWS_COUNT = 20


def latency(series: Series, theme: Theme) -> Chart:
    """Median, p95 and p99 of executions that ended in each span; the ground is tinted from the median to p95."""
    points = series.points
    lines = [
        Line(name="p50", values=[p.p50_ms for p in points]),
        Line(name="p95", values=[p.p95_ms for p in points]),
        Line(name="p99", values=[p.p99_ms for p in points]),
    ]
    times = [p.start for p in points]
    return draw_lines(times, lines, name="Latency", unit="ms", theme=theme, band=(0, 1))


def volume(series: Series, theme: Theme) -> Chart:
    """Executions that ended well and that failed, in each span; empty where none did."""
    points = series.points if any(p.runs for p in series.points) else ()
    bars = [
        Line(name="ok", values=[p.runs - p.errors for p in points], tone=Tone.DONE),
        Line(name="failed", values=[p.errors for p in points], tone=Tone.FAILED),
    ]
    return draw_bars([p.start for p in points], bars, name="Volume", theme=theme)


def wait(series: Series, theme: Theme) -> Chart:
    """How long humans were waited for, in each span; empty where none was."""
    points = series.points if any(p.wait_s for p in series.points) else ()
    line = Line(name="human time", values=[p.wait_s for p in points], tone=Tone.WAITING)
    times = [p.start for p in points]
    return draw_lines(times, [line], name="Human time", unit="s", theme=theme)


def hour(series: Series, theme: Theme) -> Chart:
    """Executions as bars and human time as a line over them, in each span; empty where neither was."""
    points = series.points if any(p.runs or p.wait_s for p in series.points) else ()
    bars = [
        Line(name="ok", values=[p.runs - p.errors for p in points], tone=Tone.DONE),
        Line(name="failed", values=[p.errors for p in points], tone=Tone.FAILED),
    ]
    human = Line(name="human time", values=[p.wait_s for p in points], tone=Tone.WAITING)
    times = [p.start for p in points]
    return draw_bars_and_line(times, bars, human, name="The last hour", line_unit="s", theme=theme)


def heatmap(heat: Heat, theme: Theme) -> Chart:
    """Median of each node in each hour; each node by its own worst hour."""
    cells = dict(list(heat.cells.items())[:HEAT_ROWS_COUNT])
    return draw_heat(list(heat.hours), cells, name="Median by hour", unit="ms", theme=theme)


def say_span(series: Series) -> str:
    """How long each point of a series is: `each point is 1 m`."""
    return f"each point is {format_seconds(series.span_s)}, in UTC"
