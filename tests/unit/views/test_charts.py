from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from interlock.dashboard.palette import Look, Tone, shade
from interlock.dashboard.views import charts, sparks
from interlock.dashboard.views.chart_parts import file_of, time_axis
from interlock.dashboard.views.charts import Line, Span

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CLOSED = Look(Tone.DONE, "closed", ":material/power:")
OPEN = Look(Tone.SHORT_CIRCUITED, "open", ":material/power_off:")


def minutes(count):
    return [START + timedelta(minutes=n) for n in range(count)]


def latency(**options):
    lines = [
        Line(name="p50", values=[100, None, 180]),
        Line(name="p95", values=[300, 500, 390], tone=Tone.FAILED),
    ]
    return charts.draw_lines(minutes(3), lines, name="Latency", unit="ms", theme="light", **options)


def test_lines_start_at_zero_and_carry_their_names_at_their_ends():
    layout = latency().figure["layout"]
    assert layout["yaxis"]["range"] == [0, 600 * 1.04]
    assert layout["yaxis"]["ticktext"] == ["0", "300 ms", "600 ms"]
    assert [a["text"] for a in layout["annotations"]] == ["p50", "p95"]


def test_a_chart_says_the_same_in_words_and_as_a_table():
    chart = latency()
    assert (
        chart.alt == "Latency. p50: last 180 ms, at most 180 ms; p95: last 390 ms, at most 500 ms."
    )
    assert chart.sheet.columns == ("time", "p50", "p95")
    assert chart.sheet.rows[1] == ("2026-03-02 12:01:00 UTC", None, 500)


def test_a_point_between_gaps_is_seen():
    p50, p95 = latency().figure["data"]
    assert (p50["mode"], p95["mode"]) == ("lines+markers", "lines")


def test_only_the_point_between_gaps_wears_a_mark():
    line = Line(name="p50", values=[100, 120, None, 180])
    drawn = charts.draw_lines(minutes(4), [line], name="Latency", unit="ms", theme="light")
    assert drawn.figure["data"][0]["marker"]["size"] == [0, 0, 0, 5]


def test_a_line_has_the_colour_of_its_meaning():
    assert latency().figure["data"][1]["line"]["color"] == shade(Tone.FAILED, "light").fill


def test_a_band_tints_the_ground_between_two_lines():
    low, high = latency(band=(0, 1)).figure["data"]
    assert "fill" not in low
    assert high["fill"] == "tonexty"


def test_names_of_lines_that_end_together_do_not_cover_each_other():
    lines = [Line(name=name, values=[5, 5, 5]) for name in "abc"]
    chart = charts.draw_lines(minutes(3), lines, name="Same", unit="count", theme="dark")
    places = [a["yshift"] for a in chart.figure["layout"]["annotations"]]
    assert all(b - a >= 15 for a, b in itertools.pairwise(places))
    assert places[-1] + 7 <= charts.HEIGHT - charts.BOTTOM  # none is cut at the top


def test_a_line_without_values_has_no_name_at_its_end():
    lines = [Line(name="p50", values=[None]), Line(name="p95", values=[1])]
    chart = charts.draw_lines(minutes(1), lines, name="Latency", unit="ms", theme="light")
    assert [a["text"] for a in chart.figure["layout"]["annotations"]] == ["p95"]
    assert "p50: nothing to say" in chart.alt


def test_bars_are_stacked_from_zero():
    bars = [
        Line(name="ok", values=[3, 0], tone=Tone.DONE),
        Line(name="failed", values=[1, None], tone=Tone.FAILED),
    ]
    chart = charts.draw_bars(minutes(2), bars, name="Runs", theme="light")
    assert chart.figure["layout"]["yaxis"]["range"][0] == 0
    assert chart.figure["layout"]["yaxis"]["tickvals"] == [0, 2, 4]
    assert chart.figure["layout"]["barmode"] == "stack"
    assert not chart.is_empty


def test_a_chart_without_any_value_is_empty():
    chart = charts.draw_bars([], [], name="Runs", theme="light")
    assert chart.is_empty
    assert chart.alt == "Runs. nothing to show."
    assert chart.sheet.rows == ()


def test_each_row_of_a_heatmap_is_measured_by_its_own_worst():
    cells = {"slow": [1000, 500], "fast": [None, 2], "still": [0, None]}
    chart = charts.draw_heat(minutes(2), cells, name="Median", unit="ms", theme="dark")
    assert chart.figure["data"][0]["z"] == [[1.0, 0.5], [None, 1.0], [0.0, None]]
    assert "slow: 1.00 s" in chart.figure["data"][0]["hovertext"][0][0]
    assert len(chart.figure["data"][0]["x"]) == 3  # the edges of two columns
    assert charts.draw_heat([], {}, name="Median", unit="ms", theme="dark").is_empty


def test_states_stand_in_lanes_and_what_is_cut_off_is_hatched():
    lanes = {
        "llm": [
            Span(start=START, end=START + timedelta(minutes=1), look=CLOSED),
            Span(start=START + timedelta(minutes=1), end=START + timedelta(minutes=2), look=OPEN),
        ],
        "bank": [],
    }
    end = START + timedelta(minutes=2)
    chart = charts.draw_strip(lanes, start=START, end=end, name="Breakers", theme="light")
    closed, cut_off = chart.figure["data"]
    assert closed["x"] == [60_000]
    assert "pattern" not in closed["marker"]
    assert cut_off["marker"]["pattern"]["shape"] == "/"
    assert chart.alt == "Breakers, at the end: llm open."
    assert chart.sheet.rows[0][:2] == ("llm", "closed")


def test_a_strip_without_states_is_empty():
    chart = charts.draw_strip({}, start=START, end=START, name="Breakers", theme="light")
    assert chart.is_empty
    assert chart.alt == "Breakers, at the end: nothing known."


def test_foreign_names_are_escaped():
    evil = "<a href='http://e'>x</a>"
    line = Line(name=evil, values=[1, 2])
    for chart in (
        charts.draw_lines(minutes(2), [line], name="A", unit="count", theme="light"),
        charts.draw_bars(minutes(2), [line], name="A", theme="light"),
        charts.draw_heat(minutes(2), {evil: [1, 2]}, name="A", unit="count", theme="light"),
    ):
        assert "<a " not in str(chart.figure)
        assert evil in chart.alt


def test_a_spark_is_a_line_without_axes():
    chart = sparks.draw_spark(Line(name="calls", values=[1, None, 4]), unit="count", theme="light")
    assert chart.figure["layout"]["yaxis"]["visible"] is False
    assert chart.alt == "calls: last 4, at most 4"
    assert sparks.draw_spark(Line(name="calls", values=[]), unit="count", theme="dark").is_empty


@pytest.mark.parametrize(
    ("bad", "tone", "opacity"),
    [
        (None, Tone.QUIET, 1.0),
        (0.0, Tone.DONE, 1.0),
        (1.0, Tone.FAILED, 1.0),
        (0.0001, Tone.FAILED, 0.35),
    ],
)
def test_a_circle_is_red_by_its_share_of_errors(bad, tone, opacity):
    chart = sparks.draw_circle(0.5, bad, name="llm", theme="light")
    circle = chart.figure["layout"]["shapes"][0]
    assert circle["fillcolor"] == shade(tone, "light").fill
    assert circle["opacity"] == pytest.approx(opacity, abs=0.001)


def test_a_circle_grows_with_its_traffic():
    def width(share):
        shapes = sparks.draw_circle(share, 0, name="llm", theme="light").figure["layout"]["shapes"]
        return shapes[0]["x1"] - shapes[0]["x0"]

    assert width(0) < width(0.2) < width(1) == width(7)


@pytest.mark.parametrize(
    ("hours", "expected"), [(0, "%H:%M:%S"), (2, "%H:%M"), (13, "%H:%M\n%b %d")]
)
def test_an_axis_says_the_day_only_where_there_are_several(hours, expected):
    times = [START, START + timedelta(hours=hours / 2), START + timedelta(hours=hours)]
    assert time_axis(times, "light")["tickformat"] == expected


def test_an_axis_of_one_time_or_of_none_can_be_drawn():
    assert "range" not in time_axis([], "light")
    assert time_axis([START], "light")["range"] == ["2026-03-02 12:00:00"] * 2


def test_a_title_becomes_the_name_of_a_file():
    assert file_of("Latency, p95 (ms)") == "latency-p95-ms"
    assert file_of("!") == "chart"
