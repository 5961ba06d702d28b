from __future__ import annotations

from interlock.dashboard.views import flow
from interlock.dashboard.views.flow import Flow


def test_nothing_is_said_while_runs_go_on(make):
    seen = make.overview(queued=3, jobs_due=3, oldest_due_at=make.ago(seconds=59))
    assert flow.flow_of(seen) is Flow.MOVING
    assert flow.find_flow_notice(seen) is None
    assert flow.find_foot_notice(seen) is None


def test_a_missing_worker_is_said_with_its_age_and_what_waits(make):
    seen = make.overview(workers_alive=0, newest_heartbeat_at=make.ago(seconds=55), jobs_due=2)
    said = flow.find_flow_notice(seen)
    assert said.weight == "error"
    assert "No worker for 55 s" in said.text
    assert "2 runs will start" in said.text
    assert "No worker has been seen for 40 s" in flow.find_foot_notice(seen).text


def test_a_worker_that_never_was_is_said_otherwise(make):
    seen = make.overview(workers_alive=0, newest_heartbeat_at=None)
    assert flow.find_flow_notice(seen).text.startswith("No worker has started yet. Start one")


def test_a_queue_that_stands_still_is_said_although_a_worker_is_alive(make):
    seen = make.overview(queued=3, running=1, oldest_due_at=make.ago(minutes=2))
    said = flow.find_flow_notice(seen)
    assert said.weight == "warning"
    assert "The queue is not moving: 3 runs queued, the oldest for 2 min" in said.text
    assert "queued for 2 min" in flow.find_foot_notice(seen).text


def test_a_queue_behind_taken_places_takes_patience_not_alarm(make):
    seen = make.overview(queued=1, running=20, slots=20, oldest_due_at=make.ago(minutes=2))
    said = flow.find_flow_notice(seen)
    assert said.weight == "info"
    assert said.text.startswith("All 20 places of the worker taken: 1 run queued")
    assert flow.find_foot_notice(seen) is None


def test_a_full_queue_is_said_unless_nothing_moves_at_all(make):
    late = make.ago(minutes=2)
    for seen in (
        make.overview(is_queue_full=True),
        make.overview(is_queue_full=True, running=20, slots=20, oldest_due_at=late),
    ):
        said = flow.find_flow_notice(seen)
        assert said.weight == "warning"
        assert said.text.startswith("The queue is full: nothing more is launched")
    standing = make.overview(is_queue_full=True, running=1, oldest_due_at=late)
    assert "The queue is not moving" in flow.find_flow_notice(standing).text
    alone = make.overview(is_queue_full=True, workers_alive=0)
    assert "No worker" in flow.find_flow_notice(alone).text


def test_a_workflow_that_no_worker_serves_is_named_before_the_queue_is_blamed(make):
    seen = make.overview(unserved=("billing",), running=1, oldest_due_at=make.ago(minutes=2))
    assert flow.find_flow_notice(seen).text.startswith("No worker serves billing: runs of it wait.")
    assert flow.find_foot_notice(seen) == flow.find_flow_notice(seen)
    many = make.overview(unserved=tuple("abcdefg"))
    assert "serves a, b, c, d, e and 2 more:" in flow.find_flow_notice(many).text
    assert flow.find_foot_notice(many) is None
