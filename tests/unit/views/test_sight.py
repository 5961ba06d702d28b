"""The lower half of the overview."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from interlock.core.model.breaker import BreakerEvent, BreakerState
from interlock.dashboard.views import sight

from . import metric_figures as some


def change(minutes, **fields):
    values = {
        "at": some.NOW - timedelta(minutes=minutes),
        "actor": "ann",
        "action": "decide:approve",
        "object": "approval:01a20043-eb60-7575-bd49-5d7c8dad5e9e",
        "reason": "",
    }
    return SimpleNamespace(**(values | fields))


def trip(minutes, **fields):
    values = {
        "event_id": "e",
        "name": "bank",
        "at": some.NOW - timedelta(minutes=minutes),
        "before": BreakerState.CLOSED,
        "after": BreakerState.OPEN,
        "cause": "5 failures",
    }
    return BreakerEvent(**(values | fields))


def build(**fields):
    given = {"trips": [], "changes": []} | fields
    return sight.build(some.metrics(), theme="light", now=some.NOW, **given)


def test_the_last_hour_is_one_picture_and_one_table():
    view = build()
    assert view.as_of == "as of 2026-03-02 12:00:00 UTC"
    hour = view.hour
    assert hour.sheet.columns == ("time", "ok", "failed", "human time")
    assert hour.sheet.rows[0][1:] == (4, 1, 3.0)
    assert [d["type"] for d in hour.figure["data"]] == ["bar", "bar", "scatter"]
    assert hour.figure["data"][-1]["yaxis"] == "y2"
    assert hour.alt == (
        "The last hour. ok: last 4, at most 4; failed: last 1, at most 1;"
        " human time: last 3.00 s, at most 3.00 s."
    )


def test_what_people_did_and_what_tripped_stand_newest_first():
    view = build(
        changes=[
            change(9, reason="parcel lost"),
            change(1, action="hold", object="workflow:x"),
            change(0, action="launch"),  # the list of runs has them
        ],
        trips=[trip(4), trip(5, actor="ann")],
    )
    assert [row.text for row in view.changes] == [
        "ann: hold (workflow x)",
        "Breaker bank opened: 5 failures",
        "ann approved card …8dad5e9e: parcel lost",
    ]
    assert view.changes[0].ago == "1 min ago"
