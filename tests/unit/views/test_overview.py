from __future__ import annotations

from interlock.core.model.runs import RunStatus
from interlock.dashboard.views import overview


def build(make, counts=None, **parts):
    given = {"waiting": [], "running": [], "failed": [], "workflows": []} | parts
    return overview.build(make.overview(**(counts or {})), **given, now=make.now)


def test_the_figures_say_what_waits_and_since_when(make):
    view = build(
        make,
        {"waiting": 7, "oldest_waiting_at": make.ago(minutes=12), "running": 23, "queued": 2},
        waiting=[make.card()],
    )
    first, second, *_ = view.figures
    assert (first.label, first.value, first.note) == ("Waiting for a human", "7", "oldest 12 min")
    assert first.alarm
    assert (second.value, second.note) == ("23", "2 queued")
    assert view.waiting_more == "and 6 more cards in the inbox"


def test_quiet_hours_say_so_and_offer_a_launch(make):
    view = build(make, workflows=[make.workflow()])
    assert view.figures[0].note == "none waits"
    assert view.nothing_waits.link.label == "Launch the refund desk"
    assert view.nothing_runs == "Nothing runs at the moment."
    assert view.nothing_failed == "Nothing failed since 2026-03-02 11:00:00 UTC."
    assert view.waiting_more == ""
    assert view.notice is None


def test_failures_older_than_the_hour_are_left_out(make):
    recent = make.run("new", RunStatus.FAILED, ended_at=make.ago(minutes=5))
    old = make.run("old", RunStatus.FAILED, ended_at=make.ago(minutes=65))
    unended = make.run("odd", RunStatus.FAILED, created_at=make.ago(minutes=1))
    view = build(make, failed=[recent, old, unended], running=[make.run()])
    assert [r.run_id for r in view.failed] == ["new", "odd"]
    assert view.nothing_failed == ""
    assert view.nothing_runs == ""


def test_a_missing_worker_is_on_the_first_page(make):
    view = build(make, {"workers_alive": 0, "newest_heartbeat_at": None})
    assert view.notice is not None
    assert view.figures[-1].note == "none has started yet"
    assert view.figures[-1].alarm
