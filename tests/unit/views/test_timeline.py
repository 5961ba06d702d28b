from __future__ import annotations

from itertools import pairwise

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeStatus
from interlock.dashboard.palette import Tone
from interlock.dashboard.views import timeline


def test_nothing_begun_is_no_timeline(make):
    assert timeline.build([], [], now=make.now) is None


def test_one_lane_a_path_in_the_order_they_began(make):
    nodes = [
        make.node("plan", started_at=make.ago(seconds=10)),
        make.node("write", started_at=make.ago(seconds=9)),
        make.node("plan", task_id="t2", started_at=make.ago(seconds=8)),
    ]
    view = timeline.build(nodes, [], now=make.now)
    assert [(lane.label, len(lane.bars)) for lane in view.lanes] == [("plan", 2), ("write", 1)]
    assert view.alt == "Timeline. plan: 2 x, 2.00 s; write: 1 x, 1.00 s."


def test_a_second_attempt_is_a_tick_where_it_began(make):
    nodes = [
        make.node(status=NodeStatus.ERROR, error_type="<Boom>"),
        make.node(attempt=2, started_at=make.ago(seconds=9)),
    ]
    (lane,) = timeline.build(nodes, [], now=make.now).lanes
    assert lane.ticks == (pytest.approx(1.0),)
    assert lane.bars[0].text == "review: error 1.00 s, &lt;Boom&gt;"
    assert lane.bars[1].text == "review: ok 1.00 s, attempt 2"
    served = [make.node(attempt=2, started_at=make.ago(seconds=9), origin="fallback:spare")]
    (lane,) = timeline.build(served, [], now=make.now).lanes
    assert (lane.ticks, lane.bars[0].text) == ((), "review: ok 1.00 s, fallback")


def test_a_night_of_waiting_does_not_squeeze_the_work(make):
    asked = make.node(status=NodeStatus.INTERRUPTED, started_at=make.ago(hours=12))
    after = make.node("charge", started_at=make.ago(seconds=1))
    card = make.card(
        asked_at=make.ago(hours=12, seconds=-1),
        status=ApprovalStatus.DECIDED,
        closed_at=make.ago(seconds=1),
    )
    view = timeline.build([asked, after], [card], now=make.now)
    review, charge = view.lanes
    work, wait = review.bars
    assert view.width == pytest.approx(2.3)
    assert work.look.tone is Tone.QUIET
    assert wait.is_wait
    assert wait.width == pytest.approx(0.3)
    assert wait.text == "waited for a human 11 h 59 m"
    assert charge.bars[0].left == pytest.approx(1.3)


def test_an_open_card_waits_until_now(make):
    asked = make.node("team/review", status=NodeStatus.INTERRUPTED)
    card = make.card(node="review", asked_at=make.ago(seconds=9))
    view = timeline.build([asked], [card], now=make.now)
    (lane,) = view.lanes
    assert lane.bars[1].text == "waiting for a human 9.00 s"
    assert lane.bars[1].look.tone is Tone.WAITING
    assert "waiting for a human" in view.alt


def test_a_breakpoint_has_a_lane_though_its_node_has_not_begun(make):
    card = make.card(node="deploy", asked_at=make.ago(seconds=9))
    view = timeline.build([make.node()], [card], now=make.now)
    assert [lane.label for lane in view.lanes] == ["review", "deploy"]
    assert "deploy: not begun" in view.alt


def test_a_card_alone_is_a_timeline_too(make):
    view = timeline.build([], [make.card()], now=make.now)
    assert view.marks == ()
    assert view.width > 0


def test_an_overlapping_pair_is_one_stretch_and_a_flash_stays_visible(make):
    nodes = [
        make.node("slow", duration_ms=8000.0),
        make.node("fast", started_at=make.ago(seconds=8), duration_ms=0.1),
        make.node("cached", started_at=make.ago(seconds=7), status=NodeStatus.CACHED),
    ]
    view = timeline.build(nodes, [], now=make.now)
    assert view.width == pytest.approx(8.0)
    fast = view.lanes[1].bars[0]
    assert fast.width == pytest.approx(8.0 * timeline.SHORTEST_RATIO)
    assert view.lanes[2].bars[0].text == "cached: cached "
    assert [m.text for m in view.marks] == ["0 ms", "8.00 s"]


def test_very_many_lanes_are_cut_and_said(make):
    nodes = [make.node(f"n{i}") for i in range(timeline.LANE_LIMIT_COUNT + 2)]
    view = timeline.build(nodes, [], now=make.now)
    assert len(view.lanes) == timeline.LANE_LIMIT_COUNT
    assert view.left_out == "2 more nodes are in the list of steps."


def test_a_card_that_was_closed_without_a_time_ends_now(make):
    card = make.card(status=ApprovalStatus.WITHDRAWN, asked_at=make.ago(seconds=3))
    view = timeline.build([make.node()], [card], now=make.now)
    assert view.lanes[0].bars[1].text == "waited for a human 3.00 s"


def test_times_on_the_axis_never_stand_on_each_other(make):
    nodes = [
        make.node(f"n{i}", started_at=make.ago(seconds=10 - i / 2), duration_ms=100.0)
        for i in range(20)
    ]
    view = timeline.build(nodes, [], now=make.now)
    gaps = [b.at - a.at for a, b in pairwise(view.marks)]
    assert len(gaps) > 2
    assert min(gaps) >= view.width / 8
