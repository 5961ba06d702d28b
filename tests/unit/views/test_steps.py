from __future__ import annotations

from interlock.core.model.nodes import NodeStatus
from interlock.dashboard.views import steps


def test_a_row_has_its_attempt_and_its_error_in_one_line(make):
    failed = make.node(
        status=NodeStatus.ERROR,
        attempt=2,
        delivery=3,
        error_type="TimeoutError",
        error_message="took\ntoo long",
    )
    (row,) = steps.build([failed], now=make.now)
    assert row.attempt == "2 (delivery 3)"
    assert row.problem == "TimeoutError: took too long"
    assert row.took == "1.00 s"
    assert row.look.word == "error"


def test_a_try_says_its_wait_its_kind_of_error_and_what_served_instead(make):
    failed = make.node(
        attempt=2,
        error_type="ConnectError",
        error_message="no route",
        error_kind="rate_limit",
        retry_wait_ms=1500.0,
    )
    odd = make.node(error_type="E", error_kind="unknown")
    fallback = make.node(origin="fallback:spare")
    cached = make.node(origin="memory")
    stood_in = make.node(origin="stand-in:poet", attempt=2)
    rows = steps.build([failed, odd, fallback, cached, stood_in], now=make.now)
    assert [row.attempt for row in rows[2:]] == ["fallback", "1", "2"]  # no try of the node
    assert rows[0].attempt == "2 after 1.50 s"
    assert [row.problem for row in rows] == [
        "ConnectError: no route (rate limit)",
        "E:",
        "Served by the fallback spare",
        "Served from the cache (memory)",
        "poet answered in place of its model",
    ]


def test_a_running_attempt_counts_up_and_a_cached_one_did_not_run(make):
    running = make.node(status=NodeStatus.RUNNING, duration_ms=None)
    cached = make.node(status=NodeStatus.CACHED, duration_ms=0.0)
    lost = make.node(status=NodeStatus.CANCELLED, duration_ms=None)
    took = [row.took for row in steps.build([running, cached, lost], now=make.now)]
    assert took == ["10.0 s", "\u2013", "\u2013"]


def test_the_newest_attempt_of_a_task_tells_how_it_stands(make):
    first = make.node(status=NodeStatus.ERROR)
    second = make.node(attempt=2, started_at=make.ago(seconds=5))
    other = make.node("charge")
    assert set(steps.last_attempts([second, first, other])) == {second, other}
