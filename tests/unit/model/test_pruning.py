"""Which threads go, and which stay whatever is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.model.pruning import WHY, Hold, Retention, Standing, find_hold
from interlock.core.model.runs import RunStatus

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DONE = Standing(status=RunStatus.DONE)
ANY = Retention(most=0)


@pytest.mark.parametrize(
    ("changes", "hold"),
    [
        ({}, None),
        ({"is_foreign": True}, Hold.FOREIGN),
        ({"has_card": True}, Hold.WAITS),
        ({"is_held": True}, Hold.HELD),
        ({"is_open": True}, Hold.OPEN),
        ({"is_busy": True}, Hold.BUSY),
        ({"is_tried": True}, Hold.TRIED),
        ({"status": None}, Hold.STATUS),
        ({"status": RunStatus.WAITING, "has_card": True}, Hold.WAITS),
        ({"is_counted": False}, Hold.COUNTED),
    ],
)
def test_a_thread_goes_only_if_nobody_and_nothing_needs_it(changes, hold):
    assert find_hold(replace(DONE, **changes), ANY) is hold


def test_a_thread_that_is_named_goes_whatever_its_last_run_became_but_not_if_it_waits():
    named = Retention(thread_ids=("t1",), statuses=())
    assert find_hold(DONE, named) is None
    assert find_hold(replace(DONE, status=None), named) is None
    assert find_hold(replace(DONE, has_card=True), named) is Hold.WAITS
    assert find_hold(DONE, Retention(most=0, statuses=(RunStatus.FAILED,))) is Hold.STATUS


def test_points_go_of_what_is_not_counted_yet_but_not_where_a_channel_needs_them():
    fewer = Retention(most=0, points=3)
    assert find_hold(replace(DONE, is_counted=False), fewer) is None
    assert find_hold(replace(DONE, has_deltas=True), fewer) is Hold.DELTAS
    assert find_hold(replace(DONE, has_card=True), fewer) is Hold.WAITS


def test_a_retention_that_says_nothing_is_empty():
    assert Retention().is_empty
    assert not any(
        r.is_empty for r in (ANY, Retention(thread_ids=("t",)), Retention(older_than=timedelta(1)))
    )
    assert ANY.since(NOW) is None
    assert Retention(older_than=timedelta(days=1)).since(NOW) == NOW - timedelta(days=1)


def test_each_reason_to_stay_has_words():
    assert set(WHY) == set(Hold)
