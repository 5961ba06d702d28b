"""The lower half of the overview."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from interlock.core.model.breaker import Breaker, BreakerEvent, BreakerRules, BreakerState
from interlock.core.model.workflows import WorkflowName
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
    given = {"breakers": [], "trips": [], "changes": []} | fields
    return sight.build(
        some.metrics(),
        workflows=[WorkflowName(name="refund_desk", error=None)],
        theme="light",
        now=some.NOW,
        **given,
    )


def test_the_last_hour_is_said_in_few_figures():
    breakers = [
        Breaker(name="bank", rules=BreakerRules(), state=BreakerState.OPEN),
        Breaker(name="mail", rules=BreakerRules()),
    ]
    view = build(breakers=breakers)
    assert [f.label for f in view.figures] == [
        "p95 of a run",
        "Runs a minute",
        "From cache",
        "Human time",
        "Breakers open",
    ]
    assert (view.figures[-1].value, view.figures[-1].note) == ("1", "of 2")
    assert view.graph_names == ("refund_desk",)
    assert view.volume.sheet.rows[0][1:] == (4, 1)
    assert view.wait.sheet.rows[0][1] == 3.0


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
        "ann: decide approve (approval …8dad5e9e): parcel lost",
    ]
    assert view.changes[0].ago == "1 min ago"
