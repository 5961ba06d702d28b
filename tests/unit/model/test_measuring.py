"""Tallies add up, and figures are made of them: nothing known is None, never 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model import measuring
from interlock.core.model.figures import Window
from interlock.core.model.histogram import Histogram
from interlock.core.model.measuring import Review
from interlock.core.model.tallies import (
    MAX_ERROR_TYPES,
    MAX_USERS,
    OTHER_TYPES,
    ErrorTally,
    NodeTally,
    RunTally,
    Tallies,
    errors_as_json,
    errors_from_json,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def node(*durations_ms: float, **counts) -> NodeTally:
    tally = NodeTally(**counts)
    for duration_ms in durations_ms:
        tally.add_run(duration_ms)
    return tally


def run(*durations_ms: float, **counts) -> RunTally:
    tally = RunTally(**{"completed": len(durations_ms), **counts})
    for duration_ms in durations_ms:
        tally.add_duration(duration_ms)
    return tally


def error(count: int, minute: int, *run_ids: str) -> ErrorTally:
    return ErrorTally(count, NOON + timedelta(minutes=minute), f"at {minute}", run_ids)


def test_two_tallies_added_are_the_tally_of_both():
    one, other = Tallies(), Tallies()
    assert one.is_empty
    one.node("w", "a", "").add(node(10, 30, errors=1, wait_s=2.0))
    one.node("w", "a", "").add_error("E", error(1, 1, "r1"))
    other.node("w", "a", "").add(node(20, cached=3, cost=0.5))
    other.node("w", "a", "").add_error("E", error(2, 2, "r2", "r1"))
    one.run("w", "").add(run(100, failed=1, error_types={"E": 1}, users={"ann"}))
    other.run("w", "").add(run(300, error_types={"E": 2}, users={"ann", "bob"}))
    one.close_minute()
    one.add(other)
    assert not one.is_empty
    sums = one.node("w", "a", "")
    assert (sums.runs, sums.sum_ms, sums.min_ms, sums.max_ms) == (3, 60, 10, 30)
    assert (sums.errors, sums.cached, sums.wait_s, sums.cost) == (1, 3, 2.0, 0.5)
    assert sums.histogram == Histogram.of([10, 20, 30])
    kept = sums.error_types["E"]
    assert (kept.count, kept.message, kept.run_ids) == (3, "at 2", ("r2", "r1"))
    runs = one.run("w", "")
    assert (runs.completed, runs.failed, runs.minutes, runs.down_minutes) == (2, 1, 1, 0)
    assert (runs.min_ms, runs.max_ms, runs.users) == (100, 300, {"ann", "bob"})
    assert runs.error_types == {"E": 3}


def test_an_older_error_does_not_replace_a_newer_one():
    newer = error(1, 5, "r5")
    newer.add(error(1, 1, *(f"r{n}" for n in range(9))))
    assert (newer.count, newer.message, newer.run_ids[0], len(newer.run_ids)) == (
        2,
        "at 5",
        "r5",
        5,
    )
    stored = {"E": newer, "F": ErrorTally(1)}
    assert errors_from_json(errors_as_json(stored)) == stored


def test_what_a_row_keeps_by_name_is_bounded():
    tally = NodeTally()
    for number in range(MAX_ERROR_TYPES + 3):
        tally.add_error(f"E{number}", error(1, 1))
    assert len(tally.error_types) == MAX_ERROR_TYPES + 1
    assert tally.error_types[OTHER_TYPES].count == 3
    runs = RunTally()
    for number in range(MAX_USERS + 3):
        runs.add_users([f"u{number}"])
    assert len(runs.users) == MAX_USERS


@pytest.mark.parametrize(
    ("completed", "failed", "minutes"), [(0, 0, (0, 0)), (1, 1, (1, 0)), (0, 2, (1, 1))]
)
def test_a_minute_is_down_when_nothing_but_failures_ended(completed, failed, minutes):
    tallies = Tallies()
    tallies.run("w", "").completed, tallies.run("w", "").failed = completed, failed
    tallies.close_minute()
    assert (tallies.run("w", "").minutes, tallies.run("w", "").down_minutes) == minutes


def test_nodes_come_worst_first_with_their_share_and_their_breaker():
    tallies = Tallies()
    tallies.node("w", "fine", "").add(node(*[10] * 3, attempts=3))
    tallies.node("w", "bad", "x").add(node(30, 40, errors=1, attempts=4))
    tallies.node("w", "bad", "y").add(node(cached=2))
    tallies.node("w", "team", "").add(node(100))
    tallies.node("w", "team/inner", "").add(node(90))
    tallies.node("w", "asks", "").add(node(interrupted=1, wait_s=9.0))
    found = measuring.measure_nodes(tallies, {("w", "bad"): ("payments", "open")})
    assert [n.path for n in found] == ["bad", "team", "team/inner", "fine", "asks"]
    bad, team, inner, _, asks = found
    assert (bad.breaker, bad.breaker_state, bad.runs, bad.cached_ratio) == (
        "payments",
        "open",
        2,
        0.5,
    )
    assert (bad.error_ratio, bad.mean_ms, bad.attempts) == (0.5, 35, 4)
    assert (team.share_ratio, inner.share_ratio, inner.node) == (0.5, 0.45, "inner")
    assert (asks.p50_ms, asks.mean_ms, asks.share_ratio, asks.error_ratio) == (None,) * 4
    assert asks.wait_s == 9
    assert list(measuring.busiest(found, 2)) == [("w", "team"), ("w", "team/inner")]


def test_a_percentile_is_never_beyond_what_was_measured():
    (only,) = measuring.measure_nodes(with_node(node(123.4)), {})
    assert (only.p50_ms, only.p99_ms) == (123.4, 123.4)
    nested = measuring.measure_nodes(with_node(node(10), path="team/inner"), {})
    assert nested[0].share_ratio == 1


def with_node(tally: NodeTally, path: str = "a") -> Tallies:
    tallies = Tallies()
    tallies.nodes["w", path, ""] = tally
    return tallies


def test_workflows_and_their_variants_agree():
    tallies = Tallies()
    tallies.run("w", "a").add(run(100, 300, started=3, nodes=8, rated=2, ratings=7, minutes=2))
    tallies.run("w", "b").add(run(500, completed=0, failed=1, minutes=1, down_minutes=1))
    tallies.run("plain", "").add(RunTally(started=1))
    tallies.node("w", "n", "a").add(NodeTally(tokens_in=5, cost=0.25))
    tallies.node("w", "n", "b").add(NodeTally(tokens_in=2))
    plain, found = measuring.measure_workflows(
        tallies, seconds=120, failed_last_hour={("w", "b"): 1}
    )[0]
    assert (plain.started, plain.success_ratio, plain.mean_ms, plain.p95_ms) == (
        1,
        None,
        None,
        None,
    )
    assert (plain.uptime_ratio, plain.rating, plain.nodes_per_run) == (None, None, None)
    assert (found.completed, found.failed, found.mean_ms) == (2, 1, 300)
    assert found.success_ratio == pytest.approx(2 / 3)
    assert found.uptime_ratio == pytest.approx(2 / 3)
    assert (found.rating, found.runs_per_minute, found.failed_last_hour) == (3.5, 1.5, 1)
    assert (found.tokens_in, found.cost) == (7, 0.25)
    _, variants = measuring.measure_workflows(tallies, seconds=120, failed_last_hour={})
    assert [(v.workflow, v.variant, v.completed, v.tokens_in) for v in variants] == [
        ("w", "a", 2, 5),
        ("w", "b", 0, 2),
    ]
    assert variants[0].nodes_per_run == 4


def test_totals_are_of_everything():
    tallies = with_node(node(10, 20, cached=2, tokens_in=3, tokens_out=4, interrupted=1))
    tallies.run("w", "").add(run(100, failed=1, users={"ann"}))
    totals = measuring.measure_totals(tallies, [Review("bob", True, False, 1.0, 2)], seconds=60)
    assert (totals.completed, totals.failed, totals.success_ratio) == (1, 1, 0.5)
    assert (totals.cached_ratio, totals.tokens, totals.interrupted) == (0.5, 7, 1)
    assert (totals.active_users, totals.active_reviewers, totals.runs_per_minute) == (1, 1, 2)
    nothing = measuring.measure_totals(Tallies(), [], seconds=0)
    assert (nothing.success_ratio, nothing.p95_ms, nothing.cached_ratio) == (None, None, None)


def test_errors_come_most_frequent_first():
    tallies = with_node(node())
    tallies.node("w", "a", "").add_error("Rare", error(1, 1, "r1"))
    tallies.node("w", "a", "").add_error("Often", error(3, 2, "r2"))
    tallies.node("w", "b", "v").add_error("Unknown", ErrorTally(1))
    found = measuring.measure_errors(tallies)
    assert [(e.error_type, e.count, e.run_ids) for e in found] == [
        ("Often", 3, ("r2",)),
        ("Rare", 1, ("r1",)),
    ]


def test_who_says_yes_to_everything_at_once_is_hasty():
    hasty = [Review("ann", True, False, 1.0, 11), Review("ann", True, True, 60.0, 1)]
    slow = [Review("bob", True, False, 30.0, 2), Review("bob", True, False, 40.0, 10)]
    few = [Review("cid", True, False, 1.0, 3), Review("cid", False, False, 3.0, 1)]
    found = measuring.measure_reviewers([*few, *slow, *hasty])
    assert [(r.actor, r.decided, r.is_hasty) for r in found] == [
        ("ann", 12, True),
        ("bob", 12, False),
        ("cid", 4, False),
    ]
    assert (found[0].overdue, found[0].median_s, found[2].approve_ratio) == (1, 1.0, 0.75)
    assert measuring.measure_reviewers(few)[0].median_s == 1.0


def test_a_series_leaves_no_point_out_and_a_heatmap_no_hour():
    tallies = with_node(node(cached=1, wait_s=5.0))
    tallies.run("w", "").add(run(100, 200, failed=0))
    starts = [NOON, NOON + HOUR]
    series = measuring.measure_series({NOON: tallies}, starts, HOUR)
    assert series.span_s == 3600
    full, empty = series.points
    assert (full.runs, full.errors, full.cached, full.wait_s) == (2, 0, 1, 5.0)
    assert full.p50_ms == pytest.approx(150, rel=0.02)
    assert (empty.start, empty.runs, empty.p50_ms) == (NOON + HOUR, 0, None)

    spans = {("w", "a"): {NOON: 100.0}}
    heat = measuring.measure_heat(spans, starts, is_one_workflow=True)
    assert heat.cells["a"] == [100.0, None]
    assert list(measuring.measure_heat(spans, starts, is_one_workflow=False).cells) == ["w/a"]


def test_a_window_knows_how_long_it_is():
    assert Window(start=NOON, end=NOON + HOUR).seconds == 3600
